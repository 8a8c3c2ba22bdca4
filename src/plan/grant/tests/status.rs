//! What is said of a grant.

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use serde_json::json;

use super::{GrantKey, applicant, judged};
use crate::{
    api::{ConditionType, LambdaExecutionRoleStatus, LambdaRoleGrantStatus, Reason, status::RoleGrant},
    plan::{
        grant::{
            Judged,
            placement::LISTED_MAX,
            status::{Found, RoleSeen, leaving, report, role_not_found},
        },
        status::{Next, Pass, Report},
    },
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn pass(previous: &LambdaRoleGrantStatus, now: i64) -> Pass<'_, LambdaRoleGrantStatus> {
    Pass {
        previous,
        generation: Some(1),
        reconcile_at: None,
        class_name: None,
        now: at(now),
        settle: Duration::from_secs(10),
    }
}

/// A role whose last pass changed IAM at second 100, with that entry about the grant.
fn role_status(entry: Option<RoleGrant>) -> LambdaExecutionRoleStatus {
    LambdaExecutionRoleStatus {
        role_arn: Some("arn:aws:iam::111122223333:role/platform-gateway".to_owned()),
        role_name: Some("platform-gateway".to_owned()),
        grants: entry.into_iter().collect(),
        inline_characters: Some(10_000),
        inline_quota: Some(10_240),
        last_change_time: Some(Time(at(100))),
        ..LambdaExecutionRoleStatus::default()
    }
}

fn entry(generation: i64, characters: Option<i64>, reason: Option<Reason>) -> RoleGrant {
    RoleGrant {
        namespace: "shop".to_owned(),
        name: "orders".to_owned(),
        generation: Some(generation),
        policy_name: "lambdaroles+shop+orders".to_owned(),
        characters,
        reason: reason.map(|reason| reason.as_str().to_owned()),
    }
}

fn seen(status: &LambdaExecutionRoleStatus) -> RoleSeen<'_> {
    RoleSeen { namespace: "platform", name: "gateway", status: Some(status), is_suspended: false, per_namespace: None }
}

fn said(
    previous: &LambdaRoleGrantStatus,
    now: i64,
    judged: &Judged,
    role: RoleSeen<'_>,
) -> Report<LambdaRoleGrantStatus> {
    report(&pass(previous, now), &Found::Judged { judged, role })
}

fn condition(status: &LambdaRoleGrantStatus, kind: ConditionType) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == kind.to_string())
}

fn told(status: &LambdaRoleGrantStatus, kind: ConditionType) -> (String, String) {
    let condition = condition(status, kind).unwrap_or_else(|| panic!("no {kind}: {status:?}"));
    (condition.status.clone(), condition.reason.clone())
}

