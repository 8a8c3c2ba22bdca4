//! What is said of a policy.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::{ARN, READ, desired, stored};
use crate::{
    api::{LambdaManagedPolicyStatus as Status, Reason},
    plan::{
        Class, Failure, Hold, Step,
        managed_policy::{
            DesiredPolicy,
            diff::diff,
            status::{Identity, Outcome, Pass, Report, farewell, has_synced, report, settle},
        },
        status::Next,
    },
};

const SETTLE: Duration = Duration::from_secs(15);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn pass(previous: &Status, second: i64) -> Pass<'_> {
    Pass {
        previous,
        generation: Some(3),
        reconcile_at: None,
        class_name: Some("production"),
        now: at(second),
        settle: SETTLE,
    }
}

fn identity(version: &str) -> Identity {
    Identity {
        id: "ANPAEXAMPLEEXAMPLEEX".to_owned(),
        account_id: "111122223333".to_owned(),
        default_version: version.to_owned(),
        attachment_count: 2,
    }
}

fn synced(pass: &Pass<'_>, desired: &DesiredPolicy, applied: &[Step]) -> Report {
    report(pass, &Outcome::Synced { desired, identity: &identity("v2"), applied })
}

fn creation() -> Vec<Step> {
    diff(&desired(READ), None)
}

fn condition(status: &Status, kind: &str) -> (String, String) {
    let found = status.conditions.iter().find(|condition| condition.type_ == kind);
    let found = found.unwrap_or_else(|| panic!("{kind} is not among {:?}", status.conditions));
    (found.status.clone(), found.reason.clone())
}

fn said(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

#[test]
fn the_policy_is_described() {
    let desired = desired(READ);
    let status = synced(&pass(&Status::default(), 5), &desired, &creation()).status;
    assert_eq!(
        status,
        Status {
            observed_generation: Some(3),
            conditions: status.conditions.clone(),
            class_name: Some("production".to_owned()),
            policy_arn: Some(ARN.to_owned()),
            policy_name: Some("shop-orders".to_owned()),
            policy_id: Some("ANPAEXAMPLEEXAMPLEEX".to_owned()),
            account_id: Some("111122223333".to_owned()),
            default_version_id: Some("v2".to_owned()),
            attachment_count: Some(2),
            characters: i64::try_from(desired.document.characters()).ok(),
            quota: Some(6_144),
            warnings: Vec::new(),
            plan: Vec::new(),
            synced_fingerprint: Some(desired.fingerprint()),
            last_change_time: Some(Time(at(5))),
            last_handled_reconcile_at: None,
        }
    );
}

#[test]
fn a_policy_is_ready_once_the_change_has_had_time_to_spread() {
    let first = synced(&pass(&Status::default(), 0), &desired(READ), &creation());
    assert_eq!(condition(&first.status, "Ready"), said("False", "PropagationPending"));
    assert_eq!((first.next, first.notes[0].reason), (Next::Settled(SETTLE), Reason::Created));
    let waiting = settle(&pass(&first.status, 5)).unwrap();
    assert_eq!(waiting.next, Next::Settled(Duration::from_secs(10)));
    let settled = settle(&pass(&first.status, 15)).unwrap();
    assert_eq!(condition(&settled.status, "Ready"), said("True", "Ready"));
    assert!(settled.status.conditions[0].message.starts_with("Policy shop-orders"));
    assert_eq!(settle(&pass(&settled.status, 20)), None);
}

#[test]
fn a_look_that_finds_nothing_to_do_says_nothing_new() {
    let first = synced(&pass(&Status::default(), 0), &desired(READ), &creation()).status;
    let ready = settle(&pass(&first, 15)).unwrap().status;
    let again = synced(&pass(&ready, 500), &desired(READ), &[]);
    assert_eq!((again.status, again.notes), (ready, Vec::new()));
}

#[test]
fn what_somebody_else_changed_is_undone_with_a_warning() {
    let before = synced(&pass(&Status::default(), 0), &desired(READ), &creation()).status;
    let wanted = desired(READ);
    let mut observed = stored(&wanted);
    observed.tags.insert("note".to_owned(), "x".to_owned());
    let undone = synced(&pass(&before, 500), &wanted, &diff(&wanted, Some(&observed)));
    assert_eq!((undone.notes[0].reason, undone.notes[0].is_warning), (Reason::DriftCorrected, true));
    let changed = desired(&format!("tags: {{a: b}}\n{READ}"));
    assert!(!has_synced(&before, Some(3), &changed));
    let updated = synced(&pass(&before, 500), &changed, &diff(&changed, Some(&stored(&wanted))));
    assert_eq!((updated.notes[0].reason, updated.notes[0].is_warning), (Reason::Updated, false));
}

#[test]
fn a_hold_is_told_once() {
    let hold = Hold::new(Reason::PolicyConflict, "Policy shop-orders exists already.");
    let told = |previous: &Status| {
        report(&pass(previous, 0), &Outcome::Held { hold: &hold, is_deleting: false, enforced: &[] })
    };
    let first = told(&Status::default());
    assert_eq!(condition(&first.status, "Stalled"), said("True", "PolicyConflict"));
    assert_eq!((first.next, first.notes.len()), (Next::Resync, 1));
    assert_eq!(told(&first.status).notes, []);
}

#[test]
fn a_deletion_that_is_blocked_looks_again_by_itself() {
    let hold = Hold::new(Reason::InUseByRoles, "Policy shop-orders is not deleted.");
    let blocked =
        report(&pass(&Status::default(), 0), &Outcome::Held { hold: &hold, is_deleting: true, enforced: &[] });
    assert_eq!(condition(&blocked.status, "DeletionBlocked"), said("True", "InUseByRoles"));
    assert_eq!(blocked.next, Next::Backoff(Class::Waiting));
}

#[test]
fn what_was_taken_away_makes_the_spec_unsynced() {
    let before = synced(&pass(&Status::default(), 0), &desired(READ), &creation()).status;
    let hold = Hold::new(Reason::GuardrailViolation, "refused");
    let enforced = [Step::CreatePolicyVersion {
        arn: ARN.to_owned(),
        document: crate::plan::managed_policy::compliance::nothing(),
    }];
    let refused = report(&pass(&before, 9), &Outcome::Held { hold: &hold, is_deleting: false, enforced: &enforced });
    assert_eq!(refused.status.synced_fingerprint, None);
    assert_eq!(refused.notes[0].reason, Reason::GuardrailEnforced);
}

#[test]
fn a_failure_after_a_write_remembers_the_policy() {
    let failure = Failure { class: Class::Transient, reason: Reason::AwsUnavailable, message: "gone".to_owned() };
    let wanted = desired(READ);
    let failed = report(
        &pass(&Status::default(), 0),
        &Outcome::Failed { failure: &failure, desired: Some(&wanted), applied: &creation(), is_behind: true },
    );
    assert_eq!(failed.status.policy_arn.as_deref(), Some(ARN));
    assert_eq!(failed.next, Next::Backoff(Class::Transient));
    assert_eq!(condition(&failed.status, "Synced"), said("False", "AwsUnavailable"));
}

#[test]
fn the_last_words_say_what_became_of_the_policy() {
    assert_eq!(farewell(true, "shop-orders", None).unwrap().reason, Reason::Deleted);
    assert_eq!(farewell(false, "shop-orders", Some("stays")).unwrap().reason, Reason::Retained);
    assert_eq!(farewell(false, "shop-orders", None), None);
}
