//! What Lambda needs from IAM, as data. Pure.

pub mod escalation;
pub mod managed_policy;
pub mod service_call;
pub mod service_reference;
pub mod unfit_policy;
