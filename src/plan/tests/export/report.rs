//! What is said of an export.

use std::time::Duration;

use super::*;
use crate::plan::{
    Class, Failure,
    export::told,
    status::{Next, Pass, Report, conditions::condition, report},
};

fn pass(previous: &Status) -> Pass<'_> {
    Pass {
        previous,
        generation: Some(1),
        reconcile_at: None,
        class_name: None,
        now: Timestamp::from_second(1_800_000_000).unwrap(),
        settle: Duration::ZERO,
    }
}

/// What is said after a pass that found the role ready, and this of the export.
fn after(previous: &Status, outcome: &Outcome) -> Report {
    let report =
        Report { status: Status { export: previous.export.clone(), ..ready() }, notes: Vec::new(), next: Next::Resync };
    told(&role(EXPORT), &pass(previous), report, outcome, &[])
}

fn said(status: &Status) -> Vec<(&str, &str, &str)> {
    status.conditions.iter().map(|c| (c.type_.as_str(), c.status.as_str(), c.reason.as_str())).collect()
}

#[test]
fn an_export_that_is_there_is_said_and_the_role_stays_ready() {
    let report = after(&ready(), &Outcome::Exported);
    let expected = [
        ("Ready", "True", "Ready"),
        ("Accepted", "True", "Accepted"),
        ("Synced", "True", "Synced"),
        ("Exported", "True", "Exported"),
    ];
    assert_eq!(said(&report.status), expected);
    assert_eq!(report.status.export.unwrap().config_map, "orders-role");
    assert_eq!(report.next, Next::Resync);
}

#[rstest]
#[case::conflict(Outcome::Conflict("Not ours.".to_owned()), Reason::ConfigMapConflict, Next::Backoff(Class::Conflict))]
#[case::refused(Outcome::Refused("No right.".to_owned()), Reason::ExportFailed, Next::Backoff(Class::Conflict))]
#[case::disabled(Outcome::Disabled, Reason::ExportDisabled, Next::Resync)]
fn what_somebody_has_to_see_to_makes_the_object_not_ready_but_in_sync_and_is_told_once(
    #[case] outcome: Outcome,
    #[case] reason: Reason,
    #[case] next: Next,
) {
    let first = after(&ready(), &outcome);
    let name = reason.as_str();
    let expected = [
        ("Ready", "False", name),
        ("Accepted", "True", "Accepted"),
        ("Synced", "True", "Synced"),
        ("Exported", "False", name),
        ("Stalled", "True", name),
    ];
    assert_eq!(said(&first.status), expected);
    assert_eq!(first.notes.iter().map(|note| (note.reason, note.is_warning)).collect::<Vec<_>>(), [(reason, true)]);
    assert_eq!(first.next, next);
    let second = after(&first.status, &outcome);
    assert_eq!((second.status, second.notes), (first.status.clone(), Vec::new()));
    let mended = after(&first.status, &Outcome::Exported);
    assert_eq!(said(&mended.status)[0], ("Ready", "True", "Ready"));
    assert_eq!(condition(&mended.status.conditions, ConditionType::Stalled), None);
}

#[test]
fn a_failure_that_passes_is_tried_again_and_does_not_unsay_what_was_there() {
    let failing = Outcome::Failing("The API server is away.".to_owned());
    let first = after(&ready(), &failing);
    assert_eq!(said(&first.status)[0], ("Ready", "False", "ExportFailed"));
    assert_eq!(said(&first.status)[4], ("Reconciling", "True", "ExportFailed"));
    assert_eq!((first.notes, first.next), (Vec::new(), Next::Backoff(Class::Transient)));
    let exported = after(&ready(), &Outcome::Exported);
    let later = after(&exported.status, &failing);
    assert_eq!(said(&later.status)[0], ("Ready", "True", "Ready"));
    assert_eq!(said(&later.status)[3], ("Exported", "True", "Exported"));
    assert_eq!(said(&later.status)[4], ("Reconciling", "True", "ExportFailed"));
}

#[test]
fn a_role_that_is_not_ready_anyway_keeps_its_reason() {
    let pending = status(Reason::PropagationPending, "True");
    let report = Report { status: pending.clone(), notes: Vec::new(), next: Next::Settled(Duration::from_secs(9)) };
    let report = told(&role(EXPORT), &pass(&pending), report, &Outcome::Waiting, &[]);
    assert_eq!(said(&report.status)[0], ("Ready", "False", "PropagationPending"));
    assert_eq!(said(&report.status)[3], ("Exported", "False", "RoleNotReady"));
    assert_eq!(report.next, Next::Settled(Duration::from_secs(9)));
}

