//! Every reason that an object can be told, as the controller would write it into the status.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use lambdaroles::{
    api::{LambdaExecutionRoleStatus, LambdaManagedPolicyStatus, LambdaRoleClassStatus, LambdaRoleGrantStatus, Reason},
    aws::Kind,
    lint::Finding,
    plan::{
        Class, DesiredRole, Hold, References,
        class::{self, Count},
        desired::desired_role,
        export,
        grant::{
            GrantKey, Judged, Keeping,
            status::{self as grant_status, RoleSeen},
        },
        managed_policy::{DesiredPolicy, desired_policy, status as policy_status},
        status::{self, Pass, Report},
    },
    policy::Document,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::{
    BROKEN, DONE, GOING, Health, Look, Status, UNDER_WAY, argocd, flux, look,
    told::{ERRORS, Outcome, failure, told, told_of_grant},
};
use crate::properties::world::{account, class as no_class, owner};

const GENERATION: i64 = 3;

fn hold(reason: Reason) -> Hold {
    Hold { reason, message: format!("It stays as it is: {reason}."), plan: Vec::new() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn pass<S>(previous: &S, second: i64) -> Pass<'_, S> {
    Pass {
        previous,
        generation: Some(GENERATION),
        reconcile_at: None,
        class_name: Some("production"),
        now: at(second),
        settle: Duration::from_secs(15),
    }
}

fn statement(actions: &[&str]) -> Value {
    json!({"effect": "Allow", "actions": actions, "resources": ["arn:aws:s3:::orders/*"]})
}

fn role(spec: Value) -> Result<DesiredRole, Vec<Finding>> {
    let spec = serde_json::from_value(spec).unwrap();
    desired_role(&spec, &owner(), &account(), &no_class(), &References::default(), None)
}

fn role_after(previous: &LambdaExecutionRoleStatus, outcome: &Outcome, second: i64) -> LambdaExecutionRoleStatus {
    let said = |outcome| status::report(&pass(previous, second), &outcome).status;
    match outcome {
        Outcome::Synced { is_settled } => {
            let desired = role(json!({"statements": [statement(&["s3:GetObject"])]})).unwrap();
            let identity = status::Identity {
                arn: "arn:aws:iam::123456789012:role/shop-orders".to_owned(),
                id: "AROAEXAMPLEEXAMPLEEX".to_owned(),
                account_id: "123456789012".to_owned(),
            };
            let synced = status::Outcome::Synced {
                desired: &desired,
                identity: &identity,
                applied: &[],
                foreign: None,
                tracked: &[],
            };
            let changed = said(synced.clone());
            if *is_settled { status::report(&pass(&changed, second + 60), &synced).status } else { changed }
        }
        Outcome::Rejected => {
            let findings = role(json!({"statements": [statement(&[])]})).unwrap_err();
            said(status::Outcome::Rejected { findings: &findings, enforced: &[] })
        }
        Outcome::Export(outcome) => {
            let ready = role_after(previous, &Outcome::Synced { is_settled: true }, second);
            let object =
                json!({"metadata": {"name": "orders"}, "spec": {"export": {"configMap": {"name": "orders-role"}}}});
            let report = Report { status: ready.clone(), notes: Vec::new(), next: status::Next::Resync };
            export::told(&decoded(object), &pass(&ready, second), report, outcome, &[]).status
        }
        Outcome::Held | Outcome::Deleting => panic!("needs a reason"),
        Outcome::Failed(failure) => {
            said(status::Outcome::Failed { failure, desired: None, applied: &[], attempted: None, is_behind: false })
        }
    }
}

fn role_told(reason: Reason, outcome: &Outcome) -> Value {
    let none = LambdaExecutionRoleStatus::default();
    let held = |hold, is_deleting| {
        status::report(&pass(&none, 0), &status::Outcome::Held { hold, is_deleting, enforced: &[] }).status
    };
    let status = match outcome {
        Outcome::Held => held(&hold(reason), false),
        Outcome::Deleting => held(&hold(Reason::InUseByFunctions), true),
        outcome => role_after(&none, outcome, 0),
    };
    object("LambdaExecutionRole", &status, matches!(outcome, Outcome::Deleting))
}

fn policy(spec: Value) -> Result<DesiredPolicy, Vec<Finding>> {
    desired_policy(&serde_json::from_value(spec).unwrap(), &owner(), &account(), &no_class(), None)
}

fn policy_told(reason: Reason, outcome: &Outcome) -> Value {
    let none = LambdaManagedPolicyStatus::default();
    let said = |outcome| policy_status::report(&pass(&none, 0), &outcome).status;
    let status = match outcome {
        Outcome::Synced { is_settled } => {
            let desired = policy(json!({"statements": [statement(&["s3:GetObject"])]})).unwrap();
            let identity = policy_status::Identity {
                id: "ANPAEXAMPLEEXAMPLEEX".to_owned(),
                account_id: "123456789012".to_owned(),
                default_version: "v1".to_owned(),
                attachment_count: 0,
            };
            let synced = policy_status::Outcome::Synced { desired: &desired, identity: &identity, applied: &[] };
            let changed = said(synced.clone());
            if *is_settled { policy_status::report(&pass(&changed, 60), &synced).status } else { changed }
        }
        Outcome::Rejected => {
            let findings = policy(json!({"statements": [statement(&[])]})).unwrap_err();
            said(policy_status::Outcome::Rejected { findings: &findings, enforced: &[] })
        }
        Outcome::Export(_) => panic!("a policy has none"),
        Outcome::Held => said(policy_status::Outcome::Held { hold: &hold(reason), is_deleting: false, enforced: &[] }),
        Outcome::Deleting => {
            said(policy_status::Outcome::Held { hold: &hold(Reason::InUseByRoles), is_deleting: true, enforced: &[] })
        }
        Outcome::Failed(failure) => {
            said(policy_status::Outcome::Failed { failure, desired: None, applied: &[], is_behind: false })
        }
    };
    object("LambdaManagedPolicy", &status, matches!(outcome, Outcome::Deleting))
}

const GRANTED: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

fn grant_told(reason: Reason) -> Value {
    let none = LambdaRoleGrantStatus::default();
    let changed = |second: i64| at(second).to_string();
    let entry = |reason: Option<Reason>| {
        json!({
            "grants": [{
                "namespace": "shop", "name": "orders", "generation": GENERATION,
                "policyName": "lambdaroles+shop+orders", "characters": reason.is_none().then_some(200),
                "reason": reason.map(Reason::as_str),
            }],
            "lastChangeTime": changed(0),
        })
    };
    let judged = |role: Value, second: i64| {
        let role: LambdaExecutionRoleStatus = decoded(role);
        let judged = Judged {
            key: GrantKey { namespace: "shop".to_owned(), name: "orders".to_owned() },
            generation: Some(GENERATION),
            created: None,
            content: Ok(Document::parse(GRANTED).unwrap()),
            keeps: Keeping::Everything,
            faults: Vec::new(),
            warnings: Vec::new(),
            is_decoded: true,
        };
        let role = RoleSeen {
            namespace: "platform",
            name: "gateway",
            status: Some(&role),
            is_suspended: false,
            per_namespace: None,
        };
        grant_status::report(&pass(&none, second), &grant_status::Found::Judged { judged: &judged, role }).status
    };
    let status = match reason {
        Reason::Ready => judged(entry(None), 60),
        Reason::PropagationPending => judged(entry(None), 1),
        Reason::RolePending => judged(json!({}), 60),
        Reason::NoRoomForGrant => judged(entry(Some(reason)), 60),
        Reason::Deleting => {
            let hold = hold(Reason::RolePending);
            grant_status::report(&pass(&none, 0), &grant_status::Found::Leaving { hold: &hold }).status
        }
        _ => grant_status::report(&pass(&none, 0), &grant_status::Found::Unjudged(&hold(reason))).status,
    };
    object("LambdaRoleGrant", &status, reason == Reason::Deleting)
}

fn class_told(previous: &LambdaRoleClassStatus, found: &class::Found<'_>) -> LambdaRoleClassStatus {
    class::report(previous, Some(GENERATION), found, Count::default(), at(0))
}

fn decoded<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn object(kind: &str, status: &impl Serialize, is_deleting: bool) -> Value {
    let mut object = json!({
        "apiVersion": "lambdaroles.dev/v1alpha1", "kind": kind,
        "metadata": {"name": "orders", "namespace": "shop", "generation": GENERATION},
        "spec": {}, "status": status,
    });
    if is_deleting {
        object["metadata"]["deletionTimestamp"] = json!("2027-01-15T08:00:00Z");
    }
    object
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// It looks as it should, gives its reason, and says what the condition says.
fn assert_told(object: &Value, reason: Reason, expected: Look) {
    let ready = condition(object, "Ready").unwrap();
    assert_eq!(ready["reason"], reason.as_str(), "{object:#}");
    assert_eq!(look(object), expected, "{reason}: {object:#}");
    if expected != GOING {
        let message = argocd::health(object).1;
        assert!(!message.is_empty() && message == ready["message"], "{reason}: {message}");
    }
}

/// Of all kinds, one for each reason.
fn every_object() -> Vec<(Value, Reason, Look)> {
    let mut all = Vec::new();
    for reason in Reason::iter() {
        if let Some((outcome, look)) = told(reason) {
            all.push((role_told(reason, &outcome), reason, look));
            if !matches!(outcome, Outcome::Export(_)) {
                all.push((policy_told(reason, &outcome), reason, look));
            }
        }
        all.extend(told_of_grant(reason).map(|look| (grant_told(reason), reason, look)));
    }
    all
}

#[test]
fn every_reason_looks_to_flux_and_to_argo_cd_like_what_it_means() {
    for (object, reason, expected) in every_object() {
        assert_told(&object, reason, expected);
    }
}

#[test]
fn what_is_said_of_an_older_spec_is_not_taken_for_the_newer_one() {
    for (mut object, reason, expected) in every_object() {
        object["metadata"]["generation"] = json!(GENERATION + 1);
        assert_eq!(look(&object), if expected == GOING { GOING } else { UNDER_WAY }, "{reason}");
    }
}

/// By the expressions of our example, in which what is held back on purpose is done.
#[test]
fn flux_waits_for_nothing_that_is_held_back_on_purpose_if_it_is_told_so() {
    for (object, reason, (_, health)) in every_object().into_iter().filter(|(_, _, look)| *look != GOING) {
        let expected = match health {
            Health::Healthy | Health::Suspended => Status::Current,
            Health::Progressing => Status::InProgress,
            Health::Degraded => Status::Failed,
        };
        assert_eq!(flux::status(&object), expected, "{reason}: {object:#}");
        let mut newer = object;
        newer["metadata"]["generation"] = json!(GENERATION + 1);
        assert_eq!(flux::status(&newer), Status::InProgress, "{reason}");
    }
}

/// With what the CRD says of a status that was never written.
#[test]
fn an_object_that_the_controller_has_not_seen_yet_is_waited_for() {
    for crd in lambdaroles::api::crds() {
        let schema = crd.spec.versions[0].schema.clone().unwrap().open_api_v3_schema.unwrap();
        let status = schema.properties.unwrap()["status"].default.clone().unwrap();
        let object = object(&crd.spec.names.kind, &status, false);
        assert_eq!(look(&object), UNDER_WAY, "{object:#}");
        // Classes are in a Kustomization of their own, which goes by kstatus alone.
        if crd.spec.names.kind != "LambdaRoleClass" {
            assert_eq!(flux::status(&object), Status::InProgress, "{object:#}");
        }
    }
}

/// Whoever waits by kstatus is told that it is not known; Argo CD shows the health of what runs, which did not change.
#[test]
fn a_look_that_fails_makes_a_role_no_less_healthy_unless_somebody_has_to_do_something() {
    let ready = role_after(&LambdaExecutionRoleStatus::default(), &Outcome::Synced { is_settled: true }, 0);
    for kind in ERRORS {
        let failure = failure(kind);
        let expected = if failure.class == Class::Terminal { BROKEN } else { (UNDER_WAY.0, DONE.1) };
        let object = object("LambdaExecutionRole", &role_after(&ready, &Outcome::Failed(failure), 100), false);
        assert_eq!(look(&object), expected, "{kind:?}: {object:#}");
    }
}

#[test]
fn a_class_looks_like_what_was_found_of_it() {
    let usable = class::Found::Usable {
        account_id: "123456789012",
        principal_arn: "arn:aws:iam::123456789012:role/controller",
        quotas: &[],
    };
    let ready = class_told(&LambdaRoleClassStatus::default(), &usable);
    let class = |status: &LambdaRoleClassStatus| object("LambdaRoleClass", status, false);
    assert_told(&class(&ready), Reason::Ready, DONE);
    let broken = class_told(&ready, &class::Found::Unusable(&hold(Reason::InvalidClass)));
    assert_told(&class(&broken), Reason::InvalidClass, BROKEN);
    for kind in ERRORS {
        let failure = failure(kind);
        let new = class_told(&LambdaRoleClassStatus::default(), &class::Found::Failed(&failure));
        let expected = if failure.class == Class::Terminal { BROKEN } else { UNDER_WAY };
        assert_told(&class(&new), failure.reason, expected);
    }
    let throttled = class_told(&ready, &class::Found::Failed(&failure(Kind::Throttled)));
    assert_told(&class(&throttled), Reason::Ready, DONE);
}
