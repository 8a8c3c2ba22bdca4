//! What is said after a pass; and, in [`over_time`], after one that follows another; in
//! [`attached`], of the policies on the role.

mod attached;
mod over_time;

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use rstest::rstest;

use super::desired;
use crate::{
    api::{
        ConditionType, LambdaExecutionRoleStatus as Status, Reason,
        status::{AttachedPolicy, StoredPolicy},
    },
    lint::{Code, Finding, Severity},
    plan::{
        Class, DesiredRole, Failure, Hold, Step,
        status::{Identity, Next, Outcome, Pass, Report, has_synced, is_settled, report},
    },
};

const SETTLE: Duration = Duration::from_secs(15);
const GENERATION: i64 = 7;

/// `seconds` after the tests begin.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn pass(previous: &Status, now: i64) -> Pass<'_> {
    Pass {
        previous,
        generation: Some(GENERATION),
        reconcile_at: None,
        class_name: Some("production"),
        now: at(now),
        settle: SETTLE,
    }
}

fn identity() -> Identity {
    Identity {
        arn: "arn:aws:iam::111122223333:role/shop-orders".to_owned(),
        id: "AROAEXAMPLEEXAMPLEEX".to_owned(),
        account_id: "111122223333".to_owned(),
    }
}

fn role() -> DesiredRole {
    desired(
        "{managedPolicies: [{aws: AWSLambdaExecute}], statements: [{effect: Allow, actions: ['*'], resources: ['*']}]}",
    )
}

fn in_sync<'a>(desired: &'a DesiredRole, identity: &'a Identity, applied: &'a [Step]) -> Outcome<'a> {
    Outcome::Synced { desired, identity, applied, foreign: None, tracked: &[] }
}

fn synced(pass: &Pass<'_>, applied: &[Step]) -> Report {
    report(pass, &in_sync(&role(), &identity(), applied))
}

/// The status of an object that has been in place for a while.
fn ready() -> Status {
    synced(&pass(&synced(&pass(&Status::default(), 0), &[created()]).status, 60), &[]).status
}

fn created() -> Step {
    let new = crate::plan::step::NewRole {
        path: "/".to_owned(),
        trust_policy: role().trust_policy,
        description: String::new(),
        max_session_seconds: 3600,
        permissions_boundary: None,
        tags: role().tags,
    };
    Step::CreateRole(Box::new(new))
}

fn failure(class: Class, reason: Reason) -> Failure {
    Failure { class, reason, message: "It did not work.".to_owned() }
}

fn failed(pass: &Pass<'_>, failure: &Failure, applied: &[Step], is_behind: bool) -> Report {
    report(pass, &Outcome::Failed { failure, desired: Some(&role()), applied, attempted: None, is_behind })
}

fn failed_unjudged(pass: &Pass<'_>, failure: &Failure) -> Report {
    report(pass, &Outcome::Failed { failure, desired: None, applied: &[], attempted: None, is_behind: false })
}

fn held(pass: &Pass<'_>, reason: Reason, is_deleting: bool) -> Report {
    let hold = Hold { reason, message: "It stays as it is.".to_owned(), plan: Vec::new() };
    report(pass, &Outcome::Held { hold: &hold, is_deleting, enforced: &[] })
}

fn rejected(pass: &Pass<'_>) -> Report {
    let fault = |path: &str, message: &str| Finding::invalid(path, message);
    let faults = [fault("spec.path", "is bad"), fault("spec.tags[a]", "is worse")];
    report(pass, &Outcome::Rejected { findings: &faults, enforced: &[] })
}

fn attached(arn: &str) -> AttachedPolicy {
    AttachedPolicy { arn: arn.to_owned(), ..AttachedPolicy::default() }
}

/// `type=status/reason` of each condition.
fn conditions(status: &Status) -> Vec<String> {
    status.conditions.iter().map(|c| format!("{}={}/{}", c.type_, c.status, c.reason)).collect()
}

fn condition(status: &Status, kind: ConditionType) -> &Condition {
    status.conditions.iter().find(|c| c.type_ == kind.to_string()).unwrap()
}

fn notes(report: &Report) -> Vec<(Reason, &str)> {
    report.notes.iter().map(|note| (note.reason, note.message.as_str())).collect()
}

