use rstest::rstest;

use super::*;

/// A statement that nothing is to say of but by its conditions.
fn plain() -> Located {
    allow("s3:GetObject", "arn:aws:s3:::archive/*")
}

fn named(function: &str) -> Vec<Finding> {
    findings([plain().scoped_to(function)])
}

#[rstest]
#[case::by_event_source_key("StringLike", "lambda:FunctionArn", ORDERS, Severity::Error)]
#[case::by_calling_service("ArnLike", "aws:SourceArn", ORDERS, Severity::Error)]
#[case::by_calling_account("StringEquals", "aws:sourceaccount", "123456789012", Severity::Error)]
#[case::if_exists("ArnLikeIfExists", "aws:SourceArn", ORDERS, Severity::Warning)]
#[case::negated("ArnNotLike", "aws:SourceArn", ORDERS, Severity::Warning)]
fn a_key_that_names_no_function_is_told(
    #[case] operator: &str,
    #[case] key: &str,
    #[case] value: &str,
    #[case] severity: Severity,
) {
    let allowed = findings([plain().when(operator, key, value)]);
    assert_eq!(severity_of(&allowed, Code::WrongFunctionKey), Some(severity));
    let denied = findings([deny("s3:GetObject", "*").when(operator, key, value)]);
    assert_eq!(severity_of(&denied, Code::WrongFunctionKey), Some(Severity::Warning));
}

#[test]
fn the_message_about_a_wrong_key_names_the_right_one() {
    assert_eq!(
        text_of(&findings([plain().when("ArnLike", "aws:SourceArn", ORDERS)]), Code::WrongFunctionKey),
        "spec.statements[0].conditions.ArnLike.aws:SourceArn: is there only where an AWS service calls on its own behalf, which no request with the role's credentials is: the statement allows nothing. Name the functions in sourceFunctionArns, which compares lambda:SourceFunctionArn with arn:aws:lambda:us-east-1:123456789012:function:NAME"
    );
}

#[rstest]
#[case("lambda:UpdateEventSourceMapping", None)]
#[case("lambda:*EventSourceMapping", None)]
#[case("lambda:UpdateEventSourceMapping lambda:GetFunction", Some(Severity::Error))]
fn the_function_of_an_event_source_mapping_has_that_key(#[case] actions: &str, #[case] expected: Option<Severity>) {
    let statement = allow(actions, "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*");
    let found = findings([statement.when("ArnLike", "lambda:FunctionArn", ORDERS)]);
    assert_eq!(severity_of(&found, Code::WrongFunctionKey), expected);
}

#[rstest]
#[case("ArnLike", ORDERS, None)]
#[case("ArnEquals", "arn:aws:lambda:us-east-1:123456789012:function:orders-*", None)]
#[case("ForAnyValue:ArnLikeIfExists", ORDERS, None)]
#[case("StringLike", ORDERS, Some(Severity::Warning))]
#[case("StringEquals", ORDERS, Some(Severity::Warning))]
#[case("StringEquals", "arn:aws:lambda:us-east-1:123456789012:function:orders-*", Some(Severity::Error))]
#[case("StringNotEqualsIgnoreCase", "arn:aws:lambda:us-east-1:123456789012:function:order?", Some(Severity::Error))]
#[case("StringLike", "arn:aws:lambda:us-east-1:123456789012:function:orders-*", Some(Severity::Warning))]
#[case("Bool", "true", Some(Severity::Error))]
#[case("Null", "false", None)]
fn an_arn_is_compared_as_one(#[case] operator: &str, #[case] value: &str, #[case] expected: Option<Severity>) {
    let found = findings([plain().when(operator, "lambda:SourceFunctionArn", value)]);
    assert_eq!(severity_of(&found, Code::StringOperatorOnArnKey), expected);
}

