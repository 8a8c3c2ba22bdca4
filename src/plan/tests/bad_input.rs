//! Every kind of bad input, with the text that its author gets.

use rstest::rstest;

use super::faults;

/// A spec of one statement, sound but for `members`.
fn statement(members: &str) -> String {
    format!("statements: [{{effect: Allow, {members}}}]")
}

/// A spec of one statement with an action and a resource, and `members` beside them.
fn sound_statement(members: &str) -> String {
    statement(&format!(r#"actions: ["s3:GetObject"], resources: ["*"], {members}"#))
}

fn trust(members: &str) -> String {
    format!("trust: {{statements: [{{effect: Allow, {members}}}]}}")
}

#[rstest]
#[case::boundary_is_a_role(
    "permissionsBoundary: {arn: 'arn:aws:iam::111122223333:role/boundary'}",
    "spec.permissionsBoundary.arn: must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary"
)]
#[case::boundary_is_no_arn(
    "permissionsBoundary: {arn: a-boundary-without-its-arn}",
    "spec.permissionsBoundary.arn: must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary"
)]
#[case::managed_policy_is_no_policy(
    "managedPolicies: [{aws: AWSLambdaRole}, {arn: 'arn:aws:iam::111122223333:user/shared'}]",
    "spec.managedPolicies[1].arn: must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary"
)]
#[case::managed_policy_of_a_short_account(
    "managedPolicies: [{arn: 'arn:aws:iam::1111:policy/shared'}]",
    "spec.managedPolicies[0].arn: must be the ARN of a managed policy, for example arn:aws:iam::123456789012:policy/boundary"
)]
#[case::managed_policy_by_a_name_that_cannot_be(
    "managedPolicies: [{aws: 'service-role//AWSLambdaRole'}]",
    "spec.managedPolicies[0].aws: must be the name of an AWS managed policy, with its path if it has one, for example service-role/AWSLambdaBasicExecutionRole"
)]
#[case::managed_policy_by_an_arn_in_the_wrong_field(
    "managedPolicies: [{aws: 'arn:aws:iam::aws:policy/AWSLambdaExecute'}]",
    "spec.managedPolicies[0].aws: must be the name of an AWS managed policy, with its path if it has one, for example service-role/AWSLambdaBasicExecutionRole"
)]
#[case::managed_policy_by_both_name_and_arn(
    "managedPolicies: [{aws: AWSLambdaExecute, arn: 'arn:aws:iam::aws:policy/AWSLambdaExecute'}]",
    "spec.managedPolicies[0]: give exactly one of aws (the name of an AWS managed policy), arn and ref (a LambdaManagedPolicy)"
)]
#[case::managed_policy_by_neither(
    "managedPolicies: [{}]",
    "spec.managedPolicies[0]: give exactly one of aws (the name of an AWS managed policy), arn and ref (a LambdaManagedPolicy)"
)]
#[case::managed_policy_twice(
    "managedPolicies: [{aws: AWSLambdaExecute}, {aws: AWSLambdaExecute}]",
    "spec.managedPolicies[1]: each managed policy may be listed once"
)]
#[case::managed_policy_by_name_and_again_by_arn(
    "managedPolicies: [{aws: AWSLambdaRole}, {arn: 'arn:aws:iam::aws:policy/service-role/AWSLambdaRole'}]",
    "spec.managedPolicies[1]: each managed policy may be listed once"
)]
fn of_policies(#[case] yaml: &str, #[case] fault: &str) {
    assert_eq!(faults(yaml), [fault]);
}

