//! The functions that statements hold for.

use rstest::rstest;

use super::{Role, allow, allow_one, located, of_statements};
use crate::{
    catalog::managed_policy,
    lint::Source,
    policy::{Statement, function::SOURCE_FUNCTION_ARN},
};

const FUNCTIONS: &str = "sourceFunctions: ['$(namespace)-*', 'arn:aws:lambda:*:111122223333:function:shared']";
const REQUIRED: &str = "spec.guardrails.requireSourceFunctionScope";
const ORDERS: &str = "arn:aws:lambda:eu-west-1:111122223333:function:shop-orders";

fn with_condition(operator: &str, values: &str) -> String {
    format!(
        r#"{{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "arn:aws:dynamodb:eu-west-1:111122223333:table/t", "Condition": {{"{operator}": {{"{SOURCE_FUNCTION_ARN}": {values}}}}}}}"#
    )
}

#[rstest]
#[case::named(ORDERS, true)]
#[case::a_pattern_within("arn:aws:lambda:eu-west-1:111122223333:function:shop-o*", true)]
#[case::equal("arn:aws:lambda:eu-west-1:111122223333:function:shop-*", true)]
#[case::a_variable_in_the_name("arn:aws:lambda:eu-west-1:111122223333:function:shop-${aws:PrincipalTag/x}", true)]
#[case::another_entry("arn:aws:lambda:us-east-1:111122223333:function:shared", true)]
#[case::another_team("arn:aws:lambda:eu-west-1:111122223333:function:billing-x", false)]
#[case::a_longer_beginning("arn:aws:lambda:eu-west-1:111122223333:function:shopper", false)]
#[case::a_shorter_beginning("arn:aws:lambda:eu-west-1:111122223333:function:sho*", false)]
#[case::every_function("arn:aws:lambda:eu-west-1:111122223333:function:*", false)]
#[case::another_region("arn:aws:lambda:us-east-1:111122223333:function:shop-orders", false)]
#[case::every_region("arn:aws:lambda:*:111122223333:function:shop-orders", false)]
#[case::another_account("arn:aws:lambda:eu-west-1:444455556666:function:shop-orders", false)]
#[case::every_partition("arn:*:lambda:eu-west-1:111122223333:function:shop-orders", false)]
#[case::a_variable("arn:aws:lambda:eu-west-1:111122223333:function:${aws:PrincipalTag/x}", false)]
#[case::everything("*", false)]
#[case::in_capitals("arn:aws:lambda:eu-west-1:111122223333:function:SHOP-orders", false)]
fn a_scope_names_functions_that_the_class_allows(
    #[case] value: &str,
    #[case] is_allowed: bool,
    #[values("ArnEquals", "ArnLike", "StringLike", "ForAnyValue:ArnLike", "ForAnyValue:StringLike")] operator: &str,
    #[values("Never", "WhereCarried", "Always")] required: &str,
) {
    let rules = format!("{{{FUNCTIONS}, requireSourceFunctionScope: {required}}}");
    let broken = Role::allowed(&with_condition(operator, &format!("[{ORDERS:?}, {value:?}]"))).broken(&rules);
    let path = format!("spec.statements[0].conditions.{operator}.{SOURCE_FUNCTION_ARN}[1]");
    let expected = (path, "spec.guardrails.sourceFunctions".to_owned());
    assert_eq!(broken, if is_allowed { vec![] } else { vec![expected] });
}

/// Its colons would move the components that an ARN operator compares; as text, no ARN of a function has room for them.
#[rstest]
#[case("ArnLike", false)]
#[case("StringLike", true)]
fn a_variable_before_the_name_may_hold_colons(#[case] operator: &str, #[case] is_allowed: bool) {
    let value = r#""arn:aws:lambda:${x}:111122223333:function:shared""#;
    assert_eq!(Role::allowed(&with_condition(operator, value)).broken(FUNCTIONS).is_empty(), is_allowed);
}

