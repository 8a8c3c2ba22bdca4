//! Actions on resources.

use rstest::rstest;

use super::{Role, allow, allow_one, of_statements};

const QUEUES: &str = "arn:aws:sqs:eu-west-1:111122223333:*";

/// What is denied to every class, by every spelling that comes to mind.
#[rstest]
#[case::all("*", "*")]
#[case::all_of_all("*:*", "*")]
#[case::many_stars("**", "*")]
#[case::the_service("iam:*", "*")]
#[case::in_capitals("IAM:PASSROLE", "*")]
#[case::in_mixed_case("iAm:pAsSrOlE", "*")]
#[case::one_character_of_the_service("?am:PassRole", "*")]
#[case::a_beginning_of_the_service("i*:PassRole", "*")]
#[case::an_end_of_the_service("*m:PassRole", "*")]
#[case::no_colon("iam*", "*")]
#[case::a_wildcard_for_the_colon("iam?PassRole", "*")]
#[case::question_marks("???:????????", "*")]
#[case::any_service("*:PassRole", "*")]
#[case::an_end("*Role", "*")]
#[case::on_one_resource("iam:PassRole", "arn:aws:iam::111122223333:role/x")]
#[case::on_a_variable("iam:PassRole", "arn:aws:iam::${aws:PrincipalAccount}:role/x")]
#[case::on_what_is_no_role("*", "arn:aws:s3:::bucket/*")]
#[case::organizations("organizations:LeaveOrganization", "*")]
#[case::account("account:CloseAccount", "*")]
#[case::single_sign_on("sso:CreateAccountAssignment", "*")]
#[case::its_directory("sso-directory:CreateUser", "*")]
#[case::both("sso*:Create*", "*")]
#[case::identity_store("identitystore:CreateGroupMembership", "*")]
#[case::the_root_of_a_member("sts:AssumeRoot", "arn:aws:iam::444455556666:root")]
#[case::all_of_sts("sts:*", "arn:aws:iam::444455556666:role/x")]
fn what_leads_to_other_identities_is_refused_without_a_rule(#[case] action: &str, #[case] resource: &str) {
    let broken = Role::allowed(&allow_one(action, resource)).broken("{}");
    let [(path, rule)] = broken.as_slice() else { panic!("{broken:?}") };
    assert_eq!(path, "spec.statements[0].actions[0]");
    assert!(rule.starts_with("the default denial"), "{rule}");
}

#[rstest]
#[case("s3:*", "*")]
#[case("iamx:*", "*")]
#[case("iam-roles:Get", "*")]
#[case("ssm:*", "*")]
#[case("sso-oauth:CreateTokenWithIAM", "*")]
#[case("sts:GetCallerIdentity", "*")]
#[case("sts:AssumeRoleWithSAML", "*")]
fn what_leads_to_none_is_not(#[case] action: &str, #[case] resource: &str) {
    assert_eq!(Role::allowed(&allow_one(action, resource)).broken("{}"), []);
}

