//! Services, actions and condition keys that AWS does not have, and resources that an action is never about.
//!
//! The data is of a day, which messages name: AWS may have added what is not in it.

use super::{Code, Finding, Home, Report, Severity, condition::Condition, coverage::Reading};
use crate::{
    catalog::service_reference::{self, Action},
    policy::{ActionPattern, Arn, Pattern},
};

pub(super) fn check(reading: &Reading<'_>, report: &mut Report) {
    let located = reading.located;
    let statement = &located.statement;
    for (index, text) in super::subject::entries(&statement.actions).iter().enumerate() {
        // A lone wildcard names nothing that could be wrong.
        let Some((service, name)) = text.split_once(':') else { continue };
        let with_hint = report.has_room_for_hints();
        if let Some(finding) = unknown(service, name, text, located.action_path(index), with_hint) {
            report.add(&located.ignored, finding);
        }
    }
    for condition in Condition::all(&statement.conditions) {
        if service_reference::is_condition_key(condition.key) == Some(false) {
            let path = condition.path(located, None);
            let finding = unknown_key(condition.key, path, report.has_room_for_hints());
            report.add(&located.ignored, finding);
        }
    }
    resources_never_match(reading, report);
}

/// The actions that a pattern of a service takes in.
pub(super) fn actions_like(text: &str) -> impl Iterator<Item = Action> {
    let (service, name) = text.split_once(':').unwrap_or_default();
    let pattern = ActionPattern::new(name);
    // Nearly all are written out, and need not be held against every action of the service.
    let (written_out, candidates): (_, &[Action]) = if pattern.is_literal() {
        (service_reference::action(service, name), &[])
    } else {
        (None, service_reference::actions(service))
    };
    let matching = candidates.iter().copied().filter(move |action| pattern.matches(action.name));
    written_out.into_iter().chain(matching)
}

fn unknown(service: &str, name: &str, text: &str, path: String, with_hint: bool) -> Option<Finding> {
    let date = service_reference::date();
    if !service_reference::is_service(service) {
        let message =
            format!("AWS has no service {service} (by its reference of {date}): {text} allows and denies nothing");
        let nearest = with_hint.then(|| service_reference::nearest_service(service)).flatten();
        let fix = hint(nearest.map(|service| format!("{service}:{name}")));
        return Some(Finding::new(Severity::Warning, Code::UnknownService, path, message, fix));
    }
    if actions_like(text).next().is_some() {
        return None;
    }
    let what = if name.contains(['*', '?']) { "no action like" } else { "no action" };
    let message =
        format!("{service} has {what} {name} (by AWS's reference of {date}): {text} allows and denies nothing");
    let nearest = with_hint.then(|| service_reference::nearest_action(service, name)).flatten();
    let fix = hint(nearest.map(|name| format!("{service}:{name}")));
    Some(Finding::new(Severity::Warning, Code::UnknownAction, path, message, fix))
}

fn unknown_key(key: &str, path: String, with_hint: bool) -> Finding {
    let date = service_reference::date();
    let message = format!("AWS has no condition key {key} (by its reference of {date}): no request carries it");
    let fix = hint(with_hint.then(|| service_reference::nearest_condition_key(key)).flatten());
    Finding::new(Severity::Warning, Code::UnknownConditionKey, path, message, fix)
}

fn hint(nearest: Option<String>) -> String {
    nearest.map_or_else(
        || "Look the name up in AWS's Service Authorization Reference".to_owned(),
        |nearest| format!("Is {nearest} meant?"),
    )
}

/// An action without resource-level permissions is always about `*`, which no ARN matches.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
fn resources_never_match(reading: &Reading<'_>, report: &mut Report) {
    let located = reading.located;
    if reading.resources.excludes || reading.resources.patterns.iter().any(|resource| resource.matches("*")) {
        return;
    }
    for (index, text, _) in reading.included_actions() {
        let mut actions = actions_like(text).peekable();
        if actions.peek().is_none() || actions.any(|action| action.resource_level) {
            continue;
        }
        let message = format!("{text} cannot be limited to resources, so it matches none but *");
        let fix = "Put it into a statement of its own with the resource *";
        let path = located.action_path(index);
        report.add(&located.ignored, Finding::new(Severity::Warning, Code::ResourceNeverMatches, path, message, fix));
    }
}

/// Resources of a partition where the role's credentials count for nothing.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
pub(super) fn check_partitions(reading: &Reading<'_>, home: Home<'_>, report: &mut Report) {
    let located = reading.located;
    for (index, text, _) in reading.included_resources() {
        let Some(arn) = Arn::parse(text).filter(|arn| !arn.partition.contains("${")) else { continue };
        if Pattern::new(arn.partition).matches(home.partition) {
            continue;
        }
        let message = format!(
            "{text} is in partition {}, and a role in {} reaches nothing there: it matches no resource",
            arn.partition, home.partition
        );
        let fix = format!("Write arn:{}:, or $(partition) where the manifest serves several", home.partition);
        let path = located.resource_path(index);
        report.add(&located.ignored, Finding::new(Severity::Error, Code::ForeignPartition, path, message, fix));
    }
}