#[test]
fn an_export_that_is_asked_for_no_more_is_said_no_more() {
    let before = after(&ready(), &Outcome::Exported).status;
    let report = Report { status: before.clone(), notes: Vec::new(), next: Next::Resync };
    let report = told(&role("{}"), &pass(&before), report, &Outcome::Withdrawn, &[]);
    assert_eq!(condition(&report.status.conditions, ConditionType::Exported), None);
    assert_eq!(report.status.export, None);
    // What was not looked at, or could not be removed is remembered.
    let report = Report { status: before.clone(), notes: Vec::new(), next: Next::Resync };
    let report = told(&role("{}"), &pass(&before), report, &Outcome::Failing("Away.".to_owned()), &[]);
    assert_eq!(report.status.export, before.export);
    assert_eq!(said(&report.status)[0], ("Ready", "True", "Ready"));
}

/// Without exports the controller may not touch what it wrote when it had them.
#[test]
fn without_exports_what_was_written_before_is_said_to_stay() {
    let message =
        |report: &Report| condition(&report.status.conditions, ConditionType::Exported).unwrap().message.clone();
    let never = message(&after(&ready(), &Outcome::Disabled));
    assert!(never.starts_with("ConfigMap orders-role is not written: "), "{never}");
    let before = after(&ready(), &Outcome::Exported).status;
    let report = after(&before, &Outcome::Disabled);
    assert!(message(&report).starts_with("ConfigMap orders-role stays as it is, and is looked after no more: "));
    assert_eq!(said(&report.status)[0], ("Ready", "False", "ExportDisabled"));

    // And when the spec asks for none any more.
    let Ask::Settled(outcome) = ask(&role("{}"), &before, false) else { panic!() };
    let report =
        Report { status: Status { export: before.export.clone(), ..ready() }, notes: Vec::new(), next: Next::Resync };
    let report = told(&role("{}"), &pass(&before), report, &outcome, &[]);
    assert_eq!(said(&report.status)[0], ("Ready", "True", "Ready"));
    assert_eq!(said(&report.status)[3], ("Exported", "False", "ExportDisabled"));
    assert!(message(&report).contains("orders-role stays as it is"), "{}", message(&report));
    assert_eq!(report.status.export, before.export, "it goes once the controller may remove it");
}

/// It may never become ready.
#[test]
fn of_a_role_that_is_only_observed_it_is_not_said_that_it_waits() {
    let observed = status(Reason::Observed, "False");
    let report = Report { status: observed.clone(), notes: Vec::new(), next: Next::Resync };
    let report = told(&role(EXPORT), &pass(&observed), report, &Outcome::Waiting, &[]);
    assert_eq!(said(&report.status)[3], ("Exported", "False", "Observed"));
}

#[rstest]
#[case::made(Step::Create(wanted(EXPORT)), Reason::Exported, "Wrote ConfigMap orders-role.")]
#[case::changed(
    Step::Update(wanted(EXPORT), ObservedConfigMap::default()),
    Reason::Exported,
    "Wrote ConfigMap orders-role anew."
)]
#[case::removed(Step::Remove(written(&wanted(EXPORT), UID)), Reason::ExportRemoved, "Removed ConfigMap orders-role.")]
fn each_step_is_an_event(#[case] step: Step, #[case] reason: Reason, #[case] message: &str) {
    let report = Report { status: ready(), notes: Vec::new(), next: Next::Resync };
    let report = told(&role(EXPORT), &pass(&ready()), report, &Outcome::Exported, &[step]);
    let notes: Vec<_> = report.notes.iter().map(|note| (note.reason, note.message.as_str(), note.is_warning)).collect();
    assert_eq!(notes, [(reason, message, false)]);
}

/// A look that fails, and a deletion that waits, leave the condition to the next pass that gets so far.
#[test]
fn a_pass_that_does_not_get_so_far_leaves_what_was_said() {
    let before = after(&ready(), &Outcome::Exported).status;
    let failure = Failure { class: Class::Throttled, reason: Reason::Throttled, message: "Slowly.".to_owned() };
    let outcome = crate::plan::status::Outcome::Failed {
        failure: &failure,
        desired: None,
        applied: &[],
        attempted: None,
        is_behind: false,
    };
    let report = report(&pass(&before), &outcome);
    assert_eq!(said(&report.status)[3], ("Exported", "True", "Exported"));
}
