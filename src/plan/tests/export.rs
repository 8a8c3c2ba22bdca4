//! What is done about an exported ConfigMap.

mod report;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};
use kube::core::ObjectMeta;
use proptest::prelude::*;
use rstest::rstest;

use super::spec;
use crate::{
    api::{
        ConditionType, LambdaExecutionRole, LambdaExecutionRoleStatus as Status, Reason,
        status::{AttachedPolicy, ExportStatus},
    },
    plan::export::{
        Ask, ControllingOwner, DesiredConfigMap, ObservedConfigMap, Outcome, Step, announcement, ask, judge, names,
        remembered,
    },
};

const UID: &str = "uid-of-orders";

const EXPORT: &str = "{export: {configMap: {name: orders-role}}}";

fn role(yaml: &str) -> LambdaExecutionRole {
    let metadata = ObjectMeta {
        name: Some("orders".to_owned()),
        namespace: Some("shop".to_owned()),
        uid: Some(UID.to_owned()),
        generation: Some(1),
        ..ObjectMeta::default()
    };
    LambdaExecutionRole { metadata, spec: spec(yaml), status: None }
}

/// A status whose role is ready, or not for that reason.
fn status(ready: Reason, synced: &str) -> Status {
    let condition = |kind: ConditionType, status: &str, reason: Reason| Condition {
        type_: kind.to_string(),
        status: status.to_owned(),
        reason: reason.as_str().to_owned(),
        message: "As it was.".to_owned(),
        observed_generation: Some(1),
        last_transition_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH),
    };
    let is_ready = if ready == Reason::Ready { "True" } else { "False" };
    Status {
        role_arn: Some("arn:aws:iam::111122223333:role/shop-orders".to_owned()),
        role_name: Some("shop-orders".to_owned()),
        role_id: Some("AROAEXAMPLEEXAMPLEEX".to_owned()),
        account_id: Some("111122223333".to_owned()),
        conditions: vec![
            condition(ConditionType::Ready, is_ready, ready),
            condition(ConditionType::Accepted, "True", Reason::Accepted),
            condition(ConditionType::Synced, synced, Reason::Synced),
        ],
        ..Status::default()
    }
}

fn ready() -> Status {
    status(Reason::Ready, "True")
}

fn exported_to(name: &str) -> Status {
    renamed(&[], name)
}

/// A status that was exported to the last, and before that to the others, which may be there still.
fn renamed(previous: &[&str], name: &str) -> Status {
    let previous = previous.iter().map(|&name| name.to_owned()).collect();
    Status { export: Some(ExportStatus { config_map: name.to_owned(), previous }), ..ready() }
}

fn wanted(yaml: &str) -> DesiredConfigMap {
    match ask(&role(yaml), &ready(), true) {
        Ask::Look { wanted: Some(wanted), .. } => wanted,
        other => panic!("{other:?}"),
    }
}

/// The ConfigMap as the API server has it after it was written for the object of that UID.
fn written(desired: &DesiredConfigMap, uid: &str) -> ObservedConfigMap {
    ObservedConfigMap {
        name: desired.name.clone(),
        uid: "uid-of-config-map".to_owned(),
        resource_version: "7".to_owned(),
        controller: Some(ControllingOwner {
            kind: "LambdaExecutionRole".to_owned(),
            name: "orders".to_owned(),
            uid: uid.to_owned(),
        }),
        labels: desired.labels.clone(),
        data: desired.data.clone(),
        own_keys: desired.data.keys().cloned().collect(),
    }
}

fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn by_default_a_workload_reads_arn_name_id_and_account() {
    let wanted = wanted(EXPORT);
    assert_eq!(wanted.name, "orders-role");
    let expected = data(&[
        ("roleArn", "arn:aws:iam::111122223333:role/shop-orders"),
        ("roleName", "shop-orders"),
        ("roleId", "AROAEXAMPLEEXAMPLEEX"),
        ("accountId", "111122223333"),
    ]);
    assert_eq!(wanted.data, expected);
    assert_eq!(
        wanted.labels,
        data(&[("app.kubernetes.io/managed-by", "lambdaroles"), ("lambdaroles.dev/role", "orders")])
    );
}

#[test]
fn with_keys_it_reads_what_they_list_and_no_more() {
    let wanted = wanted("{export: {configMap: {name: a, keys: {roleArn: ROLE_ARN, roleName: ROLE}}}}");
    let expected = data(&[("ROLE_ARN", "arn:aws:iam::111122223333:role/shop-orders"), ("ROLE", "shop-orders")]);
    assert_eq!(wanted.data, expected);
}

#[test]
fn a_name_too_long_for_a_label_is_left_to_the_owner_reference() {
    let mut role = role(EXPORT);
    role.metadata.name = Some("a".repeat(64));
    let Ask::Look { wanted: Some(wanted), .. } = ask(&role, &ready(), true) else { panic!() };
    assert_eq!(wanted.labels, data(&[("app.kubernetes.io/managed-by", "lambdaroles")]));
}

