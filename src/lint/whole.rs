//! The role's managed policies and the sizes of its documents.

use super::{Code, Finding, LocatedPolicy, Report, Severity, Size};

/// Share of a quota, in per cent, from which on a document is told to be nearly full.
const NEARLY_FULL: usize = 90;

pub(super) fn check_policies(_policies: &[LocatedPolicy], _report: &mut Report) {}

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
        report.add(&std::collections::BTreeSet::new(), finding);
    }
}
