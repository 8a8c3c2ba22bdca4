//! Specs that cannot be, written past an API server that knows no CEL: the object is told, and nothing reaches IAM.

use hyper::Request;
use lambdaroles::api::{ConditionType, Reason};
use serde_json::{Value, json};

use crate::harness::{World, condition};

/// What is wrong, the spec, and the message that the object gets.
fn cases() -> Vec<(&'static str, Value, &'static str)> {
    let statement = |member: Value| {
        let mut statement = json!({"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]});
        for (key, value) in member.as_object().unwrap() {
            statement[key] = value.clone();
        }
        json!({"statements": [statement]})
    };
    let refusing = |fields: Value| {
        let mut spec = statement(fields);
        spec["overflow"] = json!("Refuse");
        spec
    };
    let one = |sid: &str| json!({"sid": sid, "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]});
    vec![
        (
            "bad ARN",
            json!({"managedPolicies": [{"arn": "arn:aws:s3:::bucket/AWSLambdaExecute"}]}),
            "spec.managedPolicies[0].arn: must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary",
        ),
        (
            "boundary that is no policy",
            json!({"permissionsBoundary": {"arn": "arn:aws:iam::123456789012:role/boundary"}}),
            "spec.permissionsBoundary.arn: must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary",
        ),
        (
            "qualified function ARN",
            statement(json!({"sourceFunctionArns": ["arn:aws:lambda:us-east-1:123456789012:function:orders:prod"]})),
            "spec.statements[0].sourceFunctionArns[0]: arn:aws:lambda:us-east-1:123456789012:function:orders:prod: lambda:SourceFunctionArn never carries a version or an alias, so a qualified function ARN can never match: leave the qualifier out",
        ),
        (
            "duplicate sid",
            json!({"statements": [one("Read"), one("Read")]}),
            "spec.statements[1].sid: Read is used twice: each sid may be used once in a document",
        ),
        (
            "both actions and notActions",
            statement(json!({"notActions": ["s3:PutObject"]})),
            "spec.statements[0]: give exactly one of actions and notActions",
        ),
        (
            "bad operator",
            statement(json!({"conditions": {"StringMatches": {"aws:SourceVpc": "vpc-1"}}})),
            "spec.statements[0].conditions.StringMatches: unknown condition operator: IAM has String…, Numeric…, Date…, Bool, BinaryEquals, IpAddress, NotIpAddress, Arn… and Null, with ForAllValues: or ForAnyValue: before and IfExists behind",
        ),
        (
            "over-long document",
            refusing(
                json!({"resources": (0..200).map(|n| format!("arn:aws:s3:::{}{n:03}", "b".repeat(40))).collect::<Vec<_>>()}),
            ),
            "spec.statements: makes 11894 characters with all merged that can be, 1654 more than the 10240 that IAM allows for the inline policies of a role",
        ),
        (
            "non-Latin-1 character",
            statement(json!({"conditions": {"StringEquals": {"aws:PrincipalTag/team": "“shop”"}}})),
            "spec.statements[0].conditions.StringEquals.aws:PrincipalTag/team: holds '“' (U+201C): IAM takes Latin-1 characters only",
        ),
        (
            "bad tag",
            json!({"tags": {"team": "a;b"}}),
            "spec.tags[team]: a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@",
        ),
        (
            "path without slashes",
            json!({"path": "lambda"}),
            "spec.path: a path begins and ends with a slash and holds printable ASCII without spaces (1 to 512 characters), for example /lambda/",
        ),
        (
            "several faults",
            json!({"path": "lambda", "tags": {"aws:team": "shop"}}),
            "spec.path: a path begins and ends with a slash and holds printable ASCII without spaces (1 to 512 characters), for example /lambda/; spec.tags[aws:team]: tag keys that begin with aws: or lambdaroles.dev/ are reserved, and so are tag values that begin with aws:",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_bad_input_gets_its_message_and_nothing_is_written_to_iam() {
    let world = World::start().await;
    for (number, (what, spec, message)) in cases().into_iter().enumerate() {
        let name = format!("bad-{number}");
        world.create(&name, spec).await;
        let object = world.condition(&name, ConditionType::Stalled, "True", Reason::InvalidSpec).await;
        for kind in [ConditionType::Stalled, ConditionType::Accepted, ConditionType::Ready] {
            assert_eq!(condition(&object, kind).unwrap().message, message, "{what}");
        }
        assert_eq!(condition(&object, ConditionType::Accepted).unwrap().status, "False", "{what}");
        let events = world.events(&name, Reason::InvalidSpec, 1).await;
        assert_eq!(events, [("InvalidSpec".to_owned(), message.to_owned())], "{what}");
        world.delete(&name).await;
        world.gone(&name).await;
    }
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spec_that_becomes_invalid_leaves_the_role_as_it_is_and_still_can_be_deleted() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({"description": "valid"})).await;
    let before = world.snapshot(&role).await;
    world.proxy.forget();
    world.change("orders", json!({"description": "invalid: \u{7f}"})).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::InvalidSpec).await;
    assert!(object.status.unwrap().role_arn.is_some(), "what is known stays in the status");
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
    assert_eq!(world.snapshot(&role).await, before);
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&role).await);
}

/// The API server takes nesting that `serde_json` gives up at, for a whole list.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_nested_beyond_measure_stops_nobody_else() {
    let mut world = World::start().await;
    let nested = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let object = format!(
        r#"{{"apiVersion":"lambdaroles.dev/v1alpha1","kind":"LambdaExecutionRole","metadata":{{"name":"deep"}},"spec":{{"className":"{}","inlinePolicies":[{{"name":"legacy","document":{{"Statement":{nested}}}}}]}}}}"#,
        world.namespace
    );
    let path = format!("/apis/lambdaroles.dev/v1alpha1/namespaces/{}/lambdaexecutionroles", world.namespace);
    let request = Request::post(path).header("content-type", "application/json").body(object.into_bytes()).unwrap();
    world.client.request_text(request).await.unwrap();
    world.create_ready("watched", json!({})).await;
    // Awaited before the process is killed: between status and event it would leave the event untold.
    let events = world.events("deep", Reason::InvalidSpec, 1).await;
    assert!(events[0].1.contains("spec.inlinePolicies[0].document.Statement"), "{events:?}");
    // A new process lists what the first one was told of.
    world.restart_controller(&[]);
    world.create_ready("listed", json!({})).await;
}
