//! Changes that somebody else makes in IAM: undone, or reported.

use lambdaroles::api::{ConditionType, Reason};
use serde_json::{Value, json};

use crate::harness::{World, condition};

const KINDS: [&str; 9] = [
    "trust policy",
    "inline policy changed",
    "inline policy deleted",
    "inline policy added",
    "attachment added",
    "attachment removed",
    "boundary",
    "tag",
    "description and session duration",
];

const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const LOGGING: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

fn spec(boundary: &str) -> Value {
    json!({
        "description": "as declared", "tags": {"team": "shop"}, "maxSessionDurationSeconds": 7200,
        "permissionsBoundary": {"arn": boundary}, "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}],
        "statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]}],
    })
}

/// Does by hand what the controller did not want.
async fn interfere(world: &World, role: &str, kind: &str) {
    let iam = &world.iam;
    match kind {
        "trust policy" => {
            let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
            iam.update_assume_role_policy().role_name(role).policy_document(trust).send().await.map(drop).unwrap();
        }
        "inline policy changed" => {
            let request = iam.put_role_policy().role_name(role).policy_name("lambdaroles").policy_document(OPEN);
            request.send().await.map(drop).unwrap();
        }
        "inline policy deleted" => {
            iam.delete_role_policy().role_name(role).policy_name("lambdaroles").send().await.map(drop).unwrap();
        }
        "inline policy added" => {
            let request = iam.put_role_policy().role_name(role).policy_name("backdoor").policy_document(OPEN);
            request.send().await.map(drop).unwrap();
        }
        "attachment added" => {
            iam.attach_role_policy().role_name(role).policy_arn(ADMINISTRATOR).send().await.map(drop).unwrap();
        }
        "attachment removed" => {
            iam.detach_role_policy().role_name(role).policy_arn(LOGGING).send().await.map(drop).unwrap();
        }
        "boundary" => {
            iam.delete_role_permissions_boundary().role_name(role).send().await.map(drop).unwrap();
        }
        "tag" => {
            let tag = |key: &str| aws_sdk_iam::types::Tag::builder().key(key).value("another").build().unwrap();
            let request = iam.tag_role().role_name(role).tags(tag("team")).tags(tag("foreign"));
            request.send().await.map(drop).unwrap();
        }
        "description and session duration" => {
            let request = iam.update_role().role_name(role).description("by hand").max_session_duration(3600);
            request.send().await.map(drop).unwrap();
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_of_every_kind_is_undone_at_the_next_look_and_said_in_an_event() {
    let world = World::start().await;
    let boundary = world.customer_policy("boundary").await;
    let role = world.role_name("orders");
    world.create_ready("orders", spec(&boundary)).await;
    let declared = world.snapshot(&role).await;
    for (done, kind) in KINDS.into_iter().enumerate() {
        interfere(&world, &role, kind).await;
        assert_ne!(world.snapshot(&role).await, declared, "{kind}: the interference does nothing");
        world.look("orders").await;
        world.ready("orders").await;
        assert_eq!(world.snapshot(&role).await, declared, "{kind}");
        let events = world.events("orders", Reason::DriftCorrected, done + 1).await;
        let corrected = events.iter().filter(|(reason, _)| reason == "DriftCorrected").count();
        assert_eq!(corrected, done + 1, "{kind}: {events:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_found_by_the_resync_without_anybody_asking() {
    let world = World::start_with(&["--resync", "1s"]).await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"tags": {"team": "shop"}})).await;
    let declared = world.snapshot(&role).await;
    let before = world.get("orders").await.status.unwrap().last_change_time;
    interfere(&world, &role, "attachment added").await;
    world.until("the correction", "orders", |role| role.status.as_ref().unwrap().last_change_time != before).await;
    assert_eq!(world.snapshot(&role).await, declared);
}

#[tokio::test(flavor = "multi_thread")]
async fn reported_drift_stays_until_the_spec_changes() {
    let world = World::start().await;
    let boundary = world.customer_policy("boundary").await;
    let role = world.role_name("orders");
    let mut spec = spec(&boundary);
    spec["drift"] = json!("Report");
    world.create_ready("orders", spec).await;
    let declared = world.snapshot(&role).await;
    world.proxy.forget();
    for kind in KINDS {
        interfere(&world, &role, kind).await;
    }
    let changed = world.snapshot(&role).await;
    world.look("orders").await;
    let object = world.condition("orders", ConditionType::Drifted, "True", Reason::Drifted).await;
    let message = &condition(&object, ConditionType::Drifted).unwrap().message;
    for said in [
        "replace the trust policy",
        "put inline policy lambdaroles",
        "delete inline policy backdoor",
        "detach arn:aws:iam::aws:policy/AdministratorAccess",
        LOGGING,
        "set the permissions boundary",
        "set tags team",
        "remove tags foreign",
        "set description and session duration",
    ] {
        assert!(message.contains(said), "{said:?} is missing in {message:?}");
    }
    assert_eq!(condition(&object, ConditionType::Ready).unwrap().status, "False");
    assert_eq!(condition(&object, ConditionType::Accepted).unwrap().status, "True");

    // A second look says the same and does nothing.
    world.look("orders").await;
    assert_eq!(world.snapshot(&role).await, changed);
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
    let events = world.events("orders", Reason::Drifted, 1).await;
    assert_eq!(events.iter().filter(|(reason, _)| reason == "Drifted").count(), 1, "{events:?}");

    world.change("orders", json!({"drift": "Correct"})).await;
    let object = world.ready("orders").await;
    assert!(condition(&object, ConditionType::Drifted).is_none());
    assert_eq!(world.snapshot(&role).await, declared);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_mean_the_same_are_no_drift() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world
        .create_ready(
            "orders",
            json!({"statements": [
                {"effect": "Allow", "actions": ["s3:GetObject", "s3:PutObject"], "resources": ["arn:aws:s3:::a/*"]},
                {"effect": "Deny", "actions": ["s3:DeleteObject"], "resources": ["*"]},
            ]}),
        )
        .await;
    let rewritten = r#" {"Statement":[{"Resource":["*"],"Action":"s3:deleteobject","Effect":"Deny"},
        {"Resource":"arn:aws:s3:::a/*","Action":["s3:PutObject","s3:GetObject"],"Effect":"Allow"}],"Version":"2012-10-17"} "#;
    let request = world.iam.put_role_policy().role_name(&role).policy_name("lambdaroles").policy_document(rewritten);
    request.send().await.unwrap();
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_on_the_role_stays_where_the_spec_keeps_it() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world
        .create_ready(
            "orders",
            json!({
                "unlisted": {"managedPolicies": "Keep", "inlinePolicies": "Keep"},
                "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}, {"aws": "AWSXRayDaemonWriteAccess"}],
                "statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]}],
            }),
        )
        .await;
    interfere(&world, &role, "inline policy added").await;
    interfere(&world, &role, "attachment added").await;
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), Vec::<String>::new());

    // What was ours and leaves the spec goes all the same.
    world.change("orders", json!({"managedPolicies": [{"aws": "AWSXRayDaemonWriteAccess"}], "statements": null})).await;
    world.ready("orders").await;
    let seen = world.snapshot(&role).await;
    assert_eq!(seen.managed, ["arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess", ADMINISTRATOR]);
    assert_eq!(seen.inline.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["backdoor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_does_not_turn_drift_into_a_change_of_the_spec() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"drift": "Report"})).await;
    world.change("orders", json!({"suspend": true})).await;
    world.condition("orders", ConditionType::Ready, "Unknown", Reason::Suspended).await;
    interfere(&world, &role, "attachment added").await;
    world.change("orders", json!({"suspend": false, "resyncInterval": "5m"})).await;
    world.condition("orders", ConditionType::Drifted, "True", Reason::Drifted).await;
    assert_eq!(world.snapshot(&role).await.managed, [ADMINISTRATOR]);
}
