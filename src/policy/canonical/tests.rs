//! Tables of what means the same and what does not.

use rstest::rstest;

use super::*;

fn parse(json: &str) -> Document {
    Document::parse(json).unwrap()
}

#[rstest]
#[case::scalar_or_list(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]}"#
)]
#[case::order_of_lists(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["a:B","c:D"],"Resource":["x","y"]}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["c:D","a:B"],"Resource":["y","x"]}}"#
)]
#[case::order_of_statements(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:B","Resource":"*"},{"Effect":"Deny","Action":"c:D","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"c:D","Resource":"*"},{"Effect":"Allow","Action":"a:B","Resource":"*"}]}"#
)]
#[case::case_of_actions_effects_and_keys(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"S3:getobject","Resource":"*","Condition":{"Bool":{"AWS:SecureTransport":"true"}}}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:securetransport":true}}}}"#
)]
#[case::account_id_or_root(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Action":"sts:AssumeRole"}}"#
)]
#[case::everyone(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#
)]
#[case::quoted_numbers_and_empty_sid(
    r#"{"Version":"2012-10-17","Statement":{"Sid":"","Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":10}}}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":["10"]}}}}"#
)]
#[case::zeros_of_a_fraction(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"NumericLessThan":{"a:b":["1.50","-2.0","0.0"]}}}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"NumericLessThan":{"a:b":[1.5,-2,0]}}}}"#
)]
#[case::empty_conditions(
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Bool":{}}}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["a:B","A:b"],"Resource":"*","Condition":{}}}"#
)]
fn rewriting_without_a_change_of_meaning_keeps_equality(#[case] a: &str, #[case] b: &str) {
    assert!(equivalent(&parse(a), &parse(b)));
}

#[rstest]
#[case::another_resource(r#""Action":"a:B","Resource":"x""#, r#""Action":"a:B","Resource":"X""#)]
#[case::not_action(r#""Action":"a:B","Resource":"x""#, r#""NotAction":"a:B","Resource":"x""#)]
#[case::a_condition(
    r#""Action":"a:B","Resource":"x""#,
    r#""Action":"a:B","Resource":"x","Condition":{"Bool":{"k":"true"}}"#
)]
#[case::keys_that_differ_only_in_case(
    r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":"v","K":"w"}}"#,
    r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":["v","w"]}}"#
)]
#[case::zeros_of_a_version_number(
    r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":"1.10"}}"#,
    r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":"1.1"}}"#
)]
#[case::another_operator(
    r#""Action":"a:B","Resource":"x","Condition":{"ArnLike":{"k":"v"}}"#,
    r#""Action":"a:B","Resource":"x","Condition":{"ArnNotLike":{"k":"v"}}"#
)]
#[case::case_of_values(
    r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":"v"}}"#,
    r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":"V"}}"#
)]
#[case::a_literal_plus(r#""Action":"a:B","Resource":"x+y""#, r#""Action":"a:B","Resource":"x y""#)]
#[case::a_dangling_principal(
    r#""Principal":{"AWS":"arn:aws:iam::123456789012:role/r"},"Action":"sts:AssumeRole""#,
    r#""Principal":{"AWS":"AROAEXAMPLEEXAMPLEEX"},"Action":"sts:AssumeRole""#
)]
fn a_change_of_meaning_breaks_equality(#[case] a: &str, #[case] b: &str) {
    let document =
        |body: &str| parse(&format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{body}}}}}"#));
    assert!(!equivalent(&document(a), &document(b)));
}

#[test]
fn a_missing_version_means_the_old_one() {
    let statement = r#""Statement":{"Effect":"Allow","Action":"a:B","Resource":"*"}"#;
    let old = parse(&format!("{{{statement}}}"));
    assert!(equivalent(&old, &parse(&format!(r#"{{"Version":"2008-10-17",{statement}}}"#))));
    assert!(!equivalent(&old, &parse(&format!(r#"{{"Version":"2012-10-17",{statement}}}"#))));
}

#[test]
fn a_new_deny_is_seen_and_an_old_one_is_not_new() {
    let allow = r#"{"Effect":"Allow","Action":"a:B","Resource":"*"}"#;
    let deny = r#"{"Effect":"Deny","Action":"a:C","Resource":"*"}"#;
    let document = |list: &[&str]| parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(",")));
    assert!(adds_deny(&document(&[allow]), &document(&[allow, deny])));
    assert!(!adds_deny(&document(&[deny]), &document(&[allow, deny])));
    assert!(!adds_deny(&document(&[deny]), &document(&[allow])));
}

#[test]
fn a_document_is_no_wider_if_it_only_loses_allows_or_gains_denies() {
    let [a, b] = ["a:B", "a:C"].map(|action| format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#));
    let deny = r#"{"Effect":"Deny","Action":"a:D","Resource":"*"}"#;
    let document = |list: &[&str]| parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(",")));
    assert!(is_no_wider(&document(&[&a, &b]), &document(&[&a])));
    assert!(is_no_wider(&document(&[&a]), &document(&[&a, deny])));
    assert!(!is_no_wider(&document(&[&a]), &document(&[&b])));
    assert!(!is_no_wider(&document(&[&a, deny]), &document(&[&a])));
    let named = a.replace('{', r#"{"Sid":"Named","#);
    assert!(is_no_wider(&document(&[&a]), &document(&[&named])));
}