#[rstest]
#[case::named("arn:aws:iam::444455556666:role/reader", true)]
#[case::a_path("arn:aws:iam::444455556666:role/team/*", true)]
#[case::a_beginning("arn:aws:iam::444455556666:role/r*", true)]
#[case::a_variable_behind_a_beginning("arn:aws:iam::444455556666:role/${x}", false)]
#[case::a_variable_behind_a_name("arn:aws:iam::444455556666:role/r${x}", true)]
#[case::everything("*", false)]
#[case::every_arn("arn:*", false)]
#[case::every_role("arn:aws:iam::444455556666:role/*", false)]
#[case::every_role_with_a_name("arn:aws:iam::444455556666:role/?*", false)]
#[case::an_end("arn:aws:iam::444455556666:role/*reader", false)]
#[case::no_name("arn:aws:iam::444455556666:role/", false)]
#[case::every_account("arn:aws:iam::*:role/reader", false)]
#[case::part_of_an_account("arn:aws:iam::44445555666?:role/reader", false)]
#[case::the_callers_account("arn:aws:iam::${aws:PrincipalAccount}:role/reader", false)]
#[case::a_variable_with_a_default("arn:aws:iam::${x, '444455556666'}:role/reader", false)]
#[case::every_partition("arn:*:iam::444455556666:role/reader", false)]
#[case::a_wildcard_for_the_region("arn:aws:iam:*:444455556666:role/reader", false)]
#[case::a_wildcard_for_the_service("arn:aws:*::444455556666:role/reader", false)]
#[case::a_wildcard_for_the_type("arn:aws:iam::444455556666:r*/reader", false)]
#[case::a_wildcard_over_components("arn:aws:iam::*role/reader", false)]
#[case::a_literal_star("arn:aws:iam::444455556666:role/${*}", false)]
#[case::an_unclosed_variable("arn:aws:iam::${444455556666:role/reader", false)]
fn other_roles_are_assumed_by_name_alone(
    #[case] resource: &str,
    #[case] is_named: bool,
    #[values("sts:AssumeRole", "STS:assumerole", "sts:AssumeRol?", "sts:AssumeRole*", "st*:AssumeRole")] action: &str,
) {
    let broken = Role::allowed(&allow_one(action, resource)).broken("{}");
    assert_eq!(broken.is_empty(), is_named, "{broken:?}");
    if !is_named {
        assert_eq!(broken[0].1, "the default denial of sts:AssumeRole");
    }
}

#[rstest]
#[case::just_that("iam:PassRole", "arn:aws:iam::111122223333:role/deploy", true)]
#[case::in_another_case("IAM:passrole", "arn:aws:iam::111122223333:role/deploy", true)]
#[case::another_action("iam:GetRole", "arn:aws:iam::111122223333:role/deploy", false)]
#[case::more_actions("iam:P*", "arn:aws:iam::111122223333:role/deploy", false)]
#[case::another_resource("iam:PassRole", "arn:aws:iam::111122223333:role/admin", false)]
#[case::more_resources("iam:PassRole", "arn:aws:iam::111122223333:role/*", false)]
fn what_is_exempted_is_excused_and_nothing_else(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] is_excused: bool,
) {
    let rules =
        "permissions: {exempted: [{actions: ['iam:PassRole'], resources: ['arn:aws:iam::$(accountId):role/deploy']}]}";
    assert_eq!(Role::allowed(&allow_one(action, resource)).broken(rules).is_empty(), is_excused);
}

#[test]
fn an_exemption_excuses_from_no_other_rule() {
    let statement = allow_one("iam:PassRole", "*");
    for rules in ["denied: [{actions: ['iam:*']}]", "allowed: [{actions: ['s3:*']}]"] {
        let rules = format!("permissions: {{exempted: [{{actions: ['iam:*']}}], {rules}}}");
        assert_eq!(Role::allowed(&statement).broken(&rules).len(), 1);
    }
}

#[rstest]
#[case::within("s3:GetObject", "arn:aws:s3:::shop-in/a", true)]
#[case::equal("s3:Get*", "arn:aws:s3:::shop-*", true)]
#[case::in_another_case("S3:getobject", "arn:aws:s3:::shop-in/a", true)]
#[case::a_variable_behind_the_beginning("s3:GetObject", "arn:aws:s3:::shop-in/${aws:userid}", true)]
#[case::another_action("s3:PutObject", "arn:aws:s3:::shop-in/a", false)]
#[case::more_actions("s3:*", "arn:aws:s3:::shop-in/a", false)]
#[case::one_character_less("s3:Ge*", "arn:aws:s3:::shop-in/a", false)]
#[case::another_resource("s3:GetObject", "arn:aws:s3:::store-in/a", false)]
#[case::more_resources("s3:GetObject", "arn:aws:s3:::sho*", false)]
#[case::resources_in_another_case("s3:GetObject", "arn:aws:s3:::SHOP-in/a", false)]
#[case::a_variable_in_the_beginning("s3:GetObject", "arn:aws:s3:::${aws:PrincipalTag/team}-in/a", false)]
#[case::a_variable_that_defaults_to_the_beginning("s3:GetObject", "arn:aws:s3:::${x, 'shop-'}in", false)]
#[case::an_unclosed_variable("s3:GetObject", "arn:aws:s3:::${shop-in/a", false)]
#[case::everything("s3:GetObject", "*", false)]
#[case::the_action_of_another_entry("sqs:SendMessage", "arn:aws:s3:::shop-in/a", false)]
#[case::the_other_entry("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:x", true)]
fn what_is_allowed_is_within_one_entry(#[case] action: &str, #[case] resource: &str, #[case] is_allowed: bool) {
    let rules = format!(
        "permissions: {{allowed: [
            {{actions: ['s3:Get*'], resources: ['arn:aws:s3:::$(namespace)-*']}},
            {{actions: ['sqs:SendMessage'], resources: ['{QUEUES}']}}]}}"
    );
    let broken = Role::allowed(&allow_one(action, resource)).broken(&rules);
    let expected = ("spec.statements[0].actions[0]".to_owned(), "spec.guardrails.permissions.allowed".to_owned());
    assert_eq!(broken, if is_allowed { vec![] } else { vec![expected] });
}