#[rstest]
#[case("ArnEquals", true)]
#[case("ArnLike", true)]
#[case("StringEquals", true)]
#[case("StringLike", true)]
#[case("ForAnyValue:ArnEquals", true)]
#[case("ForAnyValue:StringEquals", true)]
#[case("ArnEqualsIfExists", false)]
#[case("StringLikeIfExists", false)]
#[case("ForAnyValue:ArnLikeIfExists", false)]
#[case("ForAllValues:ArnLike", false)]
#[case("ForAllValues:StringEquals", false)]
#[case("ArnNotEquals", false)]
#[case("StringNotLike", false)]
#[case("ForAnyValue:ArnNotLike", false)]
#[case("StringEqualsIgnoreCase", false)]
#[case("BinaryEquals", false)]
#[case("ArnMatches", false)]
fn only_what_holds_for_named_functions_alone_is_a_scope(
    #[case] operator: &str,
    #[case] is_scope: bool,
    #[values("WhereCarried", "Always")] required: &str,
    #[values(SOURCE_FUNCTION_ARN, "LAMBDA:sourcefunctionarn")] key: &str,
) {
    let statement = with_condition(operator, &format!("{ORDERS:?}")).replace(SOURCE_FUNCTION_ARN, key);
    let broken = Role::allowed(&statement).broken(&format!("requireSourceFunctionScope: {required}"));
    let expected = ("spec.statements[0]".to_owned(), REQUIRED.to_owned());
    assert_eq!(broken, if is_scope { vec![] } else { vec![expected] });
}

#[test]
fn another_key_is_no_scope() {
    for key in ["aws:SourceArn", "lambda:FunctionArn", "lambda:SourceFunctionArn "] {
        let statement = with_condition("ArnLike", &format!("{ORDERS:?}")).replace(SOURCE_FUNCTION_ARN, key);
        assert_eq!(Role::allowed(&statement).broken("requireSourceFunctionScope: Always").len(), 1, "{key}");
    }
    let null = with_condition("Null", "false");
    assert_eq!(Role::allowed(&null).broken("requireSourceFunctionScope: Always").len(), 1);
}

/// The conditions of a statement hold together.
#[rstest]
#[case::one_of_two_is_enough(
    r#""ArnLike": {"lambda:SourceFunctionArn": "*:*:*:*:*:*"}, "ArnEquals": {"lambda:SourceFunctionArn": "ORDERS"}"#,
    true
)]
#[case::both_are_foreign(
    r#""ArnLike": {"lambda:SourceFunctionArn": "*:*:*:*:*:*"}, "StringLike": {"lambda:SourceFunctionArn": "*"}"#,
    false
)]
#[case::the_other_holds_without_the_key(r#""ArnLike": {"lambda:SourceFunctionArn": "*:*:*:*:*:*"}, "ArnEqualsIfExists": {"lambda:SourceFunctionArn": "ORDERS"}"#, false)]
#[case::the_key_alone_is_asked_for(r#""Null": {"lambda:SourceFunctionArn": "false"}"#, false)]
#[case::in_any_case(r#""StringEqualsIgnoreCase": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:billing"}"#, false)]
#[case::any_but_one(r#""ForAnyValue:ArnNotEquals": {"lambda:SourceFunctionArn": "ORDERS"}"#, false)]
#[case::none_at_all(r#""StringEquals": {"aws:SourceVpc": "vpc-1"}"#, true)]
#[case::all_but_one(r#""ArnNotEquals": {"lambda:SourceFunctionArn": "ORDERS"}"#, true)]
fn what_holds_for_function_code_alone_holds_for_that_of_allowed_functions(
    #[case] conditions: &str,
    #[case] is_allowed: bool,
) {
    let conditions = conditions.replace("ORDERS", ORDERS);
    let statement = format!(
        r#"{{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*", "Condition": {{{conditions}}}}}"#
    );
    let broken = Role::allowed(&statement).broken(FUNCTIONS);
    assert_eq!(broken.is_empty(), is_allowed, "{broken:?}");
}