fn pair(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

fn sound() -> Judged {
    judged(&applicant("shop", "orders", &json!({})))
}

const FIRST: fn() -> LambdaRoleGrantStatus = LambdaRoleGrantStatus::default;

#[test]
fn a_grant_on_the_role_is_ready_when_iam_has_had_time() {
    let role = role_status(Some(entry(1, Some(200), None)));
    let early = said(&FIRST(), 104, &sound(), seen(&role));
    assert_eq!(told(&early.status, ConditionType::Synced), pair("True", "Synced"));
    assert_eq!(told(&early.status, ConditionType::Ready), pair("False", "PropagationPending"));
    assert_eq!(early.next, Next::Verify(Duration::from_secs(6)));
    assert_eq!(early.status.role_arn, role.role_arn);
    assert_eq!(early.status.policy_name.as_deref(), Some("lambdaroles+shop+orders"));
    assert_eq!(early.status.characters, Some(200));
    assert_eq!(early.notes.len(), 1);
    assert!(!early.notes[0].is_warning && early.notes[0].reason == Reason::Synced);
    let late = said(&early.status, 110, &sound(), seen(&role));
    assert_eq!(told(&late.status, ConditionType::Ready), pair("True", "Ready"));
    assert_eq!((late.next, late.notes.len()), (Next::Resync, 0));
}

#[test]
fn a_change_of_the_role_for_another_grant_leaves_a_ready_one_alone() {
    let role = role_status(Some(entry(1, Some(200), None)));
    let ready = said(&FIRST(), 200, &sound(), seen(&role)).status;
    let changed = LambdaExecutionRoleStatus { last_change_time: Some(Time(at(300))), ..role };
    let then = said(&ready, 301, &sound(), seen(&changed));
    assert_eq!(then.status, ready);
}

#[test]
fn a_grant_waits_for_the_pass_that_sees_its_generation() {
    for entry in [None, Some(entry(0, Some(200), None))] {
        let role = role_status(entry);
        let waiting = said(&FIRST(), 104, &sound(), seen(&role));
        assert_eq!(told(&waiting.status, ConditionType::Accepted), pair("True", "Accepted"));
        assert_eq!(told(&waiting.status, ConditionType::Ready), pair("False", "RolePending"));
        assert!(condition(&waiting.status, ConditionType::Reconciling).is_some());
        assert_eq!(waiting.notes, []);
    }
}

#[test]
fn a_grant_beyond_those_that_a_role_lists_is_told_that_there_is_no_room() {
    let mut role = role_status(None);
    let of_others = |number: usize| RoleGrant { name: format!("other-{number}"), ..entry(1, Some(50), None) };
    for (listed, expected) in [(LISTED_MAX - 1, "RolePending"), (LISTED_MAX, "NoRoomForGrant")] {
        role.grants = (0..listed).map(of_others).collect();
        let status = said(&FIRST(), 104, &sound(), seen(&role)).status;
        assert_eq!(told(&status, ConditionType::Ready), pair("False", expected), "{listed}");
    }
}

#[test]
fn a_role_that_is_not_ready_says_why_in_its_own_words() {
    let ready = Condition {
        type_: "Ready".to_owned(),
        status: "False".to_owned(),
        reason: "AccessDenied".to_owned(),
        message: "The controller may not call iam:PutRolePolicy.".to_owned(),
        observed_generation: Some(1),
        last_transition_time: Time(at(1)),
    };
    let role = LambdaExecutionRoleStatus { conditions: vec![ready], ..role_status(None) };
    let at_home = judged(&applicant("platform", "orders", &json!({})));
    let waiting = said(&FIRST(), 104, &at_home, seen(&role)).status;
    let message = &condition(&waiting, ConditionType::Ready).unwrap().message;
    assert!(
        message.contains("platform/gateway") && message.contains("AccessDenied: The controller may not"),
        "{message}"
    );
    // Other namespaces are told no more than the reason.
    let waiting = said(&FIRST(), 104, &sound(), seen(&role)).status;
    let message = &condition(&waiting, ConditionType::Ready).unwrap().message;
    assert!(message.ends_with("not ready: AccessDenied."), "{message}");
    let suspended = RoleSeen { is_suspended: true, ..seen(&role) };
    let waiting = said(&FIRST(), 104, &sound(), suspended).status;
    assert!(condition(&waiting, ConditionType::Ready).unwrap().message.contains("is suspended"));
}

#[test]
fn a_grant_without_room_is_told_the_numbers_and_goes_on_by_itself() {
    let role = role_status(Some(entry(1, Some(200), Some(Reason::NoRoomForGrant))));
    let full = said(&FIRST(), 104, &sound(), seen(&role));
    assert_eq!(told(&full.status, ConditionType::Accepted), pair("False", "NoRoomForGrant"));
    assert!(condition(&full.status, ConditionType::Reconciling).is_some());
    let message = &condition(&full.status, ConditionType::Accepted).unwrap().message;
    assert!(
        message.contains("has room for 440: of the 10240") && message.contains("take 9800 and those of grants 200"),
        "{message}"
    );
    assert!(condition(&full.status, ConditionType::Synced).unwrap().message.contains("as it was before"));
    assert!(full.notes[0].is_warning);
    assert_eq!(said(&full.status, 200, &sound(), seen(&role)).notes, [], "a state that goes on is told once");
}

#[test]
fn a_refused_grant_says_why_and_whom_it_needs() {
    let refused = judged(&applicant("shop", "orders", &json!({"sourceFunctionArns": ["billing-x"]})));
    let role = role_status(Some(entry(1, None, Some(Reason::GuardrailViolation))));
    let report = said(&FIRST(), 104, &refused, seen(&role));
    for kind in [ConditionType::Ready, ConditionType::Accepted] {
        assert_eq!(told(&report.status, kind), pair("False", "GuardrailViolation"));
    }
    assert!(condition(&report.status, ConditionType::Stalled).is_some());
    assert_eq!(
        condition(&report.status, ConditionType::Synced).unwrap().message,
        "Nothing of the grant is on the role."
    );
}

#[test]
fn who_may_not_add_to_a_role_is_not_told_whether_it_is_there() {
    let elsewhere = role_not_found(("platform", "gateway"), "shop");
    assert_eq!(elsewhere.reason, Reason::GrantNotAdmitted);
    let at_home = role_not_found(("shop", "gateway"), "shop");
    assert_eq!(at_home.reason, Reason::RoleNotFound);
    let closed = super::role(&json!({"spec": {"grants": {"from": "None", "selector": null}}}));
    let refused = super::judged_by(&applicant("shop", "orders", &json!({})), &closed, &super::class(&json!({})));
    assert_eq!(super::message(&refused), elsewhere.message);
    let status = said(&FIRST(), 104, &refused, seen(&role_status(None))).status;
    assert_eq!((status.role_arn, status.policy_name), (None, None));
}

#[test]
fn a_grant_whose_role_went_is_not_said_to_have_left_nothing_if_that_may_have_been_retained() {
    let synced = |report: &Report<LambdaRoleGrantStatus>| {
        condition(&report.status, ConditionType::Synced).unwrap().message.clone()
    };
    let gone = role_not_found(("platform", "gateway"), "shop");
    let never = report(&pass(&FIRST(), 104), &Found::Unjudged(&gone));
    assert_eq!(synced(&never), "Nothing of the grant is on the role.");
    let before = said(&FIRST(), 104, &sound(), seen(&role_status(Some(entry(1, Some(200), None))))).status;
    let after = report(&pass(&before, 105), &Found::Unjudged(&gone));
    let policy = before.policy_name.clone().unwrap();
    assert!(synced(&after).contains("was retained") && synced(&after).contains(&policy), "{}", synced(&after));
    assert_eq!(
        report(&pass(&after.status, 106), &Found::Unjudged(&gone)).status,
        after.status,
        "it is said the same again"
    );
    let unreadable = crate::plan::Hold::new(Reason::InvalidSpec, "spec: cannot be read.");
    let unread = report(&pass(&before, 105), &Found::Unjudged(&unreadable));
    assert_eq!(synced(&unread), format!("Policy {policy} is on the role as it was before."));
}

#[test]
fn a_deletion_waits_until_the_role_has_lost_the_policy() {
    let key = GrantKey { namespace: "shop".to_owned(), name: "orders".to_owned() };
    let on_role = role_status(Some(entry(1, Some(200), None)));
    let hold = leaving(&key, Some(&seen(&on_role))).unwrap();
    assert_eq!(hold.reason, Reason::RolePending);
    let suspended = leaving(&key, Some(&RoleSeen { is_suspended: true, ..seen(&on_role) })).unwrap();
    assert_eq!(suspended.reason, Reason::Suspended);
    let blocked = report(&pass(&FIRST(), 104), &Found::Leaving { hold: &suspended }).status;
    assert_eq!(told(&blocked, ConditionType::DeletionBlocked), pair("True", "Suspended"));
    for role in [role_status(None), role_status(Some(entry(1, None, Some(Reason::InvalidSpec))))] {
        assert_eq!(leaving(&key, Some(&seen(&role))), None);
    }
    assert_eq!(leaving(&key, None), None, "the role is gone, and its policies with it");
}
