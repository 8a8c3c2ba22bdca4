//! What Lambda needs, templates and raw documents, all the way into IAM; and that what came of them stays silent.

use std::collections::BTreeSet;

use lambdaroles::api::{ConditionType, Reason};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{World, condition};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:broker-AbCdEf";
const CLUSTER: &str = "arn:aws:kafka:us-east-1:123456789012:cluster/orders/1d2c3b4a-0000-4000-8000-000000000000-1";

/// Every feature, in one form, with every field that the form looks at.
fn features(form: &str) -> Value {
    let mut features = json!([
        {"name": "Logging", "logGroups": ["/aws/lambda/orders"]},
        {"name": "Tracing"},
        {"name": "Insights"},
        {"name": "ApplicationSignals"},
        {"name": "VpcAccess", "denyFromCode": true},
        {"name": "S3ObjectLambda", "accessPoints": ["orders"]},
        {
            "name": "EfsMount",
            "fileSystemArn": "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-0123456789abcdef0",
            "accessPointArn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
        },
        {"name": "DurableExecution", "functions": ["orders"]},
    ]);
    for feature in features.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        feature.insert("form".to_owned(), json!(form));
        if form == "Managed" {
            for field in ["logGroups", "accessPoints", "accessPointArn", "functions"] {
                feature.remove(field);
            }
        }
    }
    features
}

fn event_sources() -> Value {
    json!([
        {"dynamodb": {"streamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/*", "kmsKeyArn": KEY}},
        {"kinesis": {
            "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
            "consumerArn": "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/lambda:1",
        }},
        {"sqs": {"queueArn": "arn:aws:sqs:us-east-1:123456789012:orders", "kmsKeyArn": KEY}},
        {"msk": {"clusterArn": CLUSTER, "authentication": "Iam", "topics": ["orders"], "consumerGroups": ["lambda-*"]}},
        {"msk": {"clusterArn": CLUSTER, "authentication": "Scram", "secretArn": SECRET, "kmsKeyArn": KEY}},
        {"msk": {"clusterArn": CLUSTER, "authentication": "MutualTls", "secretArn": SECRET}},
        {"selfManagedKafka": {"secretArn": SECRET, "vpc": true}},
        {"mq": {"brokerArn": "arn:aws:mq:us-east-1:123456789012:broker:orders:b-1234", "secretArn": SECRET}},
        {"documentDb": {"clusterArn": "arn:aws:rds:us-east-1:123456789012:cluster:orders", "secretArn": SECRET}},
    ])
}

fn destinations() -> Value {
    json!([
        {"sqs": {"queueArn": "arn:aws:sqs:us-east-1:123456789012:done"}},
        {"sns": {"topicArn": "arn:aws:sns:us-east-1:123456789012:done", "kmsKeyArn": KEY}},
        {"s3": {"bucketArn": "arn:aws:s3:::failed"}},
        {"lambda": {"functionArn": "arn:aws:lambda:us-east-1:123456789012:function:next"}},
        {"eventBridge": {"eventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/default"}},
        {"kafka": {"clusterArn": CLUSTER, "topic": "failed"}},
        {"deadLetterSqs": {"queueArn": "arn:aws:sqs:us-east-1:123456789012:dead"}},
        {"deadLetterSns": {"topicArn": "arn:aws:sns:us-east-1:123456789012:dead"}},
    ])
}