#[test]
fn an_empty_list_allows_no_scope() {
    assert_eq!(
        Role::allowed(&with_condition("ArnLike", &format!("{ORDERS:?}"))).broken("sourceFunctions: []").len(),
        1
    );
    assert_eq!(Role::allowed(&allow_one("s3:GetObject", "arn:aws:s3:::b/*")).broken("sourceFunctions: []"), []);
}

#[test]
fn a_list_of_functions_is_named_where_it_stands() {
    let mut role =
        Role::allowed(&with_condition("ArnLike", r#"["arn:aws:lambda:eu-west-1:111122223333:function:billing"]"#));
    role.statements[0].scope = Some("spec.sourceFunctionArns".to_owned());
    assert_eq!(
        role.told(FUNCTIONS),
        [
            "spec.sourceFunctionArns[0]: names arn:aws:lambda:eu-west-1:111122223333:function:billing, which no entry takes in (spec.guardrails.sourceFunctions). Name functions that the class allows, with an ARN operator"
        ]
    );
}

#[rstest]
#[case::of_code(r#""dynamodb:GetItem""#, false)]
#[case::of_lambda(r#""sqs:ReceiveMessage""#, true)]
#[case::of_lambda_in_another_case(r#""LOGS:putlogevents""#, true)]
#[case::several_of_lambda(r#"["logs:CreateLogStream", "logs:PutLogEvents", "ec2:CreateNetworkInterface"]"#, true)]
#[case::one_of_them_of_code(r#"["logs:PutLogEvents", "logs:GetLogEvents"]"#, false)]
#[case::of_both(r#""s3:PutObject""#, false)]
#[case::a_wildcard_over_those_of_lambda(r#""logs:Put*""#, false)]
#[case::a_wildcard_that_takes_in_one_alone(r#""xray:PutTraceSegment?""#, false)]
#[case::everything(r#""*""#, false)]
fn calls_of_lambda_need_no_scope_and_others_do(#[case] actions: &str, #[case] is_exempt: bool) {
    let role = Role::allowed(&allow(actions, r#""*""#));
    let rules = |required| {
        format!("{{requireSourceFunctionScope: {required}, permissions: {{exempted: [{{actions: ['*']}}]}}}}")
    };
    let expected = vec![("spec.statements[0]".to_owned(), REQUIRED.to_owned())];
    assert_eq!(role.broken(&rules("Never")), []);
    assert_eq!(role.broken(&rules("WhereCarried")), if is_exempt { vec![] } else { expected.clone() });
    assert_eq!(role.broken(&rules("Always")), expected);
}

#[test]
fn all_but_some_actions_need_a_scope_always() {
    let statement = r#"{"Effect": "Allow", "NotAction": ["s3:*"], "Resource": "*"}"#;
    for required in ["WhereCarried", "Always"] {
        let rules =
            format!("{{requireSourceFunctionScope: {required}, permissions: {{exempted: [{{actions: ['*']}}]}}}}");
        assert_eq!(Role::allowed(statement).broken(&rules).len(), 1);
    }
}

/// `s3:PutObject` to a destination, which Lambda needs without the scope.
fn with_destination(written: &str) -> Role {
    let mut role = Role::allowed(written);
    let made = of_statements(&allow_one("s3:PutObject", "arn:aws:s3:::failed/*"));
    role.statements.extend(located(&made.statements, "spec.destinations", Source::Generated));
    role.inline_policies.get_mut("lambdaroles").unwrap().statements.extend(made.statements);
    role
}

#[test]
fn what_we_made_for_lambda_needs_no_scope_but_where_all_need_one() {
    let scoped = with_condition("ArnLike", &format!("{ORDERS:?}"));
    let role = with_destination(&scoped);
    assert_eq!(role.broken("requireSourceFunctionScope: WhereCarried"), []);
    assert_eq!(
        role.broken("requireSourceFunctionScope: Always"),
        [("spec.destinations[0]".to_owned(), REQUIRED.to_owned())]
    );
}

/// Nobody gets more by writing a statement that looks like one of ours.
#[rstest]
#[case::another_resource("arn:aws:s3:::other/*", "")]
#[case::every_resource("*", "")]
#[case::other_conditions("arn:aws:s3:::failed/*", r#", "Condition": {"StringLike": {"aws:userid": "*"}}"#)]
fn beside_what_we_made_others_need_a_scope(#[case] resource: &str, #[case] condition: &str) {
    let mut role = with_destination(&with_condition("ArnLike", &format!("{ORDERS:?}")));
    let other = format!(r#"{{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "{resource}"{condition}}}"#);
    role.inline_policies.insert("kept".to_owned(), of_statements(&other));
    assert_eq!(
        role.broken("requireSourceFunctionScope: WhereCarried"),
        [("inline policy kept, Statement[0]".to_owned(), REQUIRED.to_owned())]
    );
}

/// Merging puts what a user wrote and what we made into one statement.
#[test]
fn a_merged_statement_is_exempt_by_its_pairs() {
    let mut role = with_destination(&allow_one("sqs:ReceiveMessage", "arn:aws:s3:::failed/*"));
    let merged = |actions: &str| of_statements(&allow(actions, r#""arn:aws:s3:::failed/*""#));
    role.inline_policies.insert("lambdaroles".to_owned(), merged(r#"["sqs:ReceiveMessage", "s3:PutObject"]"#));
    assert_eq!(role.broken("requireSourceFunctionScope: WhereCarried"), []);
    role.inline_policies.insert("lambdaroles".to_owned(), merged(r#"["s3:GetObject", "s3:PutObject"]"#));
    assert_eq!(role.broken("requireSourceFunctionScope: WhereCarried").len(), 1);
}

/// The policies of AWS's that a class with `WhereCarried` lets roles attach: those that hold nothing but calls of Lambda.
#[test]
fn managed_policies_pass_if_they_are_for_lambda_alone() {
    let passes = |required: &str, policy: &&managed_policy::ManagedPolicy| {
        let arn = managed_policy::aws_managed_policy_arn("aws", &policy.name);
        let role = Role::attaching(&arn, Ok(policy.document.clone()));
        role.broken(&format!("requireSourceFunctionScope: {required}")).is_empty()
    };
    let fit = &managed_policy::all().fit;
    let names: Vec<&str> =
        fit.iter().filter(|policy| passes("WhereCarried", policy)).map(|policy| policy.name.as_str()).collect();
    let expected = [
        "AWSLambdaBasicDurableExecutionRolePolicy",
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaDynamoDBExecutionRole",
        "AWSLambdaENIManagementAccess",
        "AWSLambdaKinesisExecutionRole",
        "AWSLambdaMSKExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
        "AmazonS3FilesClientFullAccess",
        "AmazonS3FilesClientReadOnlyAccess",
        "AmazonS3FilesClientReadWriteAccess",
        "CloudWatchLambdaApplicationSignalsExecutionRolePolicy",
        "CloudWatchLambdaInsightsExecutionRolePolicy",
    ];
    assert_eq!(names, expected);
    assert!(!fit.iter().any(|policy| passes("Always", &policy)));
}

#[test]
fn a_managed_policy_of_scoped_statements_passes() {
    let statements: Vec<Statement> = of_statements(&with_condition("ArnLike", &format!("{ORDERS:?}"))).statements;
    let document = crate::policy::Document::new(statements);
    let role = Role::attaching("arn:aws:iam::111122223333:policy/x", Ok(document));
    assert_eq!(role.broken(&format!("{{{FUNCTIONS}, requireSourceFunctionScope: Always}}")), []);
}
