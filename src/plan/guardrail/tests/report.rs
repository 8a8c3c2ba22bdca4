//! What is told, of the spec's fields and of the final documents.

use std::fmt::Write;

use super::{Role, allow, allow_one, of_statements};

#[test]
fn what_a_field_was_refused_for_is_not_told_of_the_document_again() {
    let mut role = Role::allowed(&format!("{}, {}", allow_one("iam:PassRole", "*"), allow_one("IAM:GetRole", "*")));
    let merged = of_statements(&allow(r#"["iam:passrole", "iam:GetRole", "s3:GetObject"]"#, r#""*""#));
    role.inline_policies.insert("lambdaroles".to_owned(), merged);
    let paths: Vec<String> = role.broken("{}").into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["spec.statements[0].actions[0]", "spec.statements[1].actions[0]"]);
}

#[test]
fn what_was_added_to_a_document_is_told_of_it() {
    let mut role = Role::allowed(&allow_one("iam:PassRole", "arn:aws:iam::111122223333:role/x"));
    let added = of_statements(&format!(
        "{}, {}",
        allow_one("s3:GetObject", "*"),
        allow(
            r#"["s3:GetObject", "iam:PassRole"]"#,
            r#"["arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:role/y"]"#
        )
    ));
    role.inline_policies.insert("console".to_owned(), added);
    let paths: Vec<String> = role.broken("{}").into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["spec.statements[0].actions[0]", "inline policy console, Statement[1].Action[1]"]);
}

#[test]
fn negated_statements_are_told_once_however_they_were_merged() {
    let negated = |resources: &str| format!(r#"{{"Effect": "Allow", "NotAction": "s3:*", "Resource": {resources}}}"#);
    let mut role = Role::allowed(&format!("{}, {}", negated(r#""arn:aws:s3:::a""#), negated(r#""arn:aws:s3:::b""#)));
    let merged = of_statements(&negated(r#"["arn:aws:s3:::a", "arn:aws:s3:::b"]"#));
    role.inline_policies.insert("lambdaroles".to_owned(), merged);
    assert_eq!(role.broken("permissions: {allowed: []}").len(), 2);
}

#[test]
fn the_order_is_the_specs() {
    let mut role = Role::allowed(&allow_one("iam:PassRole", "*"));
    role.boundary = Some("arn:aws:iam::111122223333:policy/x".to_owned());
    role.managed_policies = Role::attaching("arn:aws:iam::aws:policy/X", Err("gone".to_owned())).managed_policies;
    let trusting = Role::trusting(r#"{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}"#);
    role.trust = trusting.trust;
    role.trust_policy = trusting.trust_policy;
    let rules = "{tags: {required: [team]}, permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/b'}}";
    let paths: Vec<String> = role.broken(rules).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "spec.tags",
            "spec.permissionsBoundary.arn",
            "spec.trust.statements[0].principals",
            "spec.managedPolicies[0]",
            "spec.statements[0].actions[0]"
        ]
    );
}

#[test]
fn of_thousands_of_violations_fifty_are_told_and_the_rest_counted() {
    let mut actions = String::new();
    for number in 0..2_000 {
        write!(actions, "{}\"iam:A{number}\"", if number == 0 { "" } else { ", " }).unwrap();
    }
    let told = Role::allowed(&allow(&format!("[{actions}]"), r#""*""#)).told("{}");
    assert_eq!(told.len(), 51);
    assert_eq!(told[50], "spec: is refused for all that and 1950 more (spec.guardrails). Mend these first");
}

/// Large rules whose patterns have no beginning in common with anything, and a spec at the quota of IAM: about the worst
/// that anybody can make the controller look at.
#[test]
fn a_large_class_and_the_largest_document_are_judged_in_no_time() {
    let list = |count: usize, text: &dyn Fn(usize) -> String| {
        (0..count).map(|index| format!("{:?}", text(index))).collect::<Vec<_>>().join(", ")
    };
    let actions = list(20, &|index| format!("s3:*a{index}*b*"));
    let resources = list(20, &|index| format!("arn:aws:s3:::*a{index}*b*"));
    let rule = format!("{{actions: [{actions}], resources: [{resources}]}}");
    let rules = vec![rule; 25].join(", ");
    let rules = format!("permissions: {{allowed: [{rules}], denied: [{rules}], exempted: [{rules}]}}");
    let statement = allow(
        &format!("[{}]", list(300, &|index| format!("s3:*x{index}"))),
        &format!("[{}]", list(150, &|index| format!("arn:aws:s3:::b*{index}"))),
    );
    assert_eq!(Role::allowed(&statement).told(&rules).len(), 51);
}