#[test]
fn a_role_that_was_just_changed_is_synced_and_ready_after_the_settle_window() {
    let report = synced(&pass(&Status::default(), 0), &[created()]);
    assert_eq!(
        conditions(&report.status),
        [
            "Ready=False/PropagationPending",
            "Accepted=True/Accepted",
            "Synced=True/Synced",
            "Reconciling=True/PropagationPending"
        ]
    );
    assert_eq!(
        condition(&report.status, ConditionType::Ready).message,
        "Role shop-orders was changed, and IAM takes a moment to show it everywhere."
    );
    assert_eq!(report.next, Next::Settled(SETTLE));
    assert_eq!(notes(&report), [(Reason::Created, "Changed IAM: create the role.")]);
}

#[test]
fn a_role_that_needed_nothing_is_ready_at_once() {
    let report = synced(&pass(&ready(), 100), &[]);
    assert_eq!(conditions(&report.status), ["Ready=True/Ready", "Accepted=True/Accepted", "Synced=True/Synced"]);
    assert_eq!(condition(&report.status, ConditionType::Ready).message, "Role shop-orders is in place.");
    assert_eq!(condition(&report.status, ConditionType::Synced).message, "Role shop-orders equals the spec.");
    assert_eq!((report.next, report.notes), (Next::Resync, vec![]));
}

#[test]
fn a_role_that_is_found_in_place_for_the_first_time_has_the_settle_window_before_it() {
    // Whoever made it so may have been killed before it could say when.
    let report = synced(&pass(&Status::default(), 0), &[]);
    assert_eq!(report.next, Next::Settled(SETTLE));
    assert_eq!(report.status.last_change_time, Some(Time(at(0))));
    assert_eq!(report.notes, []);
}

#[test]
fn the_role_is_described() {
    let status = synced(&pass(&Status::default(), 5), &[created()]).status;
    let role = role();
    assert_eq!(
        status,
        Status {
            observed_generation: Some(GENERATION),
            conditions: status.conditions.clone(),
            class_name: Some("production".to_owned()),
            plan: Vec::new(),
            role_arn: Some("arn:aws:iam::111122223333:role/shop-orders".to_owned()),
            role_name: Some("shop-orders".to_owned()),
            role_id: Some("AROAEXAMPLEEXAMPLEEX".to_owned()),
            account_id: Some("111122223333".to_owned()),
            export: None,
            grants: Vec::new(),
            overflow_policies: Vec::new(),
            managed_policies: vec![attached("arn:aws:iam::aws:policy/AWSLambdaExecute")],
            foreign_policies: None,
            inline_policies: vec![StoredPolicy {
                name: "lambdaroles".to_owned(),
                characters: i64::try_from(role.inline_characters()).unwrap(),
            }],
            inline_characters: Some(i64::try_from(role.inline_characters()).unwrap()),
            inline_quota: Some(10_240),
            last_change_time: Some(Time(at(5))),
            last_handled_reconcile_at: None,
            synced_fingerprint: Some(role.fingerprint()),
            warnings: role.warnings.iter().map(|warning| format!("{}: {warning}", warning.code)).collect(),
        }
    );
}

#[test]
fn a_refused_spec_shows_its_errors_in_the_conditions_and_its_warnings_beside_them() {
    let warning = Finding { severity: Severity::Warning, ..Finding::invalid("spec.a", "is odd") };
    let findings = [Finding::invalid("spec.b", "is wrong"), warning];
    let before = Status { warnings: vec!["of yesterday".to_owned()], ..Status::default() };
    let status = report(&pass(&before, 0), &Outcome::Rejected { findings: &findings, enforced: &[] }).status;
    assert_eq!(status.warnings, ["InvalidField: spec.a: is odd"]);
    assert!(status.conditions.iter().all(|condition| !condition.message.contains("spec.a")));
    assert!(status.conditions.iter().any(|condition| condition.message == "spec.b: is wrong"));
}

#[test]
fn of_many_warnings_the_status_shows_some_and_counts_the_rest() {
    let warning = |number| Finding {
        severity: Severity::Warning,
        code: Code::DualUseAction,
        ..Finding::invalid(format!("spec.statements[{number}]"), "may be Lambda's")
    };
    let findings: Vec<Finding> = (0..25).map(warning).chain([Finding::invalid("spec", "is wrong")]).collect();
    let status = report(&pass(&Status::default(), 0), &Outcome::Rejected { findings: &findings, enforced: &[] }).status;
    assert_eq!(status.warnings.len(), 21);
    assert_eq!(status.warnings.last().unwrap(), "5 more; `lambdaroles lint` shows all.");
}

