//! What happens to the role when the object goes.

use aws_sdk_lambda::{
    primitives::Blob,
    types::{FunctionCode, Runtime},
};
use lambdaroles::api::{ConditionType, DELETE_IN_USE_ANNOTATION, Reason};
use serde_json::json;

use crate::harness::{World, condition};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

#[tokio::test(flavor = "multi_thread")]
async fn a_retained_role_stays_and_the_same_object_claims_it_again_without_a_write() {
    let world = World::start().await;
    let role = world.role_name("orders");
    let spec = json!({"deletionPolicy": "Retain", "tags": {"team": "shop"}, "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]});
    let first = world.create_ready("orders", spec.clone()).await;
    let before = world.snapshot(&role).await;
    world.proxy.forget();
    world.delete("orders").await;
    world.gone("orders").await;
    assert_eq!(world.proxy.operations(), Vec::<String>::new());
    assert_eq!(world.events("orders", Reason::Retained, 1).await.last().unwrap().0, "Retained");

    let second = world.create_ready("orders", spec).await;
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
    assert_eq!(world.snapshot(&role).await, before);
    assert_eq!(second.status.unwrap().role_id, first.status.unwrap().role_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_object_neither_reads_nor_writes_and_goes_on_when_resumed() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"description": "one"})).await;
    world.proxy.forget();
    world.change("orders", json!({"suspend": true, "description": "two"})).await;
    let object = world.condition("orders", ConditionType::Ready, "Unknown", Reason::Suspended).await;
    assert!(
        condition(&object, ConditionType::Stalled).is_none()
            && condition(&object, ConditionType::Reconciling).is_none()
    );
    assert_eq!(object.status.unwrap().role_name, Some(role.clone()), "what is known stays in the status");
    world.look("orders").await;
    assert_eq!(world.proxy.operations(), Vec::<String>::new());

    world.change("orders", json!({"suspend": false})).await;
    world.ready("orders").await;
    assert_eq!(world.snapshot(&role).await.description, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deletion_of_a_suspended_object_waits_for_the_end_of_the_suspension() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({})).await;
    world.change("orders", json!({"suspend": true})).await;
    world.condition("orders", ConditionType::Ready, "Unknown", Reason::Suspended).await;
    world.delete("orders").await;
    let object = world.condition("orders", ConditionType::DeletionBlocked, "True", Reason::Suspended).await;
    let message = &condition(&object, ConditionType::DeletionBlocked).unwrap().message;
    assert!(message.contains("spec.suspend to false"), "{message}");
    assert!(world.role_exists(&role).await);
    world.change("orders", json!({"suspend": false})).await;
    world.gone("orders").await;
    assert!(!world.role_exists(&role).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_object_that_retains_its_role_goes_at_once() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({})).await;
    world.change("orders", json!({"suspend": true, "deletionPolicy": "Retain"})).await;
    world.condition("orders", ConditionType::Ready, "Unknown", Reason::Suspended).await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(world.role_exists(&role).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_profile_blocks_the_deletion_until_it_lets_the_role_go() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]})).await;
    world.iam.create_instance_profile().instance_profile_name(&role).send().await.unwrap();
    world.iam.add_role_to_instance_profile().instance_profile_name(&role).role_name(&role).send().await.unwrap();
    world.proxy.forget();
    world.delete("orders").await;
    let object =
        world.condition("orders", ConditionType::DeletionBlocked, "True", Reason::InUseByInstanceProfile).await;
    assert!(condition(&object, ConditionType::DeletionBlocked).unwrap().message.contains(&role));
    assert_eq!(world.proxy.writes(), Vec::<String>::new(), "a role that cannot go keeps its policies");

    world.iam.remove_role_from_instance_profile().instance_profile_name(&role).role_name(&role).send().await.unwrap();
    world.annotate("orders", lambdaroles::api::RECONCILE_AT_ANNOTATION, "again").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&role).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_others_put_on_the_role_go_with_it_unless_they_are_kept() {
    let world = World::start().await;
    for (name, keep) in [("plain", false), ("kept", true)] {
        let role = world.role_name(name);
        let unlisted = if keep { json!({"managedPolicies": "Keep", "inlinePolicies": "Keep"}) } else { json!({}) };
        world.create_ready(name, json!({"unlisted": unlisted})).await;
        world.iam.attach_role_policy().role_name(&role).policy_arn(ADMINISTRATOR).send().await.unwrap();
        let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        let request = world.iam.put_role_policy().role_name(&role).policy_name("theirs").policy_document(document);
        request.send().await.unwrap();
        world.delete(name).await;
        if keep {
            let object = world.condition(name, ConditionType::DeletionBlocked, "True", Reason::ForeignPolicies).await;
            let message = &condition(&object, ConditionType::DeletionBlocked).unwrap().message;
            assert!(message.contains(ADMINISTRATOR) && message.contains("theirs"), "{message}");
            let unlisted = json!({"managedPolicies": "Detach", "inlinePolicies": "Delete"});
            world.change(name, json!({"unlisted": unlisted})).await;
        }
        world.gone(name).await;
        assert!(!world.role_exists(&role).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_functions_run_with_stays_until_they_are_gone_or_somebody_insists() {
    let world = World::start().await;
    let lambda = aws_sdk_lambda::Client::new(&world.aws);
    for (name, insist) in [("used", false), ("forced", true)] {
        let object = world.create_ready(name, json!({})).await;
        let function = world.role_name(name);
        let code = FunctionCode::builder().zip_file(Blob::new(empty_zip())).build();
        let request = lambda.create_function().function_name(&function).role(object.status.unwrap().role_arn.unwrap());
        request.runtime(Runtime::Python312).handler("a.b").code(code).send().await.unwrap();
        world.delete(name).await;
        let object = world.condition(name, ConditionType::DeletionBlocked, "True", Reason::InUseByFunctions).await;
        let message = &condition(&object, ConditionType::DeletionBlocked).unwrap().message;
        assert!(message.contains(&format!("function:{function}")), "{message}");
        assert!(world.role_exists(&world.role_name(name)).await);
        if insist {
            world.annotate(name, DELETE_IN_USE_ANNOTATION, "true").await;
        } else {
            lambda.delete_function().function_name(&function).send().await.unwrap();
            world.annotate(name, lambdaroles::api::RECONCILE_AT_ANNOTATION, "again").await;
        }
        world.gone(name).await;
        assert!(!world.role_exists(&world.role_name(name)).await);
    }
}

/// The end-of-central-directory record alone is an archive without files.
fn empty_zip() -> Vec<u8> {
    let mut zip = b"PK\x05\x06".to_vec();
    zip.resize(22, 0);
    zip
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_status_neither_orphans_the_role_nor_deletes_another() {
    let world = World::start().await;
    let (ours, other) = (world.role_name("orders"), world.role_name("other"));
    world.create_ready("orders", json!({})).await;
    world.create_ready("other", json!({})).await;
    world.write_status("orders", json!({"roleName": other})).await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&ours).await, "an orphan");
    assert!(world.role_exists(&other).await, "another object's role");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_role_is_in_another_account_is_held_and_so_is_its_deletion() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({})).await;
    world.write_status("orders", json!({"accountId": "444455556666"})).await;
    world.proxy.forget();
    world.change("orders", json!({"description": "changed"})).await;
    world.condition("orders", ConditionType::Stalled, "True", Reason::AccountMismatch).await;
    world.delete("orders").await;
    world.condition("orders", ConditionType::DeletionBlocked, "True", Reason::AccountMismatch).await;
    assert_eq!(world.proxy.operations(), Vec::<String>::new());
    world.write_status("orders", json!({"accountId": "123456789012"})).await;
    world.gone("orders").await;
    assert!(!world.role_exists(&role).await);
}
