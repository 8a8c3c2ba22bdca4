//! What is said of an export.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Outcome, Step, is_ready, written};
use crate::{
    api::{ConditionType, LambdaExecutionRole, LambdaExecutionRoleStatus, Reason, status::ExportStatus},
    plan::{
        Class,
        status::{
            Next, Note, Pass, Report,
            conditions::{Verdict, condition, synced},
            notes::news,
        },
    },
};

/// The report of a pass with what came of the export. `done` are the steps that were carried out, `status.export` of the report
/// what was announced.
#[must_use]
pub fn told(
    role: &LambdaExecutionRole,
    pass: &Pass<'_>,
    mut report: Report,
    outcome: &Outcome,
    done: &[Step],
) -> Report {
    let asked = role.spec.export.as_ref().map(|export| export.config_map.name.clone());
    match outcome {
        Outcome::Withdrawn => report.status.export = None,
        Outcome::Exported => {
            report.status.export = asked.clone().map(|config_map| ExportStatus { config_map, previous: Vec::new() });
        }
        Outcome::Nothing
        | Outcome::Waiting
        | Outcome::Suspended
        | Outcome::Disabled
        | Outcome::Left(_)
        | Outcome::Conflict(_)
        | Outcome::Refused(_)
        | Outcome::Failing(_) => {}
    }
    report.notes.extend(done.iter().map(note));
    let name = asked.as_deref().unwrap_or_default();
    let exported = verdict(pass, &report.status, name, outcome);
    set(&mut report, pass, ConditionType::Exported, exported);
    if asked.is_some() {
        set_ready(&mut report, pass, name, outcome);
    }
    let previous = &pass.previous.conditions;
    if let Some((reason, next)) = trouble(outcome) {
        if next != Some(Class::Transient) {
            report.notes.extend(news(previous, &report.status.conditions, ConditionType::Exported, reason));
        }
        if let (Some(class), Next::Settled(_) | Next::Verify(_) | Next::Resync) = (next, report.next) {
            report.next = Next::Backoff(class);
        }
    }
    report
}

/// The reason of an export that is not what it shall be, and when it is tried again if not at the resync.
fn trouble(outcome: &Outcome) -> Option<(Reason, Option<Class>)> {
    match outcome {
        Outcome::Disabled | Outcome::Left(_) => Some((Reason::ExportDisabled, None)),
        // Nobody tells when the ConfigMap goes, or the right comes.
        Outcome::Conflict(_) => Some((Reason::ConfigMapConflict, Some(Class::Conflict))),
        Outcome::Refused(_) => Some((Reason::ExportFailed, Some(Class::Conflict))),
        Outcome::Failing(_) => Some((Reason::ExportFailed, Some(Class::Transient))),
        Outcome::Nothing | Outcome::Withdrawn | Outcome::Exported | Outcome::Waiting | Outcome::Suspended => None,
    }
}

fn verdict(pass: &Pass<'_>, status: &LambdaExecutionRoleStatus, name: &str, outcome: &Outcome) -> Option<Verdict> {
    let verdict = |holds: Option<bool>, reason, message: &str| {
        Some(Verdict::new(ConditionType::Exported, holds, reason, message))
    };
    match outcome {
        Outcome::Nothing | Outcome::Withdrawn => None,
        Outcome::Exported => {
            verdict(Some(true), Reason::Exported, &format!("ConfigMap {name} says what the role is called."))
        }
        Outcome::Waiting if is_observed(status) => {
            let message = format!(
                "ConfigMap {name} is not written before the role equals the spec, and nothing is written to IAM: Ready says who only observes."
            );
            verdict(Some(false), Reason::Observed, &message)
        }
        Outcome::Waiting => {
            let message = format!("ConfigMap {name} is written once the role is ready.");
            verdict(Some(false), Reason::RoleNotReady, &message)
        }
        Outcome::Suspended => {
            let message = format!("spec.suspend is true, so ConfigMap {name} stays as it is.");
            verdict(None, Reason::Suspended, &message)
        }
        Outcome::Disabled => verdict(Some(false), Reason::ExportDisabled, &disabled(status, name)),
        Outcome::Left(names) => verdict(Some(false), Reason::ExportDisabled, &left(names)),
        Outcome::Conflict(message) => verdict(Some(false), Reason::ConfigMapConflict, message),
        Outcome::Refused(message) => verdict(Some(false), Reason::ExportFailed, message),
        Outcome::Failing(message) => match was_exported(pass) {
            Some(before) => Some(Verdict::kept(before, ConditionType::Exported)),
            None => verdict(Some(false), Reason::ExportFailed, message),
        },
    }
}

