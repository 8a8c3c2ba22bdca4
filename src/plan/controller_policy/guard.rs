//! From a class's guardrails to the conditions under which roles are given rights.

use super::{
    distinct,
    naming::{Written, partition},
};
use crate::{
    api::{LambdaRoleClassSpec, class::PatternRules},
    catalog::managed_policy,
    policy::{Pattern, document::Conditions},
};

/// Key of the policy that is attached.
pub(super) const POLICY_ARN: &str = "iam:PolicyARN";

/// What a class lets the controller give to roles, as far as IAM can tell: of rights themselves it cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guard {
    /// The boundaries that a role may have, of which it must have one; `None` if it need not have any.
    pub(super) boundaries: Option<Vec<String>>,
    /// The managed policies that may be attached; `None` for all.
    pub(super) attachable: Option<Vec<String>>,
    /// Those that may not be.
    pub(super) unattachable: Vec<String>,
}

impl Guard {
    pub(super) fn of(spec: &LambdaRoleClassSpec, written: &mut Written<'_>) -> Self {
        let rules = &spec.guardrails;
        let boundaries = rules.permissions_boundary.as_ref().map(|rule| {
            let path = "spec.guardrails.permissionsBoundary";
            let own = rule.arn.as_deref().and_then(|arn| written.pattern(&format!("{path}.arn"), arn));
            distinct(own.into_iter().chain(written.patterns(&format!("{path}.allowed"), &rule.allowed)))
        });
        let PatternRules { allowed, denied } = &rules.managed_policies;
        let partition = partition(spec);
        let mut policies = |field: &str, texts: &[String]| {
            let patterns = written.patterns(&format!("spec.guardrails.managedPolicies.{field}"), texts);
            distinct(patterns.iter().flat_map(|pattern| policy_arns(partition, pattern)))
        };
        Self {
            boundaries,
            attachable: allowed.as_ref().map(|allowed| policies("allowed", allowed)),
            unattachable: policies("denied", denied),
        }
    }

    /// The role's boundary, or the one that the request gives it: which of both `iam:PermissionsBoundary` is depends on the
    /// action. <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate>
    pub(super) fn bound(&self, conditions: &mut Conditions) {
        if let Some(boundaries) = &self.boundaries {
            one_of(conditions, "iam:PermissionsBoundary", boundaries);
        }
    }

    /// Whether every managed policy may be attached.
    pub(super) const fn attaches_any(&self) -> bool {
        self.attachable.is_none() && self.unattachable.is_empty()
    }

    /// Whether a rule against policies meets any of these, which are patterns of ARNs.
    pub(super) fn denies_some(&self, arns: &[String]) -> bool {
        let arns: Vec<Pattern> = arns.iter().map(|arn| Pattern::new(arn)).collect();
        self.unattachable.iter().any(|denied| arns.iter().any(|arn| Pattern::new(denied).intersects(arn)))
    }

    /// The policy that is attached: one that the class lists, or one of its own that objects describe.
    pub(super) fn attach(&self, described: &[String], conditions: &mut Conditions) {
        if let Some(attachable) = &self.attachable {
            one_of(conditions, POLICY_ARN, &distinct([attachable, described].concat()));
        }
        let (patterns, literals): (Vec<String>, Vec<String>) =
            self.unattachable.iter().cloned().partition(|arn| is_pattern(arn));
        // All conditions must hold, so that these two together exclude both. IAM tells names of policies apart without regard
        // to case, and does not say whether the key has the request's.
        for (operator, values) in [("StringNotLike", patterns), ("StringNotEqualsIgnoreCase", literals)] {
            if !values.is_empty() {
                conditions.entry(operator.to_owned()).or_default().insert(POLICY_ARN.to_owned(), values);
            }
        }
    }
}

/// Demands that the key has one of the values. Two operators would both have to hold, so a pattern makes all of them patterns.
fn one_of(conditions: &mut Conditions, key: &str, values: &[String]) {
    let operator = if values.iter().any(|value| is_pattern(value)) { "StringLike" } else { "StringEquals" };
    conditions.entry(operator.to_owned()).or_default().insert(key.to_owned(), values.to_vec());
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// A pattern of ARNs stands for itself; anything else is the name of an AWS managed policy, whose path the catalog may know.
fn policy_arns(partition: &str, pattern: &str) -> Vec<String> {
    if pattern.starts_with("arn:") {
        vec![pattern.to_owned()]
    } else if managed_policy::is_known(pattern) || pattern.contains('/') {
        vec![managed_policy::aws_managed_policy_arn(partition, pattern)]
    } else {
        ["", "*/"].iter().map(|path| format!("arn:{partition}:iam::aws:policy/{path}{pattern}")).collect()
    }
}
