//! Bad input that shows only in the whole: sizes, names that are made of others, and several faults together.

use rstest::rstest;

use super::{account, class, faults, judged, owner, spec};
use crate::{
    api::rule,
    plan::{ObjectClass, Owner, Quotas, References, desired::desired_role},
};

const QUOTAS: Quotas = Quotas::HIGHEST;

/// A spec whose inline policy is exactly `characters` long.
fn inline_policy_of(characters: usize) -> String {
    let yaml = |value: &str| {
        format!(
            "statements: [{{effect: Allow, actions: ['*'], resources: ['*'], conditions: {{StringEquals: {{'aws:x': '{value}'}}}}}}]"
        )
    };
    yaml(&"v".repeat(characters - judged(&yaml("")).unwrap().inline_characters()))
}

#[test]
fn a_document_may_fill_the_quota_and_not_a_character_more() {
    assert_eq!(judged(&inline_policy_of(QUOTAS.inline_policies)).unwrap().inline_characters(), QUOTAS.inline_policies);
    assert_eq!(
        faults(&inline_policy_of(QUOTAS.inline_policies + 1)),
        [
            "spec.statements[0]: makes a document of 10241 characters by itself, and there is room for 10240 in the role's inline policy and for 6144 in a managed policy: make several statements of it"
        ]
    );
    assert_eq!(
        faults(&format!("{}\noverflow: Refuse", inline_policy_of(QUOTAS.inline_policies + 1))),
        [
            "spec.statements: makes 10241 characters with all merged that can be, 1 more than the 10240 that IAM allows for the inline policies of a role"
        ]
    );
}

#[test]
fn a_trust_policy_beyond_every_quota_is_refused_with_its_size() {
    let accounts: Vec<String> = (0..600).map(|n| format!("'{n:012}'")).collect();
    let yaml = format!("trust: {{statements: [{{effect: Allow, principals: {{aws: [{}]}}}}]}}", accounts.join(", "));
    assert_eq!(
        faults(&yaml),
        ["spec.trust: makes 9263 characters, 1071 more than the 8192 that the account allows for a trust policy"]
    );
}

#[test]
fn the_sids_of_trust_statements_are_a_set_of_their_own() {
    let yaml = r#"
trust: {statements: [{sid: A, effect: Allow, principals: {aws: ["*"]}}, {sid: A, effect: Deny, principals: {aws: ["*"]}}]}
statements: [{sid: A, effect: Allow, actions: ["s3:GetObject"], resources: ["*"]}]"#;
    assert_eq!(
        faults(yaml),
        ["spec.trust.statements[1].sid: A is used twice: each sid may be used once in a document"]
    );
}

#[test]
fn a_role_name_or_a_path_may_be_as_long_as_iam_takes_it_and_not_longer() {
    assert!(judged(&format!("roleName: {}", "r".repeat(rule::ROLE_NAME_MAX))).is_ok());
    assert_eq!(
        faults(&format!("roleName: {}", "r".repeat(rule::ROLE_NAME_MAX + 1))),
        ["spec.roleName: a role name consists of letters, digits and +=,.@_- (1 to 64 characters)"]
    );
    let path = |characters: usize| format!("path: /{}/", "p".repeat(characters - 2));
    assert!(judged(&path(rule::PATH_MAX)).is_ok());
    assert_eq!(faults(&path(rule::PATH_MAX + 1)), [format!("spec.path: {}", rule::PATH)]);
}

#[test]
fn a_description_is_counted_in_characters() {
    assert!(judged(&format!("description: {}", "ü".repeat(rule::DESCRIPTION_MAX))).is_ok());
    assert_eq!(
        faults(&format!("description: {}", "d".repeat(rule::DESCRIPTION_MAX + 1))),
        [format!("spec.description: {}", rule::DESCRIPTION)]
    );
}

#[test]
fn a_default_name_that_is_too_long_is_named_with_the_way_out() {
    let owner = Owner { namespace: "n".repeat(40), name: "orders.and.what.comes.of.them".to_owned(), ..owner() };
    let faults =
        desired_role(&spec("{}"), &owner, &account(), &ObjectClass::unknown(&owner), &References::default(), None)
            .unwrap_err();
    assert_eq!(
        faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "spec.roleName: the default name nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn-orders.and.what.comes.of.them is no role name: a role name consists of letters, digits and +=,.@_- (1 to 64 characters); make a new object that sets roleName"
        ]
    );
    assert!(
        desired_role(
            &spec("roleName: orders"),
            &owner,
            &account(),
            &ObjectClass::unknown(&owner),
            &References::default(),
            None
        )
        .is_ok()
    );
}