/// Whether nothing is written to IAM, as the class or the spec only observes.
fn is_observed(status: &LambdaExecutionRoleStatus) -> bool {
    condition(&status.conditions, ConditionType::Ready).is_some_and(|ready| ready.reason == Reason::Observed.as_str())
}

fn disabled(status: &LambdaExecutionRoleStatus, name: &str) -> String {
    let fix = "Take spec.export out, or ask whoever runs the controller for exports.";
    if status.export.iter().flat_map(written).any(|written| written == name) {
        format!(
            "ConfigMap {name} stays as it is, and is looked after no more: the controller runs with --export=false. {fix}"
        )
    } else {
        format!("ConfigMap {name} is not written: the controller runs with --export=false. {fix}")
    }
}

fn left(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!(
        "spec.export asks for no ConfigMap any more, but {} stays as it is: the controller runs with --export=false, and may not remove it. Remove it by hand, or ask whoever runs the controller for exports.",
        names.join(", ")
    )
}

/// A failure does not unsay what the last pass over the same spec saw.
fn was_exported<'a>(pass: &Pass<'a>) -> Option<&'a Condition> {
    condition(&pass.previous.conditions, ConditionType::Exported)
        .filter(|before| before.status == "True" && before.observed_generation == pass.generation)
}

/// `Ready` says that all is there that the spec asks for. A role that is not ready anyway keeps its reason.
fn set_ready(report: &mut Report, pass: &Pass<'_>, name: &str, outcome: &Outcome) {
    if !is_ready(&report.status) {
        return;
    }
    let (reason, message, abnormal) = match outcome {
        Outcome::Exported => {
            let role = report.status.role_name.as_deref().unwrap_or_default();
            let ready =
                synced(&format!("Role {role}"), None).into_iter().find(|verdict| verdict.kind == ConditionType::Ready);
            set(report, pass, ConditionType::Ready, ready);
            return;
        }
        Outcome::Disabled => (Reason::ExportDisabled, disabled(&report.status, name), ConditionType::Stalled),
        Outcome::Conflict(message) => (Reason::ConfigMapConflict, message.clone(), ConditionType::Stalled),
        Outcome::Refused(message) => (Reason::ExportFailed, message.clone(), ConditionType::Stalled),
        Outcome::Failing(message) => (Reason::ExportFailed, message.clone(), ConditionType::Reconciling),
        Outcome::Nothing | Outcome::Withdrawn | Outcome::Left(_) | Outcome::Waiting | Outcome::Suspended => return,
    };
    let is_kept = matches!(outcome, Outcome::Failing(_)) && was_exported(pass).is_some();
    if !is_kept {
        set(report, pass, ConditionType::Ready, Some(Verdict::new(ConditionType::Ready, false, reason, &message)));
    }
    let is_told = [ConditionType::Reconciling, ConditionType::Stalled]
        .iter()
        .any(|kind| condition(&report.status.conditions, *kind).is_some());
    if !is_told {
        set(report, pass, abnormal, Some(Verdict::new(abnormal, true, reason, &message)));
    }
}

/// Puts a condition in the place of the one of its kind, or takes that away. `Exported` stands before those that exist only while
/// they are true.
fn set(report: &mut Report, pass: &Pass<'_>, kind: ConditionType, verdict: Option<Verdict>) {
    let conditions = &mut report.status.conditions;
    let text: &str = kind.into();
    let place = conditions.iter().position(|condition| condition.type_ == text);
    match (place, verdict.map(|verdict| verdict.condition(&pass.moment()))) {
        (Some(place), Some(condition)) => conditions[place] = condition,
        (Some(place), None) => drop(conditions.remove(place)),
        (None, Some(condition)) if kind == ConditionType::Exported => {
            let synced: &str = ConditionType::Synced.into();
            let after = conditions.iter().position(|condition| condition.type_ == synced);
            conditions.insert(after.map_or(conditions.len(), |place| place + 1), condition);
        }
        (None, Some(condition)) => conditions.push(condition),
        (None, None) => {}
    }
}

fn note(step: &Step) -> Note {
    let (reason, message) = match step {
        Step::Remove(gone) => (Reason::ExportRemoved, format!("Removed ConfigMap {}.", gone.name)),
        Step::Create(new) => (Reason::Exported, format!("Wrote ConfigMap {}.", new.name)),
        Step::Update(new, _) => (Reason::Exported, format!("Wrote ConfigMap {} anew.", new.name)),
    };
    Note { reason, message, is_warning: false }
}
