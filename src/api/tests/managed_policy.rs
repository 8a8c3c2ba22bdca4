//! Every rule of the CRD of managed policies: what it refuses, that the controller refuses the same in the same words, and that
//! neither refuses what is sound.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::Value;

use super::{MANAGED_POLICY, spec};
use crate::{
    api::rule,
    lint::Finding,
    plan::{Account, ObjectClass, Owner, Quotas, managed_policy::desired_policy},
};

/// What the controller says.
pub(super) fn in_controller(spec: &Value) -> Vec<Finding> {
    let owner = Owner { cluster: "north".to_owned(), namespace: "shop".to_owned(), name: "orders".to_owned() };
    let account = Account {
        id: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        region: "us-east-1".to_owned(),
        quotas: Quotas::HIGHEST,
    };
    let spec = serde_json::from_value(spec.clone()).unwrap();
    desired_policy(&spec, &owner, &account, &ObjectClass::unknown(&owner), None).err().unwrap_or_default()
}

const SOUND: &str = "statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*']}]";

fn with(fields: &str) -> Value {
    spec(&if fields.contains("statements:") { format!("{{{fields}}}") } else { format!("{{{fields}, {SOUND}}}") })
}

fn statement(fields: &str) -> Value {
    with(&format!("statements: [{{effect: Allow, {fields}}}]"))
}

/// For each rule fields that break it alone, where, and what is said.
const REFUSED: &[(&str, &str, &str)] = &[
    ("policyName: 'a b'", "spec.policyName", rule::MANAGED_POLICY_NAME),
    ("policyName: a/b", "spec.policyName", rule::MANAGED_POLICY_NAME),
    ("path: lambda/", "spec.path", rule::MANAGED_POLICY_PATH),
    ("path: //", "spec.path", rule::MANAGED_POLICY_PATH),
    ("path: /a!b/", "spec.path", rule::MANAGED_POLICY_PATH),
    ("description: '…'", "spec.description", rule::MANAGED_POLICY_DESCRIPTION),
    (r#"description: "a\nb""#, "spec.description", rule::MANAGED_POLICY_DESCRIPTION),
    ("className: Production", "spec.className", rule::CLASS_NAME),
    ("tags: {'a;b': c}", "spec.tags", rule::TAGS),
    ("tags: {lambdaroles.dev/kind: LambdaExecutionRole}", "spec.tags", rule::TAGS_RESERVED),
    ("tags: {a: 'aws:b'}", "spec.tags", rule::TAGS_RESERVED),
    ("tags: {a: b, A: b}", "spec.tags", rule::TAGS_CASE),
    ("resyncInterval: 29s", "spec.resyncInterval", rule::RESYNC_INTERVAL),
    ("sourceFunctionArns: ['f:1']", "spec.sourceFunctionArns", rule::FUNCTION_ARN_QUALIFIED),
    ("sourceFunctionArns: ['f 1']", "spec.sourceFunctionArns", rule::FUNCTION_ARN),
    ("allowedNamespaces: {names: [Shop]}", "spec.allowedNamespaces.names", rule::NAMESPACE_NAME),
    (
        "allowedNamespaces: {selector: {matchExpressions: [{key: a, operator: In}]}}",
        "spec.allowedNamespaces.selector.matchExpressions[0]",
        rule::SELECTOR,
    ),
    (
        "statements: [{sid: a, effect: Allow, actions: ['*'], resources: ['*']}, {sid: a, effect: Deny, actions: ['*'], resources: ['*']}]",
        "spec.statements",
        rule::SID_UNIQUE,
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
    assert_eq!(MANAGED_POLICY.at_admission(spec), [format!("{path}: {message}")], "{spec}");
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
    let immutable = [
        rule::MANAGED_POLICY_NAME_IMMUTABLE,
        rule::MANAGED_POLICY_PATH_IMMUTABLE,
        rule::MANAGED_POLICY_DESCRIPTION_IMMUTABLE,
        rule::CLASS_NAME_IMMUTABLE,
    ];
    let tabled = REFUSED.iter().chain(REFUSED_STATEMENTS).map(|(_, _, message)| *message).chain(immutable);
    assert_eq!(MANAGED_POLICY.messages(), tabled.map(str::to_owned).collect::<BTreeSet<_>>());
}

#[test]
fn messages_name_the_limits_that_hold() {
    assert!(rule::MANAGED_POLICY_NAME.contains(&rule::POLICY_NAME_MAX.to_string()));
    assert!(rule::MANAGED_POLICY_DESCRIPTION.contains(&rule::DESCRIPTION_MAX.to_string()));
}

#[rstest]
#[case::name("policyName: 'a+b=c,d.e@f_g-h'")]
#[case::root("path: /")]
#[case::paths("path: '/a/b+=,.@_-/'")]
#[case::description("description: 'ümlaut ÿ ¡'")]
#[case::tags("tags: {'Kosten stelle': 'Änderung 7/8 a@b'}")]
#[case::admission("allowedNamespaces: {names: ['team-*'], selector: {matchLabels: {a: b}}}")]
#[case::settings("drift: Report, deletionPolicy: Retain, suspend: true, resyncInterval: 1h")]
fn what_is_sound_is_accepted_by_both(#[case] fields: &str) {
    let spec = with(fields);
    assert_eq!(MANAGED_POLICY.at_admission(&spec), [] as [String; 0]);
    assert_eq!(in_controller(&spec), []);
}

#[rstest]
#[case::name_changes("policyName: a", "policyName: b", &[rule::MANAGED_POLICY_NAME_IMMUTABLE])]
#[case::name_comes("suspend: true", "policyName: b", &[rule::MANAGED_POLICY_NAME_IMMUTABLE])]
#[case::path_goes("path: /a/", "suspend: true", &[rule::MANAGED_POLICY_PATH_IMMUTABLE])]
#[case::description_changes("description: a", "description: b", &[rule::MANAGED_POLICY_DESCRIPTION_IMMUTABLE])]
#[case::class_changes("className: a", "className: b", &[rule::CLASS_NAME_IMMUTABLE])]
#[case::all_else_changes("tags: {a: b}, drift: Report", "tags: {a: c}, allowedNamespaces: {names: [a]}, suspend: true", &[])]
fn an_identity_does_not_change(#[case] old: &str, #[case] new: &str, #[case] expected: &[&str]) {
    let [old, new] = [old, new].map(|fields| format!("{{{fields}, {SOUND}}}"));
    assert_eq!(MANAGED_POLICY.at_update(&old, &new), expected);
}
