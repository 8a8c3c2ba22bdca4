//! Allows that are wider than they need to be, or lead to more rights than they name.

use super::{Code, Finding, Report, Severity, coverage::Reading, some_of, vocabulary::actions_like};
use crate::{
    catalog::{escalation, service_call},
    policy::{Arn, document::Effect},
};

pub(super) fn check(reading: &Reading<'_>, report: &mut Report) {
    if reading.located.statement.effect == Effect::Allow {
        wildcard_actions(reading, report);
        wildcard_resources(reading, report);
        ways_to_more_rights(reading, report);
    }
}

fn wildcard_actions(reading: &Reading<'_>, report: &mut Report) {
    let located = reading.located;
    let mut add = |index: usize, message: String| {
        let fix = "Name the actions that the function calls";
        let path = located.action_path(index);
        report.add(&located.ignored, Finding::new(Severity::Warning, Code::WildcardAction, path, message, fix));
    };
    if reading.actions.excludes {
        add(0, "allows every other action, also of services that AWS has yet to build".to_owned());
    }
    for (index, text, pattern) in reading.included_actions() {
        if pattern.matches("any:Action") {
            add(index, format!("{text} allows every action of every service"));
        } else if let Some((service, name)) = text.split_once(':')
            && name.chars().all(|c| c == '*')
        {
            add(index, format!("{text} allows every action of {service}, also those that AWS adds later"));
        }
    }
}

fn wildcard_resources(reading: &Reading<'_>, report: &mut Report) {
    let limitable = limitable_actions(reading);
    if limitable.is_empty() {
        return;
    }
    let located = reading.located;
    let names = some_of(limitable.iter().map(String::as_str));
    let mut add = |index: usize, message: String| {
        let fix = "Name the resources; what cannot be limited to some goes into a statement of its own";
        let path = located.resource_path(index);
        report.add(&located.ignored, Finding::new(Severity::Warning, Code::WildcardResource, path, message, fix));
    };
    if reading.resources.excludes {
        add(0, format!("allows {names} on every other resource, of other accounts, too"));
    }
    for (index, text, pattern) in reading.included_resources() {
        if pattern.matches("*") {
            add(index, format!("{text} allows {names} on every resource, though AWS can limit that"));
        }
    }
}

/// The actions of the statement, as they are written, of which at least one can be limited to resources.
fn limitable_actions(reading: &Reading<'_>) -> Vec<String> {
    if reading.actions.excludes {
        return vec!["every other action".to_owned()];
    }
    // What Lambda needs on every resource is not to be limited, though IAM could.
    let is_needed_everywhere =
        |text: &str| service_call::all().iter().any(|call| call.everywhere && call.action.eq_ignore_ascii_case(text));
    let is_limitable = |text: &str| {
        !text.contains(':') || (!is_needed_everywhere(text) && actions_like(text).any(|action| action.resource_level))
    };
    let named = |text: &str| if text.contains(':') { text.to_owned() } else { "every action".to_owned() };
    reading.included_actions().filter(|(_, text, _)| is_limitable(text)).map(|(_, text, _)| named(text)).collect()
}

fn ways_to_more_rights(reading: &Reading<'_>, report: &mut Report) {
    let located = reading.located;
    let is_broad = is_broad(reading);
    for (index, text, pattern) in reading.included_actions() {
        // Whoever allows everything is told so.
        if !text.contains(':') {
            continue;
        }
        for way in escalation::ways().iter().filter(|way| is_broad || !way.broad) {
            let actions: Vec<&str> =
                way.actions.iter().map(String::as_str).filter(|action| pattern.matches(action)).collect();
            if actions.is_empty() {
                continue;
            }
            let names = some_of(actions.iter().copied());
            let message = format!("allows {names}: who may do that {}", way.how);
            let fix = if way.broad {
                "Name the resources that it is for".to_owned()
            } else {
                "Leave it out, or name the resources and set a permissions boundary".to_owned()
            };
            let path = located.action_path(index);
            report
                .add(&located.ignored, Finding::new(Severity::Warning, Code::PrivilegeEscalation, path, message, fix));
        }
    }
}

/// Whether a statement is about all resources, or all of a type: `*`, `arn:aws:iam::123456789012:role/*`.
fn is_broad(reading: &Reading<'_>) -> bool {
    let is_all_of_type = |text: &str| match Arn::parse(text) {
        Some(arn) => {
            let (_, name) = arn.resource.split_once(['/', ':']).unwrap_or(("", arn.resource));
            !name.is_empty() && name.chars().all(|c| c == '*')
        }
        None => text.chars().all(|c| c == '*'),
    };
    reading.resources.excludes || reading.included_resources().any(|(_, text, _)| is_all_of_type(text))
}
