//! What differs between two documents, told by actions.

use proptest::prelude::*;
use rstest::rstest;

use super::{Document, generate};
use crate::policy::{
    change::{ActionChanges, Changes},
    check::Kind,
};

fn document(statements: &str) -> Document {
    Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn allow(actions: &str, resources: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":{resources}}}"#)
}

fn changes(old: &str, new: &str) -> ActionChanges {
    ActionChanges::between(&document(old), &document(new))
}

/// Added, removed and changed, a clause each.
fn told(changes: &Changes) -> Vec<String> {
    let clause =
        |word, list: &Vec<String>| list.iter().map(move |action| format!("{word} {action}")).collect::<Vec<_>>();
    [clause("added", &changes.added), clause("removed", &changes.removed), clause("changed", &changes.changed)].concat()
}

#[rstest]
#[case::a_new_action(r#"["a:X"]"#, r#"["a:X","a:Y"]"#, &["added a:Y"])]
#[case::an_old_action(r#"["a:X","b:Y"]"#, r#"["a:X"]"#, &["removed b:Y"])]
#[case::another_case(r#"["a:doit"]"#, r#"["A:DoIt"]"#, &[])]
#[case::a_wildcard_for_what_it_contains(r#"["a:GetX","a:GetY"]"#, r#"["a:Get*"]"#, &["added a:Get*"])]
#[case::some_of_a_wildcard(r#"["a:Get*"]"#, r#"["a:GetX"]"#, &["removed a:Get*"])]
#[case::a_wildcard_for_all(r#"["a:GetX"]"#, r#"["*"]"#, &["added *"])]
#[case::a_wildcard_in_the_service(r#"["ec2:Run"]"#, r#"["ec*:Run"]"#, &["added ec*:Run"])]
#[case::what_all_contains(r#"["*"]"#, r#"["*","a:X"]"#, &[])]
#[case::services_that_begin_alike(r#"["s3:Get"]"#, r#"["s3tables:Get"]"#, &["added s3tables:Get", "removed s3:Get"])]
fn actions_are_told_by_what_the_other_document_contains(
    #[case] old: &str,
    #[case] new: &str,
    #[case] expected: &[&str],
) {
    let changes = changes(&allow(old, "\"*\""), &allow(new, "\"*\""));
    assert_eq!(told(&changes.allowed), expected);
    assert_eq!(changes.denied, Changes::default());
}

#[test]
fn other_resources_and_other_conditions_are_a_change_of_the_action() {
    let (all, one) = (allow(r#""a:X""#, "\"*\""), allow(r#""a:X""#, "\"arn:aws:a:::one\""));
    assert_eq!(told(&changes(&one, &all).allowed), ["changed a:X"]);
    let conditional =
        r#"{"Effect":"Allow","Action":"a:X","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#;
    assert_eq!(told(&changes(&all, conditional).allowed), ["changed a:X"]);
    let other_case = conditional.replace("aws:SecureTransport", "AWS:securetransport");
    assert!(changes(conditional, &other_case).is_empty());
}

#[test]
fn a_statement_of_two_resources_is_two_statements_of_one() {
    let both = allow(r#""a:X""#, r#"["arn:aws:a:::one","arn:aws:a:::two"]"#);
    let each = ["one", "two"].map(|name| allow(r#""a:X""#, &format!("\"arn:aws:a:::{name}\""))).join(",");
    assert!(changes(&both, &each).is_empty());
}

#[test]
fn what_is_denied_is_told_apart() {
    let deny = r#"{"Effect":"Deny","Action":"a:Y","Resource":"*"}"#;
    let changes = changes(&allow(r#""a:*""#, "\"*\""), &[allow(r#""a:*""#, "\"*\""), deny.to_owned()].join(","));
    assert_eq!((told(&changes.allowed), told(&changes.denied)), (vec![], vec!["added a:Y".to_owned()]));
}

#[test]
fn a_list_of_exceptions_is_told_as_one() {
    let all_but = |list: &str| format!(r#"{{"Effect":"Allow","NotAction":{list},"Resource":"*"}}"#);
    let narrower = changes(&all_but(r#"["iam:*"]"#), &all_but(r#"["iam:*","sts:*"]"#));
    assert_eq!(told(&narrower.allowed), ["removed everything but iam:*"]);
    let wider = changes(&all_but(r#"["iam:*","sts:*"]"#), &all_but(r#"["iam:*"]"#));
    assert_eq!(told(&wider.allowed), ["added everything but iam:*"]);
    let listed = changes(&allow(r#"["s3:Get","iam:Get"]"#, "\"*\""), &all_but(r#"["iam:*"]"#));
    assert_eq!(told(&listed.allowed), ["added everything but iam:*", "removed iam:Get"]);
    assert_eq!(told(&changes(&all_but(r#"["iam:*"]"#), &allow(r#""*""#, "\"*\"")).allowed), ["added *"]);
}

proptest! {
    /// Documents that mean the same differ in nothing, and what one adds the other removes.
    #[test]
    fn changes_are_none_of_a_document_to_itself_and_mirrored_backwards(old in generate::document(Kind::Identity), new in generate::document(Kind::Identity)) {
        prop_assert!(ActionChanges::between(&old, &old).is_empty());
        let (there, back) = (ActionChanges::between(&old, &new), ActionChanges::between(&new, &old));
        for (there, back) in [(there.allowed, back.allowed), (there.denied, back.denied)] {
            prop_assert_eq!(lower(&there.added), lower(&back.removed));
            prop_assert_eq!(lower(&there.removed), lower(&back.added));
            prop_assert_eq!(lower(&there.changed), lower(&back.changed));
        }
    }
}

fn lower(list: &[String]) -> Vec<String> {
    list.iter().map(|action| action.to_ascii_lowercase()).collect()
}
