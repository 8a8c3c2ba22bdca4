//! Every rule of the class's CRD, and what it lets through.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::Value;

use super::{CLASS, spec};
use crate::{api::rule, plan::class::check};

/// A class with `members` beside what every class needs.
fn class(members: &str) -> String {
    format!("{{account: {{id: '123456789012'}}, namespaces: {{}}{members}}}")
}

/// A class whose account has `members` too.
fn account(members: &str) -> String {
    format!("{{account: {{id: '123456789012', {members}}}, namespaces: {{}}}}")
}

/// What the controller says of a class.
fn in_controller(spec: &Value) -> Vec<String> {
    let class = serde_json::from_value(spec.clone()).unwrap();
    check(&class).err().unwrap_or_default().iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect()
}

const ROLE: &str = "arn:aws:iam::123456789012:role/lambdaroles";

#[rstest]
#[case::account_id("{account: {id: 12345678901x}, namespaces: {}}", "spec.account.id", rule::ACCOUNT_ID)]
#[case::partition(&account("partition: amazon"), "spec.account.partition", rule::PARTITION)]
#[case::region(&account("region: us"), "spec.account.region", rule::REGION)]
#[case::function_region(&account("functionRegions: [eu-west-1, 'eu-*']"), "spec.account.functionRegions", rule::REGION)]
#[case::endpoint(&account("endpointUrl: 'localhost:4566'"), "spec.account.endpointUrl", rule::ENDPOINT_URL)]
#[case::assumed_user(
    &account("assumeRole: [{arn: 'arn:aws:iam::123456789012:user/lambdaroles'}]"),
    "spec.account.assumeRole[0].arn",
    rule::ROLE_ARN
)]
#[case::external_id(
    &account(&format!("assumeRole: [{{arn: '{ROLE}', externalId: 'a b'}}]")),
    "spec.account.assumeRole[0].externalId",
    rule::EXTERNAL_ID
)]
#[case::session_name(
    &account(&format!("assumeRole: [{{arn: '{ROLE}'}}, {{arn: '{ROLE}', sessionName: 'a/b'}}]")),
    "spec.account.assumeRole[1].sessionName",
    rule::SESSION_NAME
)]
#[case::session_tag(
    &account(&format!("assumeRole: [{{arn: '{ROLE}', sessionTags: {{'a;b': c}}}}]")),
    "spec.account.assumeRole[0].sessionTags",
    rule::TAGS
)]
#[case::session_tag_with_a_placeholder(
    &account(&format!("assumeRole: [{{arn: '{ROLE}', sessionTags: {{a: $(namespace)}}}}]")),
    "spec.account.assumeRole[0].sessionTags",
    rule::TAGS
)]
#[case::session_tags_that_differ_in_case(
    &account(&format!("assumeRole: [{{arn: '{ROLE}', sessionTags: {{a: b, A: b}}}}]")),
    "spec.account.assumeRole[0].sessionTags",
    rule::TAGS_CASE
)]
#[case::namespace_name(
    "{account: {id: '123456789012'}, namespaces: {names: [Shop]}}",
    "spec.namespaces.names",
    rule::NAMESPACE_NAME
)]
#[case::selector_that_lacks_values(
    "{account: {id: '123456789012'}, namespaces: {selector: {matchExpressions: [{key: a, operator: In}]}}}",
    "spec.namespaces.selector.matchExpressions[0]",
    rule::SELECTOR
)]
#[case::selector_with_no_values(
    "{account: {id: '123456789012'}, namespaces: {selector: {matchExpressions: [{key: a, operator: NotIn, values: []}]}}}",
    "spec.namespaces.selector.matchExpressions[0]",
    rule::SELECTOR
)]
#[case::selector_with_values_to_spare(
    "{account: {id: '123456789012'}, namespaces: {selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}}",
    "spec.namespaces.selector.matchExpressions[0]",
    rule::SELECTOR
)]
#[case::path(&class(", naming: {path: lambda}"), "spec.naming.path", rule::PATH)]
#[case::role_name(&class(", naming: {roleName: '$(namespace)/$(name)'}"), "spec.naming.roleName", rule::ROLE_NAME_TEMPLATE)]
#[case::policy_name(&class(", naming: {policyName: '$(namespace)/$(name)'}"), "spec.naming.policyName", rule::POLICY_NAME_TEMPLATE)]
#[case::role_name_with_a_part_of_a_placeholder(
    &class(", naming: {roleName: '$(namespace'}"),
    "spec.naming.roleName",
    rule::ROLE_NAME_TEMPLATE
)]
#[case::boundary(
    &class(", guardrails: {permissionsBoundary: {arn: 'arn:aws:iam::123456789012:role/boundary'}}"),
    "spec.guardrails.permissionsBoundary.arn",
    rule::POLICY_ARN
)]
#[case::boundary_of_nothing(
    &class(", guardrails: {permissionsBoundary: {}}"),
    "spec.guardrails.permissionsBoundary",
    rule::BOUNDARY_RULE
)]
#[case::allowed_of_nothing(
    &class(", guardrails: {permissions: {allowed: [{}]}}"),
    "spec.guardrails.permissions.allowed[0]",
    rule::PERMISSION_RULE
)]
#[case::denied_of_nothing(
    &class(", guardrails: {permissions: {denied: [{actions: ['*']}, {}]}}"),
    "spec.guardrails.permissions.denied[1]",
    rule::PERMISSION_RULE
)]
#[case::exempted_of_nothing(
    &class(", guardrails: {permissions: {exempted: [{}]}}"),
    "spec.guardrails.permissions.exempted[0]",
    rule::PERMISSION_RULE
)]
#[case::action_without_its_service(
    &class(", guardrails: {permissions: {denied: [{actions: [PassRole]}]}}"),
    "spec.guardrails.permissions.denied[0].actions",
    rule::ACTION_PATTERN
)]
#[case::forced_tag(&class(", guardrails: {tags: {forced: {'a;b': c}}}"), "spec.guardrails.tags.forced", rule::TAGS)]
#[case::forced_value(&class(", guardrails: {tags: {forced: {a: '$(b'}}}"), "spec.guardrails.tags.forced", rule::TAGS)]
#[case::forced_tag_of_aws(
    &class(", guardrails: {tags: {forced: {'AWS:a': b}}}"),
    "spec.guardrails.tags.forced",
    rule::TAGS_RESERVED
)]
#[case::forced_tag_of_ours(
    &class(", guardrails: {tags: {forced: {LambdaRoles.dev/name: b}}}"),
    "spec.guardrails.tags.forced",
    rule::TAGS_RESERVED
)]
#[case::forced_tags_that_differ_in_case(
    &class(", guardrails: {tags: {forced: {a: b, A: b}}}"),
    "spec.guardrails.tags.forced",
    rule::TAGS_CASE
)]
#[case::default_tag(&class(", defaults: {tags: {'': b}}"), "spec.defaults.tags", rule::TAGS)]
#[case::default_tag_of_aws(&class(", defaults: {tags: {a: 'aws:b'}}"), "spec.defaults.tags", rule::TAGS_RESERVED)]
#[case::default_tags_that_differ_in_case(&class(", defaults: {tags: {a: b, A: b}}"), "spec.defaults.tags", rule::TAGS_CASE)]
#[case::resync_too_short(&class(", defaults: {resyncInterval: 29s}"), "spec.defaults.resyncInterval", rule::RESYNC_INTERVAL)]
#[case::resync_too_long(&class(", defaults: {resyncInterval: 25h}"), "spec.defaults.resyncInterval", rule::RESYNC_INTERVAL)]
#[case::settling_too_long(&class(", defaults: {settleWindow: 61m}"), "spec.defaults.settleWindow", rule::SETTLE_WINDOW)]
#[case::settling_without_a_unit(&class(", defaults: {settleWindow: '15'}"), "spec.defaults.settleWindow", rule::SETTLE_WINDOW)]
fn a_broken_rule_is_named(#[case] yaml: &str, #[case] path: &str, #[case] message: &str) {
    let spec = spec(yaml);
    assert_eq!(CLASS.at_admission(&spec), [format!("{path}: {message}")]);
    // The controller names the entry of a list or a map, too.
    let faults = in_controller(&spec);
    assert!(faults.iter().any(|fault| fault.starts_with(path) && fault.ends_with(message)), "{faults:?}");
}