#[rstest]
#[case::role_name(
    "roleName: 'shop orders'",
    "spec.roleName: a role name consists of letters, digits and +=,.@_- (1 to 64 characters)"
)]
#[case::role_name_with_an_umlaut(
    "roleName: bestellübersicht",
    "spec.roleName: a role name consists of letters, digits and +=,.@_- (1 to 64 characters)"
)]
#[case::path_without_a_slash_before(
    "path: lambda/",
    "spec.path: a path begins and ends with a slash and holds printable ASCII without spaces (1 to 512 characters), for example /lambda/"
)]
#[case::path_without_a_slash_behind(
    "path: /lambda",
    "spec.path: a path begins and ends with a slash and holds printable ASCII without spaces (1 to 512 characters), for example /lambda/"
)]
#[case::path_of_two_slashes(
    "path: //",
    "spec.path: a path begins and ends with a slash and holds printable ASCII without spaces (1 to 512 characters), for example /lambda/"
)]
#[case::path_with_a_space(
    "path: '/my lambda/'",
    "spec.path: a path begins and ends with a slash and holds printable ASCII without spaces (1 to 512 characters), for example /lambda/"
)]
#[case::description_in_another_script(
    "description: Заказы",
    "spec.description: a description consists of up to 1000 Latin-1 characters (tab, line feed, carriage return, U+0020 to U+007E, U+00A1 to U+00FF)"
)]
#[case::description_with_a_no_break_space(
    r#"description: "a\u00a0b""#,
    "spec.description: a description consists of up to 1000 Latin-1 characters (tab, line feed, carriage return, U+0020 to U+007E, U+00A1 to U+00FF)"
)]
#[case::session_too_short(
    "maxSessionDurationSeconds: 3599",
    "spec.maxSessionDurationSeconds: must be from 3600 to 43200"
)]
#[case::session_too_long(
    "maxSessionDurationSeconds: 43201",
    "spec.maxSessionDurationSeconds: must be from 3600 to 43200"
)]
fn of_the_role_itself(#[case] yaml: &str, #[case] fault: &str) {
    assert_eq!(faults(yaml), [fault]);
}

#[rstest]
#[case::too_short("29s")]
#[case::too_long("24h1s")]
#[case::no_unit("600")]
#[case::no_number("m")]
#[case::unknown_unit("1d")]
#[case::a_fraction("1.5h")]
#[case::milliseconds("60000ms")]
#[case::negative("-10m")]
#[case::a_difference("1h-1m")]
#[case::beyond_every_clock("99999999999999999999h")]
#[case::empty("''")]
#[case::words("'ten minutes'")]
fn of_the_resync_interval(#[case] interval: &str) {
    let fault = "spec.resyncInterval: a resync interval is a duration such as 10m or 1h30m, from 30s to 24h";
    assert_eq!(faults(&format!("resyncInterval: {interval}")), [fault]);
}

#[rstest]
#[case::key_with_a_semicolon(
    "{'team;': shop}",
    "spec.tags[team;]: a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@"
)]
#[case::empty_key(
    "{'': shop}",
    "spec.tags[]: a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@"
)]
#[case::value_with_a_tab(
    r#"{team: "shop\torders"}"#,
    "spec.tags[team]: a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@"
)]
#[case::value_with_a_vowel_sign_which_is_no_letter(
    r#"{team: "\u0915\u093f"}"#,
    "spec.tags[team]: a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@"
)]
#[case::key_of_aws(
    "{'aws:team': shop}",
    "spec.tags[aws:team]: tag keys that begin with aws: or lambdaroles.dev/ are reserved, and so are tag values that begin with aws:"
)]
#[case::key_of_aws_in_another_case(
    "{'Aws:team': shop}",
    "spec.tags[Aws:team]: tag keys that begin with aws: or lambdaroles.dev/ are reserved, and so are tag values that begin with aws:"
)]
#[case::key_of_the_controller(
    "{lambdaroles.dev/name: billing}",
    "spec.tags[lambdaroles.dev/name]: tag keys that begin with aws: or lambdaroles.dev/ are reserved, and so are tag values that begin with aws:"
)]
#[case::key_of_the_controller_in_another_case(
    "{LambdaRoles.dev/name: billing}",
    "spec.tags[LambdaRoles.dev/name]: tag keys that begin with aws: or lambdaroles.dev/ are reserved, and so are tag values that begin with aws:"
)]
#[case::value_of_aws(
    "{team: 'aws:shop'}",
    "spec.tags[team]: tag keys that begin with aws: or lambdaroles.dev/ are reserved, and so are tag values that begin with aws:"
)]
#[case::keys_that_differ_in_case(
    "{Team: shop, team: shop}",
    "spec.tags[team]: tag keys that differ only in case are one and the same to IAM"
)]
#[case::keys_that_differ_in_the_case_of_an_umlaut(
    "{Änderung: a, änderung: b}",
    "spec.tags[änderung]: tag keys that differ only in case are one and the same to IAM"
)]
fn of_tags(#[case] tags: &str, #[case] fault: &str) {
    assert_eq!(faults(&format!("tags: {tags}")), [fault]);
}

