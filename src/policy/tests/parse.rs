//! What is read as a document, and how it is printed.

use rstest::rstest;

use super::*;
use crate::policy::document::{Effect, Matching, Principal};

const STATEMENT: &str = r#""Effect":"Allow","Action":"a:B","Resource":"*""#;

#[rstest]
#[case::no_object("[]", "$: must be an object")]
#[case::no_json("{", "$: is not JSON: EOF while parsing an object at line 1 column 1")]
#[case::more_than_a_document(r#"{"Statement":[]} x"#, "$: is not JSON: trailing characters at line 1 column 18")]
#[case::unknown_element(r#"{"Statements":[]}"#, "Statements: is no element of a policy document")]
#[case::version(r#"{"Version":"2020-01-01","Statement":[]}"#, "Version: must be 2012-10-17 or 2008-10-17")]
#[case::version_twice(
    r#"{"Version":"2012-10-17","Version":"2008-10-17","Statement":[]}"#,
    "Version: is there twice: an object names each of its members once"
)]
#[case::id(r#"{"Id":1,"Statement":{"Effect":"Allow","Action":"a:B"}}"#, "Id: must be a string")]
#[case::no_statement("{}", "Statement: is missing")]
#[case::no_statements(r#"{"Statement":[]}"#, "Statement: is empty: a document needs a statement")]
#[case::statement_is_text(r#"{"Statement":"x"}"#, "Statement: must be an object")]
fn a_fault_of_a_document_is_named_with_its_path(#[case] json: &str, #[case] message: &str) {
    assert_eq!(Document::parse(json).unwrap_err().to_string(), message);
}

#[rstest]
#[case::effect(r#""Effect":"Maybe""#, "Effect: must be Allow or Deny")]
#[case::no_action(r#""Effect":"Allow""#, "Action: is missing: a statement needs Action or NotAction")]
#[case::action_and_not_action(
    r#""Effect":"Allow","Action":"a:B","NotAction":"a:C""#,
    "NotAction: excludes Action in the same statement: keep one"
)]
#[case::resource_and_not_resource(
    r#""Effect":"Allow","Action":"a:B","Resource":"*","NotResource":"*""#,
    "NotResource: excludes Resource in the same statement: keep one"
)]
#[case::no_actions(r#""Effect":"Allow","Action":[]"#, "Action: is an empty list, which IAM refuses")]
#[case::no_resources(
    r#""Effect":"Allow","Action":"a:B","NotResource":[]"#,
    "NotResource: is an empty list, which IAM refuses"
)]
#[case::a_number(r#""Effect":"Allow","Action":["a:B",1]"#, "Action[1]: must be a string or a list of strings")]
#[case::nobody(r#""Effect":"Allow","Action":"a:B","Principal":{}"#, "Principal: names nobody")]
#[case::no_accounts(
    r#""Effect":"Allow","Action":"a:B","Principal":{"AWS":[]}"#,
    "Principal.AWS: is an empty list, which IAM refuses"
)]
#[case::a_principal_without_its_kind(
    r#""Effect":"Allow","Action":"a:B","Principal":"123456789012""#,
    "Principal: must be \"*\" or an object of principals by kind"
)]
#[case::unknown_element(r#""Effect":"Allow","Actions":"a:B""#, "Actions: is no element of a statement")]
#[case::an_id(r#""Effect":"Allow","Action":"a:B","Id":"x""#, "Id: is no element of a statement")]
#[case::sid(r#""Sid":{},"Effect":"Allow","Action":"a:B""#, "Sid: must be a string")]
#[case::action_twice(
    r#""Effect":"Allow","Action":"a:B","Action":"a:C""#,
    "Action: is there twice: an object names each of its members once"
)]
#[case::operator_twice(
    r#""Effect":"Allow","Action":"a:B","Condition":{"Bool":{"a:k":true},"Bool":{"a:l":true}}"#,
    "Condition.Bool: is there twice: an object names each of its members once"
)]
#[case::key_twice(
    r#""Effect":"Allow","Action":"a:B","Condition":{"Bool":{"a:k":true,"\u0061:k":false}}"#,
    "Condition.Bool.a:k: is there twice: an object names each of its members once"
)]
#[case::a_list_of_conditions(r#""Effect":"Allow","Action":"a:B","Condition":[]"#, "Condition: must be an object")]
#[case::a_value(
    r#""Effect":"Allow","Action":"a:B","Condition":{"Bool":{"a:k":["x",{}]}}"#,
    "Condition.Bool.a:k[1]: must be a string, a number, a boolean or a list of them"
)]
#[case::a_number_that_loses_digits(
    r#""Effect":"Allow","Action":"a:B","Condition":{"NumericEquals":{"a:k":123456789012345678901}}"#,
    "Condition.NumericEquals.a:k: is a number of more digits than JSON's readers keep: write it as a string"
)]
fn a_fault_of_a_statement_is_named_with_its_path(#[case] body: &str, #[case] message: &str) {
    let single = format!(r#"{{"Statement":{{{body}}}}}"#);
    assert_eq!(Document::parse(&single).unwrap_err().to_string(), format!("Statement.{message}"));
    let second = format!(r#"{{"Statement":[{{{STATEMENT}}},{{{body}}}]}}"#);
    assert_eq!(Document::parse(&second).unwrap_err().to_string(), format!("Statement[1].{message}"));
}

#[test]
fn every_element_is_read() {
    let json = r#"{"Id":"old","Statement":{"Sid":"","Effect":"deny","NotPrincipal":{"AWS":["AROAEXAMPLEEXAMPLEEX",
        "123456789012","arn:aws:iam::123456789012:root"],"CanonicalUser":"79a5"},"NotAction":"sts:AssumeRole",
        "NotResource":["*"],"Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"s3:max-keys":[10,1.5,-3]},
        "StringLike":{},"StringEquals":{"aws:PrincipalTag/a":[]}}}}"#;
    let Document { version, id, statements } = Document::parse(json).unwrap();
    assert_eq!((version.as_str(), id.as_deref()), ("2008-10-17", Some("old")));
    let [Statement { sid, effect, principal, not_principal, actions, resources, conditions }] = statements.as_slice()
    else {
        panic!("{statements:?}")
    };
    assert_eq!((sid, effect, principal), (&None, &Effect::Deny, &None));
    assert!(matches!(not_principal, Some(Principal::Listed(kinds)) if kinds["AWS"].len() == 3 && kinds.len() == 2));
    assert_eq!(actions, &Matching::NotIn(vec!["sts:AssumeRole".to_owned()]));
    assert_eq!(resources, &Some(Matching::NotIn(vec!["*".to_owned()])));
    assert_eq!(conditions["Bool"]["aws:SecureTransport"], ["false"]);
    assert_eq!(conditions["NumericLessThan"]["s3:max-keys"], ["10", "1.5", "-3"]);
    assert_eq!((conditions["StringLike"].len(), conditions["StringEquals"]["aws:PrincipalTag/a"].len()), (0, 0));
}

#[test]
fn members_are_printed_in_one_order_without_blanks_and_counted_in_characters() {
    let json = r#"{ "Statement": [{"Resource": ["*"], "Action": "a:B", "Effect": "Allow", "Sid": "S",
        "Condition": {"StringEquals": {"a:k": ["ü \" x"]}}}], "Id": "i", "Version": "2012-10-17" }"#;
    let printed = r#"{"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"S","Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"StringEquals":{"a:k":"ü \" x"}}}]}"#;
    let document = Document::parse(json).unwrap();
    assert_eq!(document.to_string(), printed);
    assert_eq!(document.characters(), printed.len() - 1, "ü is one character and two bytes");
}