/// Fails when a rule is added: it needs a case above, or below if it is about changes.
#[test]
fn the_cases_are_about_every_rule_of_the_crd() {
    let said = [
        rule::ACCOUNT_ID,
        rule::ACTION_PATTERN,
        rule::BOUNDARY_RULE,
        rule::CLASS_ACCOUNT_IMMUTABLE,
        rule::CLASS_NAMING_IMMUTABLE,
        rule::ENDPOINT_URL,
        rule::EXTERNAL_ID,
        rule::NAMESPACE_NAME,
        rule::PARTITION,
        rule::PATH,
        rule::PERMISSION_RULE,
        rule::POLICY_ARN,
        rule::REGION,
        rule::RESYNC_INTERVAL,
        rule::ROLE_ARN,
        rule::ROLE_NAME_TEMPLATE,
        rule::POLICY_NAME_TEMPLATE,
        rule::SELECTOR,
        rule::SESSION_NAME,
        rule::SETTLE_WINDOW,
        rule::TAGS,
        rule::TAGS_CASE,
        rule::TAGS_RESERVED,
    ];
    assert_eq!(CLASS.messages(), said.into_iter().map(str::to_owned).collect::<BTreeSet<_>>());
}

#[test]
fn messages_name_the_limits_that_hold() {
    assert!(rule::SETTLE_WINDOW.ends_with("up to 1h"));
    assert_eq!(rule::SETTLE_SECONDS_MAX, 60 * 60);
}

