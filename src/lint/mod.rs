//! What is wrong, risky or without effect in a role, told before IAM is asked. Pure; knows the policy language and what
//! Lambda needs, not the Kubernetes API.

pub mod finding;

pub use finding::{Code, Finding, Severity};
