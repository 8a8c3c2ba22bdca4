//! Operators, each with the examples of AWS's page:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use rstest::rstest;

use super::*;

fn context_of(values: &str) -> Context {
    match values {
        "absent" => Context::default(),
        values => Context::default().with_many("aws:Key", values.split('|')),
    }
}

/// `policy` lists the policy's values and `found` those of the request, both with `|` between them.
#[rstest]
#[case("StringEquals", "accounting", "accounting", true)]
#[case("StringEquals", "accounting", "Accounting", false)]
#[case("StringEquals", "acc*", "accounting", false)]
#[case("StringEquals", "a|b", "b", true)]
#[case("StringNotEquals", "a|b", "b", false)]
#[case("StringNotEquals", "a|b", "c", true)]
#[case("StringEqualsIgnoreCase", "Accounting", "accountinG", true)]
#[case("StringNotEqualsIgnoreCase", "Accounting", "accountinG", false)]
#[case("StringLike", "acc?unt*", "accounting", true)]
#[case("StringLike", "data1.example.com/*", "data1.example.com", false)]
#[case("StringNotLike", "acc*", "accounting", false)]
#[case("StringNotLike", "acc*", "sales", true)]
#[case("NumericEquals", "10", "10.0", true)]
#[case("NumericEquals", "0", "-0", true)]
#[case("NumericNotEquals", "10", "9", true)]
#[case("NumericLessThan", "10", "10", false)]
#[case("NumericLessThanEquals", "10", "10", true)]
#[case("NumericGreaterThan", "9.5", "10", true)]
#[case("NumericGreaterThanEquals", "11", "10", false)]
#[case("NumericEquals", "ten", "ten", false)]
#[case("NumericNotEquals", "ten", "10", true)]
#[case("NumericLessThan", "inf", "10", false)]
#[case("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z", true)]
#[case("DateGreaterThan", "2020-01-01", "2020-01-01T00:00:00Z", false)]
#[case("DateGreaterThanEquals", "2020-01-01", "2020-01-01T00:00:00Z", true)]
#[case("DateLessThan", "2020-02", "2020-01-31T23:59Z", true)]
#[case("DateEquals", "2020-01-01T02:00:00+02:00", "2020-01-01T00:00:00Z", true)]
#[case("DateEquals", "1577836800", "2020-01-01T00:00:00Z", true)]
#[case("DateNotEquals", "1577836800", "2020-01-01T00:00:00.5Z", true)]
#[case("DateLessThanEquals", "2020-01-01", "1577836800", true)]
#[case("DateLessThan", "tomorrow", "2020-01-01", false)]
#[case("Bool", "true", "true", true)]
#[case("Bool", "false", "True", false)]
#[case("Bool", "yes", "yes", false)]
#[case("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", true)]
#[case("BinaryEquals", "YWI=", "ywi=", false)]
#[case("BinaryEquals", "not base64", "not base64", false)]
#[case("IpAddress", "203.0.113.0/24", "203.0.113.7", true)]
#[case("IpAddress", "203.0.113.0/24", "203.0.114.7", false)]
#[case("IpAddress", "203.0.113.7", "203.0.113.7", true)]
#[case("IpAddress", "203.0.113.0/24|2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", true)]
#[case("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5679::1", false)]
#[case("IpAddress", "0.0.0.0/0", "2001:db8::1", false)]
#[case("NotIpAddress", "203.0.113.0/24", "203.0.113.7", false)]
#[case("NotIpAddress", "203.0.113.0/24", "2001:db8::1", true)]
#[case("ArnEquals", "arn:aws:sns:*:123456789012:TOPIC-ID", "arn:aws:sns:us-east-1:123456789012:TOPIC-ID", true)]
#[case("ArnLike", "arn:aws:sns:*:TOPIC-ID", "arn:aws:sns:us-east-1:123456789012:TOPIC-ID", false)]
#[case("ArnLike", "arn:aws:lambda:*:*:function:f", "arn:aws:lambda:us-east-1:123456789012:function:F", false)]
#[case("ArnLike", "*", "arn:aws:sns:us-east-1:123456789012:TOPIC-ID", false)]
#[case("ArnNotEquals", "arn:aws:sns:*:*:*", "arn:aws:sns:us-east-1:123456789012:TOPIC-ID", false)]
#[case("ArnNotLike", "arn:aws:sns:*:*:a|arn:aws:sns:*:*:b", "arn:aws:sns:us-east-1:123456789012:c", true)]
fn an_operator_compares_as_aws_says(
    #[case] operator: &str,
    #[case] policy: &str,
    #[case] found: &str,
    #[case] expected: bool,
) {
    let values: Vec<&str> = policy.split('|').collect();
    let conditions = serde_json::json!({operator: {"AWS:key": values}}).to_string();
    assert_eq!(holds(&conditions, &context_of(found)), expected);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[rstest]
#[case::every_value_is_one_of_the_policys("ForAllValues:StringEquals", "a|b", true)]
#[case::a_value_is_none_of_the_policys("ForAllValues:StringEquals", "a|x", false)]
#[case::no_value_at_all("ForAllValues:StringEquals", "absent", true)]
#[case::any_value_is_one("ForAnyValue:StringEquals", "a|x", true)]
#[case::none_is_one("ForAnyValue:StringEquals", "x|y", false)]
#[case::none_to_be_one("ForAnyValue:StringEquals", "absent", false)]
#[case::every_value_is_another("ForAllValues:StringNotEquals", "x|y", true)]
#[case::one_is_not_another("ForAllValues:StringNotEquals", "a|x", false)]
#[case::any_value_is_another("ForAnyValue:StringNotEquals", "a|x", true)]
#[case::none_is_another("ForAnyValue:StringNotEquals", "a|b", false)]
#[case::a_single_value_is_a_set_of_one("ForAllValues:StringEquals", "a", true)]
#[case::if_exists_and_it_does("ForAnyValue:StringEqualsIfExists", "x", false)]
#[case::if_exists_and_it_does_not("ForAnyValue:StringEqualsIfExists", "absent", true)]
#[case::several_values_without_set_operator("StringEquals", "a|b", false)]
#[case::several_values_without_set_operator_negated("StringNotEquals", "x|y", false)]
fn set_operators_look_at_every_value(#[case] operator: &str, #[case] found: &str, #[case] expected: bool) {
    assert_eq!(holds(&format!(r#"{{"{operator}":{{"aws:Key":["a","b"]}}}}"#), &context_of(found)), expected);
}

/// "If the key that you specify in a policy condition is not present in the request context, the values do not match and
/// the condition is false. If the policy condition requires that the key is not matched […] the condition is true."
#[rstest]
fn without_the_key_only_negated_operators_and_if_exists_hold(
    #[values(
        ("StringEquals", false), ("StringNotEquals", true), ("StringEqualsIgnoreCase", false),
        ("StringNotEqualsIgnoreCase", true), ("StringLike", false), ("StringNotLike", true),
        ("NumericEquals", false), ("NumericNotEquals", true), ("NumericLessThan", false),
        ("NumericLessThanEquals", false), ("NumericGreaterThan", false), ("NumericGreaterThanEquals", false),
        ("DateEquals", false), ("DateNotEquals", true), ("DateLessThan", false), ("DateLessThanEquals", false),
        ("DateGreaterThan", false), ("DateGreaterThanEquals", false), ("Bool", false), ("BinaryEquals", false),
        ("IpAddress", false), ("NotIpAddress", true), ("ArnEquals", false), ("ArnLike", false),
        ("ArnNotEquals", true), ("ArnNotLike", true)
    )]
    (operator, expected): (&str, bool),
) {
    let condition = |operator: &str| format!(r#"{{"{operator}":{{"aws:Key":"1"}}}}"#);
    assert_eq!(holds(&condition(operator), &Context::default()), expected);
    assert!(holds(&condition(&format!("{operator}IfExists")), &Context::default()));
    // With the key, the suffix changes nothing: a value that is of no type at all matches no operator.
    let nonsense = context_of("?");
    assert_eq!(holds(&condition(&format!("{operator}IfExists")), &nonsense), holds(&condition(operator), &nonsense));
}

#[rstest]
#[case::must_be_absent_and_is("true", "absent", true)]
#[case::must_be_absent_and_is_not("true", "x", false)]
#[case::must_be_there_and_is("false", "x", true)]
#[case::must_be_there_and_is_not("false", "absent", false)]
fn null_asks_whether_the_key_is_absent(#[case] value: &str, #[case] found: &str, #[case] expected: bool) {
    assert_eq!(holds(&format!(r#"{{"Null":{{"aws:Key":"{value}"}}}}"#), &context_of(found)), expected);
    assert_eq!(holds(&format!(r#"{{"Null":{{"aws:Key":{value}}}}}"#), &context_of(found)), expected);
}

#[test]
fn every_operator_and_every_key_must_hold() {
    let conditions = r#"{"StringEquals":{"aws:A":"1","aws:B":["1","2"]},"Bool":{"aws:C":true}}"#;
    let context = Context::default().with("aws:a", "1").with("aws:b", "2").with("aws:c", "true");
    assert!(holds(conditions, &context));
    for (key, value) in [("aws:A", "2"), ("aws:B", "3"), ("aws:C", "false")] {
        assert!(!holds(conditions, &context.clone().with(key, value)), "{key}");
    }
}

#[test]
fn a_context_knows_no_case_and_no_key_without_values() {
    let context = Context::default().with("aws:Key", "1").with("AWS:KEY", "2").with_many("aws:None", [""; 0]);
    assert_eq!(context.single("aws:key"), Some("2"));
    assert_eq!(context.values("aws:none"), None);
    assert_eq!(context.with_many("aws:key", ["1", "2"]).single("aws:key"), None);
}

#[test]
fn an_operator_that_iam_does_not_know_never_holds() {
    assert!(!holds(r#"{"StringMatches":{"aws:Key":"a"}}"#, &context_of("a")));
}
