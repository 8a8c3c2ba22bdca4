//! The rights that the controller itself needs in AWS, as the smallest policies that let it serve given classes.
//!
//! A role that the controller acts as gets an identity policy and a trust policy: the role that its process runs with, and
//! each role of the chains that lead to other accounts. Which actions know which resources and condition keys is AWS's table:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.
//!
//! `docs/guides/controller-policy.md` explains each statement to those who apply it.

mod acting;
mod guard;
mod identity;
mod naming;
mod trust;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use acting::{AssumedBy, Rights};
pub use identity::{Identity, identity_policy};
pub use trust::{Assumer, Workload, trust_policy};

use self::acting::Acting;
use crate::{api::LambdaRoleClassSpec, lint::Finding, policy::pattern::Pattern};

/// Most characters of a managed policy, white space not counted.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const MANAGED_POLICY_QUOTA: usize = 6_144;

/// The most patterns that are compared with each other: more fit into no policy, however few are left of them.
const COMPARED: usize = 1_000;

/// A class by its name.
pub type NamedClass<'a> = (&'a str, &'a LambdaRoleClassSpec);

/// The controller that the policies are for.
#[derive(Clone, Copy, Debug)]
pub struct Controller<'a> {
    /// Name of its cluster in the tags of roles.
    pub cluster: &'a str,
    /// ARN of the role that its process runs with.
    pub role_arn: &'a str,
    /// How the process gets that role's credentials.
    pub workload: Workload<'a>,
}

/// What each role needs that the controller acts as: its own first, then those of the chains by their ARNs.
///
/// # Errors
/// What of a class cannot be understood, the class's name before the field.
pub fn rights(controller: &Controller<'_>, classes: &[NamedClass<'_>]) -> Result<Vec<Rights>, Vec<Finding>> {
    let acting = Acting::all(controller, classes);
    let arns: BTreeSet<&str> = acting.iter().map(|acting| acting.role_arn).collect();
    let (mut rights, mut faults) = (Vec::new(), Vec::new());
    for acting in &acting {
        match acting.rights(controller, &arns) {
            Ok(found) => rights.push(found),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(rights) } else { Err(faults) }
}

/// The patterns without those that are within another, in the order of their text.
fn distinct(patterns: impl IntoIterator<Item = String>) -> Vec<String> {
    let texts: BTreeSet<String> = patterns.into_iter().collect();
    if texts.len() > COMPARED {
        return texts.into_iter().collect();
    }
    let patterns: Vec<(String, Pattern)> = texts.into_iter().map(|text| (text.clone(), Pattern::new(&text))).collect();
    let is_covered = |index: usize, pattern: &Pattern| {
        patterns.iter().enumerate().any(|(other, (_, wider))| {
            // Of two that say the same the first stays.
            other != index && pattern.is_within(wider) && (other < index || !wider.is_within(pattern))
        })
    };
    let kept = patterns.iter().enumerate().filter(|(index, (_, pattern))| !is_covered(*index, pattern));
    kept.map(|(_, (text, _))| text.clone()).collect()
}