#[rstest]
#[case::least(&class(""))]
#[case::account(&account(
    "partition: aws-us-gov, region: us-gov-west-1, functionRegions: [us-gov-west-1, us-gov-east-1], endpointUrl: 'http://127.0.0.1:4566/x'"
))]
#[case::chain(&account(&format!(
    "assumeRole: [{{arn: '{ROLE}'}}, {{arn: 'arn:aws-cn:iam::123456789012:role/a/b+=,.@_-', externalId: 'a:/b', sessionName: 'a@b', sessionTags: {{'Kosten stelle': '½'}}}}]"
)))]
#[case::namespaces("{account: {id: '123456789012'}, namespaces: {names: ['*', 'team-?-*'], selector: {}}}")]
#[case::selector(
    "{account: {id: '123456789012'}, namespaces: {selector: {matchLabels: {a/b: ''}, matchExpressions: [{key: a, operator: In, values: [b]}, {key: c, operator: NotIn, values: [d]}, {key: e, operator: Exists}, {key: f, operator: DoesNotExist, values: []}]}}}"
)]
#[case::naming(&class(
    ", naming: {path: '/lambda/$(namespace)/', roleName: 'x+=,.@_-$(namespace)$(name)', allowedPaths: ['/lambda/*/'], allowedRoleNames: ['$(namespace)-*'], adoptable: ['legacy-*']}"
))]
#[case::boundary(&class(
    ", guardrails: {permissionsBoundary: {arn: 'arn:$(partition):iam::$(accountId):policy/boundary', allowed: ['arn:*:iam::*:policy/boundaries/*']}}"
))]
#[case::choice_of_boundaries(&class(", guardrails: {permissionsBoundary: {allowed: ['arn:aws:iam::123456789012:policy/*']}}"))]
#[case::nothing_allowed(&class(", guardrails: {permissions: {allowed: []}, managedPolicies: {allowed: []}, sourceFunctions: []}"))]
#[case::permissions(&class(
    ", guardrails: {permissions: {allowed: [{actions: ['*']}, {resources: ['*']}], denied: [{actions: ['*:*', 's?:Get*'], resources: ['arn:*']}]}}"
))]
#[case::tags(&class(
    ", guardrails: {tags: {required: [team], forced: {'Kosten stelle': '$(namespace)/½ $(name)', empty: ''}, reserved: ['aws-*']}}, defaults: {tags: {x/lambdaroles.dev/name: 'my-aws:x'}}"
))]
#[case::intervals(&class(", defaults: {resyncInterval: 24h, settleWindow: 0s}"))]
fn what_is_sound_is_accepted(#[case] yaml: &str) {
    let spec = spec(yaml);
    assert_eq!(CLASS.at_admission(&spec), [] as [String; 0]);
    assert_eq!(in_controller(&spec), [] as [String; 0]);
}

