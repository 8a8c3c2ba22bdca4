//! What the controller accepts, admission does not refuse.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{CLASS, POLICY, ROLE, Request, class, defaulted, refusals};
use crate::{
    api::{LambdaExecutionRoleSpec, LambdaRoleClassSpec, tests::samples::objects},
    lint::Finding,
    plan::{Account, ObjectClass, Owner, Quotas, References, compliance, desired::desired_role},
};

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "S3:getobject",
    "s3:Get*",
    "s3:*Object",
    "s3:DeleteObject",
    "s3:*",
    "dynamodb:GetItem",
    "*",
    "iam:PassRole",
    "IAM:Pass*",
    "sts:AssumeRole",
    "sts:Assume*",
    "sts:AssumeRoot",
    "organizations:List*",
    "account:*",
];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::shop-a",
    "arn:aws:s3:::shop-*",
    "arn:aws:s3:::shop-a/*",
    "arn:aws:s3:::$(namespace)-a",
    "arn:aws:s3:::*",
    "arn:aws:s3:::shop-${aws:username}",
    "arn:aws:s3:::shop-${*}",
    "arn:aws:iam::123456789012:role/a",
    "arn:aws:s3:::billing",
];
const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::$(namespace)-*",
    "arn:aws:s3:::shop-?",
    "arn:aws:s3:::shop-a",
    "arn:*:iam::$(accountId):role/*",
    "arn:aws:s3:::$(region)*",
];
const FUNCTIONS: &[&str] = &[
    "shop-a",
    "shop-*",
    "billing",
    "*",
    "$(namespace)-a",
    "arn:aws:lambda:eu-west-1:123456789012:function:shop-a",
    "arn:aws:lambda:*:123456789012:function:shop-*",
    "arn:aws:lambda:us-east-1:123456789012:function:billing",
];
const FUNCTION_PATTERNS: &[&str] = &[
    "shop-*",
    "$(namespace)-?",
    "billing",
    "arn:aws:lambda:$(region):123456789012:function:*",
    "arn:aws:lambda:*:*:function:shop-*",
    "arn:aws:lambda:us-east-1:123456789012:function:billing",
];
const POLICIES: &[&str] = &[
    "AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaRole",
    "AWSXRayDaemonWriteAccess",
    "AdministratorAccess",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaRole",
    "arn:aws:iam::123456789012:policy/shop/a",
    "arn:aws:iam::$(accountId):policy/shop/b",
    "arn:aws:iam::123456789012:policy/AWSLambda",
];
const POLICY_PATTERNS: &[&str] = &[
    "AWSLambda*",
    "AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaRole",
    "*",
    "*Access",
    "awslambda*",
    "*/AWSLambdaRole",
    "arn:aws:iam::aws:policy/*",
    "arn:aws:iam::aws:policy/service-role/*",
    "arn:aws:iam::$(accountId):policy/$(namespace)/*",
    "arn:*:iam::*:policy/AWSL*",
];
const BOUNDARIES: &[&str] = &[
    "arn:aws:iam::123456789012:policy/boundary",
    "arn:aws:iam::$(accountId):policy/boundary",
    "arn:aws:iam::123456789012:policy/teams/shop",
];
const BOUNDARY_PATTERNS: &[&str] = &["arn:aws:iam::*:policy/teams/$(namespace)", "arn:*:iam::123456789012:policy/b*"];
const SERVICES: &[&str] = &["scheduler.amazonaws.com", "lambda.amazonaws.com", "states.amazonaws.com"];
const SERVICE_PATTERNS: &[&str] = &["*.amazonaws.com", "scheduler.amazonaws.com", "s*"];
const PRINCIPALS: &[&str] = &[
    "*",
    "111122223333",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/a",
    "arn:aws:iam::123456789012:role/shop-orders",
];
const PRINCIPAL_PATTERNS: &[&str] = &[
    "*",
    "111122223333",
    "????????????",
    "arn:aws:iam::111122223333:root",
    "arn:*",
    "arn:aws:iam::$(accountId):role/$(roleName)",
];
const KEYS: &[&str] = &["team", "Team", "stage", "access-level", "Access-Level", "\u{212A}ey", "key"];
const KEY_PATTERNS: &[&str] = &["access-*", "$(namespace)*", "team", "K*", "x$(region)"];
const VALUES: &[&str] = &["shop", "", " ", "orders"];
const FORCED_VALUES: &[&str] = &["shop", "$(namespace)", "$(name)", "$(region)"];
const ROLE_NAMES: &[&str] = &["shop-orders", "orders", "Shop-Orders", "shop.a"];
const ROLE_NAME_PATTERNS: &[&str] = &["$(namespace)-*", "*", "shop.?", "$(name)"];
const PATHS: &[&str] = &["/", "/shop/", "/shop/a/", "/$(namespace)/"];
const PATH_PATTERNS: &[&str] = &["/", "/$(namespace)/*", "/*/a/"];

