//! What a sound spec expands to. Documents are compared as the JSON that IAM receives.

use std::{collections::BTreeMap, time::Duration};

use rstest::rstest;

use super::{account, class, desired, owner, set, spec};
use crate::{
    api::role::{Adoption, Drift, Unlisted, UnlistedInlinePolicies, UnlistedManagedPolicies},
    plan::{
        Account, DesiredRole, References,
        desired::{Parts, desired_role, resync_interval},
        overflow::Names,
        placement::{OwnStatements, Room},
    },
};

/// The inline policy of a spec whose one statement has an action and a resource, and `members` beside them.
fn inline_policy(members: &str) -> String {
    let yaml = format!("statements: [{{effect: Allow, actions: ['s3:GetObject'], resources: ['*'], {members}}}]");
    desired(&yaml).inline_policies["lambdaroles"].to_string()
}

/// The condition block of such a policy.
fn condition(members: &str) -> String {
    let document = inline_policy(members);
    let statement = document.strip_prefix(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*""#,
    );
    let rest = statement.and_then(|rest| rest.strip_suffix("}]}")).unwrap();
    rest.strip_prefix(r#","Condition":"#).unwrap_or(rest).to_owned()
}

fn trust_policy(yaml: &str) -> String {
    desired(yaml).trust_policy.to_string()
}

#[test]
fn an_empty_spec_is_a_role_that_lambda_may_assume_and_nothing_else() {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}]}"#;
    let role = desired("{}");
    assert_eq!(role.trust_policy.to_string(), trust);
    assert_eq!(
        role,
        DesiredRole {
            name: "shop-orders".to_owned(),
            path: "/".to_owned(),
            description: String::new(),
            max_session_seconds: 3600,
            permissions_boundary: None,
            tags: owner().tags(),
            trust_policy_before_role: role.trust_policy.clone(),
            trust_policy: role.trust_policy.clone(),
            inline_policies: BTreeMap::new(),
            kept_inline_policies: BTreeMap::new(),
            grants: Vec::new(),
            grants_per_namespace: None,
            overflow_policies: BTreeMap::new(),
            overflow_names: Names::of(&account(), "/", "shop-orders"),
            own: OwnStatements {
                room: Room { inline: 10_240, policy: 6_144, policies: 25, taken: [].into() },
                ..OwnStatements::default()
            },
            managed_policies: set(&[]),
            unlisted: Unlisted {
                managed_policies: UnlistedManagedPolicies::Detach,
                inline_policies: UnlistedInlinePolicies::Delete,
            },
            drift: Drift::Correct,
            adoption: Adoption::Never,
            suspend: false,
            resync_interval: None,
            parts: Parts::default(),
            quotas: account().quotas,
            warnings: Vec::new(),
        }
    );
}

#[test]
fn what_the_spec_says_is_taken_over() {
    let role = desired(
        r"
roleName: orders
path: /lambda/
description: Writes orders
maxSessionDurationSeconds: 7200
permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/team/boundary'}
tags: {team: shop, Änderung: ''}
unlisted: {managedPolicies: Keep, inlinePolicies: Keep}
drift: Report
suspend: true
resyncInterval: 1h30m",
    );
    assert_eq!((role.name.as_str(), role.path.as_str()), ("orders", "/lambda/"));
    assert_eq!((role.description.as_str(), role.max_session_seconds), ("Writes orders", 7200));
    assert_eq!(role.permissions_boundary.as_deref(), Some("arn:aws:iam::111122223333:policy/team/boundary"));
    let tags = [
        ("lambdaroles.dev/cluster", "north"),
        ("lambdaroles.dev/name", "orders"),
        ("lambdaroles.dev/namespace", "shop"),
        ("team", "shop"),
        ("Änderung", ""),
    ];
    assert_eq!(role.tags, tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    assert_eq!(role.unlisted.managed_policies, UnlistedManagedPolicies::Keep);
    assert_eq!(role.unlisted.inline_policies, UnlistedInlinePolicies::Keep);
    assert_eq!(role.drift, Drift::Report);
    assert!(role.suspend);
    assert_eq!(role.resync_interval, Some(Duration::from_mins(90)));
}

#[rstest]
#[case("30s", 30)]
#[case("10m", 600)]
#[case("1h1m1s", 3661)]
#[case("24h", 86_400)]
#[case("30s30s", 60)]
fn a_resync_interval_is_the_sum_of_its_parts(#[case] text: &str, #[case] seconds: u64) {
    assert_eq!(resync_interval(text), Some(Duration::from_secs(seconds)));
}

const LAMBDA: &str = r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
const LAMBDA_OF_THIS_ACCOUNT: &str = r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}"#;
const EDGE: &str = r#"{"Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
const ITSELF: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/lambda/orders"},"Action":"sts:AssumeRole"}"#;
const SCHEDULER: &str = r#"{"Sid":"Schedule","Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}"#;