#[test]
fn a_look_that_finds_nothing_leaves_the_status_as_it_is() {
    let before = ready();
    let report = synced(&pass(&before, 100_000), &[]);
    assert_eq!(report.status, before);
    assert_eq!(report.notes, []);
    let json = |status| serde_json::to_string(status).unwrap();
    assert_eq!(json(&report.status), json(&before));
}

#[test]
fn a_changed_spec_is_an_update_and_a_change_by_somebody_else_is_drift() {
    let detach = [Step::DetachManagedPolicy("arn:x".to_owned())];
    let before = ready();
    let drift = synced(&pass(&before, 100), &detach);
    assert_eq!(notes(&drift), [(Reason::DriftCorrected, "Undid what somebody else changed in IAM: detach arn:x.")]);
    assert!(drift.notes[0].is_warning);
    let edited = Pass { generation: Some(GENERATION + 1), ..pass(&before, 100) };
    assert_eq!(notes(&synced(&edited, &detach)), notes(&drift), "a changed generation alone asks nothing else of IAM");
    let update = report(&edited, &in_sync(&desired("{}"), &identity(), &detach));
    assert_eq!(notes(&update), [(Reason::Updated, "Changed IAM: detach arn:x.")]);
    assert!(!update.notes[0].is_warning);
}

#[test]
fn a_role_that_somebody_deleted_is_made_again_with_a_warning() {
    let report = synced(&pass(&ready(), 100), &[created()]);
    assert_eq!(report.notes[0].reason, Reason::DriftCorrected);
    assert!(report.notes[0].is_warning && report.notes[0].message.contains("unique id"), "{:?}", report.notes);
}

#[rstest]
#[case::suspended(Reason::Suspended)]
#[case::conflict(Reason::RoleConflict)]
#[case::drifted(Reason::Drifted)]
fn what_was_in_sync_stays_known_through_a_hold(#[case] reason: Reason) {
    let held = held(&pass(&ready(), 100), reason, false).status;
    assert!(has_synced(&held, Some(GENERATION + 1), &role()));
    assert!(!has_synced(&held, Some(GENERATION), &desired("{description: another}")));
}

#[test]
fn what_an_unfinished_change_left_behind_is_not_somebody_else_s() {
    let edited = desired("{description: edited}");
    let transient = failure(Class::Transient, Reason::AwsUnavailable);
    let outcome = Outcome::Failed {
        failure: &transient,
        desired: Some(&edited),
        applied: &[created()],
        attempted: None,
        is_behind: true,
    };
    let halfway = report(&pass(&ready(), 100), &outcome).status;
    assert!(!has_synced(&halfway, Some(GENERATION), &role()), "told");
    assert!(!has_synced(&ready(), Some(GENERATION + 2), &role()), "a generation left no trace");
}

#[rstest]
#[case("drift: Report", true)]
#[case("suspend: true", true)]
#[case("deletionPolicy: Retain", true)]
#[case("resyncInterval: 1m", true)]
#[case("description: another", false)]
#[case("unlisted: {managedPolicies: Keep}", false)]
#[case("trust: {edge: true}", false)]
fn a_fingerprint_changes_with_what_iam_shall_hold_and_with_nothing_else(#[case] field: &str, #[case] is_same: bool) {
    let changed = desired(&format!("{{{field}}}"));
    assert_eq!(desired("{}").fingerprint() == changed.fingerprint(), is_same);
}

#[test]
fn an_invalid_spec_stalls_with_every_fault() {
    let report = rejected(&pass(&Status::default(), 0));
    assert_eq!(
        conditions(&report.status),
        [
            "Ready=False/InvalidSpec",
            "Accepted=False/InvalidSpec",
            "Synced=False/InvalidSpec",
            "Stalled=True/InvalidSpec"
        ]
    );
    let message = "spec.path: is bad; spec.tags[a]: is worse";
    for kind in [ConditionType::Ready, ConditionType::Accepted, ConditionType::Stalled] {
        assert_eq!(condition(&report.status, kind).message, message);
    }
    assert_eq!(
        condition(&report.status, ConditionType::Synced).message,
        "IAM was left as it was, because the spec is not valid."
    );
    assert_eq!(report.next, Next::Resync);
    assert_eq!(notes(&report), [(Reason::InvalidSpec, message)]);
}