/// The vectors are derived from AWS's rules: six parts, each compared by itself; the request names the function without
/// a version.
#[rstest]
#[case("arn:aws:lambda:us-east-1:123456789012:function:orders", None)]
#[case("arn:aws:lambda:*:123456789012:function:orders", None)]
#[case("arn:aws:lambda:us-east-1:*:function:orders", None)]
#[case("arn:*:lambda:us-east-1:123456789012:function:orders", None)]
#[case("arn:aws:lambda:eu-central-1:123456789012:function:orders", None)]
#[case("arn:aws:lambda:us-east-1:${aws:PrincipalAccount}:function:orders", None)]
#[case("arn:aws:lambda:us-east-1:123456789012:function:orders:1", Some(Code::QualifiedFunctionArn))]
#[case("arn:aws:lambda:us-east-1:123456789012:function:orders:prod", Some(Code::QualifiedFunctionArn))]
#[case("arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST", Some(Code::QualifiedFunctionArn))]
#[case("arn:aws:lambda:us-east-1:123456789012:function:orders:*", Some(Code::QualifiedFunctionArn))]
#[case("arn:aws-cn:lambda:cn-north-1:123456789012:function:orders", Some(Code::ForeignFunction))]
#[case("arn:aws:lambda:us-east-1:210987654321:function:orders", Some(Code::ForeignFunction))]
#[case("arn:aws:lambda:us-east-1:2*:function:orders", Some(Code::ForeignFunction))]
#[case("orders", Some(Code::NotAFunctionArn))]
#[case("*", Some(Code::NotAFunctionArn))]
#[case("arn:aws:s3:::orders", Some(Code::NotAFunctionArn))]
#[case("arn:aws:lambda:us-east-1:123456789012:layer:orders", Some(Code::NotAFunctionArn))]
#[case("arn:aws:lambda:us-east-1:123456789012:function", Some(Code::NotAFunctionArn))]
fn a_function_that_no_request_names_is_an_error(#[case] function: &str, #[case] expected: Option<Code>) {
    let found = named(function);
    assert_eq!(found.iter().map(|finding| finding.code).next(), expected, "{found:#?}");
    assert!(found.iter().all(|finding| finding.severity == Severity::Error), "{found:#?}");
}

#[rstest]
#[case("arn:aws:lambda:us-east-1:123456789012:function:orders*")]
#[case("arn:aws:lambda:us-east-1:123456789012:function:order?")]
#[case("arn:aws:lambda:us-east-1:123456789012:function:*")]
#[case("arn:aws:lambda:us-east-1:123456789012:*")]
fn a_wildcard_in_a_name_is_a_warning(#[case] function: &str) {
    assert_eq!(
        told(&named(function)),
        ["Warning WildcardMatchesOtherFunctions spec.statements[0].sourceFunctionArns[0]"]
    );
}

#[test]
fn compared_as_text_a_wildcard_may_stand_for_several_parts() {
    let compared = |operator: &str| {
        let found = findings([plain().when(operator, "lambda:SourceFunctionArn", "*:function:orders*")]);
        found.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(compared("StringLike"), [Code::StringOperatorOnArnKey, Code::WildcardMatchesOtherFunctions]);
    assert_eq!(compared("ArnLike"), [Code::NotAFunctionArn]);
}

#[rstest]
#[case("ArnNotEquals", true)]
#[case("ArnNotLikeIfExists", true)]
#[case("StringNotLike", true)]
#[case("ForAllValues:ArnLike", true)]
#[case("ForAnyValue:ArnNotLike", false)]
#[case("ArnLike", false)]
#[case("ArnLikeIfExists", false)]
fn what_is_true_without_the_key_is_told(#[case] operator: &str, #[case] expected: bool) {
    for statement in [plain(), deny("s3:*", "*")] {
        let found = findings([statement.when(operator, "lambda:SourceFunctionArn", ORDERS)]);
        let severity = severity_of(&found, Code::NegatedScope);
        assert_eq!(severity, expected.then_some(Severity::Warning), "{found:#?}");
    }
}

#[test]
fn a_negated_scope_that_also_asks_for_the_key_is_what_it_seems() {
    let statement = deny("s3:*", "*").when("ArnNotLike", "lambda:SourceFunctionArn", ORDERS);
    let found = findings([statement.when("Null", "lambda:SourceFunctionArn", "false")]);
    assert_eq!(found, []);
}

#[rstest]
#[case(
    deny("kms:*", "*"),
    "also denies kms:Decrypt, kms:DescribeKey, kms:Encrypt and 4 more, which Lambda makes itself"
)]
#[case(deny("s3:GetObject", "*"), "also denies whatever uses the role without being function code")]
#[case(plain(), "also allows whatever uses the role without being function code")]
fn what_else_a_negated_scope_is_about_is_said(#[case] statement: Located, #[case] expected: &str) {
    let found = findings([statement.when("ArnNotLike", "lambda:SourceFunctionArn", ORDERS)]);
    assert!(text_of(&found, Code::NegatedScope).contains(expected), "{found:#?}");
}

#[rstest]
#[case("orders", "Write arn:aws:lambda:us-east-1:123456789012:function:orders")]
#[case(
    "arn:aws:lambda:us-east-1:123456789012:function:orders:prod",
    "Write arn:aws:lambda:us-east-1:123456789012:function:orders"
)]
#[case(
    "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders",
    "Write arn:aws:lambda:us-east-1:123456789012:function:orders"
)]
#[case("*", "Write arn:aws:lambda:us-east-1:123456789012:function:NAME")]
fn the_fix_is_the_arn_to_write(#[case] function: &str, #[case] fix: &str) {
    assert_eq!(named(function)[0].fix.as_deref(), Some(fix));
}