#[rstest]
fn a_trust_policy_says_lambda_then_the_edge_then_the_spec_then_the_role_itself(
    #[values(false, true)] edge: bool,
    #[values(false, true)] itself: bool,
    #[values(false, true)] account: bool,
    #[values(false, true)] scheduler: bool,
) {
    let statements = if scheduler {
        "[{sid: Schedule, effect: Allow, principals: {service: [scheduler.amazonaws.com]}, conditions: {StringEquals: {'aws:SourceAccount': '111122223333'}}}]"
    } else {
        "[]"
    };
    let role = desired(&format!(
        "{{roleName: orders, path: /lambda/, trust: {{edge: {edge}, self: {itself}, sourceAccountCondition: {account}, statements: {statements}}}}}"
    ));
    let mut expected = vec![if account { LAMBDA_OF_THIS_ACCOUNT } else { LAMBDA }];
    expected.extend(edge.then_some(EDGE));
    expected.extend(scheduler.then_some(SCHEDULER));
    let document = |list: &[&str]| format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(","));
    assert_eq!(role.trust_policy_before_role.to_string(), document(&expected));
    expected.extend(itself.then_some(ITSELF));
    assert_eq!(role.trust_policy.to_string(), document(&expected));
}

#[test]
fn trust_statements_keep_every_kind_of_principal_and_their_actions() {
    let yaml = r#"trust: {sourceAccountCondition: false, statements: [{effect: Deny, actions: ["sts:AssumeRole", "sts:TagSession"],
        principals: {aws: ["555566667777", "444455556666", "arn:aws:iam::444455556666:user/eve"], service: [a.amazonaws.com], federated: [accounts.google.com, "arn:aws:iam::111122223333:oidc-provider/example.com"]}}]}"#;
    assert_eq!(
        trust_policy(yaml),
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{LAMBDA},{{"Effect":"Deny","Principal":{{"AWS":["555566667777","444455556666","arn:aws:iam::444455556666:user/eve"],"Federated":["accounts.google.com","arn:aws:iam::111122223333:oidc-provider/example.com"],"Service":"a.amazonaws.com"}},"Action":["sts:AssumeRole","sts:TagSession"]}}]}}"#
        )
    );
}

