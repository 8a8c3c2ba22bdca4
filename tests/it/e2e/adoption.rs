//! Roles that were there before their object.

use lambdaroles::api::{ConditionType, Reason};
use serde_json::json;

use crate::harness::{World, condition};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

/// A role with a policy of each kind, as Terraform may have left it.
async fn legacy(world: &World, name: &str) {
    world.iam.create_role().role_name(name).path("/old/").assume_role_policy_document(TRUST).send().await.unwrap();
    let request = world.iam.put_role_policy().role_name(name).policy_name("inline").policy_document(DOCUMENT);
    request.send().await.unwrap();
    let arn = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess";
    world.iam.attach_role_policy().role_name(name).policy_arn(arn).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_taken_over_once_its_plan_was_seen_and_stays_when_its_object_goes() {
    let world = World::start_under(json!({"naming": {"adoptable": ["*-legacy"]}}), &[]).await;
    let name = world.role_name("legacy");
    legacy(&world, &name).await;
    let before = world.snapshot(&name).await;
    world.create("orders", json!({"roleName": name, "path": "/old/", "adoption": "Observe"})).await;
    let role = world.condition("orders", ConditionType::Synced, "False", Reason::Observed).await;
    assert_eq!(
        role.status.unwrap().plan,
        [
            "set tags lambdaroles.dev/adopted, lambdaroles.dev/cluster, lambdaroles.dev/name, lambdaroles.dev/namespace",
            "delete inline policy inline",
            "detach arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess",
            "replace the trust policy",
        ]
    );
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert_eq!(world.snapshot(&name).await, before);

    let keep = json!({"managedPolicies": "Keep", "inlinePolicies": "Keep"});
    world.change("orders", json!({"adoption": "ExistingRole", "unlisted": keep})).await;
    world.ready("orders").await;
    assert_eq!(world.proxy.writes()[0], "TagRole", "it is claimed before anything else");
    let events = world.events("orders", Reason::Adopted, 1).await;
    assert!(events.iter().any(|(_, text)| text.contains("Took over")), "{events:?}");
    let seen = world.snapshot(&name).await;
    assert_eq!((seen.inline, seen.managed), (before.inline, before.managed));
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);

    // The role says itself that it was adopted, whatever becomes of the spec.
    world.change("orders", json!({"adoption": "Never"})).await;
    world.look("orders").await;
    world.ready("orders").await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(world.role_exists(&name).await);
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_not_taken_over_without_the_consent_of_the_class() {
    let world = World::start_under(json!({"naming": {"adoptable": ["legacy-*"]}}), &[]).await;
    let name = world.role_name("admin");
    legacy(&world, &name).await;
    world.create("orders", json!({"roleName": name, "path": "/old/", "adoption": "ExistingRole"})).await;
    let role = world.condition("orders", ConditionType::Stalled, "True", Reason::RoleConflict).await;
    assert!(condition(&role, ConditionType::Stalled).unwrap().message.contains("spec.naming.adoptable"));
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_on_a_role_that_is_taken_over_is_judged_like_all_else() {
    let class =
        json!({"naming": {"adoptable": ["*"]}, "guardrails": {"permissions": {"denied": [{"actions": ["s3:*"]}]}}});
    let world = World::start_under(class, &[]).await;
    let name = world.role_name("legacy");
    legacy(&world, &name).await;
    let spec = json!({
        "roleName": name, "path": "/old/", "adoption": "ExistingRole",
        "unlisted": {"managedPolicies": "Keep", "inlinePolicies": "Keep"},
    });
    world.create("orders", spec).await;
    let role = world.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    assert!(condition(&role, ConditionType::Accepted).unwrap().message.contains("inline policy inline"));
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    world.change("orders", json!({"unlisted": {"inlinePolicies": "Delete"}})).await;
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_to_an_adoption_is_no_consent_to_a_new_role_of_that_name_or_path() {
    let naming = json!({"allowedRoleNames": null, "allowedPaths": null, "adoptable": ["*-legacy"]});
    let world = World::start_under(json!({"naming": naming}), &[]).await;
    let name = world.role_name("legacy");
    for (object, adoption) in [("orders", "ExistingRole"), ("typo", "Observe")] {
        world.create(object, json!({"roleName": name, "path": "/platform/", "adoption": adoption})).await;
        let role = world.condition(object, ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
        let message = &condition(&role, ConditionType::Accepted).unwrap().message;
        assert!(message.contains("spec.path"), "{message}");
    }
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}