#[rstest]
#[case::suspended(Reason::Suspended, false, &["Ready=Unknown/Suspended", "Accepted=True/Accepted", "Synced=Unknown/Suspended"])]
#[case::drifted(Reason::Drifted, false, &["Ready=False/Drifted", "Accepted=True/Accepted", "Synced=False/Drifted", "Drifted=True/Drifted", "Stalled=True/Drifted"])]
#[case::observed(Reason::Observed, false, &["Ready=False/Observed", "Accepted=True/Accepted", "Synced=False/Observed", "Stalled=True/Observed"])]
#[case::class_to_come(Reason::ClassNotFound, false, &["Ready=False/ClassNotFound", "Accepted=False/ClassNotFound", "Synced=False/ClassNotFound", "Reconciling=True/ClassNotFound"])]
#[case::moved(Reason::InvalidSpec, false, &["Ready=False/InvalidSpec", "Accepted=False/InvalidSpec", "Synced=False/InvalidSpec", "Stalled=True/InvalidSpec"])]
#[case::conflict(Reason::RoleConflict, false, &["Ready=False/RoleConflict", "Accepted=True/Accepted", "Synced=False/RoleConflict", "Stalled=True/RoleConflict"])]
#[case::deletion_suspended(Reason::Suspended, true, &["Ready=False/Deleting", "Accepted=True/Accepted", "Synced=False/Deleting", "DeletionBlocked=True/Suspended"])]
#[case::deletion_blocked(Reason::InUseByFunctions, true, &["Ready=False/Deleting", "Accepted=True/Accepted", "Synced=False/Deleting", "DeletionBlocked=True/InUseByFunctions"])]
fn a_held_object_says_why(#[case] reason: Reason, #[case] is_deleting: bool, #[case] expected: &[&str]) {
    let report = held(&pass(&ready(), 100), reason, is_deleting);
    assert_eq!(conditions(&report.status), expected);
    let is_blocked = is_deleting && reason != Reason::Suspended;
    assert_eq!(report.next, if is_blocked { Next::Backoff(Class::Waiting) } else { Next::Resync });
    assert_eq!(notes(&report), [(reason, "It stays as it is.")]);
    assert_eq!(report.notes[0].is_warning, ![Reason::Suspended, Reason::Observed].contains(&reason));
}

#[rstest]
#[case(Class::Terminal, Reason::AccessDenied, "Stalled", Next::Resync)]
#[case(Class::Waiting, Reason::PrincipalNotFound, "Reconciling", Next::Backoff(Class::Waiting))]
#[case(Class::Transient, Reason::AwsUnavailable, "Reconciling", Next::Backoff(Class::Transient))]
#[case(Class::Throttled, Reason::Throttled, "Reconciling", Next::Backoff(Class::Throttled))]
#[case(Class::Conflict, Reason::ConcurrentModification, "Reconciling", Next::Backoff(Class::Conflict))]
fn a_failure_stalls_or_is_tried_again_by_its_class(
    #[case] class: Class,
    #[case] reason: Reason,
    #[case] abnormal: &str,
    #[case] next: Next,
) {
    let before = ready();
    for (previous, is_behind) in [(&Status::default(), false), (&Status::default(), true), (&before, true)] {
        let report = failed(&pass(previous, 0), &failure(class, reason), &[], is_behind);
        assert_eq!(
            conditions(&report.status),
            [
                format!("Ready=False/{reason}"),
                "Accepted=True/Accepted".to_owned(),
                format!("Synced=False/{reason}"),
                format!("{abnormal}=True/{reason}")
            ]
        );
        assert_eq!(report.next, next);
        let is_told = matches!(class, Class::Terminal | Class::Waiting);
        assert_eq!(notes(&report), if is_told { vec![(reason, "It did not work.")] } else { vec![] });
    }
}

#[test]
fn a_pass_that_fails_before_it_judges_the_spec_says_nothing_of_it() {
    let lost = failure(Class::Waiting, Reason::CredentialsUnavailable);
    let first = failed_unjudged(&pass(&Status::default(), 0), &lost);
    assert_eq!(conditions(&first.status)[1], "Accepted=Unknown/Pending");
}