#[test]
fn arns_are_of_the_partition_region_and_account_where_the_role_is() {
    let account = Account {
        id: "999900001111".to_owned(),
        partition: "aws-cn".to_owned(),
        region: "cn-north-1".to_owned(),
        ..account()
    };
    let yaml = r#"
trust: {self: true, sourceAccountCondition: false}
managedPolicies: [{aws: AWSLambdaBasicExecutionRole}, {aws: AWSXRayDaemonWriteAccess}, {aws: job-function/Billing}]
statements: [{effect: Allow, actions: ["s3:GetObject"], resources: ["*"], sourceFunctionArns: [orders]}]"#;
    let role = desired_role(&spec(yaml), &owner(), &account, &class(), &References::default(), None).unwrap();
    assert!(
        role.trust_policy.to_string().contains(r#""AWS":"arn:aws-cn:iam::999900001111:role/shop-orders""#),
        "{}",
        role.trust_policy
    );
    assert_eq!(
        role.managed_policies,
        set(&[
            "arn:aws-cn:iam::aws:policy/AWSXRayDaemonWriteAccess",
            "arn:aws-cn:iam::aws:policy/job-function/Billing",
            "arn:aws-cn:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        ])
    );
    let document = role.inline_policies["lambdaroles"].to_string();
    assert!(document.contains("arn:aws-cn:lambda:cn-north-1:999900001111:function:orders"), "{document}");
}

#[rstest]
#[case::a_bare_name(
    "sourceFunctionArns: [orders]",
    r#"{"ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:orders"}}"#
)]
#[case::an_arn_as_it_is(
    "sourceFunctionArns: ['arn:aws:lambda:us-east-1:111122223333:function:orders']",
    r#"{"ArnEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:us-east-1:111122223333:function:orders"}}"#
)]
#[case::several(
    "sourceFunctionArns: [b, a]",
    r#"{"ArnEquals":{"lambda:SourceFunctionArn":["arn:aws:lambda:eu-west-1:111122223333:function:b","arn:aws:lambda:eu-west-1:111122223333:function:a"]}}"#
)]
#[case::a_wildcard_reads_as_like(
    "sourceFunctionArns: ['orders-*']",
    r#"{"ArnLike":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:orders-*"}}"#
)]
#[case::one_wildcard_among_several(
    "sourceFunctionArns: [a, 'b?']",
    r#"{"ArnLike":{"lambda:SourceFunctionArn":["arn:aws:lambda:eu-west-1:111122223333:function:a","arn:aws:lambda:eu-west-1:111122223333:function:b?"]}}"#
)]
#[case::wildcards_in_every_component(
    "sourceFunctionArns: ['arn:*:lambda:*:*:function:*']",
    r#"{"ArnLike":{"lambda:SourceFunctionArn":"arn:*:lambda:*:*:function:*"}}"#
)]
#[case::a_chosen_operator(
    "sourceFunctionArns: ['a*'], sourceFunctionArnOperator: ArnNotEqualsIfExists",
    r#"{"ArnNotEqualsIfExists":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:a*"}}"#
)]
#[case::beside_a_condition_of_the_same_operator(
    "sourceFunctionArns: [a], conditions: {ArnEquals: {'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/x'}}",
    r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/x","lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:a"}}"#
)]
#[case::beside_a_condition_of_another_operator_on_the_same_key(
    "sourceFunctionArns: ['a*'], conditions: {ArnNotEquals: {'lambda:SourceFunctionArn': 'arn:aws:lambda:eu-west-1:111122223333:function:ab'}}",
    r#"{"ArnLike":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:a*"},"ArnNotEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:ab"}}"#
)]
#[case::no_functions_are_no_condition("sourceFunctionArns: []", "")]
#[case::no_functions_with_an_operator("sourceFunctionArns: [], sourceFunctionArnOperator: ArnLike", "")]
#[case::no_functions_leave_the_conditions(
    "sourceFunctionArns: [], conditions: {Bool: {'aws:SecureTransport': true}}",
    r#"{"Bool":{"aws:SecureTransport":"true"}}"#
)]
#[case::unquoted_numbers_and_booleans(
    "conditions: {Bool: {'aws:SecureTransport': false}, NumericLessThan: {'s3:max-keys': [10, '20', 0.5]}}",
    r#"{"Bool":{"aws:SecureTransport":"false"},"NumericLessThan":{"s3:max-keys":["10","20","0.5"]}}"#
)]
#[case::no_conditions("conditions: {}", "")]
fn a_statement_holds_under_these_conditions(#[case] members: &str, #[case] expected: &str) {
    assert_eq!(condition(members), expected);
}

#[test]
fn not_actions_and_not_resources_stay_negated() {
    let yaml = r#"statements: [{sid: All, effect: Deny, notActions: ["s3:*", "iam:Get*"], notResources: ["arn:aws:s3:::b", "*"]}, {effect: Allow, actions: ["*"], resources: ["*"]}]"#;
    assert_eq!(
        desired(yaml).inline_policies["lambdaroles"].to_string(),
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Deny","NotAction":["s3:*","iam:Get*"],"NotResource":["arn:aws:s3:::b","*"]},{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
    );
}

/// AWS's own introduction to execution roles, "Managing roles with the IAM API".
#[test]
fn the_trust_policy_of_the_documentation_comes_out_as_it_stands_there() {
    let documented = r#"{
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }"#;
    let role = desired("trust: {sourceAccountCondition: false}");
    assert_eq!(json(&role.trust_policy.to_string()), json(documented));
}

/// AWS's own introduction to execution roles, "Working with Lambda execution environment credentials".
#[test]
fn the_scoped_statement_of_the_documentation_comes_out_as_it_stands_there() {
    let documented = r#"{
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "ExampleSourceFunctionArn",
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::lambda_bucket/*",
            "Condition": {
                "ArnEquals": {
                    "lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:source_lambda"
                }
            }
        }]
    }"#;
    let statement = |functions: &str| {
        format!(
            r#"statements: [{{sid: ExampleSourceFunctionArn, effect: Allow, actions: ["s3:PutObject"], resources: ["arn:aws:s3:::lambda_bucket/*"], sourceFunctionArns: [{functions}]}}]"#
        )
    };
    let there = Account { id: "123456789012".to_owned(), region: "us-east-1".to_owned(), ..account() };
    let role = |functions| {
        desired_role(&spec(&statement(functions)), &owner(), &there, &class(), &References::default(), None).unwrap()
    };
    let by_arn = role("'arn:aws:lambda:us-east-1:123456789012:function:source_lambda'");
    assert_eq!(json(&by_arn.inline_policies["lambdaroles"].to_string()), json(documented));

    let by_name = role("source_lambda");
    assert_eq!(by_name.inline_policies, by_arn.inline_policies);
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}
