//! The permissions boundary that roles must have.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>

use super::{
    compile::{Compiler, Text},
    violation::{Refusal, Violation, some_of},
};
use crate::{
    api::{class::BoundaryRule, rule},
    policy::{Excerpt, Pattern},
};

const RULE: &str = "spec.guardrails.permissionsBoundary";

/// The class's own boundary, and those that may be chosen instead.
#[derive(Clone, Debug)]
pub(super) struct Boundary {
    arn: Option<String>,
    allowed: Vec<Pattern>,
    choice: Vec<String>,
}

impl Boundary {
    pub(super) fn compile(rules: &BoundaryRule, compiler: &mut Compiler<'_>) -> Self {
        let BoundaryRule { arn, allowed } = rules;
        if arn.is_none() && allowed.is_empty() {
            compiler.fault(RULE, rule::BOUNDARY_RULE);
        }
        let arn = arn.as_ref().and_then(|arn| compiler.policy_arn(arn, &format!("{RULE}.arn")));
        let allowed = compiler.texts(allowed, &format!("{RULE}.allowed"));
        let patterns = compiler.policy_arns(&allowed);
        let choice = arn.iter().cloned().chain(allowed.into_iter().map(|Text { path: _, text }| text)).collect();
        Self { arn, allowed: patterns, choice }
    }

    /// The class's own.
    pub(super) fn arn(&self) -> Option<&str> {
        self.arn.as_deref()
    }

    /// Whether a role may have that boundary.
    pub(super) fn permits(&self, boundary: &str) -> bool {
        self.arn() == Some(boundary) || Pattern::new(boundary).is_within_one_of(&self.allowed)
    }

    /// What a managed policy of the role's own is refused for: whoever writes its statements would write a boundary.
    pub(super) fn own_refusal(&self, arn: &str) -> Option<Refusal> {
        let is_own = self.arn().is_some_and(|own| own.eq_ignore_ascii_case(arn));
        (is_own || self.permits(arn)).then(|| {
            let violation = Violation {
                rule: RULE.to_owned(),
                path: "spec.statements".to_owned(),
                message: format!("need the managed policy {}, which the class takes for a boundary", Excerpt(arn)),
                fix: "Ask for less, or make a new object with another spec.roleName".to_owned(),
            };
            Refusal { violation, subjects: Vec::new() }
        })
    }

    pub(super) fn refusal(&self, chosen: Option<&str>) -> Option<Refusal> {
        let (path, message) = match chosen {
            Some(chosen) if !self.permits(chosen) => {
                ("spec.permissionsBoundary.arn", format!("is {}, which the class does not allow", Excerpt(chosen)))
            }
            None if self.arn.is_none() => {
                ("spec.permissionsBoundary", "is missing, and the class has none of its own".to_owned())
            }
            Some(_) | None => return None,
        };
        let choice = some_of(self.choice.iter().map(String::as_str));
        let fix = match (&self.arn, self.choice.len()) {
            (Some(arn), 1) => format!("Leave it out: the role gets {arn}"),
            (Some(_) | None, _) => format!("Choose one of {choice}"),
        };
        let violation = Violation { rule: RULE.to_owned(), path: path.to_owned(), message, fix };
        Some(Refusal { violation, subjects: Vec::new() })
    }
}