#[test]
fn of_tags_that_are_too_many_or_too_long() {
    let many: Vec<String> = (0..48).map(|n| format!("t{n}: x")).collect();
    assert_eq!(
        faults(&format!("tags: {{{}}}", many.join(", "))),
        ["spec.tags: has 48 tags, and 47 are allowed beside the controller's own"]
    );
    let length = "a tag key has 1 to 128 and a tag value up to 256 letters, digits, spaces and _.:/=+-@";
    let key = "k".repeat(129);
    assert_eq!(faults(&format!("tags: {{{key}: x}}")), [format!("spec.tags[{key}]: {length}")]);
    assert_eq!(faults(&format!("tags: {{team: {}}}", "v".repeat(257))), [format!("spec.tags[team]: {length}")]);
}

#[rstest]
#[case::both_actions_and_not_actions(
    r#"actions: ["s3:GetObject"], notActions: ["s3:PutObject"], resources: ["*"]"#,
    "spec.statements[0]: give exactly one of actions and notActions"
)]
#[case::neither_actions_nor_not_actions(
    r#"resources: ["*"]"#,
    "spec.statements[0]: give exactly one of actions and notActions"
)]
#[case::both_resources_and_not_resources(
    r#"actions: ["s3:GetObject"], resources: ["*"], notResources: ["*"]"#,
    "spec.statements[0]: give exactly one of resources and notResources"
)]
#[case::neither_resources_nor_not_resources(
    r#"actions: ["s3:GetObject"]"#,
    "spec.statements[0]: give exactly one of resources and notResources"
)]
#[case::no_action(r#"actions: [], resources: ["*"]"#, "spec.statements[0].actions: must not be empty")]
#[case::no_not_resource(r#"actions: ["*"], notResources: []"#, "spec.statements[0].notResources: must not be empty")]
#[case::action_without_its_service(
    r#"actions: ["s3:GetObject", GetObject], resources: ["*"]"#,
    "spec.statements[0].actions[1]: GetObject is none: an action is * or service:Action, for example s3:GetObject"
)]
#[case::action_with_a_colon_too_many(
    r#"notActions: ["s3:Get:Object"], resources: ["*"]"#,
    "spec.statements[0].notActions[0]: s3:Get:Object is none: an action is * or service:Action, for example s3:GetObject"
)]
#[case::resource_that_is_no_arn(
    r#"actions: ["s3:GetObject"], resources: ["*", my-bucket]"#,
    "spec.statements[0].resources[1]: my-bucket is none: a resource is * or an ARN, for example arn:aws:s3:::bucket/*"
)]
#[case::resource_of_any_service(
    r#"actions: ["s3:GetObject"], resources: ["arn:aws:*:::bucket"]"#,
    "spec.statements[0].resources[0]: arn:aws:*:::bucket is none: no wildcard stands for the service of an ARN: name it, or write * for every resource"
)]
#[case::resource_with_a_component_too_few(
    r#"actions: ["s3:GetObject"], notResources: ["arn:aws:s3::bucket"]"#,
    "spec.statements[0].notResources[0]: arn:aws:s3::bucket is none: a resource is * or an ARN, for example arn:aws:s3:::bucket/*"
)]
#[case::resource_with_a_character_beyond_latin_1(
    r#"actions: ["s3:GetObject"], resources: ["arn:aws:s3:::bucket/żółw"]"#,
    "spec.statements[0].resources[0]: holds 'ż' (U+017C): IAM takes Latin-1 characters only"
)]
#[case::sid_with_a_hyphen(
    r#"sid: write-orders, actions: ["s3:PutObject"], resources: ["*"]"#,
    "spec.statements[0].sid: a sid consists of the letters A to Z and a to z and digits (1 to 128 characters)"
)]
#[case::empty_sid(
    r#"sid: "", actions: ["s3:PutObject"], resources: ["*"]"#,
    "spec.statements[0].sid: a sid consists of the letters A to Z and a to z and digits (1 to 128 characters)"
)]
fn of_statements(#[case] members: &str, #[case] fault: &str) {
    assert_eq!(faults(&statement(members)), [fault]);
}

#[test]
fn of_a_sid_that_is_used_twice() {
    let yaml = r#"statements:
      - {sid: Read, effect: Allow, actions: ["s3:GetObject"], resources: ["*"]}
      - {effect: Allow, actions: ["s3:ListBucket"], resources: ["*"]}
      - {sid: Read, effect: Deny, actions: ["s3:PutObject"], resources: ["*"]}"#;
    assert_eq!(faults(yaml), ["spec.statements[2].sid: Read is used twice: each sid may be used once in a document"]);
}