#[rstest]
#[case::managed("Managed")]
#[case::inline("Inline")]
#[tokio::test(flavor = "multi_thread")]
async fn every_feature_source_and_destination_converges_and_a_second_pass_is_silent(#[case] form: &str) {
    let world = World::start().await;
    let spec = json!({"features": features(form), "eventSources": event_sources(), "destinations": destinations()});
    let before = world.create_ready("orders", spec).await;
    let seen = world.snapshot(&world.role_name("orders")).await;
    assert_eq!(seen.managed.is_empty(), form == "Inline", "{:?}", seen.managed);
    let status = before.status.clone().unwrap();
    assert_eq!(status.warnings, Vec::<String>::new());

    world.proxy.forget();
    world.proxy.rewrite_documents(7);
    for _ in 0..5 {
        let after = world.look("orders").await;
        assert_eq!(after.status.unwrap().last_change_time, status.last_change_time);
    }
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_statements_take_the_default_scope_and_placeholders_their_values() {
    let world = World::start().await;
    let role = world
        .create_ready(
            "orders",
            json!({
                "sourceFunctionArns": ["$(name)"],
                "templates": [
                    {"name": "DynamoDBReadPolicy", "parameters": {"TableName": "$(namespace)-orders"}},
                    {"name": "SQSPollerPolicy", "parameters": {"QueueName": "orders"}},
                ],
                "statements": [
                    {"sid": "Scoped", "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:$(partition):s3:::$(accountId)/*"]},
                    {"sid": "Lifted", "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::open/*"], "sourceFunctionArns": []},
                ],
            }),
        )
        .await;
    let seen = world.snapshot(&world.role_name("orders")).await;
    let statements = seen.inline[0].1["Statement"].as_array().unwrap().clone();
    let function = "arn:aws:lambda:us-east-1:123456789012:function:orders";
    let scopes = |text: &str| -> BTreeSet<String> {
        let found = statements.iter().filter(|statement| statement.to_string().contains(text));
        found.map(|statement| statement["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"].to_string()).collect()
    };
    assert_eq!(scopes(&format!("table/{}-orders", world.namespace)), [json!(function).to_string()].into());
    assert_eq!(scopes("sqs:ReceiveMessage"), ["null".to_owned()].into());
    assert_eq!(scopes("arn:aws:s3:::123456789012/*"), [json!(function).to_string()].into());
    assert_eq!(scopes("arn:aws:s3:::open/*"), ["null".to_owned()].into());
    assert_eq!(role.status.unwrap().warnings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_documents_come_and_go_beside_the_controller_s_own_although_others_are_kept() {
    let world = World::start().await;
    let allow = |action: &str| json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::b/*"}});
    let spec = json!({
        "unlisted": {"inlinePolicies": "Keep"},
        "inlinePolicies": [
            {"name": "object", "document": allow("s3:GetObject")},
            {"name": "text", "document": allow("s3:PutObject").to_string()},
        ],
    });
    world.create_ready("orders", spec).await;
    let name = world.role_name("orders");
    let request = world.iam.put_role_policy().role_name(&name).policy_name("console");
    request.policy_document(allow("s3:ListBucket").to_string()).send().await.unwrap();
    let names = async || world.snapshot(&name).await.inline.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    assert_eq!(names().await, ["console", "object", "text"].map(str::to_owned).into());

    world.change("orders", json!({"inlinePolicies": [{"name": "text", "document": allow("s3:PutObject")}]})).await;
    world.ready("orders").await;
    assert_eq!(names().await, ["console", "text"].map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_are_told_in_the_status_and_errors_keep_the_role_from_iam() {
    let world = World::start().await;
    let statement = |actions: Value| json!({"statements": [{"effect": "Allow", "actions": actions, "resources": ["*"], "sourceFunctionArns": ["orders"]}]});
    let role = world.create_ready("warned", statement(json!(["s3:*"]))).await;
    let warnings = role.status.unwrap().warnings;
    assert!(
        warnings.iter().any(|warning| warning.starts_with("WildcardAction: spec.statements[0].actions[0]: ")),
        "{warnings:?}"
    );

    world.create("refused", statement(json!(["ec2:CreateNetworkInterface"]))).await;
    let role = world.condition("refused", ConditionType::Stalled, "True", Reason::InvalidSpec).await;
    let message = &condition(&role, ConditionType::Accepted).unwrap().message;
    assert!(message.starts_with("spec.statements[0]"), "{message}");
    assert!(message.contains("ScopeBreaksServiceCall"), "{message}");
    assert!(!world.role_exists(&world.role_name("refused")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_s_own_quotas_are_judged_before_any_write() {
    let world = World::start().await;
    world.create_ready("witness", json!({})).await;
    world.proxy.forget();
    // The emulator's accounts allow ten.
    let policies: Vec<_> =
        (0..11).map(|number| json!({"arn": format!("arn:aws:iam::123456789012:policy/p{number}")})).collect();
    world.create("orders", json!({"managedPolicies": policies})).await;
    let role = world.condition("orders", ConditionType::Stalled, "True", Reason::InvalidSpec).await;
    let message = &condition(&role, ConditionType::Accepted).unwrap().message;
    assert!(message.contains("11 attached policies") && message.contains("1 more than the 10"), "{message}");
    assert_eq!(world.proxy.operations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_merged_where_that_makes_them_fit() {
    let world = World::start().await;
    let statements: Vec<_> = (0..90)
        .map(|number| {
            json!({
                "sid": format!("Read{number}"), "effect": "Allow", "actions": ["s3:GetObject", "s3:ListBucket"],
                "resources": [format!("arn:aws:s3:::bucket-{number}/*")],
            })
        })
        .collect();
    let role = world.create_ready("orders", json!({"statements": statements})).await;
    let seen = world.snapshot(&world.role_name("orders")).await;
    assert_eq!(seen.inline[0].1["Statement"].as_array().map_or(1, Vec::len), 1);
    let status = role.status.unwrap();
    assert!(status.inline_characters.unwrap() <= status.inline_quota.unwrap());
}