#[rstest]
#[case::id_changes(
    "{account: {id: '123456789012'}, namespaces: {}}",
    "{account: {id: '210987654321'}, namespaces: {}}",
    &[rule::CLASS_ACCOUNT_IMMUTABLE]
)]
#[case::partition_changes(&account("partition: aws-cn"), &account("partition: aws"), &[rule::CLASS_ACCOUNT_IMMUTABLE])]
#[case::partition_comes(&class(""), &account("partition: aws-cn"), &[rule::CLASS_ACCOUNT_IMMUTABLE])]
#[case::partition_goes(&account("partition: aws-cn"), &class(""), &[rule::CLASS_ACCOUNT_IMMUTABLE])]
#[case::default_partition_comes(&class(""), &account("partition: aws"), &[])]
#[case::default_partition_goes(&account("partition: aws"), &class(""), &[])]
#[case::way_to_the_account_changes(
    &account("region: eu-west-1"),
    &account(&format!("region: eu-north-1, endpointUrl: 'https://proxy', assumeRole: [{{arn: '{ROLE}'}}]")),
    &[]
)]
#[case::role_name_changes(
    &class(", naming: {roleName: a$(name)}"),
    &class(", naming: {roleName: b$(name)}"),
    &[rule::CLASS_NAMING_IMMUTABLE]
)]
#[case::role_name_comes(&class(", naming: {}"), &class(", naming: {roleName: a}"), &[rule::CLASS_NAMING_IMMUTABLE])]
#[case::role_name_goes(&class(", naming: {roleName: a}"), &class(", naming: {}"), &[rule::CLASS_NAMING_IMMUTABLE])]
#[case::path_changes(&class(", naming: {path: /a/}"), &class(", naming: {path: /b/}"), &[rule::CLASS_NAMING_IMMUTABLE])]
#[case::path_comes(&class(", naming: {}"), &class(", naming: {path: /a/}"), &[rule::CLASS_NAMING_IMMUTABLE])]
#[case::root_path_comes(&class(", naming: {}"), &class(", naming: {path: /}"), &[])]
#[case::what_roles_may_choose_changes(
    &class(", naming: {allowedPaths: [/a/], allowedRoleNames: [a], adoptable: [a]}"),
    &class(", naming: {allowedPaths: [/b/], allowedRoleNames: [b], adoptable: [b]}"),
    &[]
)]
#[case::everything_else_changes(
    &class(", mode: Observe, guardrails: {onViolation: Keep}, defaults: {drift: Report}"),
    "{account: {id: '123456789012'}, namespaces: {names: [a]}, mode: Enforce, guardrails: {onViolation: Revoke, trust: {self: true}}, defaults: {drift: Correct}}",
    &[]
)]
fn where_roles_are_and_how_they_are_called_does_not_change(
    #[case] old: &str,
    #[case] new: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(CLASS.at_update(old, new), expected);
}