fn some(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(all, 1..=2)
}

fn maybe(all: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<&'static str>>> {
    option::weighted(0.3, some(all))
}

fn tags(values: &'static [&'static str]) -> impl Strategy<Value = BTreeMap<&'static str, &'static str>> {
    // Keys that differ in more than case: the CRD refuses others.
    (
        option::weighted(0.4, (select(&KEYS[..2]), select(values))),
        option::weighted(0.3, (select(&KEYS[2..]), select(values))),
    )
        .prop_map(|(one, other)| one.into_iter().chain(other).collect())
}

/// An object without the fields that are `null`.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, field| !field.is_null());
        for field in fields.values_mut() {
            *field = without_nulls(field.take());
        }
    }
    value
}

fn rule() -> impl Strategy<Value = Value> {
    (option::weighted(0.8, some(ACTIONS)), option::weighted(0.5, some(RESOURCE_PATTERNS)))
        .prop_filter("one of the two", |(actions, resources)| actions.is_some() || resources.is_some())
        .prop_map(|(actions, resources)| without_nulls(json!({"actions": actions, "resources": resources})))
}

fn class_spec() -> impl Strategy<Value = Value> {
    let naming = (maybe(ROLE_NAME_PATTERNS), maybe(PATH_PATTERNS), maybe(ROLE_NAME_PATTERNS));
    let permissions = (
        option::weighted(0.3, vec(rule(), 0..3)),
        option::weighted(0.3, vec(rule(), 0..2)),
        option::weighted(0.4, vec(rule(), 0..2)),
    );
    let policies = (maybe(POLICY_PATTERNS), maybe(POLICY_PATTERNS));
    let boundary = option::weighted(0.3, (option::weighted(0.6, select(BOUNDARIES)), some(BOUNDARY_PATTERNS)));
    let trust = (maybe(SERVICE_PATTERNS), option::weighted(0.6, some(PRINCIPAL_PATTERNS)), any::<bool>());
    let functions = (maybe(FUNCTION_PATTERNS), select(&["Never", "Never", "Always"][..]));
    let keys = (maybe(KEYS), tags(FORCED_VALUES), maybe(KEY_PATTERNS));
    (naming, permissions, policies, boundary, trust, functions, keys).prop_map(
        |(naming, permissions, policies, boundary, trust, functions, keys)| {
            without_nulls(json!({
                "namespaces": {"names": ["*"]},
                "naming": {"allowedRoleNames": naming.0, "allowedPaths": naming.1, "adoptable": naming.2},
                "guardrails": {
                    "permissions": {"allowed": permissions.0, "denied": permissions.1, "exempted": permissions.2},
                    "managedPolicies": {"allowed": policies.0, "denied": policies.1},
                    "permissionsBoundary": boundary.map(|(arn, allowed)| json!({"arn": arn, "allowed": allowed})),
                    "trust": {"services": trust.0, "principals": trust.1, "self": trust.2},
                    "sourceFunctions": functions.0,
                    "requireSourceFunctionScope": functions.1,
                    "tags": {"required": keys.0, "forced": keys.1, "reserved": keys.2},
                },
            }))
        },
    )
}

