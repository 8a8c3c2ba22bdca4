//! Every rule of the role's CRD: what it refuses, that the controller refuses the same in the same words, and that neither
//! refuses what is sound.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;

use super::{ROLE, at_admission, in_controller, of_fields, spec};
use crate::api::rule;

/// For each rule a spec that breaks it alone, where, and what is said.
const REFUSED: &[(&str, &str, &str)] = &[
    ("{roleName: 'a b'}", "spec.roleName", rule::ROLE_NAME),
    ("{path: lambda/}", "spec.path", rule::PATH),
    ("{description: '…'}", "spec.description", rule::DESCRIPTION),
    ("{tags: {'a;b': c}}", "spec.tags", rule::TAGS),
    ("{tags: {a: 'b;c'}}", "spec.tags", rule::TAGS),
    ("{tags: {'': b}}", "spec.tags", rule::TAGS),
    ("{tags: {'aws:a': b}}", "spec.tags", rule::TAGS_RESERVED),
    ("{tags: {'AWS:a': b}}", "spec.tags", rule::TAGS_RESERVED),
    ("{tags: {a: 'aws:b'}}", "spec.tags", rule::TAGS_RESERVED),
    ("{tags: {LambdaRoles.dev/name: b}}", "spec.tags", rule::TAGS_RESERVED),
    ("{tags: {a: b, A: b}}", "spec.tags", rule::TAGS_CASE),
    (
        "{permissionsBoundary: {arn: 'arn:aws:iam::111122223333:role/boundary'}}",
        "spec.permissionsBoundary.arn",
        rule::POLICY_ARN,
    ),
    ("{managedPolicies: [{arn: 'arn:aws:s3:::bucket'}]}", "spec.managedPolicies[0].arn", rule::POLICY_ARN),
    ("{managedPolicies: [{}]}", "spec.managedPolicies[0]", rule::MANAGED_POLICY_ONE),
    (
        "{managedPolicies: [{aws: X, arn: 'arn:aws:iam::aws:policy/X'}]}",
        "spec.managedPolicies[0]",
        rule::MANAGED_POLICY_ONE,
    ),
    ("{managedPolicies: [{aws: X, ref: {name: x}}]}", "spec.managedPolicies[0]", rule::MANAGED_POLICY_ONE),
    ("{managedPolicies: [{ref: {name: a b}}]}", "spec.managedPolicies[0].ref.name", rule::OBJECT_NAME),
    (
        "{managedPolicies: [{ref: {name: a, namespace: a.b}}]}",
        "spec.managedPolicies[0].ref.namespace",
        rule::OBJECT_NAMESPACE,
    ),
    ("{export: {configMap: {name: a..b}}}", "spec.export.configMap.name", rule::CONFIG_MAP_NAME),
    ("{export: {configMap: {name: Orders}}}", "spec.export.configMap.name", rule::CONFIG_MAP_NAME),
    ("{export: {configMap: {name: a, keys: {}}}}", "spec.export.configMap.keys", rule::EXPORT_KEYS_NONE),
    (
        "{export: {configMap: {name: a, keys: {roleArn: ROLE ARN}}}}",
        "spec.export.configMap.keys.roleArn",
        rule::CONFIG_MAP_KEY,
    ),
    (
        "{export: {configMap: {name: a, keys: {roleName: .}}}}",
        "spec.export.configMap.keys.roleName",
        rule::CONFIG_MAP_KEY,
    ),
    (
        "{export: {configMap: {name: a, keys: {roleId: ..a}}}}",
        "spec.export.configMap.keys.roleId",
        rule::CONFIG_MAP_KEY,
    ),
    (
        "{export: {configMap: {name: a, keys: {accountId: a/b}}}}",
        "spec.export.configMap.keys.accountId",
        rule::CONFIG_MAP_KEY,
    ),
    (
        "{export: {configMap: {name: a, keys: {roleArn: role, accountId: role}}}}",
        "spec.export.configMap.keys",
        rule::EXPORT_KEY_TWICE,
    ),
    ("{grants: {from: Selector}}", "spec.grants", rule::GRANTS_SELECTOR),
    ("{grants: {from: SameNamespace, selector: {}}}", "spec.grants", rule::GRANTS_SELECTOR),
    (
        "{grants: {from: Selector, selector: {matchExpressions: [{key: a, operator: In}]}}}",
        "spec.grants.selector.matchExpressions[0]",
        rule::SELECTOR,
    ),
    (
        "{inlinePolicies: [{name: lambdaroles+a+b, document: {Version: '2012-10-17', Statement: {Effect: Deny, Action: '*', Resource: '*'}}}]}",
        "spec.inlinePolicies[0].name",
        rule::INLINE_POLICY_NAME,
    ),
    ("{managedPolicies: [{aws: /AWSLambdaRole}]}", "spec.managedPolicies[0].aws", rule::AWS_POLICY_NAME),
    ("{managedPolicies: [{aws: Xray}, {aws: Sqs}, {aws: Xray}]}", "spec.managedPolicies", rule::MANAGED_POLICY_TWICE),
    ("{resyncInterval: '10'}", "spec.resyncInterval", rule::RESYNC_INTERVAL),
    ("{resyncInterval: 29s}", "spec.resyncInterval", rule::RESYNC_INTERVAL),
    ("{resyncInterval: 25h}", "spec.resyncInterval", rule::RESYNC_INTERVAL),
    (
        "{statements: [{effect: Allow, actions: ['*'], notActions: ['*'], resources: ['*']}]}",
        "spec.statements[0]",
        rule::ACTIONS_ONE,
    ),
    ("{statements: [{effect: Allow, resources: ['*']}]}", "spec.statements[0]", rule::ACTIONS_ONE),
    (
        "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], notResources: ['*']}]}",
        "spec.statements[0]",
        rule::RESOURCES_ONE,
    ),
    ("{statements: [{effect: Allow, actions: ['*']}]}", "spec.statements[0]", rule::RESOURCES_ONE),
    (
        "{statements: [{effect: Allow, actions: [GetObject], resources: ['*']}]}",
        "spec.statements[0].actions",
        rule::ACTION,
    ),
    (
        "{statements: [{effect: Allow, notActions: ['s3:Get:Object'], resources: ['*']}]}",
        "spec.statements[0].notActions",
        rule::ACTION,
    ),
    (
        "{statements: [{effect: Allow, actions: ['*'], resources: [bucket]}]}",
        "spec.statements[0].resources",
        rule::RESOURCE,
    ),
    (
        "{statements: [{effect: Allow, actions: ['*'], notResources: [bucket]}]}",
        "spec.statements[0].notResources",
        rule::RESOURCE,
    ),
    (
        "{statements: [{sid: a-b, effect: Allow, actions: ['*'], resources: ['*']}]}",
        "spec.statements[0].sid",
        rule::SID,
    ),
    (
        "{statements: [{sid: a, effect: Allow, actions: ['*'], resources: ['*']}, {sid: a, effect: Deny, actions: ['*'], resources: ['*']}]}",
        "spec.statements",
        rule::SID_UNIQUE,
    ),
    (
        "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], conditions: {StringMatches: {'aws:x': y}}}]}",
        "spec.statements[0].conditions",
        rule::OPERATOR,
    ),
    (
        "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArns: ['arn:aws:lambda:eu-west-1:111122223333:function:f:$LATEST']}]}",
        "spec.statements[0].sourceFunctionArns",
        rule::FUNCTION_ARN_QUALIFIED,
    ),
    (
        "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArns: ['f 1']}]}",
        "spec.statements[0].sourceFunctionArns",
        rule::FUNCTION_ARN,
    ),
    (
        "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArnOperator: ArnLike}]}",
        "spec.statements[0]",
        rule::FUNCTION_ARN_OPERATOR,
    ),
    (
        "{trust: {statements: [{effect: Allow, principals: {}}]}}",
        "spec.trust.statements[0].principals",
        rule::PRINCIPALS,
    ),
    (
        "{trust: {statements: [{effect: Allow, principals: {aws: ['arn:aws:iam::111122223333:role/*']}}]}}",
        "spec.trust.statements[0].principals.aws",
        rule::AWS_PRINCIPAL,
    ),
    (
        "{trust: {statements: [{effect: Allow, principals: {service: [lambda]}}]}}",
        "spec.trust.statements[0].principals.service",
        rule::SERVICE_PRINCIPAL,
    ),
    (
        "{trust: {statements: [{effect: Allow, principals: {federated: [google]}}]}}",
        "spec.trust.statements[0].principals.federated",
        rule::FEDERATED_PRINCIPAL,
    ),
    (
        "{trust: {statements: [{effect: Allow, principals: {aws: ['*']}, actions: ['s3:GetObject']}]}}",
        "spec.trust.statements[0].actions",
        rule::TRUST_ACTION,
    ),
    (
        "{trust: {statements: [{sid: a_b, effect: Allow, principals: {aws: ['*']}}]}}",
        "spec.trust.statements[0].sid",
        rule::SID,
    ),
    (
        "{trust: {statements: [{sid: a, effect: Allow, principals: {aws: ['*']}}, {sid: a, effect: Allow, principals: {aws: ['*']}}]}}",
        "spec.trust.statements",
        rule::SID_UNIQUE,
    ),
    (
        "{trust: {statements: [{effect: Allow, principals: {aws: ['*']}, conditions: {Equals: {'aws:x': y}}}]}}",
        "spec.trust.statements[0].conditions",
        rule::OPERATOR,
    ),
    ("{sourceFunctionArns: ['f:1']}", "spec.sourceFunctionArns", rule::FUNCTION_ARN_QUALIFIED),
    ("{features: [{name: Tracing, logGroups: ['/aws/lambda/orders']}]}", "spec.features[0]", rule::FEATURE_FIELDS),
    ("{features: [{name: EfsMount, readOnly: true}]}", "spec.features[0]", rule::FEATURE_FILE_SYSTEM),
    (
        "{features: [{name: EfsMount, fileSystemArn: 'file-system/fs-0123456789'}]}",
        "spec.features[0].fileSystemArn",
        rule::ARN,
    ),
    ("{eventSources: [{}]}", "spec.eventSources[0]", rule::EVENT_SOURCE_ONE),
    (
        "{eventSources: [{sqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:q'}, selfManagedKafka: {}}]}",
        "spec.eventSources[0]",
        rule::EVENT_SOURCE_ONE,
    ),
    (
        "{eventSources: [{msk: {clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/c/u', authentication: Scram}}]}",
        "spec.eventSources[0].msk.secretArn",
        rule::MSK_SECRET,
    ),
    ("{destinations: [{}]}", "spec.destinations[0]", rule::DESTINATION_ONE),
    (
        "{inlinePolicies: [{name: lambdaroles, document: '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}]}'}]}",
        "spec.inlinePolicies[0].name",
        rule::INLINE_POLICY_NAME,
    ),
    (
        "{inlinePolicies: [{name: a, document: {Version: '2012-10-17', Statement: {Effect: Allow, Action: 's3:GetObject', Resource: '*'}}}, {name: a, document: {Version: '2012-10-17', Statement: {Effect: Deny, Action: 's3:GetObject', Resource: '*'}}}]}",
        "spec.inlinePolicies",
        rule::INLINE_POLICY_TWICE,
    ),
];

