//! What is said of what a class refuses.

use std::fmt;

/// One rule of a class, where a role breaks it, and the fix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Path of the rule in the class, or its name: `spec.guardrails.permissions.denied[0]`, `the default denial of iam:*`.
    pub rule: String,
    /// Path of what breaks it: `spec.statements[0].actions[1]`.
    pub path: String,
    /// What is wrong, as a sentence without its subject, which is the field.
    pub message: String,
    /// What to do about it, as a whole sentence.
    pub fix: String,
}

/// Path, message, rule and fix.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, path, message, fix } = self;
        write!(f, "{path}: {message} ({rule}). {fix}")
    }
}