fn statement() -> impl Strategy<Value = Value> {
    let operator = option::weighted(0.2, select(&["ArnLike", "ArnNotEquals", "ArnLikeIfExists"][..]));
    let elements = (some(ACTIONS), some(RESOURCES), prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    (prop::bool::weighted(0.9), elements, option::weighted(0.5, subsequence(FUNCTIONS, 0..=2)), operator).prop_map(
        |(allows, (actions, resources, not_actions, not_resources), functions, operator)| {
            without_nulls(json!({
                "effect": if allows { "Allow" } else { "Deny" },
                (if not_actions { "notActions" } else { "actions" }): actions,
                (if not_resources { "notResources" } else { "resources" }): resources,
                "sourceFunctionArnOperator": functions.as_ref().and(operator),
                "sourceFunctionArns": functions,
            }))
        },
    )
}

fn role_spec() -> impl Strategy<Value = Value> {
    let naming = (
        option::weighted(0.3, select(ROLE_NAMES)),
        option::weighted(0.3, select(PATHS)),
        select(&["Never", "Never", "Observe", "ExistingRole"][..]),
    );
    let trust = (
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        option::weighted(0.3, (maybe(SERVICES), some(PRINCIPALS))),
    );
    let policies = vec(select(POLICIES), 0..2);
    (
        naming,
        trust,
        policies,
        option::weighted(0.3, select(BOUNDARIES)),
        maybe(FUNCTIONS),
        vec(statement(), 0..3),
        tags(VALUES),
    )
        .prop_map(|(naming, trust, policies, boundary, functions, statements, tags)| {
            let by = |policy: &str| if policy.starts_with("arn:") { "arn" } else { "aws" };
            let trusted = trust.2.map(|(service, aws)| {
                json!([{"effect": "Allow", "principals": without_nulls(json!({"service": service, "aws": aws}))}])
            });
            without_nulls(json!({
                "className": "production",
                "roleName": naming.0,
                "path": naming.1,
                "adoption": naming.2,
                "trust": {"edge": trust.0, "self": trust.1, "statements": trusted},
                "managedPolicies": policies.iter().map(|policy| json!({by(policy): policy})).collect::<Vec<_>>(),
                "permissionsBoundary": boundary.map(|arn| json!({"arn": arn})),
                "sourceFunctionArns": functions,
                "statements": statements,
                "tags": tags,
            }))
        })
}

/// What the controller says of a role that it could make, before it asks IAM; `None` where role or class are faulty.
fn in_controller(role: &Value, class_spec: &Value) -> Option<Vec<Finding>> {
    let role: LambdaExecutionRoleSpec = serde_json::from_value(role.clone()).unwrap();
    let class: LambdaRoleClassSpec = serde_json::from_value(class(class_spec)["spec"].clone()).unwrap();
    let owner = Owner { cluster: "north".to_owned(), namespace: "shop".to_owned(), name: "orders".to_owned() };
    let account = Account {
        id: class.account.id.clone(),
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        quotas: Quotas::HIGHEST,
    };
    let class = ObjectClass::of("production", &class, &role, &owner, &account).ok()?;
    let desired = desired_role(&role, &owner, &account, &class, &References::default(), None).ok()?;
    Some(compliance::offline(&class, &role, &desired, &account, &compliance::Documents::new()).0)
}

#[test]
fn the_roles_beside_the_examples_of_classes_are_admitted() {
    let examples = objects("examples");
    let files = examples.iter().filter(|(name, _)| name.starts_with("class-"));
    let mut judged = 0;
    for (name, objects) in files {
        let [class, role] = &objects[..] else { panic!("{name}: a class and a role") };
        let namespace = json!({"metadata": {
            "name": role["metadata"]["namespace"],
            "labels": {"platform.example.com/tier": "product"},
        }});
        let request = Request { object: defaulted(&ROLE, role), old: None, class: defaulted(&CLASS, class), namespace };
        assert_eq!(POLICY.refusals(&request), [] as [String; 0], "{name}");
        judged += 1;
    }
    assert!(judged >= 3, "{judged}");
}

/// Of what the controller refuses admission has to tell most, or this would hold of a policy that says nothing.
#[test]
fn admission_refuses_nothing_that_the_controller_accepts() {
    const PAIRS: u32 = 1200;
    const REFUSED: u32 = 60;
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (mut accepted, mut refused, mut told) = (0, 0, 0);
    for _ in 0..PAIRS {
        let (role, class) = (role_spec(), class_spec()).new_tree(&mut runner).unwrap().current();
        match in_controller(&role, &class) {
            // No role comes of it, whatever the class says, or the class itself is faulty.
            None => {}
            Some(said) if said.is_empty() => {
                accepted += 1;
                assert_eq!(refusals(&role, &class), [] as [String; 0], "{role}\n{class}");
            }
            Some(_) if refused == REFUSED => {}
            Some(_) => {
                refused += 1;
                told += u32::from(!refusals(&role, &class).is_empty());
            }
        }
    }
    assert!(accepted > 80 && told * 10 > refused * 8, "{accepted} accepted, {told} of {refused} refusals told");
}
