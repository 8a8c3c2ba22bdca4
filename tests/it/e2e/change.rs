//! Each field of the spec, changed and taken away again.

use lambdaroles::api::{ConditionType, Reason};
use serde_json::{Value, json};

use crate::harness::{RoleSnapshot, World};

/// A change of the spec, what it makes of the role, and how many writes that takes.
struct Case {
    field: &'static str,
    spec: Value,
    expect: fn(&mut RoleSnapshot, &World),
}

fn trust_statement(principal: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
}

fn push_trust(snapshot: &mut RoleSnapshot, statement: Value) {
    snapshot.trust["Statement"].as_array_mut().unwrap().push(statement);
}

fn cases(boundary: &str, policy: &str) -> Vec<Case> {
    vec![
        Case {
            field: "description",
            spec: json!({"description": "né à Zürich"}),
            expect: |role, _| "né à Zürich".clone_into(&mut role.description),
        },
        Case {
            field: "tags",
            spec: json!({"tags": {"team": "shop", "Ünïcode": "a + b"}}),
            expect: |role, _| {
                role.tags =
                    [("team", "shop"), ("Ünïcode", "a + b")].map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
            },
        },
        Case {
            field: "maxSessionDurationSeconds",
            spec: json!({"maxSessionDurationSeconds": 43200}),
            expect: |role, _| role.max_session_seconds = Some(43200),
        },
        Case {
            field: "permissionsBoundary",
            spec: json!({"permissionsBoundary": {"arn": boundary}}),
            expect: |role, world| {
                role.boundary = Some(format!("arn:aws:iam::123456789012:policy/{}-boundary", world.namespace));
            },
        },
        Case {
            field: "trust.edge",
            spec: json!({"trust": {"edge": true}}),
            expect: |role, _| push_trust(role, trust_statement(json!({"Service": "edgelambda.amazonaws.com"}))),
        },
        Case {
            field: "trust.self",
            spec: json!({"trust": {"self": true}}),
            expect: |role, world| {
                let arn = format!("arn:aws:iam::123456789012:role/{}", world.role_name("orders"));
                push_trust(role, trust_statement(json!({"AWS": arn})));
            },
        },
        Case {
            field: "trust.sourceAccountCondition",
            spec: json!({"trust": {"sourceAccountCondition": false}}),
            expect: |role, _| {
                role.trust["Statement"][0].as_object_mut().unwrap().remove("Condition");
            },
        },
        Case {
            field: "trust.statements",
            spec: json!({"trust": {"statements": [
                {"effect": "Allow", "principals": {"service": ["scheduler.amazonaws.com"]}},
            ]}}),
            expect: |role, _| push_trust(role, trust_statement(json!({"Service": "scheduler.amazonaws.com"}))),
        },
        Case {
            field: "managedPolicies",
            spec: json!({"managedPolicies": [{"aws": "AWSXRayDaemonWriteAccess"}, {"arn": policy}]}),
            expect: |role, world| {
                role.managed = vec![
                    format!("arn:aws:iam::123456789012:policy/{}-policy", world.namespace),
                    "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess".to_owned(),
                ];
            },
        },
        Case {
            field: "statements",
            spec: json!({"statements": [{
                "effect": "Deny", "notActions": ["s3:*"], "notResources": ["arn:aws:s3:::a+b%20c/*"],
                "conditions": {"Bool": {"aws:SecureTransport": false}},
            }]}),
            expect: |role, _| {
                let document = json!({"Version": "2012-10-17", "Statement": [{
                    "Effect": "Deny", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::a+b%20c/*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }]});
                role.inline = vec![("lambdaroles".to_owned(), document)];
            },
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_that_changes_or_goes_takes_exactly_one_kind_of_change_with_it() {
    let world = World::start().await;
    let boundary = world.customer_policy("boundary").await;
    let policy = world.customer_policy("policy").await;
    world.create_ready("orders", json!({})).await;
    let role = world.role_name("orders");
    let plain = world.snapshot(&role).await;
    for Case { field, spec, expect } in cases(&boundary, &policy) {
        let mut expected = plain.clone();
        expect(&mut expected, &world);
        world.change("orders", spec.clone()).await;
        world.ready("orders").await;
        assert_eq!(world.snapshot(&role).await, expected, "{field} changed");

        world.change("orders", without_values(&spec)).await;
        world.ready("orders").await;
        assert_eq!(world.snapshot(&role).await, plain, "{field} removed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_changes_at_once_end_in_the_same_role_as_one_after_the_other() {
    let world = World::start().await;
    let boundary = world.customer_policy("boundary").await;
    let policy = world.customer_policy("policy").await;
    world
        .create_ready("orders", json!({"statements": [{"effect": "Allow", "actions": ["s3:*"], "resources": ["*"]}]}))
        .await;
    let role = world.role_name("orders");
    let mut expected = world.snapshot(&role).await;
    let mut spec = json!({});
    for case in cases(&boundary, &policy) {
        (case.expect)(&mut expected, &world);
        merge(&mut spec, case.spec);
    }
    // The trust statements come in an order of their own: condition, edge, the spec's, the role itself.
    let mut statements = expected.trust["Statement"].as_array().unwrap().clone();
    let itself = statements.remove(2);
    statements.push(itself);
    expected.trust["Statement"] = statements.into();
    world.change("orders", spec).await;
    world.ready("orders").await;
    assert_eq!(world.snapshot(&role).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_path_cannot_change_even_where_the_api_server_knows_no_rules() {
    let world = World::start().await;
    world.create_ready("orders", json!({"path": "/a/"})).await;
    world.proxy.forget();
    for (field, value) in [("roleName", "another"), ("path", "/b/")] {
        world.change("orders", json!({field: value})).await;
        let role = world.condition("orders", ConditionType::Accepted, "False", Reason::InvalidSpec).await;
        let stalled = crate::harness::condition(&role, ConditionType::Stalled).unwrap();
        assert!(stalled.message.starts_with(&format!("spec.{field}: ")), "{}", stalled.message);
        let original = if field == "path" { json!("/a/") } else { Value::Null };
        world.change("orders", json!({field: original})).await;
        world.ready("orders").await;
    }
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
}

/// The same patch with `null` for every value, which takes the fields away.
fn without_values(spec: &Value) -> Value {
    let members = spec.as_object().unwrap().iter();
    members.map(|(key, _)| (key.clone(), Value::Null)).collect::<serde_json::Map<_, _>>().into()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