/// Each action with each resource.
#[test]
fn a_statement_is_the_product_of_its_lists() {
    let rules = format!(
        "permissions: {{allowed: [
            {{actions: ['s3:Get*'], resources: ['arn:aws:s3:::*']}},
            {{actions: ['sqs:SendMessage'], resources: ['{QUEUES}']}}]}}"
    );
    let statement = allow(
        r#"["s3:GetObject", "sqs:SendMessage"]"#,
        r#"["arn:aws:s3:::b/*", "arn:aws:sqs:eu-west-1:111122223333:q"]"#,
    );
    assert_eq!(
        Role::allowed(&statement).told(&rules),
        [
            "spec.statements[0].actions[0]: allows s3:GetObject on arn:aws:sqs:eu-west-1:111122223333:q, which no entry takes in (spec.guardrails.permissions.allowed). Ask only for what one entry takes in, the action and the resource, or have the class allow more",
            "spec.statements[0].actions[1]: allows sqs:SendMessage on arn:aws:s3:::b/*, which no entry takes in (spec.guardrails.permissions.allowed). Ask only for what one entry takes in, the action and the resource, or have the class allow more",
        ]
    );
}

#[rstest]
#[case::absent("permissions: {allowed: [{actions: ['s3:*']}]}", "s3:GetObject", "*", true)]
#[case::absent_actions(
    "permissions: {allowed: [{resources: ['arn:aws:s3:::b/*']}]}",
    "sqs:X",
    "arn:aws:s3:::b/k",
    true
)]
#[case::empty("permissions: {allowed: []}", "s3:GetObject", "arn:aws:s3:::b/k", false)]
#[case::no_rule("{}", "s3:GetObject", "arn:aws:s3:::b/k", true)]
fn an_absent_list_takes_in_all_and_an_empty_one_nothing(
    #[case] rules: &str,
    #[case] action: &str,
    #[case] resource: &str,
    #[case] is_allowed: bool,
) {
    assert_eq!(Role::allowed(&allow_one(action, resource)).broken(rules).is_empty(), is_allowed);
}

#[rstest]
#[case::just_that("s3:DeleteObject", "arn:aws:s3:::secret/a", false)]
#[case::in_another_case("S3:DELETEOBJECT", "arn:aws:s3:::secret/a", false)]
#[case::more_actions("s3:*", "arn:aws:s3:::secret/a", false)]
#[case::all("*", "*", false)]
#[case::a_beginning_of_the_resource("s3:DeleteObject", "arn:aws:s3:::sec*", false)]
#[case::an_end_of_the_resource("s3:DeleteObject", "arn:aws:s3:::*cret/a", false)]
#[case::one_character("s3:DeleteObject", "arn:aws:s3:::s?cret/a", false)]
#[case::a_variable("s3:DeleteObject", "arn:aws:s3:::${aws:PrincipalTag/bucket}/a", false)]
#[case::a_variable_that_could_be_empty("s3:DeleteObject", "arn:aws:s3:::sec${x}ret/a", false)]
#[case::an_unclosed_variable("s3:DeleteObject", "arn:aws:s3:::${", false)]
#[case::a_wildcard_over_components("s3:DeleteObject", "arn:*secret/a", false)]
#[case::every_partition("s3:DeleteObject", "arn:*:s3:::secret/a", false)]
#[case::another_action("s3:GetObject", "arn:aws:s3:::secret/a", true)]
#[case::another_resource("s3:DeleteObject", "arn:aws:s3:::secrets/a", true)]
#[case::a_literal_wildcard("s3:DeleteObject", "arn:aws:s3:::s${*}/a", true)]
fn what_is_denied_has_nothing_in_common(#[case] action: &str, #[case] resource: &str, #[case] is_allowed: bool) {
    let rules = "permissions: {
        denied: [{actions: ['ec2:*']}, {actions: ['s3:Delete*'], resources: ['arn:aws:s3:::secret/*']}],
        exempted: [{actions: ['*']}]}";
    let broken = Role::allowed(&allow_one(action, resource)).broken(rules);
    assert_eq!(broken.is_empty(), is_allowed, "{broken:?}");
    if !is_allowed {
        assert_eq!(broken.last().unwrap().1, "spec.guardrails.permissions.denied[1]");
    }
}

