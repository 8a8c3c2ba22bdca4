//! The role's managed policies and the sizes of its documents.

use std::collections::BTreeSet;

use super::{Code, Finding, Home, LocatedPolicy, Report, Severity, Size};
use crate::{
    catalog::managed_policy::{aws_managed_policy_arn, find_unfit, is_known, is_service_linked},
    policy::Arn,
};

/// Share of a quota, in per cent, from which on a document is told to be nearly full.
const NEARLY_FULL: usize = 90;

pub(super) fn check_policies(policies: &[LocatedPolicy], home: Home<'_>, report: &mut Report) {
    for policy in policies {
        if let Some(finding) = out_of_reach(policy, home) {
            report.add(&policy.ignored, finding);
            continue;
        }
        let LocatedPolicy { path, arn, is_described: _, ignored } = policy;
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

/// A policy that cannot be attached to any role here: of another partition or account, or at a path where AWS has none.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>
fn out_of_reach(policy: &LocatedPolicy, home: Home<'_>) -> Option<Finding> {
    let LocatedPolicy { path, arn, .. } = policy;
    let parsed = Arn::parse(arn)?;
    let error = |code: Code, message: String, fix: String| {
        Some(Finding::new(Severity::Error, code, path.clone(), message, fix))
    };
    if parsed.partition != home.partition {
        let message = format!("{arn} is in partition {}, and the role in {}", parsed.partition, home.partition);
        let fix = format!("Write arn:{}:, or $(partition) where the manifest serves several", home.partition);
        return error(Code::ForeignPartition, message, fix);
    }
    if parsed.account != "aws" && parsed.account != home.account {
        let message = format!(
            "{arn} belongs to account {}, and IAM attaches only AWS's policies and those of the role's own account, {}",
            parsed.account, home.account
        );
        let fix = "Make the policy in the role's account, or write $(accountId)".to_owned();
        return error(Code::InvalidField, message, fix);
    }
    let name = policy.aws_name()?;
    let known = aws_managed_policy_arn(home.partition, name);
    if is_known(name) && known != *arn {
        let message = format!("{arn} is no policy: AWS has that name at another path");
        return error(Code::InvalidField, message, format!("Write {known}, or aws: {name}"));
    }
    None
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
