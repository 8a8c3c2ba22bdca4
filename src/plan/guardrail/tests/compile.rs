//! Rules that are none.

use rstest::rstest;

use super::{HOME, compiled};
use crate::{api, policy::Placeholders};

use super::Guardrails;

#[rstest]
#[case::an_unknown_placeholder(
    "permissions: {denied: [{actions: ['s3:*', 's3:$(action)']}]}",
    "spec.guardrails.permissions.denied[0].actions[1]: holds $(action), which is no placeholder: there are $(accountId), $(name), $(namespace), $(partition), $(region), $(roleName)"
)]
#[case::an_action_without_its_service(
    "permissions: {denied: [{actions: [DeleteObject]}]}",
    "spec.guardrails.permissions.denied[0].actions[0]: is DeleteObject: a pattern of actions is * or service:Action, for example s3:Get*"
)]
#[case::two_colons(
    "permissions: {allowed: [{actions: ['s3:x'] }, {actions: ['s3:x:y']}]}",
    "spec.guardrails.permissions.allowed[1].actions[0]: is s3:x:y: a pattern of actions is * or service:Action, for example s3:Get*"
)]
#[case::a_resource_that_is_no_arn(
    "permissions: {denied: [{resources: [secret-bucket]}]}",
    "spec.guardrails.permissions.denied[0].resources[0]: is secret-bucket, which matches no ARN and not *"
)]
#[case::a_policy_variable(
    "permissions: {exempted: [{resources: ['arn:aws:s3:::${aws:username}']}]}",
    "spec.guardrails.permissions.exempted[0].resources[0]: holds ${, which begins a policy variable: a pattern of a class takes none"
)]
#[case::a_rule_about_nothing(
    "permissions: {denied: [{}]}",
    "spec.guardrails.permissions.denied[0]: give actions, resources or both"
)]
#[case::an_empty_list(
    "permissions: {denied: [{actions: [], resources: ['*']}]}",
    "spec.guardrails.permissions.denied[0].actions: is empty, so that the rule is about nothing: leave it out for all"
)]
#[case::a_policy_that_is_none(
    "managedPolicies: {denied: ['arn:aws:iam::aws:role/x']}",
    "spec.guardrails.managedPolicies.denied[0]: is arn:aws:iam::aws:role/x, which matches no ARN of a managed policy"
)]
#[case::a_policy_with_a_colon(
    "managedPolicies: {denied: ['aws:AdministratorAccess']}",
    "spec.guardrails.managedPolicies.denied[0]: is aws:AdministratorAccess, which matches no ARN of a managed policy"
)]
#[case::a_principal_that_is_none(
    "trust: {principals: [deployer]}",
    "spec.guardrails.trust.principals[0]: is deployer, which matches no ARN and no account id"
)]
#[case::a_short_account(
    "trust: {principals: ['1234']}",
    "spec.guardrails.trust.principals[0]: is 1234, which matches no ARN and no account id"
)]
#[case::a_qualified_function(
    "sourceFunctions: ['a*', 'orders:prod']",
    "spec.guardrails.sourceFunctions[1]: is orders:prod: "
)]
#[case::no_function("sourceFunctions: ['arn:aws:s3:::b']", "spec.guardrails.sourceFunctions[0]: is arn:aws:s3:::b: ")]
#[case::a_boundary_that_is_none(
    "permissionsBoundary: {arn: 'arn:aws:iam::$(accountId):role/x'}",
    "spec.guardrails.permissionsBoundary.arn: is arn:aws:iam::111122223333:role/x: must be the ARN of a managed policy"
)]
#[case::a_choice_of_none(
    "permissionsBoundary: {allowed: [boundary]}",
    "spec.guardrails.permissionsBoundary.allowed[0]: is boundary, which matches no ARN of a managed policy"
)]
#[case::a_rule_without_a_boundary(
    "permissionsBoundary: {}",
    "spec.guardrails.permissionsBoundary: give arn, allowed or both"
)]
#[case::one_tag_twice(
    "tags: {forced: {Team: a, team: b}}",
    "spec.guardrails.tags.forced.team: tag keys that differ only in case are one and the same to IAM"
)]
#[case::a_tag(
    "tags: {forced: {team: $(tenant)}}",
    "spec.guardrails.tags.forced.team: holds $(tenant), which is no placeholder"
)]
fn a_rule_that_cannot_be_meant_is_told(#[case] yaml: &str, #[case] expected: &str) {
    let faults: Vec<String> = compiled(yaml).unwrap_err().iter().map(ToString::to_string).collect();
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert!(fault.starts_with(expected), "{fault}");
}

#[test]
fn every_fault_is_told() {
    let yaml = "{permissions: {denied: [{actions: [x, y]}]}, sourceFunctions: [':'], trust: {services: [$(x)]}}";
    assert_eq!(compiled(yaml).unwrap_err().len(), 4);
}

#[test]
fn patterns_may_begin_with_a_wildcard() {
    let yaml = "{
        permissions: {allowed: [{actions: ['*', '?3:*', '*:Get?'], resources: ['*', '?*', '*secret*', 'a*']}]},
        managedPolicies: {denied: ['*Admin*', '*']},
        trust: {principals: ['*', '4444*', '*:root', '????????????']},
        sourceFunctions: ['*', '*-$(name)', 'arn:*:lambda:*:*:function:*']}";
    assert!(compiled(yaml).is_ok(), "{:?}", compiled(yaml));
}

/// Whoever names objects does not thereby write rules.
#[test]
fn a_value_brings_no_wildcard_into_a_pattern() {
    let rules: api::class::Guardrails = serde_saphyr::from_str(
        "{sourceFunctions: ['$(roleName)', 'x-$(name)'], tags: {forced: {a: '$(roleName)$(name)'}}}",
    )
    .unwrap();
    for (value, faults) in [("*", 2), ("?", 2), ("a*b", 2), ("${x}", 2), ("plain", 0)] {
        let placeholders = Placeholders::default().with("roleName", value).with("name", "x");
        let found = Guardrails::compile(&rules, &placeholders, HOME).map_or_else(|faults| faults.len(), |_| 0);
        assert_eq!(found, faults, "{value}");
    }
}
