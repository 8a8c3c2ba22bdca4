use rstest::rstest;

use super::*;

const ARCHIVE: &str = "arn:aws:s3:::archive/*";

#[test]
fn a_statement_that_says_the_same_is_told_once() {
    let found = findings([
        allow("s3:GetObject s3:PutObject", ARCHIVE),
        allow("s3:putobject S3:GetObject s3:GetObject", ARCHIVE),
    ]);
    assert_eq!(told(&found), ["Warning DuplicateStatement spec.statements[1]"]);
    assert!(text_of(&found, Code::DuplicateStatement).contains("says the same as spec.statements[0]"));
}

#[rstest]
#[case::a_wider_action(allow("s3:Get*", ARCHIVE), true)]
#[case::a_wider_resource(allow("s3:GetObject", "arn:aws:s3:::*"), true)]
#[case::all_but_others(allow("s3:Put*", ARCHIVE).all_but_these_actions().ignoring(Code::WildcardAction), true)]
#[case::all_but_this(allow("s3:Get*", ARCHIVE).all_but_these_actions().ignoring(Code::WildcardAction), false)]
#[case::another_bucket(allow("s3:Get*", "arn:aws:s3:::others/*"), false)]
#[case::under_a_condition(allow("s3:Get*", ARCHIVE).when("Bool", "aws:SecureTransport", "true"), false)]
#[case::made_by_us(allow("s3:*", "*").from(Source::Generated), true)]
fn a_statement_within_another_is_redundant(#[case] other: Located, #[case] expected: bool) {
    let found = findings([other, allow("s3:GetObject", ARCHIVE)]);
    let codes: Vec<Code> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, Vec::from_iter(expected.then_some(Code::RedundantStatement)), "{found:#?}");
}

#[test]
fn conditions_are_compared_by_what_they_let_through() {
    let vpc = |values: &str| allow("s3:GetObject", ARCHIVE).when("StringEquals", "aws:SourceVpc", values);
    let found = findings([vpc("vpc-1 vpc-2"), vpc("vpc-1")]);
    assert_eq!(told(&found), ["Warning RedundantStatement spec.statements[1]"]);
    let no_vpc = |values: &str| deny("s3:GetObject", ARCHIVE).when("StringNotEquals", "aws:SourceVpc", values);
    let found = findings([no_vpc("vpc-1 vpc-2"), no_vpc("vpc-1")]);
    assert_eq!(told(&found), ["Warning RedundantStatement spec.statements[0]"]);
    assert_eq!(findings([vpc("vpc-1"), vpc("vpc-2")]), []);
}

#[test]
fn others_may_cover_a_statement_together_and_are_then_kept() {
    let found = findings([
        allow("s3:GetObject", ARCHIVE),
        allow("s3:PutObject", ARCHIVE),
        allow("s3:GetObject s3:PutObject", ARCHIVE),
    ]);
    assert_eq!(told(&found), ["Warning RedundantStatement spec.statements[2]"]);
    let found = findings([
        allow("s3:GetObject s3:PutObject", ARCHIVE),
        allow("s3:GetObject", ARCHIVE),
        allow("s3:PutObject", ARCHIVE),
    ]);
    assert_eq!(
        told(&found),
        ["Warning RedundantStatement spec.statements[1]", "Warning RedundantStatement spec.statements[2]"]
    );
}

#[test]
fn covering_goes_by_pairs_of_action_and_resource() {
    let found = findings([
        allow("s3:GetObject", "arn:aws:s3:::a/*"),
        allow("s3:PutObject", "arn:aws:s3:::b/*"),
        allow("s3:GetObject s3:PutObject", "arn:aws:s3:::a/* arn:aws:s3:::b/*"),
    ]);
    assert_eq!(
        told(&found),
        ["Warning RedundantStatement spec.statements[0]", "Warning RedundantStatement spec.statements[1]"]
    );
}

#[rstest]
#[case::the_same_unscoped(allow("s3:GetObject", ARCHIVE), Some(Code::ScopeWithoutEffect))]
#[case::a_wider_one(allow("s3:Get*", "arn:aws:s3:::*"), Some(Code::ScopeWithoutEffect))]
#[case::another_bucket(allow("s3:GetObject", "arn:aws:s3:::others/*"), None)]
#[case::the_same_scoped(allow("s3:GetObject", ARCHIVE).scoped_to(ORDERS), Some(Code::DuplicateStatement))]
#[case::a_denial(deny("s3:PutObject", ARCHIVE), None)]
fn a_scope_that_another_statement_lifts_has_no_effect(#[case] other: Located, #[case] expected: Option<Code>) {
    let found = findings([other, allow("s3:GetObject", ARCHIVE).scoped_to(ORDERS)]);
    let codes: Vec<Code> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, Vec::from_iter(expected), "{found:#?}");
}

#[rstest]
#[case::the_whole(deny("s3:*", "arn:aws:s3:::*"), true)]
#[case::a_part(deny("s3:*", "arn:aws:s3:::archive/secret/*"), false)]
#[case::sometimes(deny("s3:*", "arn:aws:s3:::*").when("Bool", "aws:SecureTransport", "false"), false)]
fn what_is_denied_wholly_is_allowed_in_vain(#[case] other: Located, #[case] expected: bool) {
    let found = findings([allow("s3:GetObject", ARCHIVE), other]);
    assert_eq!(severity_of(&found, Code::DeniedStatement), expected.then_some(Severity::Warning), "{found:#?}");
}