#[rstest]
#[case::an_operator_that_iam_does_not_know(
    "{StringMatches: {'aws:SourceVpc': vpc-1}}",
    "spec.statements[0].conditions.StringMatches: unknown condition operator: IAM has String…, Numeric…, Date…, Bool, BinaryEquals, IpAddress, NotIpAddress, Arn… and Null, with ForAllValues: or ForAnyValue: before and IfExists behind"
)]
#[case::no_key("{Bool: {}}", "spec.statements[0].conditions.Bool: must name at least one condition key")]
#[case::a_key_without_its_service(
    "{StringEquals: {SourceVpc: vpc-1}}",
    "spec.statements[0].conditions.StringEquals.SourceVpc: a condition key is service:key, for example aws:SourceVpc"
)]
#[case::keys_that_differ_in_case(
    "{StringEquals: {'aws:SourceVpc': vpc-1, 'AWS:sourcevpc': vpc-2}}",
    "spec.statements[0].conditions.StringEquals.aws:SourceVpc: differs from another key only in case, which IAM does not tell apart"
)]
#[case::an_unknown_placeholder(
    "{StringEquals: {'aws:ResourceAccount': $(account)}}",
    "spec.statements[0].conditions.StringEquals.aws:ResourceAccount: holds $(account), which is no placeholder: there are $(accountId), $(name), $(namespace), $(partition), $(region), $(roleName)"
)]
#[case::an_object_for_a_value(
    "{StringEquals: {'aws:SourceVpc': {id: vpc-1}}}",
    "spec.statements[0].conditions.StringEquals.aws:SourceVpc: must be a string, a number, a boolean or a list of them"
)]
#[case::null_for_a_value(
    "{StringEquals: {'aws:SourceVpc': null}}",
    "spec.statements[0].conditions.StringEquals.aws:SourceVpc: must be a string, a number, a boolean or a list of them"
)]
#[case::a_list_in_a_list(
    "{StringEquals: {'aws:SourceVpc': [vpc-1, [vpc-2]]}}",
    "spec.statements[0].conditions.StringEquals.aws:SourceVpc[1]: must be a string, a number, a boolean or a list of them"
)]
#[case::a_value_with_a_character_beyond_latin_1(
    "{StringEquals: {'aws:PrincipalTag/team': '“shop”'}}",
    "spec.statements[0].conditions.StringEquals.aws:PrincipalTag/team: holds '“' (U+201C): IAM takes Latin-1 characters only"
)]
#[case::a_key_with_a_character_beyond_latin_1(
    "{StringEquals: {'aws:PrincipalTag/Ź': shop}}",
    "spec.statements[0].conditions.StringEquals.aws:PrincipalTag/Ź: holds 'Ź' (U+0179): IAM takes Latin-1 characters only"
)]
fn of_conditions(#[case] conditions: &str, #[case] fault: &str) {
    assert_eq!(faults(&sound_statement(&format!("conditions: {conditions}"))), [fault]);
}

#[rstest]
#[case::a_version("arn:aws:lambda:eu-west-1:111122223333:function:orders:1")]
#[case::an_alias("arn:aws:lambda:eu-west-1:111122223333:function:orders:prod")]
#[case::the_unpublished_version("arn:aws:lambda:eu-west-1:111122223333:function:orders:$LATEST")]
#[case::any_qualifier("arn:aws:lambda:eu-west-1:111122223333:function:orders:*")]
#[case::an_empty_qualifier("arn:aws:lambda:eu-west-1:111122223333:function:orders:")]
#[case::a_name_with_its_alias("orders:prod")]
fn of_function_arns_with_a_qualifier(#[case] arn: &str) {
    let fault = format!(
        "spec.statements[0].sourceFunctionArns[1]: {arn}: lambda:SourceFunctionArn never carries a version or an alias, so a qualified function ARN can never match: leave the qualifier out"
    );
    assert_eq!(faults(&sound_statement(&format!("sourceFunctionArns: [orders, '{arn}']"))), [fault]);
}

