//! What others put on a role: kept and named, or taken away, as `spec.unlisted` says.

use lambdaroles::api::{LambdaExecutionRole, status::ForeignPolicies};
use serde_json::{Value, json};

use crate::harness::{Fault, World, patiently};

const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
const LOGGING: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
const TRACING: &str = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess";
const THEIRS: &str = "arn:aws:iam::aws:policy/SecurityAudit";

fn keep() -> Value {
    json!({"managedPolicies": "Keep", "inlinePolicies": "Keep"})
}

/// What somebody else adds in the console.
async fn add_theirs(world: &World, role: &str) {
    world.iam.attach_role_policy().role_name(role).policy_arn(THEIRS).send().await.unwrap();
    let request = world.iam.put_role_policy().role_name(role).policy_name("theirs").policy_document(DOCUMENT);
    request.send().await.unwrap();
}

fn foreign(role: &LambdaExecutionRole) -> Option<&ForeignPolicies> {
    role.status.as_ref().unwrap().foreign_policies.as_ref()
}

fn theirs() -> ForeignPolicies {
    ForeignPolicies { managed_policies: vec![THEIRS.to_owned()], inline_policies: vec!["theirs".to_owned()] }
}

/// ARNs of the role's managed policies, and names of its inline policies.
async fn policies(world: &World, role: &str) -> (Vec<String>, Vec<String>) {
    let seen = world.snapshot(role).await;
    (seen.managed, seen.inline.into_iter().map(|(name, _)| name).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn under_keep_others_policies_stay_and_are_named_and_the_objects_own_go_with_the_spec() {
    let mut world = World::start().await;
    let role = world.role_name("orders");
    let spec = json!({
        "unlisted": keep(),
        "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}],
        "features": [{"name": "Tracing"}],
        "inlinePolicies": [{"name": "ours", "document": DOCUMENT}],
    });
    assert_eq!(foreign(&world.create_ready("orders", spec).await), None);
    add_theirs(&world, &role).await;
    world.proxy.forget();
    assert_eq!(foreign(&world.look("orders").await), Some(&theirs()));
    assert_eq!(world.proxy.writes(), Vec::<String>::new());

    // A feature leaves the spec while the controller is away.
    world.controller.kill().await.unwrap();
    world.change("orders", json!({"features": null, "inlinePolicies": null})).await;
    world.restart_controller(&[]);
    assert_eq!(foreign(&world.ready("orders").await), Some(&theirs()));
    let expected = (vec![THEIRS.to_owned(), LOGGING.to_owned()], vec!["theirs".to_owned()]);
    assert_eq!(policies(&world, &role).await, expected);

    world.change("orders", json!({"unlisted": {"managedPolicies": "Detach"}})).await;
    let object = world.ready("orders").await;
    assert_eq!(foreign(&object).unwrap(), &ForeignPolicies { managed_policies: Vec::new(), ..theirs() });
    world.change("orders", json!({"unlisted": {"inlinePolicies": "Delete"}})).await;
    assert_eq!(foreign(&world.ready("orders").await), None);
    assert_eq!(policies(&world, &role).await, (vec![LOGGING.to_owned()], Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_others_policies_go_at_the_next_look_and_none_is_named() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"features": [{"name": "Tracing"}]})).await;
    add_theirs(&world, &role).await;
    world.look("orders").await;
    assert_eq!(foreign(&world.ready("orders").await), None);
    assert_eq!(policies(&world, &role).await, (vec![TRACING.to_owned()], Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_attached_and_the_spec_lists_later_is_the_objects_and_goes_with_the_spec() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"unlisted": keep()})).await;
    add_theirs(&world, &role).await;
    assert_eq!(foreign(&world.look("orders").await), Some(&theirs()));
    world.change("orders", json!({"managedPolicies": [{"arn": THEIRS}]})).await;
    let inline_alone = ForeignPolicies { managed_policies: Vec::new(), ..theirs() };
    assert_eq!(foreign(&world.ready("orders").await), Some(&inline_alone));
    world.change("orders", json!({"managedPolicies": []})).await;
    assert_eq!(foreign(&world.ready("orders").await), Some(&inline_alone));
    assert_eq!(policies(&world, &role).await, (Vec::new(), vec!["theirs".to_owned()]));
}

/// The worst moment: everything is on the role, the status does not tell yet, and the spec changes before anybody looks again.
#[tokio::test(flavor = "multi_thread")]
async fn under_keep_what_a_killed_controller_put_on_the_role_is_known_as_the_objects() {
    let mut world = World::start().await;
    let role = world.role_name("orders");
    world.proxy.fault("UpdateAssumeRolePolicy", 1, Fault::Hold);
    let spec = json!({
        "unlisted": keep(),
        "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}],
        "inlinePolicies": [{"name": "ours", "document": DOCUMENT}],
        "trust": {"self": true},
    });
    world.create("orders", spec).await;
    patiently("the last step", world.proxy.arrival("UpdateAssumeRolePolicy")).await;
    world.controller.kill().await.unwrap();
    world.proxy.heal();
    assert_eq!(policies(&world, &role).await, (vec![LOGGING.to_owned()], vec!["ours".to_owned()]));
    add_theirs(&world, &role).await;
    world.change("orders", json!({"managedPolicies": [], "inlinePolicies": [], "trust": {"self": false}})).await;
    world.restart_controller(&[]);
    assert_eq!(foreign(&world.ready("orders").await), Some(&theirs()));
    assert_eq!(policies(&world, &role).await, (vec![THEIRS.to_owned()], vec!["theirs".to_owned()]));
}