#[rstest]
#[case::none_was_asked_for("{}", ready(), true, Outcome::Nothing)]
#[case::the_controller_runs_without_exports(EXPORT, ready(), false, Outcome::Disabled)]
#[case::without_exports_none_is_removed("{}", exported_to("a"), false, Outcome::Left(BTreeSet::from(["a".to_owned()])))]
#[case::suspended("{suspend: true, export: {configMap: {name: a}}}", ready(), true, Outcome::Suspended)]
#[case::suspended_and_no_more_asked_for("{suspend: true}", exported_to("a"), true, Outcome::Nothing)]
#[case::no_role_yet(EXPORT, Status::default(), true, Outcome::Waiting)]
#[case::the_spec_is_invalid("{export: {configMap: {name: 'A'}}}", ready(), true, Outcome::Waiting)]
fn nothing_is_looked_at_where(
    #[case] spec: &str,
    #[case] status: Status,
    #[case] is_enabled: bool,
    #[case] outcome: Outcome,
) {
    assert_eq!(ask(&role(spec), &status, is_enabled), Ask::Settled(outcome));
}

#[rstest]
#[case::the_same(EXPORT, exported_to("orders-role"), Some("orders-role"), &[])]
#[case::another(EXPORT, exported_to("old"), Some("orders-role"), &["old"])]
#[case::none("{}", exported_to("old"), None, &["old"])]
#[case::another_after_a_pass_that_was_cut_off(EXPORT, renamed(&["oldest"], "old"), Some("orders-role"), &["old", "oldest"])]
#[case::the_same_after_a_pass_that_was_cut_off(EXPORT, renamed(&["old"], "orders-role"), Some("orders-role"), &["old"])]
#[case::the_first_again(EXPORT, renamed(&["orders-role"], "new"), Some("orders-role"), &["new"])]
fn what_was_written_under_other_names_goes_where_the_spec_asks_for(
    #[case] spec: &str,
    #[case] status: Status,
    #[case] name: Option<&str>,
    #[case] goes: &[&str],
) {
    let Ask::Look { wanted, left } = ask(&role(spec), &status, true) else { panic!() };
    assert_eq!(wanted.map(|wanted| wanted.name).as_deref(), name);
    assert_eq!(left.iter().map(String::as_str).collect::<Vec<_>>(), goes);
    let going = LambdaExecutionRole { status: Some(status), ..role(spec) };
    let known: BTreeSet<String> = goes.iter().copied().chain(name).map(str::to_owned).collect();
    assert_eq!(names(&going), known, "with the object all of them go");
}

#[test]
fn the_new_one_is_made_before_the_old_ones_go_and_until_then_all_are_remembered() {
    let wanted = wanted(EXPORT);
    let old = ["a", "b"].map(|name| ObservedConfigMap { name: name.to_owned(), ..written(&wanted, UID) });
    let foreign = ObservedConfigMap { name: "c".to_owned(), ..written(&wanted, "uid-of-another") };
    let left = [old.to_vec(), vec![foreign]].concat();
    let [first, second] = old.map(Step::Remove);
    let steps = judge(UID, &ready(), Some(&wanted), None, &left).unwrap();
    assert_eq!(steps, [Step::Create(wanted.clone()), first.clone(), second.clone()]);
    let expected =
        ExportStatus { config_map: "orders-role".to_owned(), previous: vec!["a".to_owned(), "b".to_owned()] };
    assert_eq!(remembered(&wanted, &steps), expected);
    // Once it is there they go, whether or not the role is ready.
    let there = written(&wanted, UID);
    let pending = status(Reason::PropagationPending, "True");
    assert_eq!(judge(UID, &pending, Some(&wanted), Some(&there), &left), Ok(vec![first, second]));
    // It is not there yet, and cannot be.
    assert_eq!(judge(UID, &pending, Some(&wanted), None, &left), Err(Outcome::Waiting));
}

#[test]
fn before_it_is_made_the_status_says_what_was_put_on_the_role_but_not_how_the_object_stands() {
    let previous = Status { observed_generation: Some(1), ..status(Reason::PropagationPending, "False") };
    let attached: Vec<AttachedPolicy> =
        vec![serde_json::from_value(serde_json::json!({"arn": "arn:aws:iam::aws:policy/X"})).unwrap()];
    let now = Status {
        observed_generation: Some(2),
        last_handled_reconcile_at: Some("now".to_owned()),
        managed_policies: attached,
        ..exported_to("orders-role")
    };
    let announced = announcement(&previous, &now);
    let expected = Status {
        observed_generation: Some(1),
        last_handled_reconcile_at: None,
        conditions: previous.conditions,
        ..now
    };
    assert_eq!(announced, expected);
}

#[test]
fn it_is_made_once_the_role_is_ready_and_not_before() {
    let wanted = wanted(EXPORT);
    let create = Ok(vec![Step::Create(wanted.clone())]);
    assert_eq!(judge(UID, &ready(), Some(&wanted), None, &[]), create);
    for reason in [Reason::PropagationPending, Reason::GuardrailViolation, Reason::Throttled] {
        let outcome = judge(UID, &status(reason, "True"), Some(&wanted), None, &[]);
        assert_eq!(outcome, Err(Outcome::Waiting), "{reason}");
    }
    // An export that failed is what the role is not ready for.
    assert_eq!(judge(UID, &status(Reason::ConfigMapConflict, "True"), Some(&wanted), None, &[]), create);
}

