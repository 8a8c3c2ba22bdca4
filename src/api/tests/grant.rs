//! Every rule of the CRD of grants: what it refuses, that the controller refuses the same in the same words, and that neither
//! refuses what is sound.

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::{Value, json};

use super::{GRANT, spec};
use crate::{
    api::{LambdaExecutionRole, LambdaRoleGrant, rule},
    lint::Finding,
    plan::{
        Account, Quotas,
        class::Namespace,
        grant::{Applicant, SharedRole, judge},
    },
};

/// What the controller says of a grant that the role admits.
pub(super) fn in_controller(spec: &Value) -> Vec<Finding> {
    let role: LambdaExecutionRole = serde_json::from_value(json!({
        "metadata": {"namespace": "shop", "name": "gateway"}, "spec": {"grants": {"from": "SameNamespace"}},
    }))
    .unwrap();
    let account = Account {
        id: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        region: "us-east-1".to_owned(),
        quotas: Quotas::HIGHEST,
    };
    let grant = LambdaRoleGrant::new("orders", serde_json::from_value(spec.clone()).unwrap());
    let namespace = Namespace { name: "shop".to_owned(), labels: Some(BTreeMap::new()) };
    let shared =
        SharedRole { object: &role, role_name: "shop-gateway", class: None, account: &account, cluster: "north" };
    judge(&Applicant::of(&grant, namespace), &shared).faults
}

const STATEMENTS: &str = "statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*']}]";
const ROLE_REF: &str = "roleRef: {name: gateway}";
const FUNCTIONS: &str = "sourceFunctionArns: [orders]";

/// A spec of these fields, and of what every grant needs for the rest.
fn with(fields: &str) -> Value {
    let needed = [("roleRef", ROLE_REF), ("sourceFunctionArns", FUNCTIONS), ("statements", STATEMENTS)];
    let missing = needed.iter().filter(|(field, _)| !fields.starts_with(&format!("{field}:"))).map(|(_, text)| *text);
    spec(&format!("{{{}}}", missing.chain([fields]).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")))
}

fn statement(fields: &str) -> Value {
    with(&format!("statements: [{{effect: Allow, {fields}}}]"))
}

/// For each rule fields that break it alone, where, and what is said.
const REFUSED: &[(&str, &str, &str)] = &[
    ("roleRef: {name: Gateway}", "spec.roleRef.name", rule::OBJECT_NAME),
    ("roleRef: {name: gateway, namespace: a.b}", "spec.roleRef.namespace", rule::OBJECT_NAMESPACE),
    ("sourceFunctionArns: ['f:1']", "spec.sourceFunctionArns", rule::FUNCTION_ARN_QUALIFIED),
    ("sourceFunctionArns: ['f 1']", "spec.sourceFunctionArns", rule::FUNCTION_ARN),
    ("sourceFunctionArns: [f, '*']", "spec.sourceFunctionArns", rule::GRANT_FUNCTION),
    (
        "sourceFunctionArns: ['arn:aws:lambda:us-east-1:123456789012:function:?*']",
        "spec.sourceFunctionArns",
        rule::GRANT_FUNCTION,
    ),
    (
        "statements: [{sid: a, effect: Allow, actions: ['*'], resources: ['*']}, {sid: a, effect: Deny, actions: ['*'], resources: ['*']}]",
        "spec.statements",
        rule::SID_UNIQUE,
    ),
    (
        "statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArns: []}]",
        "spec.statements",
        rule::GRANT_SCOPE,
    ),
    (
        "statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArns: [f], sourceFunctionArnOperator: ArnNotLike}]",
        "spec.statements",
        rule::GRANT_SCOPE,
    ),
    (
        "statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArns: [f], sourceFunctionArnOperator: ArnEqualsIfExists}]",
        "spec.statements",
        rule::GRANT_SCOPE,
    ),
];

const REFUSED_STATEMENTS: &[(&str, &str, &str)] = &[
    ("sid: a-b, actions: ['*'], resources: ['*']", ".sid", rule::SID),
    ("actions: [GetObject], resources: ['*']", ".actions", rule::ACTION),
    ("actions: ['*'], resources: [bucket]", ".resources", rule::RESOURCE),
    ("resources: ['*']", "", rule::ACTIONS_ONE),
    ("actions: ['*']", "", rule::RESOURCES_ONE),
    ("actions: ['*'], resources: ['*'], conditions: {Equals: {'aws:x': y}}", ".conditions", rule::OPERATOR),
    ("actions: ['*'], resources: ['*'], sourceFunctionArnOperator: ArnLike", "", rule::FUNCTION_ARN_OPERATOR),
];

fn assert_refused_by_both(spec: &Value, path: &str, message: &str) {
    assert_eq!(GRANT.at_admission(spec), [format!("{path}: {message}")], "{spec}");
    let faults = in_controller(spec);
    let [fault] = &faults[..] else { panic!("{spec}: {faults:?}") };
    assert!(fault.message.contains(message) && fault.path.starts_with(path), "{spec}: {fault}");
}

#[test]
fn a_broken_rule_is_named_at_admission_and_by_the_controller_in_the_same_words() {
    for (fields, path, message) in REFUSED {
        assert_refused_by_both(&with(fields), path, message);
    }
    for (fields, path, message) in REFUSED_STATEMENTS {
        assert_refused_by_both(&statement(fields), &format!("spec.statements[0]{path}"), message);
    }
}

#[test]
fn the_tables_have_every_rule_of_the_crd() {
    let tabled = REFUSED.iter().chain(REFUSED_STATEMENTS).map(|(_, _, message)| *message);
    let tabled = tabled.chain([rule::ROLE_REF_IMMUTABLE]);
    assert_eq!(GRANT.messages(), tabled.map(str::to_owned).collect::<BTreeSet<_>>());
}

#[rstest]
#[case::role_elsewhere("roleRef: {name: gateway.v2, namespace: platform-1}")]
#[case::functions(
    "sourceFunctionArns: ['orders-*', '*-api', 'arn:aws:lambda:*:123456789012:function:o?', '$(namespace)-*']"
)]
#[case::functions_of_a_statement(
    "statements: [{effect: Deny, notActions: ['s3:*'], resources: ['*'], sourceFunctionArns: ['o*'], sourceFunctionArnOperator: ArnLike}]"
)]
fn what_is_sound_is_accepted_by_both(#[case] fields: &str) {
    let spec = with(fields);
    assert_eq!(GRANT.at_admission(&spec), [] as [String; 0]);
    assert_eq!(in_controller(&spec), []);
}

#[rstest]
#[case::another_role("roleRef: {name: b}", &[rule::ROLE_REF_IMMUTABLE])]
#[case::another_namespace("roleRef: {name: gateway, namespace: b}", &[rule::ROLE_REF_IMMUTABLE])]
#[case::other_functions("sourceFunctionArns: [f]", &[])]
fn the_role_of_a_grant_does_not_change(#[case] new: &str, #[case] expected: &[&str]) {
    let [old, new] = ["", new].map(|fields| with(fields).to_string());
    assert_eq!(GRANT.at_update(&old, &new), expected);
}
