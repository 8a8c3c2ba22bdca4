//! Roles that are somebody else's.

use aws_sdk_iam::types::Tag;
use lambdaroles::api::{CLUSTER_TAG, ConditionType, NAME_TAG, NAMESPACE_TAG, Reason};
use serde_json::json;

use crate::harness::{World, condition};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

async fn foreign_role(world: &World, name: &str, tags: &[(&str, &str)]) {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap()).collect();
    let request = world.iam.create_role().role_name(name).assume_role_policy_document(TRUST).set_tags(Some(tags));
    request.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_objects_that_want_one_role_the_second_is_told_who_has_it() {
    let world = World::start().await;
    let role = world.role_name("shared");
    world.create_ready("first", json!({"roleName": role, "description": "first"})).await;
    world.create("second", json!({"roleName": role, "description": "second"})).await;
    let second = world.condition("second", ConditionType::Stalled, "True", Reason::RoleConflict).await;
    let message = &condition(&second, ConditionType::Stalled).unwrap().message;
    assert!(message.contains(&format!("{}/first", world.namespace)), "{message}");
    assert_eq!(condition(&second, ConditionType::Accepted).unwrap().status, "True");
    assert_eq!(second.metadata.finalizers, None, "an object without a role needs no finalizer");

    // Deleting the second does the first's role no harm.
    let before = world.snapshot(&role).await;
    world.proxy.forget();
    world.delete("second").await;
    world.gone("second").await;
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
    assert_eq!(world.snapshot(&role).await, before);

    // Once the first is gone, another may have the name.
    world.delete("first").await;
    world.gone("first").await;
    world.create_ready("third", json!({"roleName": role})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_there_before_is_neither_changed_nor_deleted() {
    let world = World::start().await;
    let role = world.role_name("legacy");
    foreign_role(&world, &role, &[("team", "others")]).await;
    let before = world.snapshot(&role).await;
    world.create("legacy", json!({"managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]})).await;
    let object = world.condition("legacy", ConditionType::Stalled, "True", Reason::RoleConflict).await;
    let message = &condition(&object, ConditionType::Stalled).unwrap().message;
    assert!(message.contains(&role) && message.contains("its tags name no LambdaExecutionRole"), "{message}");
    assert_eq!(world.events("legacy", Reason::RoleConflict, 1).await[0].0, "RoleConflict");
    world.delete("legacy").await;
    world.gone("legacy").await;
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
    assert_eq!(world.snapshot(&role).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_of_another_cluster_are_not_ours() {
    let world = World::start().await;
    let role = world.role_name("orders");
    let tags = [(CLUSTER_TAG, "another"), (NAMESPACE_TAG, world.namespace.as_str()), (NAME_TAG, "orders")];
    foreign_role(&world, &role, &tags).await;
    world.create("orders", json!({})).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::RoleConflict).await;
    assert!(condition(&object, ConditionType::Stalled).unwrap().message.contains("cluster another"));
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_whose_tags_were_taken_away_is_no_longer_ours() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"description": "ours"})).await;
    world.iam.untag_role().role_name(&role).tag_keys(NAME_TAG).send().await.unwrap();
    world.change("orders", json!({"description": "changed"})).await;
    world.condition("orders", ConditionType::Stalled, "True", Reason::RoleConflict).await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(world.role_exists(&role).await, "the status is no evidence of ownership");
    assert_eq!(world.snapshot(&role).await.description, "ours");
}
