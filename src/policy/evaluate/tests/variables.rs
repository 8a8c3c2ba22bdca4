//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use rstest::rstest;

use super::*;

fn bucket(version: &str, resource: &str) -> Document {
    document(&format!(
        r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"{resource}"}}}}"#
    ))
}

#[rstest]
#[case::the_value_of_a_key("b/${aws:username}/*", "b/alice/x", true)]
#[case::of_that_key_alone("b/${aws:username}/*", "b/bob/x", false)]
#[case::case_does_not_count_in_its_name("b/${AWS:UserName}", "b/alice", true)]
#[case::a_default_for_a_key_that_is_there("b-${aws:username, 'company-wide'}", "b-alice", true)]
#[case::a_default_for_one_that_is_not("b-${aws:PrincipalTag/team, 'company-wide'}", "b-company-wide", true)]
#[case::a_default_without_blank("b-${aws:PrincipalTag/team,'a, b'}", "b-a, b", true)]
#[case::a_default_without_quotes("b-${aws:PrincipalTag/team, everyone}", "b-everyone", false)]
#[case::no_value("b/${aws:PrincipalTag/team}", "b/", false)]
#[case::no_value_matches_not_even_itself("b/${aws:PrincipalTag/team}", "b/${aws:PrincipalTag/team}", false)]
#[case::several_values("b/${aws:TagKeys}", "b/a", false)]
#[case::a_star("b/${*}", "b/*", true)]
#[case::a_star_is_no_wildcard("b/${*}", "b/x", false)]
#[case::a_question_mark("b/${?}", "b/?", true)]
#[case::a_question_mark_is_no_wildcard("b/${?}", "b/x", false)]
#[case::a_dollar("b/${$}{aws:username}", "b/${aws:username}", true)]
#[case::a_value_is_no_pattern("b/${aws:PrincipalTag/wild}", "b/x", false)]
#[case::a_value_is_itself("b/${aws:PrincipalTag/wild}", "b/*", true)]
#[case::a_value_is_not_expanded_again("b/${aws:PrincipalTag/nested}", "b/alice", false)]
#[case::without_an_end("b/${aws:username", "b/${aws:username", true)]
fn a_variable_in_a_resource_stands_for(#[case] resource: &str, #[case] requested: &str, #[case] expected: bool) {
    let context = Context::default()
        .with("aws:username", "alice")
        .with("aws:PrincipalTag/wild", "*")
        .with("aws:PrincipalTag/nested", "${aws:username}")
        .with_many("aws:TagKeys", ["a", "b"]);
    let arn = |name: &str| format!("arn:aws:s3:::{name}");
    let policy = bucket("2012-10-17", &arn(resource));
    assert_eq!(allows(&policy, "s3:GetObject", &arn(requested), &context), expected);
}

#[test]
fn documents_of_the_old_version_have_no_variables() {
    let context = Context::default().with("aws:username", "alice");
    let policy = bucket("2008-10-17", "arn:aws:s3:::b/${aws:username}");
    assert!(!allows(&policy, "s3:GetObject", "arn:aws:s3:::b/alice", &context));
    assert!(allows(&policy, "s3:GetObject", "arn:aws:s3:::b/${aws:username}", &context));
}

/// "Inverted condition operators like `StringNotEquals` or `StringNotLike` do match against a null value."
#[rstest]
#[case::equal("StringEquals", "${aws:PrincipalTag/team}", "yellow", true)]
#[case::not_equal("StringEquals", "${aws:PrincipalTag/team}", "blue", false)]
#[case::of_no_value("StringEquals", "${aws:PrincipalTag/none}", "yellow", false)]
#[case::not_of_no_value("StringNotEquals", "${aws:PrincipalTag/none}", "yellow", true)]
#[case::ignoring_case("StringEqualsIgnoreCase", "${aws:PrincipalTag/team}", "YELLOW", true)]
#[case::like("StringLike", "${aws:PrincipalTag/team}-*", "yellow-1", true)]
#[case::a_star_in_an_exact_text("StringEquals", "${*}*", "**", true)]
#[case::arn("ArnLike", "arn:aws:sns:*:*:${aws:PrincipalTag/team}", "arn:aws:sns:us-east-1:1:yellow", true)]
#[case::arn_of_no_value("ArnNotLike", "arn:aws:sns:*:*:${aws:PrincipalTag/none}", "arn:aws:sns:us-east-1:1:x", true)]
#[case::not_in_other_operators("NumericEquals", "${aws:PrincipalTag/level}", "3", false)]
fn a_variable_in_a_condition_stands_for(
    #[case] operator: &str,
    #[case] value: &str,
    #[case] found: &str,
    #[case] expected: bool,
) {
    let context = Context::default()
        .with("aws:ResourceTag/team", found)
        .with("aws:PrincipalTag/team", "yellow")
        .with("aws:PrincipalTag/level", "3");
    assert_eq!(holds(&format!(r#"{{"{operator}":{{"aws:ResourceTag/team":"{value}"}}}}"#), &context), expected);
}
