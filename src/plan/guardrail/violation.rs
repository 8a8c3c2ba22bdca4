//! What is said of what a class refuses.

use std::{collections::BTreeSet, fmt};

use crate::policy::Excerpt;

/// Most violations that are told of one role. A spec can hold thousands, and whoever reads them mends a few at a time.
const VIOLATIONS_MAX: usize = 50;

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

/// A violation, and what it is about, by which it is told from what the final documents hold beside it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub violation: Violation,
    /// For example `s3:getobject on arn:aws:s3:::bucket/*`.
    pub subjects: Vec<String>,
}

/// The violations of one role so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    shown: Vec<Violation>,
    untold: usize,
    told: BTreeSet<(String, String)>,
}

impl Report {
    /// Adds what a field of the spec is refused for.
    pub(super) fn add(&mut self, refusals: impl IntoIterator<Item = Refusal>) {
        for Refusal { violation, subjects } in refusals {
            if self.is_full() {
                self.untold += 1;
            } else {
                self.told.extend(subjects.into_iter().map(|subject| (violation.rule.clone(), subject)));
                self.shown.push(violation);
            }
        }
    }

    /// Adds what a final document is refused for, if no field of the spec was refused for it.
    pub(super) fn add_untold(&mut self, refusals: impl IntoIterator<Item = Refusal>) {
        let told = &self.told;
        let is_told = |refusal: &Refusal| {
            let Refusal { violation, subjects } = refusal;
            let mut subjects = subjects.iter().map(|subject| (violation.rule.clone(), subject.clone()));
            subjects.len() > 0 && subjects.all(|subject| told.contains(&subject))
        };
        let untold: Vec<Refusal> = refusals.into_iter().filter(|refusal| !is_told(refusal)).collect();
        self.add(untold);
    }

    /// Whether no more is shown. Then nobody can tell what a final document holds beyond the fields, and there is no need to.
    pub(super) fn is_full(&self) -> bool {
        self.shown.len() >= VIOLATIONS_MAX
    }

    pub(super) fn into_violations(mut self) -> Vec<Violation> {
        if self.untold > 0 {
            self.shown.push(Violation {
                rule: "spec.guardrails".to_owned(),
                path: "spec".to_owned(),
                message: format!("is refused for all that and {} more", self.untold),
                fix: "Mend these first".to_owned(),
            });
        }
        self.shown
    }
}

/// A few of a list, for messages: `a, b and 3 more`.
pub(super) fn some_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 2;
    let texts: Vec<String> = texts.into_iter().map(|text| Excerpt(text).to_string()).collect();
    match texts.as_slice() {
        [one, other] => format!("{one} and {other}"),
        [shown @ .., _] if shown.len() < SHOWN => texts.concat(),
        [..] => format!(
            "{} and {} more",
            texts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "),
            texts.len().saturating_sub(SHOWN)
        ),
    }
}
