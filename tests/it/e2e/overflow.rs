//! Statements that the inline policies have no room for.

use std::collections::BTreeSet;

use lambdaroles::api::{
    CLUSTER_TAG, ConditionType, KIND_TAG, NAME_TAG, NAMESPACE_TAG, OVERFLOW_TAG, Reason, status::OverflowPolicy,
};
use serde_json::{Value, json};

use crate::harness::{Fault, World, condition, patiently};

/// Statements that cannot be merged, 500 characters and some each.
fn statements(count: usize) -> Value {
    let statement = |number: usize| {
        json!({
            "sid": format!("Bucket{number}"), "effect": "Allow", "actions": [format!("s3:Get{number}*")],
            "resources": [format!("arn:aws:s3:::{number}-{}/*", "b".repeat(400))],
        })
    };
    (0..count).map(statement).collect()
}

async fn overflow_policies(world: &World, name: &str) -> Vec<OverflowPolicy> {
    world.ready(name).await.status.unwrap().overflow_policies
}

/// Names of the customer managed policies that are called after the role, whoever they belong to.
async fn policies_called_after(world: &World, role: &str) -> BTreeSet<String> {
    let scope = aws_sdk_iam::types::PolicyScopeType::Local;
    let mut pages = world.iam.list_policies().scope(scope).into_paginator().items().send();
    let mut names = BTreeSet::new();
    while let Some(policy) = pages.next().await {
        names.extend(policy.unwrap().policy_name.filter(|name| name.starts_with(&format!("{role}+"))));
    }
    names
}

/// All statements that the role has by its own documents, and how often each.
async fn sids(world: &World, role: &str) -> Vec<String> {
    let snapshot = world.snapshot(role).await;
    let mut documents: Vec<Value> = snapshot.inline.into_iter().map(|(_, document)| document).collect();
    for arn in snapshot.managed {
        let version = world.iam.get_policy().policy_arn(&arn).send().await.unwrap();
        let version = version.policy.unwrap().default_version_id.unwrap();
        let answer = world.iam.get_policy_version().policy_arn(&arn).version_id(version).send().await.unwrap();
        let json = answer.policy_version.unwrap().document.unwrap();
        let json = percent_encoding::percent_decode_str(&json).decode_utf8().unwrap().into_owned();
        documents.push(serde_json::from_str(&json).unwrap());
    }
    let statements = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap());
    let mut sids: Vec<String> = statements.map(|statement| statement["Sid"].as_str().unwrap().to_owned()).collect();
    sids.sort();
    sids
}