#[rstest]
#[case::a_deny_beside_it(r#"{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}, {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#)]
#[case::a_condition(r#"{"Effect": "Allow", "Action": "iam:*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/x": "never"}}}"#)]
#[case::a_condition_that_never_holds(
    r#"{"Effect": "Allow", "Action": "iam:*", "Resource": "*", "Condition": {"Null": {"aws:PrincipalArn": ["true"]}}}"#
)]
fn nothing_excuses(#[case] statements: &str) {
    assert_eq!(Role::allowed(statements).broken("{}").len(), 1);
}

#[test]
fn what_denies_is_never_refused() {
    let statements = r#"{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}, {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::x"}"#;
    assert_eq!(Role::allowed(statements).broken("permissions: {allowed: [], denied: [{actions: ['*']}]}"), []);
}

const EACH_DEFAULT: [&str; 8] = [
    "the default denial of iam:*",
    "the default denial of organizations:*",
    "the default denial of account:*",
    "the default denial of sso:*",
    "the default denial of sso-directory:*",
    "the default denial of identitystore:*",
    "the default denial of sts:AssumeRoot",
    "the default denial of sts:AssumeRole",
];
const ALL_DEFAULTS: &str = r#"["iam:*", "organizations:*", "account:*", "sso*:*", "IdentityStore:*", "sts:AssumeRo*"]"#;

