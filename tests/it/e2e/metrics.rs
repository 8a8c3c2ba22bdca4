//! What the metrics tell of a controller at work.

use std::time::Duration;

use kube::Resource;
use lambdaroles::api::{
    ConditionType, LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleClass, LambdaRoleGrant, Reason,
};
use serde_json::json;
use tokio::time::timeout;

use super::process::get;
use crate::harness::{Fault, PATIENCE, World};

const NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// Waits until the metrics have these lines: a pass is counted once it has ended, a moment after the status that it wrote.
pub(super) async fn metrics_show<Line: AsRef<str> + std::fmt::Debug>(world: &World, expected: &[Line]) {
    let address = world.controller.address();
    let mut interval = tokio::time::interval(Duration::from_millis(50));
    let mut last = String::new();
    let shown = timeout(PATIENCE, async {
        loop {
            interval.tick().await;
            last = get(&address, "/metrics").await.1;
            if expected.iter().all(|line| last.lines().any(|seen| seen == line.as_ref())) {
                break;
            }
        }
    });
    assert!(shown.await.is_ok(), "not all of {expected:#?} are at /metrics: {last}");
}

async fn value(world: &World, sample: &str) -> Option<f64> {
    let (_, metrics) = get(&world.controller.address(), "/metrics").await;
    metrics.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
}

fn objects<K: Resource<DynamicType = ()>>(world: &World, state: &str, count: u32) -> String {
    let class = &world.namespace;
    format!("lambdaroles_objects{{kind=\"{}\",class=\"{class}\",state=\"{state}\"}} {count}", K::kind(&()))
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_and_requests_are_counted_and_timed() {
    let world = World::start().await;
    world.proxy.fault("PutRolePolicy", 1, Fault::THROTTLED);
    let statement = json!({"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]});
    world.create_ready("orders", json!({"statements": [statement]})).await;
    let call = |operation: &str, outcome: &str| {
        format!(
            "lambdaroles_aws_calls_total{{account=\"123456789012\",aws_service=\"IAM\",operation=\"{operation}\",outcome=\"{outcome}\"}} 1"
        )
    };
    let expected = [
        "lambdaroles_reconcile_total{kind=\"LambdaExecutionRole\",result=\"synced\"} 1".to_owned(),
        "lambdaroles_reconcile_duration_seconds_count{kind=\"LambdaExecutionRole\"} 1".to_owned(),
        "lambdaroles_reconcile_active{kind=\"LambdaExecutionRole\"} 0".to_owned(),
        "lambdaroles_reconcile_waiting{kind=\"LambdaExecutionRole\"} 0".to_owned(),
        "lambdaroles_reconcile_wait_seconds_count{kind=\"LambdaExecutionRole\"} 1".to_owned(),
        "lambdaroles_aws_call_duration_seconds_count{aws_service=\"IAM\",operation=\"PutRolePolicy\"} 2".to_owned(),
        call("CreateRole", "succeeded"),
        call("GetRole", "refused"),
        call("PutRolePolicy", "throttled"),
        call("PutRolePolicy", "succeeded"),
        "# EOF".to_owned(),
    ];
    metrics_show(&world, &expected).await;
    let waited = value(&world, "lambdaroles_aws_call_wait_seconds_total{account=\"123456789012\"}").await.unwrap();
    assert!(waited > 0.1, "a throttled request waits before it is repeated: {waited}");
    let usage = format!("lambdaroles_inline_policy_usage_ratio{{class=\"{}\",quantile=\"1\"}}", world.namespace);
    let usage = value(&world, &usage).await.unwrap();
    assert!(usage > 0.0 && usage < 0.05, "{usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_counted_by_what_their_conditions_come_to() {
    let world = World::start().await;
    world.create_ready("orders", json!({"drift": "Report", "resyncInterval": "5m"})).await;
    world.create_ready("payments", json!({"grants": {"from": "SameNamespace"}})).await;
    world.create("suspended", json!({"suspend": true})).await;
    let theirs = world.iam.create_role().role_name(world.role_name("taken"));
    theirs.assume_role_policy_document(NOBODY).send().await.unwrap();
    world.create("taken", json!({})).await;
    world.condition("taken", ConditionType::Stalled, "True", Reason::RoleConflict).await;
    let policies = world.objects::<LambdaManagedPolicy>();
    let statement = json!({"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]});
    policies.create("shared", json!({"className": world.namespace, "statements": [statement]})).await;
    let grants = world.objects::<LambdaRoleGrant>();
    let function = format!("arn:aws:lambda:us-east-1:123456789012:function:{}", world.namespace);
    let spec = json!({"roleRef": {"name": "payments"}, "sourceFunctionArns": [function], "statements": [statement]});
    grants.create("reports", spec).await;
    let attach = world.iam.attach_role_policy().role_name(world.role_name("orders"));
    attach.policy_arn("arn:aws:iam::aws:policy/AdministratorAccess").send().await.unwrap();
    world.annotate("orders", "lambdaroles.dev/reconcile-at", "now").await;
    world.condition("orders", ConditionType::Drifted, "True", Reason::Drifted).await;
    let drift = |count: &str| {
        format!("lambdaroles_{count}_total{{kind=\"LambdaExecutionRole\",class=\"{}\"}} 1", world.namespace)
    };
    let expected = [
        objects::<LambdaExecutionRole>(&world, "drifted", 1),
        objects::<LambdaExecutionRole>(&world, "ready", 1),
        objects::<LambdaExecutionRole>(&world, "suspended", 1),
        objects::<LambdaExecutionRole>(&world, "stalled", 1),
        objects::<LambdaExecutionRole>(&world, "refused", 0),
        objects::<LambdaExecutionRole>(&world, "unverified", 0),
        objects::<LambdaManagedPolicy>(&world, "ready", 1),
        objects::<LambdaRoleGrant>(&world, "ready", 1),
        objects::<LambdaRoleClass>(&world, "ready", 1),
        drift("drift_found"),
    ];
    metrics_show(&world, &expected).await;
    assert_eq!(value(&world, drift("drift_corrected").trim_end_matches(" 1")).await, Some(0.0));
    world.change("orders", json!({"drift": "Correct"})).await;
    world.ready("orders").await;
    metrics_show(&world, &[objects::<LambdaExecutionRole>(&world, "drifted", 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_at_which_nobody_may_look_any_more_does_not_count_as_ready() {
    let world = World::start().await;
    world.create_ready("orders", json!({})).await;
    let denied = Fault::Error { status: 403, code: "AccessDenied", message: "not authorized to perform: iam:GetRole" };
    world.proxy.fault("GetRole", 1, denied);
    world.annotate("orders", "lambdaroles.dev/reconcile-at", "now").await;
    world.condition("orders", ConditionType::Reconciling, "True", Reason::AccessDenied).await;
    world.condition("orders", ConditionType::Ready, "True", Reason::Ready).await;
    let expected = [
        objects::<LambdaExecutionRole>(&world, "ready", 0),
        objects::<LambdaExecutionRole>(&world, "unverified", 1),
        "lambdaroles_aws_calls_total{account=\"123456789012\",aws_service=\"IAM\",operation=\"GetRole\",outcome=\"denied\"} 1".to_owned(),
    ];
    metrics_show(&world, &expected).await;
    world.annotate("orders", "lambdaroles.dev/reconcile-at", "again").await;
    metrics_show(&world, &[objects::<LambdaExecutionRole>(&world, "ready", 1)]).await;
}
