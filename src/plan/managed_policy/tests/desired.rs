//! What a spec asks for.

use rstest::rstest;
use serde_json::json;

use super::{ARN, READ, account, class, desired, faults, owner, spec, tags};
use crate::{
    api::rule,
    plan::{Account, Quotas, managed_policy::desired_policy},
};

#[test]
fn a_policy_is_named_after_its_object_and_tagged_with_it_and_its_kind() {
    let policy = desired(READ);
    assert_eq!((policy.name.as_str(), policy.path.as_str(), policy.arn.as_str()), ("shop-orders", "/", ARN));
    assert_eq!(
        policy.tags,
        tags(&[
            ("lambdaroles.dev/cluster", "north"),
            ("lambdaroles.dev/kind", "LambdaManagedPolicy"),
            ("lambdaroles.dev/name", "orders"),
            ("lambdaroles.dev/namespace", "shop"),
        ])
    );
    assert_eq!(
        policy.document.to_string(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shop-data/*"}]}"#
    );
}

#[test]
fn the_class_names_tags_and_places_it() {
    let class = class(
        &json!({
            "naming": {"policyName": "p-$(name)", "path": "/lambda/$(namespace)/"},
            "guardrails": {"tags": {"forced": {"cost": "42"}}},
            "defaults": {"tags": {"team": "$(namespace)"}},
        }),
        &owner(),
    );
    let policy = desired_policy(&spec(READ), &owner(), &account(), &class, None).unwrap();
    assert_eq!(policy.arn, "arn:aws:iam::111122223333:policy/lambda/shop/p-orders");
    assert_eq!((policy.tags["cost"].as_str(), policy.tags["team"].as_str()), ("42", "shop"));
}

#[test]
fn statements_are_scoped_and_their_placeholders_are_those_of_the_policy() {
    let policy = desired(
        "{sourceFunctionArns: ['$(namespace)-api'], statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::$(name)/$(roleName)']}]}",
    );
    let document = policy.document.to_string();
    assert!(document.contains("arn:aws:s3:::orders/shop-orders"), "{document}");
    assert!(
        document.contains(
            r#""ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:shop-api"}"#
        ),
        "{document}"
    );
}

#[rstest]
#[case::name("policyName: 'a b'", "spec.policyName", rule::MANAGED_POLICY_NAME)]
#[case::name_of_a_roles_own("policyName: shop-orders+2", "spec.policyName", rule::POLICY_NAME_OF_OVERFLOW)]
#[case::path("path: lambda/", "spec.path", rule::MANAGED_POLICY_PATH)]
#[case::path_of_a_role("path: '/a!b/'", "spec.path", rule::MANAGED_POLICY_PATH)]
#[case::empty_part("path: //", "spec.path", rule::MANAGED_POLICY_PATH)]
#[case::description(r#"description: "a\nb""#, "spec.description", rule::MANAGED_POLICY_DESCRIPTION)]
#[case::tags("tags: {'aws:a': b}", "spec.tags[aws:a]", rule::TAGS_RESERVED)]
#[case::kind(
    "tags: {lambdaroles.dev/kind: LambdaExecutionRole}",
    "spec.tags[lambdaroles.dev/kind]",
    rule::TAGS_RESERVED
)]
#[case::interval("resyncInterval: 1s", "spec.resyncInterval", rule::RESYNC_INTERVAL)]
#[case::class("className: A", "spec.className", rule::CLASS_NAME)]
fn each_fault_names_its_field(#[case] field: &str, #[case] path: &str, #[case] message: &str) {
    assert_eq!(faults(&format!("{field}\n{READ}")), [format!("{path}: {message}")]);
}

#[test]
fn a_policy_has_statements() {
    assert_eq!(faults("statements: []"), [format!("spec.statements: {}", rule::STATEMENTS_REQUIRED)]);
}

#[test]
fn name_and_path_of_a_policy_that_is_there_stay() {
    let told = |current: &str| {
        let judged = desired_policy(&spec(READ), &owner(), &account(), &super::no_class(), Some(current));
        judged.map_or_else(|faults| faults.iter().map(ToString::to_string).collect(), |_| Vec::new())
    };
    assert_eq!(told(ARN), [] as [String; 0]);
    let of_account = "arn:aws:iam::111122223333:policy";
    assert_eq!(
        told(&format!("{of_account}/other")),
        [format!("spec.policyName: {}", rule::MANAGED_POLICY_NAME_IMMUTABLE)]
    );
    assert_eq!(
        told(&format!("{of_account}/a/shop-orders")),
        [format!("spec.path: {}", rule::MANAGED_POLICY_PATH_IMMUTABLE)]
    );
}

fn with_quota(managed_policy_size: usize) -> Account {
    Account { quotas: Quotas { managed_policy_size, ..Quotas::HIGHEST }, ..account() }
}

const TWO: &str = "statements:
  - {effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::one/*']}
  - {effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::two/*']}";

#[test]
fn statements_are_merged_only_where_the_quota_asks_for_it() {
    let whole = desired(TWO);
    assert_eq!(whole.document.statements.len(), 2);
    let quota = whole.document.characters() - 1;
    let merged = desired_policy(&spec(TWO), &owner(), &with_quota(quota), &super::no_class(), None).unwrap();
    assert_eq!(merged.document.statements.len(), 1);
    assert_eq!(merged.quota, quota);
}

#[test]
fn a_document_that_is_too_long_is_told_with_the_numbers() {
    let judged = desired_policy(&spec(TWO), &owner(), &with_quota(60), &super::no_class(), None);
    let faults = judged.unwrap_err();
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!(fault.path, "spec.statements");
    assert!(fault.message.contains("more than the 60 that IAM allows"), "{fault}");
}

#[test]
fn findings_are_told_as_of_a_role() {
    let policy = desired("statements: [{effect: Allow, actions: ['s3:*'], resources: ['*']}]");
    assert!(policy.warnings.iter().any(|finding| finding.path.starts_with("spec.statements[0]")));
    let faults = super::judged(
        "statements: [{effect: Allow, actions: ['ec2:CreateNetworkInterface'], resources: ['*'], sourceFunctionArns: [api]}]",
    )
    .unwrap_err();
    assert_eq!(faults[0].code.to_string(), "ScopeBreaksServiceCall");
}

#[rstest]
#[case::drift("drift: Report", true)]
#[case::deletion("deletionPolicy: Retain", true)]
#[case::admission("allowedNamespaces: {names: ['*']}", true)]
#[case::tags("tags: {a: b}", false)]
#[case::description("description: a", false)]
fn the_fingerprint_is_about_what_iam_holds(#[case] field: &str, #[case] is_same: bool) {
    let changed = desired(&format!("{field}\n{READ}"));
    assert_eq!(changed.fingerprint() == desired(READ).fingerprint(), is_same);
}
