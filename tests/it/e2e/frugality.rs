//! What each thing costs in requests.

use std::collections::BTreeMap;

use futures::future::join_all;
use lambdaroles::api::{ConditionType, Reason};
use serde_json::{Value, json};

use crate::harness::{World, condition, patiently};

fn spec() -> Value {
    json!({
        "description": "d", "tags": {"team": "shop"},
        "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}, {"aws": "AWSXRayDaemonWriteAccess"}],
        "statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]}],
    })
}

fn counts(calls: &[(&str, usize)]) -> BTreeMap<String, usize> {
    calls.iter().map(|(operation, count)| ((*operation).to_owned(), *count)).collect()
}

/// What one look at a role with one inline policy costs.
const LOOK: [(&str, usize); 4] =
    [("GetRole", 1), ("ListAttachedRolePolicies", 1), ("ListRolePolicies", 1), ("GetRolePolicy", 1)];

#[tokio::test(flavor = "multi_thread")]
async fn creation_look_edit_and_deletion_cost_what_they_must_and_no_more() {
    let world = World::start().await;
    // The account is asked for once in the life of a process, and each of AWS's policies once a day.
    world.create_ready("first", spec()).await;
    world.proxy.forget();

    // One look, and 1+N+M: the role, two attachments, one inline policy.
    world.create_ready("orders", spec()).await;
    let create = [("GetRole", 1), ("CreateRole", 1), ("PutRolePolicy", 1), ("AttachRolePolicy", 2)];
    assert_eq!(world.proxy.counts(), counts(&create), "creation");

    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.counts(), counts(&LOOK), "a look that finds nothing");

    world.proxy.forget();
    world.change("orders", json!({"description": "e"})).await;
    world.ready("orders").await;
    assert_eq!(world.proxy.counts(), counts(&[&LOOK[..], &[("UpdateRole", 1)]].concat()), "one edit");

    world.proxy.forget();
    world.delete("orders").await;
    world.gone("orders").await;
    let delete = [
        ("ListInstanceProfilesForRole", 1),
        ("ListFunctions", 1),
        ("DeleteRolePolicy", 1),
        ("DetachRolePolicy", 2),
        ("DeleteRole", 1),
    ];
    assert_eq!(world.proxy.counts(), counts(&[&LOOK[..], &delete].concat()), "deletion");
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_that_find_nothing_write_neither_to_iam_nor_to_the_api_server() {
    let world = World::start_with(&["--resync", "300ms"]).await;
    world.create_ready("orders", spec()).await;
    let before = world.get("orders").await;
    world.proxy.forget();
    patiently("four looks", async {
        while world.proxy.counts().get("GetRole").is_none_or(|looks| *looks < 4) {
            world.proxy.next_call().await;
        }
    })
    .await;
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
    assert_eq!(world.get("orders").await.metadata.resource_version, before.metadata.resource_version);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_metadata_alone_costs_no_request_to_iam() {
    let world = World::start_with(&["--concurrency", "1"]).await;
    world.create_ready("orders", spec()).await;
    world.proxy.forget();
    world.annotate("orders", "example.com/note", "hello").await;
    // A second object goes through the same queue after the first.
    world.create_ready("witness", json!({})).await;
    let role = world.role_name("orders");
    let calls = world.proxy.calls();
    assert!(calls.iter().all(|call| call.parameters.get("RoleName") != Some(&role)), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_objects_at_once_all_become_ready_with_the_fewest_calls() {
    const NUMBER: usize = 100;
    let world = World::start().await;
    let names: Vec<String> = (0..NUMBER).map(|number| format!("r{number}")).collect();
    join_all(
        names
            .iter()
            .map(|name| world.create(name, json!({"managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]}))),
    )
    .await;
    join_all(names.iter().map(|name| world.ready(name))).await;
    let mut expected = counts(&[("GetRole", NUMBER), ("CreateRole", NUMBER), ("AttachRolePolicy", NUMBER)]);
    expected.extend(counts(&[("GetCallerIdentity", 1), ("GetAccountSummary", 1), ("GetPolicy", 1)]));
    assert_eq!(world.proxy.counts(), expected);
    join_all(names.iter().map(|name| world.delete(name))).await;
    join_all(names.iter().map(|name| world.gone(name))).await;
    for name in &names {
        assert!(!world.role_exists(&world.role_name(name)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settle_window_passes_without_another_look_at_iam() {
    let world = World::start_with(&["--settle", "2s"]).await;
    world.create("orders", json!({})).await;
    let object = world.condition("orders", ConditionType::Ready, "False", Reason::PropagationPending).await;
    assert_eq!(condition(&object, ConditionType::Synced).unwrap().status, "True");
    assert_eq!(condition(&object, ConditionType::Reconciling).unwrap().status, "True");
    let changed = object.status.unwrap().last_change_time.unwrap().0;
    let object = world.ready("orders").await;
    assert!(condition(&object, ConditionType::Reconciling).is_none());
    let ready = condition(&object, ConditionType::Ready).unwrap().last_transition_time.0;
    assert!(ready.duration_since(changed).as_secs() >= 2, "{changed} to {ready}");
    assert_eq!(world.proxy.counts().get("GetRole"), Some(&1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_soon_after_a_change_is_repeated_once_the_change_has_spread() {
    let world = World::start_with(&["--settle", "3s"]).await;
    world.create("orders", json!({})).await;
    world.condition("orders", ConditionType::Ready, "False", Reason::PropagationPending).await;
    world.change("orders", json!({"description": "at once"})).await;
    world.ready("orders").await;
    assert_eq!(world.proxy.counts().get("GetRole"), Some(&3), "creation, change, and the look that makes sure");
    assert_eq!(world.proxy.counts().get("UpdateRole"), Some(&1));
}
