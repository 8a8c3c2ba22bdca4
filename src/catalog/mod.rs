//! What Lambda needs from IAM, as data. Pure.

pub mod managed_policy;
