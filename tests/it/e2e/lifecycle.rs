//! From the manifest to the role and back to nothing.

use lambdaroles::api::{ConditionType, FINALIZER, Reason};
use serde_json::json;

use crate::harness::{World, condition};

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_becomes_a_role_and_its_deletion_removes_it() {
    let world = World::start().await;
    let role = world
        .create_ready(
            "orders",
            json!({
                "path": "/lambda/", "description": "Writes orders", "tags": {"team": "shop"},
                "maxSessionDurationSeconds": 7200, "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}],
                "statements": [{
                    "sid": "Write", "effect": "Allow", "actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::archive/*"],
                    "sourceFunctionArns": ["orders"],
                }],
            }),
        )
        .await;

    let name = world.role_name("orders");
    let seen = world.snapshot(&name).await;
    assert_eq!(seen.path, "/lambda/");
    assert_eq!(seen.description, "Writes orders");
    assert_eq!(seen.max_session_seconds, Some(7200));
    assert_eq!(seen.tags, [("team".to_owned(), "shop".to_owned())]);
    assert_eq!(seen.managed, ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]);
    assert_eq!(
        seen.trust,
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }]})
    );
    let function = "arn:aws:lambda:us-east-1:123456789012:function:orders";
    assert_eq!(
        seen.inline,
        [(
            "lambdaroles".to_owned(),
            json!({"Version": "2012-10-17", "Statement": [{
                "Sid": "Write", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::archive/*",
                "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": function}},
            }]})
        )]
    );

    let status = role.status.clone().unwrap();
    assert_eq!(status.role_arn, Some(format!("arn:aws:iam::123456789012:role/lambda/{name}")));
    assert_eq!(status.role_name, Some(name.clone()));
    assert!(status.role_id.unwrap().starts_with("AROA"));
    assert_eq!(status.account_id.as_deref(), Some("123456789012"));
    assert!(
        condition(&role, ConditionType::Reconciling).is_none() && condition(&role, ConditionType::Stalled).is_none()
    );
    assert_eq!(role.metadata.finalizers, Some(vec![FINALIZER.to_owned()]));
    let events = world.events("orders", Reason::Created, 1).await;
    assert_eq!(events.iter().map(|(reason, _)| reason.as_str()).collect::<Vec<_>>(), ["Created"]);

    world.delete("orders").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&name).await);
    let events = world.events("orders", Reason::Deleted, 1).await;
    assert_eq!(events.last().unwrap().0, "Deleted");
}
