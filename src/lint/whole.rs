//! The role's managed policies and the sizes of its documents.

use std::collections::BTreeSet;

use super::{Code, Finding, LocatedPolicy, Report, Severity, Size};
use crate::{
    catalog::managed_policy::{find_unfit, is_service_linked},
    policy::Arn,
};

/// Share of a quota, in per cent, from which on a document is told to be nearly full.
const NEARLY_FULL: usize = 90;

pub(super) fn check_policies(policies: &[LocatedPolicy], report: &mut Report) {
    for policy in policies {
        let LocatedPolicy { path, arn, ignored } = policy;
        let is_service_linked = Arn::parse(arn).is_some_and(|arn| is_service_linked(arn.resource));
        let (severity, message) = if is_service_linked {
            (Severity::Error, format!("{arn} belongs to service-linked roles, and IAM attaches it to no other"))
        } else if let Some(unfit) = policy.aws_name().and_then(find_unfit) {
            (Severity::Warning, format!("{arn} is {}", unfit.purpose))
        } else {
            continue;
        };
        let fix = "List what Lambda needs under spec.features, and what the function calls under spec.statements";
        let finding = Finding::new(severity, Code::PolicyNotForExecutionRole, path.clone(), message, fix);
        report.add(ignored, finding);
    }
}

/// What is beyond the quota is refused where it is rendered.
pub(super) fn check_sizes(sizes: &[Size], report: &mut Report) {
    for Size { path, what, characters, quota } in sizes {
        if *characters > *quota || characters * 100 < quota * NEARLY_FULL {
            continue;
        }
        let share = characters * 100 / quota;
        let message = format!("{what} take {characters} of the {quota} characters that IAM allows, {share} %");
        let fix = "Move statements into managed policies, or share wildcards, before the next one does not fit";
        let finding = Finding::new(Severity::Warning, Code::SizeNearQuota, path.clone(), message, fix);
        report.add(&BTreeSet::new(), finding);
    }
}
