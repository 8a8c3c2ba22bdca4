//! What is said of a role before IAM is asked: one shape for refusals, warnings and hints.

use std::fmt;

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, strum::Display, strum::IntoStaticStr)]
pub enum Severity {
    /// The role cannot be, or would not do what it says: nothing is written to IAM.
    Error,
    /// It works, and is probably not what is meant, or is riskier than it looks.
    Warning,
}

/// What a finding is about. A closed list: people ignore findings by code, and the documentation explains each.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum Code {
    /// A field breaks a rule of IAM, of Lambda or of this API.
    InvalidField,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub code: Code,
    /// Path of the field, for example `spec.statements[0].actions[1]`.
    pub path: String,
    /// What is wrong, as a sentence without its subject, which is the field.
    pub message: String,
    /// What to do about it, as a whole sentence; `None` where the message says it already.
    pub fix: Option<String>,
}

impl Finding {
    /// A field that breaks a rule.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: Code::InvalidField,
            path: path.into(),
            message: message.into(),
            fix: None,
        }
    }
}

/// Path, message and fix: what conditions, events and terminals show.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        match &self.fix {
            Some(fix) => write!(f, ". {fix}"),
            None => Ok(()),
        }
    }
}