fn expected_sids(count: usize) -> Vec<String> {
    let mut sids: Vec<String> = (0..count).map(|number| format!("Bucket{number}")).collect();
    sids.sort();
    sids
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_statements_overflow_and_shrink_back_without_a_trace() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"statements": statements(40)})).await;
    let told = overflow_policies(&world, "orders").await;
    assert!(told.len() >= 2, "{told:?}");
    assert!(told.iter().all(|policy| policy.characters <= 6144), "{told:?}");
    assert_eq!(sids(&world, &role).await, expected_sids(40));
    let attached: Vec<String> = told.iter().map(|policy| policy.arn.clone()).collect();
    assert_eq!(world.snapshot(&role).await.managed, attached);

    // The tags say whose they are, and how many there may be.
    let answer = world.iam.get_policy().policy_arn(&attached[0]).send().await.unwrap();
    let tags = answer.policy.unwrap().tags.unwrap();
    let tag = |key: &str| tags.iter().find(|tag| tag.key == key).unwrap().value.clone();
    assert_eq!(tag(KIND_TAG), "LambdaExecutionRole");
    assert_eq!((tag(NAMESPACE_TAG), tag(NAME_TAG)), (world.namespace.clone(), "orders".to_owned()));
    assert_eq!(tag(CLUSTER_TAG), world.cluster_name);
    let answer = world.iam.get_role().role_name(&role).send().await.unwrap();
    let tags = answer.role.unwrap().tags.unwrap();
    assert_eq!(tags.iter().find(|tag| tag.key == OVERFLOW_TAG).unwrap().value, (told.len() + 1).to_string());

    // A second look finds nothing to do.
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);

    // A small edit is one write, whichever document the statement stands in; the oldest version goes when there are five.
    for (edit, number) in [0, 39, 39, 39, 39, 39, 20].into_iter().enumerate() {
        let mut edited = statements(40);
        edited[number]["actions"] = json!([format!("s3:Put{edit}*")]);
        world.change("orders", json!({"statements": edited})).await;
        world.ready("orders").await;
        world.change("orders", json!({"statements": statements(40)})).await;
        world.ready("orders").await;
        let writes: Vec<String> =
            world.proxy.writes().into_iter().filter(|operation| operation != "DeletePolicyVersion").collect();
        assert_eq!(writes.len(), 2, "{writes:?}");
        assert_eq!(writes.iter().collect::<BTreeSet<_>>().len(), 1, "one document, there and back: {writes:?}");
        world.proxy.forget();
    }
    assert_eq!(sids(&world, &role).await, expected_sids(40));

    world.change("orders", json!({"statements": statements(10)})).await;
    world.ready("orders").await;
    assert_eq!(sids(&world, &role).await, expected_sids(10));
    assert_eq!(world.snapshot(&role).await.managed, [] as [String; 0]);
    assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new());
    let answer = world.iam.get_role().role_name(&role).send().await.unwrap();
    assert!(answer.role.unwrap().tags.unwrap().iter().all(|tag| tag.key != OVERFLOW_TAG));
    assert_eq!(overflow_policies(&world, "orders").await, []);

    // A role without overflow costs no read of policies.
    world.proxy.forget();
    world.look("orders").await;
    let counts = world.proxy.counts();
    assert!(counts.keys().all(|operation| !operation.contains("Policy") || operation.contains("Role")), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_takes_the_policies_with_the_role() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"statements": statements(30)})).await;
    let mut edited = statements(30);
    edited[29]["actions"] = json!(["s3:Put*"]);
    world.change("orders", json!({"statements": edited})).await;
    world.ready("orders").await;
    assert_ne!(policies_called_after(&world, &role).await, BTreeSet::new());
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&role).await);
    assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_somebody_else_in_the_way_is_a_conflict_and_is_not_touched() {
    let world = World::start().await;
    let role = world.role_name("orders");
    let arn = world.customer_policy("orders+2").await;
    let before = world.iam.get_policy().policy_arn(&arn).send().await.unwrap().policy.unwrap();
    world.create("orders", json!({"statements": statements(30)})).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::PolicyConflict).await;
    let message = &condition(&object, ConditionType::Stalled).unwrap().message;
    assert!(message.contains(&arn) && message.contains("name no object"), "{message}");
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert!(!world.role_exists(&role).await);
    let after = world.iam.get_policy().policy_arn(&arn).send().await.unwrap().policy.unwrap();
    assert_eq!(after, before);

    // With less to say the role does without; deleted, it leaves the other's policy.
    world.change("orders", json!({"statements": statements(3)})).await;
    world.ready("orders").await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert_eq!(policies_called_after(&world, &role).await, BTreeSet::from([format!("{role}+2")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_changes_of_a_policy_is_undone() {
    const OPEN: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"X","Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"statements": statements(30)})).await;
    let arn = overflow_policies(&world, "orders").await[0].arn.clone();
    let iam = &world.iam;

    iam.create_policy_version().policy_arn(&arn).policy_document(OPEN).set_as_default(true).send().await.unwrap();
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), ["CreatePolicyVersion"]);
    assert_eq!(sids(&world, &role).await, expected_sids(30));

    iam.set_default_policy_version().policy_arn(&arn).version_id("v2").send().await.unwrap();
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), ["CreatePolicyVersion"]);
    assert_eq!(sids(&world, &role).await, expected_sids(30));

    iam.detach_role_policy().role_name(&role).policy_arn(&arn).send().await.unwrap();
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), ["AttachRolePolicy"]);
    assert_eq!(sids(&world, &role).await, expected_sids(30));
    world.events("orders", Reason::DriftCorrected, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_keep_no_policy_of_the_role_is_taken_for_somebody_elses() {
    let world = World::start().await;
    let role = world.role_name("orders");
    let unlisted = json!({"managedPolicies": "Keep", "inlinePolicies": "Keep"});
    world.create_ready("orders", json!({"unlisted": unlisted, "statements": statements(30)})).await;
    world.change("orders", json!({"statements": statements(5)})).await;
    world.ready("orders").await;
    assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new());
    world.change("orders", json!({"statements": statements(30)})).await;
    world.ready("orders").await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_attached_elsewhere_holds_the_deletion_up() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"statements": statements(30)})).await;
    let arn = overflow_policies(&world, "orders").await[0].arn.clone();
    let other = world.role_name("other");
    world.create_ready("other", json!({"unlisted": {"managedPolicies": "Keep"}})).await;
    world.iam.attach_role_policy().role_name(&other).policy_arn(&arn).send().await.unwrap();
    world.delete("orders").await;
    let object = world.condition("orders", ConditionType::DeletionBlocked, "True", Reason::PolicyInUse).await;
    let message = &condition(&object, ConditionType::DeletionBlocked).unwrap().message;
    assert!(message.contains(&arn), "{message}");
    assert!(world.role_exists(&role).await);
    world.iam.detach_role_policy().role_name(&other).policy_arn(&arn).send().await.unwrap();
    world.annotate("orders", lambdaroles::api::RECONCILE_AT_ANNOTATION, "now").await;
    world.gone("orders").await;
    assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_is_told_with_the_numbers_where_overflow_is_not_wanted() {
    let world = World::start().await;
    world.create("orders", json!({"overflow": "Refuse", "statements": statements(30)})).await;
    let object = world.condition("orders", ConditionType::Accepted, "False", Reason::InvalidSpec).await;
    let message = &condition(&object, ConditionType::Accepted).unwrap().message;
    assert!(message.contains("more than the 10240"), "{message}");
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_killed_at_any_step_leaves_no_orphan() {
    let mut world = World::start().await;
    let spec = json!({"statements": statements(30)});
    for step in ["CreateRole", "PutRolePolicy", "CreatePolicy", "AttachRolePolicy"] {
        let name = step.to_lowercase();
        world.proxy.forget();
        world.proxy.fault(step, 1, Fault::Hold);
        world.create(&name, spec.clone()).await;
        patiently(step, world.proxy.arrival(step)).await;
        world.controller.kill().await.unwrap();
        world.proxy.heal();
        world.restart_controller(&[]);
        world.ready(&name).await;
        assert_eq!(sids(&world, &world.role_name(&name)).await, expected_sids(30), "{step}");
    }
    for step in ["DetachRolePolicy", "DeletePolicy", "UntagRole"] {
        let name = format!("shrunk-{}", step.to_lowercase());
        world.create_ready(&name, spec.clone()).await;
        world.proxy.forget();
        world.proxy.fault(step, 1, Fault::Hold);
        world.change(&name, json!({"statements": statements(3)})).await;
        patiently(step, world.proxy.arrival(step)).await;
        world.controller.kill().await.unwrap();
        world.proxy.heal();
        world.restart_controller(&[]);
        world.ready(&name).await;
        let role = world.role_name(&name);
        assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new(), "{step}: an orphan");
        assert_eq!(sids(&world, &role).await, expected_sids(3), "{step}");
    }
    for step in ["DetachRolePolicy", "DeletePolicy", "DeleteRole"] {
        let name = format!("gone-{}", step.to_lowercase());
        world.create_ready(&name, spec.clone()).await;
        world.proxy.forget();
        world.proxy.fault(step, 1, Fault::Hold);
        world.delete(&name).await;
        patiently(step, world.proxy.arrival(step)).await;
        world.controller.kill().await.unwrap();
        world.proxy.heal();
        world.restart_controller(&[]);
        world.gone(&name).await;
        let role = world.role_name(&name);
        assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new(), "{step}: an orphan");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_to_the_calls_about_policies_do_no_harm() {
    let world = World::start().await;
    for (number, operation) in
        ["CreatePolicy", "CreatePolicyVersion", "AttachRolePolicy", "DeletePolicy", "DeletePolicyVersion"]
            .into_iter()
            .enumerate()
    {
        let name = format!("r{number}");
        let role = world.role_name(&name);
        world.proxy.fault(operation, 1, Fault::LoseAnswer);
        world.create_ready(&name, json!({"statements": statements(30)})).await;
        let mut edited = statements(30);
        edited[29]["actions"] = json!(["s3:Put*"]);
        world.change(&name, json!({"statements": edited})).await;
        world.ready(&name).await;
        assert_eq!(sids(&world, &role).await, expected_sids(30), "{operation}");
        world.change(&name, json!({"statements": statements(3)})).await;
        world.ready(&name).await;
        assert_eq!(policies_called_after(&world, &role).await, BTreeSet::new(), "{operation}");
        assert_eq!(world.proxy.faults_left(), 0, "{operation} was never called");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_class_comes_to_refuse_is_taken_out_of_the_policy_that_holds_it() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"statements": statements(30)})).await;
    world.proxy.forget();
    let denied = json!([{"actions": ["s3:*"], "resources": ["arn:aws:s3:::29-*"]}]);
    world.change_class(json!({"guardrails": {"onViolation": "Revoke", "permissions": {"denied": denied}}})).await;
    world.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    let mut left = expected_sids(30);
    left.retain(|sid| sid != "Bucket29");
    assert_eq!(sids(&world, &role).await, left);
    assert_eq!(world.proxy.writes(), ["CreatePolicyVersion"]);
}
