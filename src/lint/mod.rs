//! What is wrong, risky or without effect in a role, told before IAM is asked. Pure; knows the policy language and what
//! Lambda needs, not the Kubernetes API.
//!
//! | module | rules about |
//! |---|---|
//! | `scope` | scopes by `lambda:SourceFunctionArn` over calls that Lambda makes itself |
//! | `function_key` | how that key is compared, and with what |
//! | `vocabulary` | services, actions and condition keys that do not exist, resources that never match |
//! | `breadth` | wildcards, ways to more rights |
//! | `repetition` | statements that other statements make needless |
//! | `trust` | who may assume the role |
//! | `whole` | managed policies and sizes |
//!
//! `docs/reference/findings.md` explains each finding, `docs/decisions/0008-lint.md` why they are what they are.

mod breadth;
mod condition;
mod coverage;
pub mod finding;
mod function_key;
mod repetition;
mod scope;
pub mod subject;
#[cfg(test)]
mod tests;
mod trust;
mod vocabulary;
mod whole;

use std::collections::BTreeSet;

use coverage::Reading;
pub use finding::{Code, Finding, Severity};
pub use subject::{Located, LocatedPolicy, Size, Source, Spelling, Subject};

pub use crate::policy::function::Home;

/// What there is to say of a role: errors first, each once, without what the author ignores.
///
/// Every statement is held against every other, so the work grows with the square of their size: whoever takes roles from
/// others refuses what no quota of IAM takes before asking.
#[must_use]
pub fn lint(subject: &Subject<'_>) -> Vec<Finding> {
    let Subject { home, statements, trust, managed_policies, sizes } = subject;
    let readings: Vec<Reading<'_>> = statements.iter().map(Reading::new).collect();
    let mut report = Report::default();
    for reading in readings.iter().filter(|reading| reading.located.source != Source::Generated) {
        scope::check(reading, &readings, managed_policies, &mut report);
        function_key::check(reading, *home, &mut report);
    }
    for reading in readings.iter().filter(|reading| reading.located.source == Source::Written) {
        vocabulary::check(reading, &mut report);
        breadth::check(reading, &mut report);
    }
    // The author chose the ARNs that features, event sources, destinations and templates are about.
    for reading in &readings {
        vocabulary::check_partitions(reading, *home, &mut report);
    }
    repetition::check(&readings, &mut report);
    for located in trust.iter().filter(|located| located.source != Source::Generated) {
        trust::check(located, &mut report);
    }
    whole::check_policies(managed_policies, *home, &mut report);
    whole::check_sizes(sizes, &mut report);
    report.0.into_iter().collect()
}

/// The findings so far.
#[derive(Default)]
struct Report(BTreeSet<Finding>);

/// Findings after which no nearest spelling is looked for: each is held against hundreds of names, and whoever writes so
/// many unknown ones does not mistype.
const HINTS_MAX: usize = 20;

impl Report {
    fn has_room_for_hints(&self) -> bool {
        self.0.len() < HINTS_MAX
    }

    fn add(&mut self, ignored: &BTreeSet<Code>, finding: Finding) {
        if !ignored.contains(&finding.code) {
            self.0.insert(finding);
        }
    }
}

/// A few of a list, for messages: "a, b and 3 more".
fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 3;
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => String::new(),
        [single] => (*single).to_owned(),
        [first @ .., last] if names.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        [..] => format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
    }
}
