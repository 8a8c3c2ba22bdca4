//! Statements that other statements make needless.

use super::{Code, Finding, Report, Severity, Source, condition::name_functions, coverage::Reading};
use crate::policy::document::Effect;

/// Goes from the last statement to the first and leaves out each that was told to be needless, so that whoever removes
/// all that are told loses nothing.
pub(super) fn check(readings: &[Reading<'_>], report: &mut Report) {
    let mut kept: Vec<&Reading<'_>> = readings.iter().collect();
    for index in (0..readings.len()).rev() {
        let reading = &readings[index];
        if reading.located.source == Source::Generated {
            continue;
        }
        let others: Vec<&Reading<'_>> = kept.iter().copied().filter(|other| !std::ptr::eq(*other, reading)).collect();
        if let Some(finding) = needless(reading, &others) {
            report.add(&reading.located.ignored, finding);
            kept.remove(index);
        } else if let Some(finding) = denied(reading, &others) {
            report.add(&reading.located.ignored, finding);
        }
    }
}

fn needless(reading: &Reading<'_>, others: &[&Reading<'_>]) -> Option<Finding> {
    let located = reading.located;
    let alike: Vec<&Reading<'_>> =
        others.iter().copied().filter(|other| other.located.statement.effect == located.statement.effect).collect();
    let finding = |code: Code, message: String, fix: &str| {
        Some(Finding::new(Severity::Warning, code, located.path.clone(), message, fix))
    };
    if let Some(same) = alike.iter().find(|other| reading.is_within(other) && other.is_within(reading)) {
        return finding(
            Code::DuplicateStatement,
            format!("says the same as {}", same.located.path),
            "Remove one of them",
        );
    }
    let unscoped: Vec<&Reading<'_>> =
        alike.iter().copied().filter(|other| !name_functions(&other.located.statement.conditions)).collect();
    if located.statement.effect == Effect::Allow
        && name_functions(&located.statement.conditions)
        && reading.is_within_all(unscoped.iter().copied())
    {
        let message =
            format!("has a scope without effect: {} the same to every use of the role", allowing(reading, &unscoped));
        let fix = "Scope the other statement as well, or remove this one";
        return finding(Code::ScopeWithoutEffect, message, fix);
    }
    if reading.is_within_all(alike.iter().copied()) {
        let message = format!("says nothing that {} not say", saying(reading, &alike));
        return finding(Code::RedundantStatement, message, "Remove it");
    }
    None
}

fn allowing(reading: &Reading<'_>, others: &[&Reading<'_>]) -> String {
    single(reading, others)
        .map_or_else(|| "other statements together allow".to_owned(), |path| format!("{path} allows"))
}

fn saying(reading: &Reading<'_>, others: &[&Reading<'_>]) -> String {
    single(reading, others).map_or_else(|| "other statements together do".to_owned(), |path| format!("{path} does"))
}

fn single<'a>(reading: &Reading<'_>, others: &[&Reading<'a>]) -> Option<&'a str> {
    others.iter().find(|other| reading.is_within(other)).map(|other| other.located.path.as_str())
}

fn denied(reading: &Reading<'_>, others: &[&Reading<'_>]) -> Option<Finding> {
    let located = reading.located;
    if located.statement.effect != Effect::Allow {
        return None;
    }
    let deny =
        others.iter().find(|other| other.located.statement.effect == Effect::Deny && reading.is_within(other))?;
    let message = format!("allows what {} denies, and a denial counts more", deny.located.path);
    let fix = "Remove one of them, or narrow the denial";
    Some(Finding::new(Severity::Warning, Code::DeniedStatement, located.path.clone(), message, fix))
}