#[test]
fn an_object_whose_role_was_made_has_its_name_even_if_the_rest_failed() {
    let transient = failure(Class::Transient, Reason::AwsUnavailable);
    let nothing = failed(&pass(&Status::default(), 0), &transient, &[], true);
    assert_eq!(nothing.status.role_name, None);
    let halfway = failed(&pass(&Status::default(), 0), &transient, &[created()], true);
    assert_eq!(halfway.status.role_name, Some(role().name));
}

#[rstest]
fn a_failed_look_does_not_unsay_what_the_last_one_saw(#[values(Class::Throttled, Class::Terminal)] class: Class) {
    let before = ready();
    let report = failed(&pass(&before, 100), &failure(class, Reason::Throttled), &[], false);
    let abnormal = if class == Class::Terminal { "Stalled" } else { "Reconciling" };
    assert_eq!(
        conditions(&report.status),
        [
            "Ready=True/Ready".to_owned(),
            "Accepted=True/Accepted".to_owned(),
            "Synced=True/Synced".to_owned(),
            format!("{abnormal}=True/Throttled"),
        ]
    );
    assert_eq!(report.status.conditions[..3], before.conditions[..3]);
    assert!(is_settled(&report.status, Some(GENERATION)));
    let next = synced(&pass(&report.status, 200), &[]);
    assert_eq!(next.status, before);
}

#[test]
fn a_failed_look_keeps_reported_drift() {
    let before = held(&pass(&ready(), 70), Reason::Drifted, false).status;
    let report = failed(&pass(&before, 80), &failure(Class::Transient, Reason::AwsUnavailable), &[], false);
    assert_eq!(
        conditions(&report.status),
        [
            "Ready=False/Drifted",
            "Accepted=True/Accepted",
            "Synced=False/Drifted",
            "Drifted=True/Drifted",
            "Reconciling=True/AwsUnavailable"
        ]
    );
}

#[test]
fn a_failed_look_at_a_changed_spec_is_ready_no_more() {
    let before = ready();
    let edited = Pass { generation: Some(GENERATION + 1), ..pass(&before, 100) };
    let report = failed(&edited, &failure(Class::Throttled, Reason::Throttled), &[], false);
    assert_eq!(condition(&report.status, ConditionType::Ready).status, "False");
    assert_eq!(condition(&report.status, ConditionType::Synced).status, "False");
}

/// The spec may not have been judged in a pass that failed, for example for want of credentials.
#[test]
fn a_failed_look_does_not_call_an_invalid_spec_valid() {
    let before = rejected(&pass(&Status::default(), 0)).status;
    let failure = failure(Class::Terminal, Reason::CredentialsUnavailable);
    let report = failed_unjudged(&pass(&before, 10), &failure);
    assert_eq!(condition(&report.status, ConditionType::Accepted), &before.conditions[1]);
    let deleting = held(&Pass { generation: Some(GENERATION + 1), ..pass(&before, 10) }, Reason::Suspended, true);
    assert_eq!(condition(&deleting.status, ConditionType::Accepted).status, "False");
}

#[test]
fn what_was_done_before_a_failure_is_told_and_remembered() {
    let before = ready();
    let applied = [
        Step::DetachManagedPolicy("arn:aws:iam::aws:policy/AWSLambdaExecute".to_owned()),
        Step::AttachManagedPolicy("arn:b".to_owned()),
        Step::AttachManagedPolicy("arn:b".to_owned()),
    ];
    let failure = failure(Class::Terminal, Reason::AccessDenied);
    let edited = desired("{description: edited}");
    let outcome = Outcome::Failed {
        failure: &failure,
        desired: Some(&edited),
        applied: &applied,
        attempted: None,
        is_behind: true,
    };
    let report = report(&pass(&before, 100), &outcome);
    assert_eq!(report.status.last_change_time, Some(Time(at(100))));
    assert_eq!(report.status.managed_policies, [attached("arn:b")]);
    assert_eq!(
        notes(&report),
        [
            (
                Reason::Updated,
                "Changed IAM: detach arn:aws:iam::aws:policy/AWSLambdaExecute; attach arn:b; attach arn:b."
            ),
            (Reason::AccessDenied, "It did not work."),
        ]
    );
}