#[test]
fn a_broken_rule_is_named_at_admission_and_by_the_controller_in_the_same_words() {
    for (yaml, path, message) in REFUSED {
        let spec = spec(yaml);
        assert_eq!(at_admission(&spec), [format!("{path}: {message}")], "{yaml}");
        let faults = of_fields(&spec);
        assert_eq!(faults.len(), 1, "{yaml}: {faults:?}");
        assert!(faults[0].message.contains(message), "{yaml}: {}", faults[0]);
        assert!(faults[0].path.starts_with(path), "{yaml}: {}", faults[0]);
    }
}

/// The controller says of such a name that there is no class of it.
#[rstest]
#[case::capitals("Production")]
#[case::dot_before(".production")]
#[case::dash_behind("production-")]
#[case::space("a b")]
#[case::placeholder("$(namespace)")]
fn a_class_is_called_as_objects_are(#[case] name: &str) {
    assert_eq!(at_admission(&json!({"className": name})), [format!("spec.className: {}", rule::CLASS_NAME)]);
}

#[test]
fn the_table_has_every_rule_of_the_crd() {
    let immutable = [rule::ROLE_NAME_IMMUTABLE, rule::PATH_IMMUTABLE, rule::CLASS_NAME_IMMUTABLE];
    let tabled = REFUSED.iter().map(|(_, _, message)| *message).chain([rule::CLASS_NAME]).chain(immutable);
    assert_eq!(ROLE.messages(), tabled.map(str::to_owned).collect::<BTreeSet<_>>());
}