#[rstest]
#[case::nothing_excluded("{}", r#"["s3:*"]"#, r#""*""#, &EACH_DEFAULT)]
#[case::all_excluded("{}", ALL_DEFAULTS, r#""*""#, &[])]
#[case::one_left("{}", r#"["iam:*", "organizations:*", "account:*", "sso*:*", "identitystore:*", "sts:AssumeRole"]"#, r#""*""#, &["the default denial of sts:AssumeRoot"])]
#[case::excluded_in_part("{}", r#"["iam:P*", "organizations:*", "account:*", "sso*:*", "identitystore:*", "sts:*"]"#, r#""*""#, &["the default denial of iam:*"])]
#[case::exempted("permissions: {exempted: [{actions: ['*']}]}", r#"["s3:*"]"#, r#""*""#, &[])]
#[case::exempted_elsewhere("permissions: {exempted: [{actions: ['*'], resources: ['arn:aws:s3:::b']}]}", r#"["s3:*"]"#, r#"["arn:aws:s3:::b", "arn:aws:s3:::c"]"#, &EACH_DEFAULT)]
#[case::roles_that_are_named("{}", r#"["iam:*", "organizations:*", "account:*", "sso*:*", "identitystore:*", "sts:AssumeRoot"]"#, r#""arn:aws:iam::111122223333:role/x""#, &[])]
#[case::where_something_is_denied("permissions: {denied: [{actions: ['s3:*']}]}", ALL_DEFAULTS, r#""*""#, &["spec.guardrails.permissions.denied"])]
#[case::where_something_is_allowed("permissions: {allowed: [{actions: ['*']}]}", ALL_DEFAULTS, r#""*""#, &["spec.guardrails.permissions.allowed"])]
fn all_actions_but_some_are_refused_unless_what_is_denied_is_among_those(
    #[case] rules: &str,
    #[case] actions: &str,
    #[case] resources: &str,
    #[case] expected: &[&str],
) {
    let statement = format!(r#"{{"Effect": "Allow", "NotAction": {actions}, "Resource": {resources}}}"#);
    let broken = Role::allowed(&statement).broken(rules);
    let rules: Vec<&str> = broken.iter().map(|(_, rule)| rule.as_str()).collect();
    assert_eq!(rules, expected);
    assert!(broken.iter().all(|(path, _)| path == "spec.statements[0].notActions"), "{broken:?}");
}

#[rstest]
#[case::harmless("{}", "s3:GetObject", None)]
#[case::denied_by_default("{}", "iam:PassRole", Some("the default denial of iam:*"))]
#[case::on_roles("{}", "sts:AssumeRole", Some("the default denial of sts:AssumeRole"))]
#[case::exempted_in_part(
    "permissions: {exempted: [{actions: ['iam:*'], resources: ['arn:aws:iam::111122223333:*']}]}",
    "iam:PassRole",
    Some("the default denial of iam:*")
)]
#[case::exempted("permissions: {exempted: [{actions: ['iam:*']}]}", "iam:PassRole", None)]
#[case::where_something_is_denied(
    "permissions: {denied: [{actions: ['ec2:*']}]}",
    "s3:GetObject",
    Some("spec.guardrails.permissions.denied")
)]
#[case::where_something_is_allowed(
    "permissions: {allowed: [{actions: ['s3:*']}]}",
    "s3:GetObject",
    Some("spec.guardrails.permissions.allowed")
)]
fn all_resources_but_some_are_refused_where_a_rule_is_about_resources(
    #[case] rules: &str,
    #[case] action: &str,
    #[case] expected: Option<&str>,
) {
    let statement =
        format!(r#"{{"Effect": "Allow", "Action": "{action}", "NotResource": "arn:aws:iam::111122223333:role/x"}}"#);
    let broken = Role::allowed(&statement).broken(rules);
    assert_eq!(
        broken.iter().map(|(_, rule)| rule.as_str()).collect::<Vec<_>>(),
        expected.into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn both_negated_are_held_to_both() {
    let statement =
        |actions: &str| format!(r#"{{"Effect": "Allow", "NotAction": {actions}, "NotResource": "arn:aws:s3:::x"}}"#);
    assert_eq!(Role::allowed(&statement(ALL_DEFAULTS)).broken("{}"), []);
    assert_eq!(Role::allowed(&statement(r#"["s3:*"]"#)).broken("{}").len(), 8);
    let exempted = "permissions: {exempted: [{resources: ['arn:aws:s3:::*']}]}";
    assert_eq!(Role::allowed(&statement(r#"["s3:*"]"#)).broken(exempted).len(), 8);
}

/// In a document of 2008 a variable is text, and a wildcard in it a wildcard.
#[test]
fn a_document_of_the_old_version_is_not_read_as_one_of_the_new() {
    let mut role = Role::default();
    let mut document = of_statements(&allow_one("s3:GetObject", "arn:aws:s3:::${*}"));
    let rules = "permissions: {denied: [{resources: ['arn:aws:s3:::?{secret}']}]}";
    role.inline_policies.insert("old".to_owned(), document.clone());
    assert_eq!(role.broken(rules), []);
    "2008-10-17".clone_into(&mut document.version);
    role.inline_policies.insert("old".to_owned(), document);
    assert_eq!(
        role.broken(rules),
        [("inline policy old, Statement[0].Action".to_owned(), "spec.guardrails.permissions.denied[0]".to_owned())]
    );
}

#[test]
fn a_statement_without_resources_is_about_all() {
    let mut role = Role::default();
    let document = of_statements(r#"{"Sid": "Odd", "Effect": "Allow", "Action": "iam:PassRole"}"#);
    role.inline_policies.insert("odd".to_owned(), document);
    assert_eq!(
        role.told("{}"),
        [
            "inline policy odd, Statement[0].Action: allows iam:PassRole on * in statement Odd, which leads to other identities (the default denial of iam:*). Leave it out, or have the class exempt it"
        ]
    );
}