#[rstest]
#[case::to_another_name("roleName: orders", "shop-orders")]
#[case::from_another_name_to_the_default("{}", "orders")]
#[case::to_another_case("roleName: Orders", "orders")]
fn a_role_is_not_renamed(#[case] yaml: &str, #[case] current: &str) {
    let faults =
        desired_role(&spec(yaml), &owner(), &account(), &class(), &References::default(), Some(current)).unwrap_err();
    assert_eq!(
        faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "spec.roleName: roleName is immutable: IAM cannot rename a role, and functions' KMS grants are tied to it; make a new object instead"
        ]
    );
}

#[test]
fn a_name_that_stays_is_no_renaming() {
    assert!(
        desired_role(&spec("{}"), &owner(), &account(), &class(), &References::default(), Some("shop-orders")).is_ok()
    );
    assert!(
        desired_role(
            &spec("roleName: shop-orders"),
            &owner(),
            &account(),
            &class(),
            &References::default(),
            Some("shop-orders")
        )
        .is_ok()
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let yaml = r#"
roleName: a b
path: lambda
description: "…"
maxSessionDurationSeconds: 1
tags: {"aws:a": b}
permissionsBoundary: {arn: nothing}
managedPolicies: [{}]
resyncInterval: 1s
trust: {statements: [{effect: Deny, principals: {}}]}
statements: [{sid: "1_2", effect: Allow, actions: [Get], notResources: [], sourceFunctionArns: ["a:1"], conditions: {Like: {k: [{}]}}}]"#;
    let paths: Vec<String> = judged(yaml).unwrap_err().into_iter().map(|fault| fault.path).collect();
    assert_eq!(
        paths,
        [
            "spec.roleName",
            "spec.path",
            "spec.description",
            "spec.maxSessionDurationSeconds",
            "spec.tags[aws:a]",
            "spec.permissionsBoundary.arn",
            "spec.managedPolicies[0]",
            "spec.statements[0].sid",
            "spec.statements[0].actions[0]",
            "spec.statements[0].notResources",
            "spec.statements[0].conditions.Like",
            "spec.statements[0].conditions.Like.k",
            "spec.statements[0].conditions.Like.k[0]",
            "spec.statements[0].sourceFunctionArns[0]",
            "spec.trust.statements[0].principals",
            "spec.resyncInterval",
        ]
    );
}

/// A spec may be as large as the API server takes objects, and what is told of it is kept, joined and shown.
#[test]
fn what_is_told_of_a_spec_does_not_grow_with_it() {
    let document = |entry: &str| {
        let list = format!("[{}]", vec![entry; 5_000].join(","));
        format!("inlinePolicies: [{{name: legacy, document: {{{}: {list}}}}}]", "k".repeat(1_000))
    };
    let condition = format!(
        "statements: [{{effect: Allow, actions: ['*'], resources: ['*'], conditions: {{StringEquals: {{'aws:{}': [{}]}}}}}}]",
        "k".repeat(1_000),
        vec!["Ā"; 5_000].join(",")
    );
    for yaml in [document("$("), document("$(team)"), condition] {
        let told = faults(&yaml);
        assert!(!told.is_empty());
        assert!(told.iter().map(String::len).sum::<usize>() < 50_000, "{} faults", told.len());
    }
}

/// They would merge into one statement; until then each is held against every other.
#[test]
fn repetitions_far_beyond_the_quota_are_refused_before_they_are_merged() {
    let statements = |count: usize| {
        let statement = format!(
            "{{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::{}']}}",
            "b".repeat(QUOTAS.inline_policies / 10)
        );
        format!("statements: [{}]", vec![statement; count].join(","))
    };
    assert!(judged(&statements(30)).unwrap().inline_characters() < QUOTAS.inline_policies);
    let told = faults(&statements(50));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("spec.statements: list actions and resources of "), "{told:?}");
}
