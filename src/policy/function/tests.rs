use rstest::rstest;

use super::{
    super::{
        document::Document,
        evaluate::{Context, Policies, Request, evaluate},
    },
    *,
};

const HOME: Home<'_> = Home { partition: "aws", region: "us-east-1", account: "123456789012" };
const ORDERS: &str = "arn:aws:lambda:us-east-1:123456789012:function:orders";

/// What a condition on the function `orders` says, and whether the text can name functions at all. Derived from AWS's
/// description of the key and of the ARN operators, as of 2026: six components, each compared for itself, in which case
/// counts, with an unqualified ARN. What IAM makes of a value that is no ARN is not documented; it is taken to match
/// nothing.
#[rstest]
#[case::itself("arn:aws:lambda:us-east-1:123456789012:function:orders", true, Ok(()))]
#[case::a_version("arn:aws:lambda:us-east-1:123456789012:function:orders:1", false, Err(NoFunction::Qualified))]
#[case::an_alias("arn:aws:lambda:us-east-1:123456789012:function:orders:prod", false, Err(NoFunction::Qualified))]
#[case::latest("arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST", false, Err(NoFunction::Qualified))]
#[case::any_version("arn:aws:lambda:us-east-1:123456789012:function:orders:*", false, Err(NoFunction::Qualified))]
#[case::names_that_begin_so("arn:aws:lambda:us-east-1:123456789012:function:orders*", true, Ok(()))]
#[case::any_region("arn:aws:lambda:*:123456789012:function:orders", true, Ok(()))]
#[case::any_account("arn:aws:lambda:us-east-1:*:function:orders", true, Ok(()))]
#[case::any_partition("arn:*:lambda:us-east-1:123456789012:function:orders", true, Ok(()))]
#[case::no_arn("*", false, Ok(()))]
#[case::another_case(
    "arn:aws:lambda:us-east-1:123456789012:function:Orders",
    false,
    Ok(())
)]
#[case::any_last_character("arn:aws:lambda:us-east-1:123456789012:function:order?", true, Ok(()))]
#[case::another_partition("arn:aws-cn:lambda:cn-north-1:123456789012:function:orders", false, Ok(()))]
#[case::a_bare_name("orders", false, Ok(()))]
#[case::any_resource("arn:aws:lambda:us-east-1:123456789012:*", true, Err(NoFunction::OtherResource))]
fn a_condition_on_the_function_matches(
    #[case] value: &str,
    #[case] expected: bool,
    #[case] is_pattern: Result<(), NoFunction>,
    #[values("ArnEquals", "ArnLike")] operator: &str,
) {
    let policy = Document::parse(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"{operator}":{{"{SOURCE_FUNCTION_ARN}":"{value}"}}}}}}}}"#
    ));
    let context = Context::default().with(SOURCE_FUNCTION_ARN, ORDERS);
    let policies = Policies { identity: &[policy.unwrap()], ..Policies::default() };
    let request = Request { action: "s3:GetObject", resource: "arn:aws:s3:::bucket/key", context: &context };
    assert_eq!(evaluate(&policies, &request).is_allowed(), expected);

    let pattern = FunctionPattern::parse(value, &HOME);
    assert_eq!(pattern.as_ref().map(|_| ()).map_err(|error| *error), is_pattern);
    // A bare name, wildcards or not, is an ARN once it is read.
    let matches = pattern.is_ok_and(|pattern| pattern.matches(ORDERS));
    assert_eq!(matches, is_pattern.is_ok() && (expected || !value.starts_with("arn:")));
}

#[rstest]
#[case(HOME, ORDERS)]
#[case(
    Home { partition: "aws-cn", region: "cn-north-1", account: "210987654321" },
    "arn:aws-cn:lambda:cn-north-1:210987654321:function:orders"
)]
fn a_name_is_that_of_a_function_at_home(#[case] home: Home<'_>, #[case] expected: &str) {
    let pattern = FunctionPattern::parse("orders", &home).unwrap();
    assert_eq!(pattern.as_str(), expected);
    assert_eq!(pattern.to_string(), expected);
    assert!(pattern.matches(expected) && pattern.pattern().is_literal() && !pattern.has_wildcard());
}

#[rstest]
#[case::a_bucket("arn:aws:s3:::bucket", NoFunction::OtherResource)]
#[case::a_layer("arn:aws:lambda:us-east-1:123456789012:layer:orders", NoFunction::OtherResource)]
#[case::a_short_arn("arn:aws:lambda:orders", NoFunction::OtherResource)]
#[case::a_partition("arn:AWS:lambda:us-east-1:123456789012:function:f", NoFunction::Impossible(Component::Partition))]
#[case::a_region("arn:aws:lambda:us east:123456789012:function:f", NoFunction::Impossible(Component::Region))]
#[case::no_region("arn:aws:lambda::123456789012:function:f", NoFunction::Impossible(Component::Region))]
#[case::an_account("arn:aws:lambda:us-east-1:me:function:f", NoFunction::Impossible(Component::Account))]
#[case::a_name_in_an_arn("arn:aws:lambda:us-east-1:123456789012:function:a.b", NoFunction::Impossible(Component::Name))]
#[case::no_name("", NoFunction::Impossible(Component::Name))]
#[case::a_qualified_name("orders:prod", NoFunction::Qualified)]
#[case::a_name("a/b", NoFunction::Impossible(Component::Name))]
fn what_no_function_could_match_is_refused(#[case] entry: &str, #[case] expected: NoFunction) {
    assert_eq!(FunctionPattern::parse(entry, &HOME), Err(expected));
}

#[test]
fn a_name_is_as_long_as_lambda_allows() {
    assert!(FunctionPattern::parse(&"a".repeat(NAME_MAX), &HOME).is_ok());
    assert!(FunctionPattern::parse(&"a".repeat(NAME_MAX + 1), &HOME).is_err());
}

#[rstest]
#[case::at_home("arn:aws:lambda:us-east-1:123456789012:function:f", &[])]
#[case::with_wildcards("arn:*:lambda:us-*:12345678901?:function:f", &[])]
#[case::another_region("arn:aws:lambda:eu-*:123456789012:function:f", &[Component::Region])]
#[case::another_account("arn:aws:lambda:us-east-1:210987654321:function:f", &[Component::Account])]
#[case::another_partition("arn:aws-cn:lambda:cn-*:123456789012:function:f", &[Component::Partition, Component::Region])]
fn what_is_not_at_home_is_named(#[case] entry: &str, #[case] expected: &[Component]) {
    assert_eq!(FunctionPattern::parse(entry, &HOME).unwrap().foreign_components(&HOME), expected);
}

#[test]
fn wildcards_are_told_by_component() {
    let pattern = FunctionPattern::parse("arn:aws:lambda:*:123456789012:function:orders?", &HOME).unwrap();
    assert!(pattern.has_wildcard());
    assert_eq!(pattern.component(Component::Name), "orders?");
    let wild = [Component::Partition, Component::Region, Component::Account, Component::Name]
        .map(|component| pattern.has_wildcard_in(component));
    assert_eq!(wild, [false, true, false, true]);
}