#[test]
fn messages_name_the_limits_that_hold() {
    let named = |message: &str, limit: usize| assert!(message.contains(&limit.to_string()), "{message}: {limit}");
    named(rule::ROLE_NAME, rule::ROLE_NAME_MAX);
    named(rule::PATH, rule::PATH_MAX);
    named(rule::DESCRIPTION, rule::DESCRIPTION_MAX);
    named(rule::TAGS, rule::TAG_KEY_MAX);
    named(rule::TAGS, rule::TAG_VALUE_MAX);
    named(rule::SID, rule::SID_MAX);
    assert_eq!((rule::RESYNC_SECONDS_MIN, rule::RESYNC_SECONDS_MAX), (30, 24 * 60 * 60));
    assert!(rule::RESYNC_INTERVAL.ends_with("from 30s to 24h"));
}

#[rstest]
#[case::nothing("{}")]
#[case::role_name("{roleName: 'a+b=c,d.e@f_g-h'}")]
#[case::class("{className: a.b-c.1}")]
#[case::paths("{path: /}")]
#[case::nested_path("{path: /a/!b~/}")]
#[case::description(r#"{description: "tab\tline\nümlaut ÿ ¡"}"#)]
#[case::tags("{tags: {'Kosten stelle': 'Änderung 7/8 a@b', empty: '', '_.:/=+-@': '_.:/=+-@', '漢字': '½'}}")]
#[case::tag_that_has_a_reserved_prefix_within("{tags: {'my-aws:x': b, 'x/lambdaroles.dev/name': b}}")]
#[case::boundary("{permissionsBoundary: {arn: 'arn:aws-us-gov:iam::123456789012:policy/a/b+=,.@_-'}}")]
#[case::managed_policies(
    "{managedPolicies: [{aws: AWSLambdaRole}, {aws: service-role/AWSLambdaRole2}, {arn: 'arn:aws:iam::aws:policy/X'}]}"
)]
#[case::intervals("{resyncInterval: 1h30m}")]
#[case::negations("{statements: [{effect: Deny, notActions: ['s3:*'], notResources: ['arn:aws:s3:::b']}]}")]
#[case::sids(
    "{statements: [{sid: A1, effect: Allow, actions: ['*'], resources: ['*']}, {effect: Allow, actions: ['*'], resources: ['*']}, {effect: Allow, actions: ['*'], resources: ['*']}]}"
)]
#[case::functions(
    "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArns: [f, 'f_*-?', 'arn:aws:lambda:us-east-1:123456789012:function:f', 'arn:*:lambda:*:*:function:*'], sourceFunctionArnOperator: ArnNotLike}]}"
)]
#[case::lifted_scope(
    "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], sourceFunctionArns: [], sourceFunctionArnOperator: ArnLike}]}"
)]
#[case::conditions(
    "{statements: [{effect: Allow, actions: ['*'], resources: ['*'], conditions: {'ForAnyValue:StringLikeIfExists': {'aws:x': [a, 1, true]}, 'Null': {'aws:y': false}}}]}"
)]
#[case::trust(
    "{trust: {edge: true, self: true, sourceAccountCondition: false, statements: [{sid: A, effect: Deny, principals: {aws: ['*', '444455556666', 'arn:aws:sts::444455556666:assumed-role/a/b'], service: [a.amazonaws.com.cn], federated: [accounts.google.com, 'arn:aws:iam::444455556666:saml-provider/x']}, actions: ['STS:AssumeRole', 'sts:Tag*']}]}}"
)]
fn what_is_sound_is_accepted_by_both(#[case] yaml: &str) {
    let spec = spec(yaml);
    assert_eq!(at_admission(&spec), [] as [String; 0]);
    in_controller(&spec).unwrap();
}