#[rstest]
#[case::a_bucket("arn:aws:s3:::bucket")]
#[case::a_layer("arn:aws:lambda:eu-west-1:111122223333:layer:orders")]
#[case::too_few_components("arn:aws:lambda:eu-west-1:function:orders")]
#[case::no_region("arn:aws:lambda::111122223333:function:orders")]
#[case::an_account_of_letters("arn:aws:lambda:eu-west-1:production:function:orders")]
#[case::a_partition_with_a_digit("arn:aws2:lambda:eu-west-1:111122223333:function:orders")]
#[case::no_name("arn:aws:lambda:eu-west-1:111122223333:function:")]
#[case::a_name_with_a_slash("shop/orders")]
#[case::a_name_of_65_letters("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
fn of_function_arns_that_are_none(#[case] function: &str) {
    let fault = format!(
        "spec.statements[0].sourceFunctionArns[0]: {function}: must be an unqualified function ARN or a bare function name; * and ? are wildcards"
    );
    assert_eq!(faults(&sound_statement(&format!("sourceFunctionArns: ['{function}']"))), [fault]);
}

#[rstest]
#[case::an_operator_without_functions(
    "sourceFunctionArnOperator: ArnLike",
    "spec.statements[0].sourceFunctionArnOperator: sourceFunctionArnOperator needs sourceFunctionArns"
)]
#[case::functions_that_a_condition_names_too(
    "sourceFunctionArns: [orders], conditions: {ArnEquals: {'Lambda:sourceFunctionArn': 'arn:aws:lambda:eu-west-1:111122223333:function:other'}}",
    "spec.statements[0].conditions.ArnEquals.Lambda:sourceFunctionArn: is already compared by sourceFunctionArns with this operator: name the functions in one place"
)]
fn of_the_scope(#[case] members: &str, #[case] fault: &str) {
    assert_eq!(faults(&sound_statement(members)), [fault]);
}

#[rstest]
#[case::nobody(
    "principals: {}",
    "spec.trust.statements[0].principals: a trust statement names at least one principal (aws, service or federated)"
)]
#[case::a_list_of_nobody(
    "principals: {aws: []}",
    "spec.trust.statements[0].principals: a trust statement names at least one principal (aws, service or federated)"
)]
#[case::an_action_of_another_service(
    "principals: {aws: ['*']}, actions: ['sts:TagSession', 'iam:PassRole']",
    "spec.trust.statements[0].actions[1]: a trust statement is about sts: actions, for example sts:AssumeRole"
)]
#[case::no_action("principals: {aws: ['*']}, actions: []", "spec.trust.statements[0].actions: must not be empty")]
#[case::a_short_account(
    "principals: {aws: ['*', '1111']}",
    "spec.trust.statements[0].principals.aws[1]: 1111 is no principal: must be *, an account id or the ARN of a role, a user or an account, in which IAM takes no wildcards"
)]
#[case::a_bucket(
    "principals: {aws: ['arn:aws:s3:::bucket']}",
    "spec.trust.statements[0].principals.aws[0]: arn:aws:s3:::bucket is no principal: must be *, an account id or the ARN of a role, a user or an account, in which IAM takes no wildcards"
)]
#[case::a_wildcard_in_an_arn(
    "principals: {aws: ['arn:aws:iam::111122223333:role/*']}",
    "spec.trust.statements[0].principals.aws[0]: arn:aws:iam::111122223333:role/* is no principal: must be *, an account id or the ARN of a role, a user or an account, in which IAM takes no wildcards"
)]
#[case::a_service_without_its_domain(
    "principals: {service: [scheduler]}",
    "spec.trust.statements[0].principals.service[0]: scheduler is no principal: must be a service principal such as scheduler.amazonaws.com"
)]
#[case::a_provider_without_its_domain(
    "principals: {federated: [google]}",
    "spec.trust.statements[0].principals.federated[0]: google is no principal: must be the ARN or the name of an identity provider"
)]
#[case::a_provider_of_another_service(
    "principals: {federated: ['arn:aws:s3:::bucket.example.com']}",
    "spec.trust.statements[0].principals.federated[0]: arn:aws:s3:::bucket.example.com is no principal: must be the ARN or the name of an identity provider"
)]
#[case::a_bad_sid(
    "principals: {aws: ['*']}, sid: a_b",
    "spec.trust.statements[0].sid: a sid consists of the letters A to Z and a to z and digits (1 to 128 characters)"
)]
#[case::a_bad_condition(
    "principals: {aws: ['*']}, conditions: {StringEquals: {ExternalId: x}}",
    "spec.trust.statements[0].conditions.StringEquals.ExternalId: a condition key is service:key, for example aws:SourceVpc"
)]
fn of_trust_statements(#[case] members: &str, #[case] fault: &str) {
    assert_eq!(faults(&trust(members)), [fault]);
}