#[test]
fn one_that_is_there_is_kept_equal_while_the_role_is_in_sync() {
    let wanted = wanted(EXPORT);
    let mut edited = written(&wanted, UID);
    edited.data.insert("roleArn".to_owned(), "arn:aws:iam::666666666666:role/other".to_owned());
    let apply = Ok(vec![Step::Update(wanted.clone(), edited.clone())]);
    assert_eq!(judge(UID, &status(Reason::PropagationPending, "True"), Some(&wanted), Some(&edited), &[]), apply);
    let outcome = judge(UID, &status(Reason::GuardrailViolation, "False"), Some(&wanted), Some(&edited), &[]);
    assert_eq!(outcome, Err(Outcome::Waiting));
}

#[test]
fn a_key_that_is_asked_for_no_more_goes_and_what_others_added_stays() {
    let all = wanted(EXPORT);
    let fewer = wanted("{export: {configMap: {name: orders-role, keys: {roleArn: roleArn}}}}");
    let mut found = written(&all, UID);
    assert_eq!(
        judge(UID, &ready(), Some(&fewer), Some(&found), &[]),
        Ok(vec![Step::Update(fewer.clone(), found.clone())])
    );
    found = written(&fewer, UID);
    found.data.insert("theirs".to_owned(), "x".to_owned());
    found.labels.insert("team".to_owned(), "shop".to_owned());
    assert_eq!(judge(UID, &ready(), Some(&fewer), Some(&found), &[]), Ok(Vec::new()));
}

#[rstest]
#[case::nobodys(None, "has no owner that controls it")]
#[case::another_roles(Some("uid-of-another"), "belongs to LambdaExecutionRole orders (UID uid-of-another)")]
fn one_that_is_not_the_objects_is_not_touched_and_the_old_one_stays_meanwhile(
    #[case] owner: Option<&str>,
    #[case] said: &str,
) {
    let wanted = wanted(EXPORT);
    let found = match owner {
        Some(uid) => written(&wanted, uid),
        None => ObservedConfigMap { controller: None, ..written(&wanted, UID) },
    };
    let left = ObservedConfigMap { name: "old".to_owned(), ..written(&wanted, UID) };
    match judge(UID, &ready(), Some(&wanted), Some(&found), &[left]) {
        Err(Outcome::Conflict(message)) => {
            assert!(message.contains(said) && message.contains("not touched"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let foreign = ObservedConfigMap { name: "old".to_owned(), ..found };
    assert_eq!(judge(UID, &ready(), None, None, &[foreign]), Ok(Vec::new()));
}

#[test]
fn an_object_without_a_uid_owns_nothing() {
    let nobody = ObservedConfigMap { controller: Some(ControllingOwner::default()), ..ObservedConfigMap::default() };
    assert!(!nobody.is_owned_by(""));
}

prop_compose! {
    fn found()(
        is_there in any::<bool>(),
        uid in prop_oneof![Just(Some(UID)), Just(Some("uid-of-another")), Just(None)],
        edit in prop_oneof![Just(None), Just(Some(("roleArn", "x"))), Just(Some(("theirs", "x")))],
        forgets in any::<bool>(),
    ) -> Option<ObservedConfigMap> {
        let wanted = wanted(EXPORT);
        let mut found = written(&wanted, uid.unwrap_or_default());
        if uid.is_none() {
            found.controller = None;
        }
        found.data.extend(edit.map(|(key, value)| (key.to_owned(), value.to_owned())));
        if forgets {
            found.data.remove("roleName");
            found.own_keys.clear();
        }
        is_there.then_some(found)
    }
}

proptest! {
    /// Whatever stands there, after the steps nothing is left to do, and what is not the object's is as it was.
    #[test]
    fn a_second_pass_has_nothing_to_do_and_others_lose_nothing(found in found(), left in found()) {
        let wanted = wanted(EXPORT);
        let left: Vec<_> = left.into_iter().collect();
        let Ok(steps) = judge(UID, &ready(), Some(&wanted), found.as_ref(), &left) else {
            prop_assert!(found.is_some_and(|found| !found.is_owned_by(UID)));
            return Ok(());
        };
        let (mut now, mut left_now) = (found, left);
        for step in steps {
            match step {
                Step::Remove(gone) => {
                    prop_assert!(gone.is_owned_by(UID));
                    prop_assert!(now.is_some(), "workloads have the one or the other");
                    left_now.clear();
                }
                Step::Create(new) => {
                    prop_assert!(now.is_none());
                    now = Some(written(&new, UID));
                }
                Step::Update(new, before) => {
                    prop_assert!(before.is_owned_by(UID));
                    let mut after = written(&new, UID);
                    after.data.extend(before.data.into_iter().filter(|(key, _)| !new.data.contains_key(key)));
                    now = Some(after);
                }
            }
        }
        prop_assert_eq!(judge(UID, &ready(), Some(&wanted), now.as_ref(), &left_now), Ok(Vec::new()));
    }
}