#[rstest]
#[case::role_name_stays("{roleName: a}", "{roleName: a}", &[])]
#[case::role_name_stays_absent("{}", "{suspend: true}", &[])]
#[case::role_name_changes("{roleName: a}", "{roleName: b}", &[rule::ROLE_NAME_IMMUTABLE])]
#[case::role_name_changes_in_case("{roleName: a}", "{roleName: A}", &[rule::ROLE_NAME_IMMUTABLE])]
#[case::role_name_comes("{}", "{roleName: a}", &[rule::ROLE_NAME_IMMUTABLE])]
#[case::role_name_goes("{roleName: a}", "{}", &[rule::ROLE_NAME_IMMUTABLE])]
#[case::path_stays("{path: /a/}", "{path: /a/}", &[])]
#[case::path_changes("{path: /a/}", "{path: /b/}", &[rule::PATH_IMMUTABLE])]
#[case::path_comes("{}", "{path: /a/}", &[rule::PATH_IMMUTABLE])]
#[case::path_goes("{path: /a/}", "{}", &[rule::PATH_IMMUTABLE])]
// Absent is the class's path, which need not be the root.
#[case::root_path_comes("{}", "{path: /}", &[rule::PATH_IMMUTABLE])]
#[case::root_path_goes("{path: /}", "{}", &[rule::PATH_IMMUTABLE])]
#[case::class_stays("{className: a}", "{className: a}", &[])]
#[case::class_changes("{className: a}", "{className: b}", &[rule::CLASS_NAME_IMMUTABLE])]
#[case::class_comes("{}", "{className: a}", &[rule::CLASS_NAME_IMMUTABLE])]
#[case::class_goes("{className: a}", "{}", &[rule::CLASS_NAME_IMMUTABLE])]
#[case::both_change("{roleName: a}", "{roleName: b, path: /b/}", &[rule::ROLE_NAME_IMMUTABLE, rule::PATH_IMMUTABLE])]
#[case::everything_else_changes(
    "{description: a, tags: {a: b}, managedPolicies: [{aws: X}], trust: {edge: true}, drift: Report, adoption: Observe}",
    "{description: b, maxSessionDurationSeconds: 7200, statements: [{effect: Allow, actions: ['*'], resources: ['*']}]}",
    &[]
)]
fn an_identity_does_not_change(#[case] old: &str, #[case] new: &str, #[case] expected: &[&str]) {
    assert_eq!(ROLE.at_update(old, new), expected);
}
