//! Roles that refer to managed policies which objects describe.

use lambdaroles::api::{ConditionType, LambdaExecutionRole, LambdaManagedPolicy, Reason};
use serde_json::{Value, json};

use crate::harness::{Objects, World, condition, namespaces, open_class};

const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/orders";

fn policy(world: &World, action: &str) -> Value {
    json!({
        "className": world.namespace,
        "statements": [{"effect": "Allow", "actions": [action], "resources": [TABLE]}],
    })
}

/// A role with a policy of each kind: AWS's by name, one by its ARN, and one that an object describes.
fn role(shared: &str) -> Value {
    json!({"managedPolicies": [{"aws": "AWSXRayDaemonWriteAccess"}, {"ref": {"name": "table"}}, {"arn": shared}]})
}

fn table(world: &World) -> String {
    format!("arn:aws:iam::123456789012:policy/{}-table", world.namespace)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_waits_for_its_policy_and_goes_on_by_the_watch_alone() {
    // The next look that the clock would bring is an hour away.
    let world = World::start().await;
    let policies: Objects<LambdaManagedPolicy> = world.objects();
    let shared = world.customer_policy("shared").await;
    world.create("orders", role(&shared)).await;
    let waiting = world.condition("orders", ConditionType::Accepted, "False", Reason::PolicyNotReady).await;
    assert!(condition(&waiting, ConditionType::Reconciling).is_some_and(|going| going.status == "True"));
    assert!(condition(&waiting, ConditionType::Stalled).is_none());
    let message = &condition(&waiting, ConditionType::Ready).unwrap().message;
    assert!(message.contains(&format!("{}/table", world.namespace)), "{message}");
    assert_eq!(world.proxy.writes(), [] as [String; 0]);

    policies.create("table", policy(&world, "dynamodb:GetItem")).await;
    world.ready("orders").await;
    let mut expected = vec!["arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess".to_owned(), shared, table(&world)];
    expected.sort();
    assert_eq!(world.snapshot(&world.role_name("orders")).await.managed, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_there_already_is_attached_at_once() {
    let world = World::start().await;
    let policies: Objects<LambdaManagedPolicy> = world.objects();
    policies.create_ready("table", policy(&world, "dynamodb:GetItem")).await;
    world.proxy.forget();
    world.create_ready("orders", json!({"managedPolicies": [{"ref": {"name": "table"}}]})).await;
    assert_eq!(world.proxy.writes(), ["CreateRole", "AttachRolePolicy"]);
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_policy_is_judged_by_the_class_of_its_roles_without_their_own_doing() {
    let guardrails =
        json!({"guardrails": {"permissions": {"denied": [{"actions": ["dynamodb:Delete*"]}], "exempted": null}}});
    let world = World::start_under(guardrails, &[]).await;
    let policies: Objects<LambdaManagedPolicy> = world.objects();
    policies.create_ready("table", policy(&world, "dynamodb:GetItem")).await;
    world.create_ready("orders", json!({"managedPolicies": [{"ref": {"name": "table"}}]})).await;
    world.proxy.forget();
    // What the class refuses does not reach IAM, and the role keeps what it had.
    policies.change("table", json!({"statements": policy(&world, "dynamodb:DeleteItem")["statements"]})).await;
    policies.condition("table", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert_eq!(world.ready("orders").await.metadata.generation, Some(1));
    // What it allows does, and the role has nothing to write.
    policies.change("table", json!({"statements": policy(&world, "dynamodb:Query")["statements"]})).await;
    policies.ready("table").await;
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), ["CreatePolicyVersion"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_may_be_deleted_in_any_order() {
    let world = World::start().await;
    let policies: Objects<LambdaManagedPolicy> = world.objects();
    for is_policy_first in [true, false] {
        policies.create_ready("table", policy(&world, "dynamodb:GetItem")).await;
        world.create_ready("orders", json!({"managedPolicies": [{"ref": {"name": "table"}}]})).await;
        if is_policy_first {
            policies.delete("table").await;
            let blocked =
                policies.condition("table", ConditionType::DeletionBlocked, "True", Reason::InUseByRoles).await;
            let conditions = blocked.status.unwrap().conditions;
            assert!(
                conditions.iter().any(|c| c.message.contains(&format!("{}/orders", world.namespace))),
                "{conditions:?}"
            );
            world.delete("orders").await;
        } else {
            world.delete("orders").await;
            policies.delete("table").await;
        }
        world.gone("orders").await;
        policies.gone("table").await;
        let left = world.iam.get_policy().policy_arn(table(&world)).send().await;
        assert!(left.unwrap_err().into_service_error().is_no_such_entity_exception());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_reference_nor_an_arn_reaches_a_policy_whose_owner_does_not_admit_the_role() {
    let team = namespaces(1, json!({})).await.remove(0);
    let of_namespace = |namespace: &str| {
        let mut spec = open_class(namespace);
        spec["namespaces"]["names"] = json!([namespace, team]);
        spec
    };
    let world = World::start_in(of_namespace, &["--namespace", &team]).await;
    let policies: Objects<LambdaManagedPolicy> = Objects::in_namespace(&world.client, &team);
    policies.create_ready("table", policy(&world, "dynamodb:GetItem")).await;
    let arn = format!("arn:aws:iam::123456789012:policy/{team}-table");
    let roles: Objects<LambdaExecutionRole> = Objects::in_namespace(&world.client, &team);
    let statements: Vec<Value> = (0..30)
        .map(|n| {
            json!({
                "sid": format!("Bucket{n}"), "effect": "Allow", "actions": [format!("s3:Get{n}*")],
                "resources": [format!("arn:aws:s3:::{n}-{}/*", "b".repeat(400))],
            })
        })
        .collect();
    let big = roles.create_ready("big", json!({"className": world.namespace, "statements": statements})).await;
    let overflow = big.status.unwrap().overflow_policies[0].arn.clone();
    world.proxy.forget();
    // What holds statements of one role is no other's.
    let of_role = json!({"managedPolicies": [{"arn": overflow}]});
    world.create("by-overflow", of_role).await;
    world.condition("by-overflow", ConditionType::Accepted, "False", Reason::PolicyNotAllowed).await;
    let disguised = format!("arn:$(partition):iam::$(accountId):policy/{team}-table");
    let entries = [
        ("by-name", json!({"ref": {"name": "table", "namespace": team}})),
        ("by-arn", json!({"arn": arn})),
        ("by-placeholder", json!({"arn": disguised})),
    ];
    for (name, entry) in &entries {
        world.create(name, json!({"managedPolicies": [entry]})).await;
        let held = world.condition(name, ConditionType::Accepted, "False", Reason::PolicyNotAllowed).await;
        assert!(condition(&held, ConditionType::Stalled).is_some_and(|stalled| stalled.status == "True"), "{name}");
    }
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    // Once it admits the namespace both go on, by the watch alone.
    policies.change("table", json!({"allowedNamespaces": {"names": [world.namespace]}})).await;
    for (name, _) in &entries {
        world.ready(name).await;
        assert_eq!(world.snapshot(&world.role_name(name)).await.managed, std::slice::from_ref(&arn), "{name}");
    }
    // And what its owner withdraws is gone from who refers to it. An ARN is the class's matter, which says Keep.
    world.proxy.forget();
    policies.change("table", json!({"allowedNamespaces": null})).await;
    for (name, _) in &entries {
        let held = world.condition(name, ConditionType::Accepted, "False", Reason::PolicyNotAllowed).await;
        let listed = held.status.unwrap().managed_policies.len();
        assert_eq!(listed, usize::from(*name != "by-name"), "{name}");
    }
    assert_eq!(world.proxy.writes(), ["DetachRolePolicy"]);
    // Nor do such roles keep it from being changed or deleted.
    policies.change("table", json!({"statements": policy(&world, "dynamodb:Query")["statements"]})).await;
    policies.ready("table").await;
    policies.delete("table").await;
    policies.gone("table").await;
    assert_eq!(world.snapshot(&world.role_name("by-arn")).await.managed, [] as [String; 0]);
}
