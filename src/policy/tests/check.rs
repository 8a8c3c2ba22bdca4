//! What IAM and Organizations refuse, by kind of policy.

use proptest::prelude::*;
use rstest::rstest;

use super::{generate::document, *};
use crate::policy::check::{Kind, faults};

/// The faults of a document with one statement.
fn found(kind: Kind, body: &str) -> Vec<String> {
    let document = Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{body}}}}}"#));
    faults(&document.unwrap(), kind).iter().map(ToString::to_string).collect()
}

#[rstest]
#[case::sid(
    r#""Sid":"a-b","Action":"a:B","Resource":"*""#,
    "Sid: is a-b: a sid consists of the letters A to Z and a to z and digits"
)]
#[case::principal(
    r#""Principal":"*","Action":"a:B","Resource":"*""#,
    "Principal: belongs to trust policies only: the policy holds for whom it is attached to"
)]
#[case::not_principal(
    r#""NotPrincipal":{"AWS":"*"},"Action":"a:B","Resource":"*""#,
    "NotPrincipal: is taken in no policy of this kind: leave it out"
)]
#[case::no_resource(r#""Action":"a:B""#, "Resource: is missing: a statement needs Resource or NotResource")]
#[case::action_without_service(
    r#""Action":["a:B","GetObject"],"Resource":"*""#,
    "Action[1]: is GetObject: an action is * or service:Action with one colon, for example s3:GetObject"
)]
#[case::action_of_two_colons(
    r#""NotAction":"a:B:C","Resource":"*""#,
    "NotAction: is a:B:C: an action is * or service:Action with one colon, for example s3:GetObject"
)]
#[case::wildcard_of_services(
    r#""Action":"s*:Get","Resource":"*""#,
    "Action: is s*:Get: an action is * or service:Action with one colon, for example s3:GetObject"
)]
#[case::no_arn(
    r#""Action":"a:B","Resource":"bucket""#,
    "Resource: is bucket: a resource is * or an ARN, for example arn:aws:s3:::bucket/*"
)]
#[case::arn_without_service(
    r#""Action":"a:B","NotResource":["*","arn:aws::::bucket"]"#,
    "NotResource[1]: is arn:aws::::bucket: a resource is * or an ARN, for example arn:aws:s3:::bucket/*"
)]
#[case::resource_of_any_service(
    r#""Action":"a:B","Resource":"arn:aws:s*:::bucket""#,
    "Resource: is arn:aws:s*:::bucket: no wildcard stands for the service of an ARN: name it, or write * for every resource"
)]
#[case::beyond_latin_1(
    r#""Action":"a:B","Resource":"arn:aws:s3:::b/\u2013""#,
    "Resource: holds '–' (U+2013): IAM takes Latin-1 characters only"
)]
#[case::control_character(
    r#""Action":"a:B","Resource":"*","Condition":{"StringEquals":{"a:k":["x","\u0007"]}}"#,
    "Condition.StringEquals.a:k[1]: holds '\\u{7}' (U+0007): IAM takes Latin-1 characters only"
)]
#[case::operator(
    r#""Action":"a:B","Resource":"*","Condition":{"StringMatches":{"a:k":"v"}}"#,
    "Condition.StringMatches: is no condition operator"
)]
#[case::null_if_exists(
    r#""Action":"a:B","Resource":"*","Condition":{"NullIfExists":{"a:k":"true"}}"#,
    "Condition.NullIfExists: is no condition operator"
)]
#[case::key_without_service(
    r#""Action":"a:B","Resource":"*","Condition":{"Bool":{"SecureTransport":"true"}}"#,
    "Condition.Bool.SecureTransport: is no condition key: one is service:key, for example aws:SourceVpc"
)]
#[case::keys_that_differ_only_in_case(
    r#""Action":"a:B","Resource":"*","Condition":{"Bool":{"AWS:k":"true","aws:K":"true"}}"#,
    "Condition.Bool.aws:K: differs from another key only in case, which IAM does not tell apart"
)]
fn identity_and_service_control_policies_are_refused(#[case] body: &str, #[case] fault: &str) {
    for kind in [Kind::Identity, Kind::ServiceControl] {
        assert_eq!(found(kind, body), [format!("Statement[0].{fault}")]);
    }
}

#[rstest]
#[case::no_principal(
    r#""Action":"sts:AssumeRole""#,
    "Principal: is missing: a trust policy says who may assume the role"
)]
#[case::not_principal(
    r#""Principal":"*","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole""#,
    "NotPrincipal: is taken in no policy of this kind: name those who are trusted in Principal"
)]
#[case::kind_of_principal(
    r#""Principal":{"Role":"r"},"Action":"sts:AssumeRole""#,
    "Principal.Role: is no kind of principal: there are AWS, CanonicalUser, Federated, Service"
)]
#[case::part_of_a_principal(
    r#""Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/*"]},"Action":"sts:AssumeRole""#,
    "Principal.AWS[1]: is arn:aws:iam::111122223333:role/*: a wildcard stands for no part of a principal"
)]
#[case::empty_principal(r#""Principal":{"Service":""},"Action":"sts:AssumeRole""#, "Principal.Service: is empty")]
#[case::resource(
    r#""Principal":"*","Action":"sts:AssumeRole","Resource":"*""#,
    "Resource: is taken in no trust policy, whose resource is the role itself: leave it out"
)]
#[case::action_of_another_service(
    r#""Principal":"*","Action":["STS:assumerole","s3:GetObject"]"#,
    "Action[1]: is s3:GetObject: a trust policy takes sts: actions, for example sts:AssumeRole"
)]
#[case::any_action(
    r#""Principal":"*","Action":"*""#,
    "Action: is *: a trust policy takes sts: actions, for example sts:AssumeRole"
)]
#[case::not_action(
    r#""Principal":"*","NotAction":"sts:TagSession""#,
    "NotAction: is about more than STS: list the sts: actions in Action"
)]
fn trust_policies_are_refused(#[case] body: &str, #[case] fault: &str) {
    assert_eq!(found(Kind::Trust, body), [format!("Statement[0].{fault}")]);
}

#[test]
fn every_fault_of_a_document_is_found() {
    let json = r#"{"Id":"x","Statement":[{"Sid":"A","Effect":"Allow","Action":"a","Resource":"b"},
        {"Sid":"A","Effect":"Deny","Action":"a:B"}]}"#;
    let document = Document::parse(json).unwrap();
    let paths = |kind| faults(&document, kind).into_iter().map(|fault| fault.path).collect::<Vec<_>>();
    let statements = ["Statement[0].Action", "Statement[0].Resource", "Statement[1].Sid", "Statement[1].Resource"];
    assert_eq!(paths(Kind::Identity), [&["Version", "Id"], &statements[..]].concat());
    assert!(!paths(Kind::Trust).contains(&"Id".to_owned()));
    let empty = faults(&Document::new(Vec::new()), Kind::Identity);
    assert_eq!(empty[0].to_string(), "Statement: is empty: a document needs a statement");
}

proptest! {
    #[test]
    fn what_aws_takes_has_no_fault(
        (kind, document) in prop::sample::select(vec![Kind::Identity, Kind::Trust, Kind::ServiceControl])
            .prop_flat_map(|kind| (Just(kind), document(kind)))
    ) {
        prop_assert_eq!(faults(&document, kind), []);
    }
}
