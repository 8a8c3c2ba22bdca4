//! Inline policies that a spec gives as documents, and the size of all of them together.

use rstest::rstest;

use super::{desired, faults, judged};
use crate::{lint::Code, policy::canonical::equivalent};

const STATEMENT: &str = r#"{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::$(accountId)/*"}"#;

fn policy(document: &str) -> String {
    format!("inlinePolicies: [{{name: legacy, document: {document}}}]")
}

#[test]
fn an_object_and_its_text_are_the_same_document_and_placeholders_hold_in_both() {
    let object = desired(&policy(&format!("{{Version: '2012-10-17', Statement: {STATEMENT}}}")));
    let text = desired(&policy(
        r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::$(accountId)/*"}]}'"#,
    ));
    let [object, text] = [object, text].map(|role| role.inline_policies["legacy"].clone());
    assert!(equivalent(&object, &text));
    assert!(object.to_string().contains("arn:aws:s3:::111122223333/*"), "{object}");
}

#[test]
fn a_raw_document_is_never_scoped_and_stands_beside_the_role_s_own() {
    let yaml = format!(
        "{{sourceFunctionArns: [orders], {}, statements: [{{effect: Allow, actions: ['s3:PutObject'], resources: ['arn:aws:s3:::b/*']}}]}}",
        policy(&format!("{{Version: '2012-10-17', Statement: {STATEMENT}}}"))
    );
    let role = desired(&yaml);
    assert_eq!(role.inline_policies.keys().collect::<Vec<_>>(), ["lambdaroles", "legacy"]);
    assert!(!role.inline_policies["legacy"].to_string().contains("SourceFunctionArn"));
    assert!(role.inline_policies["lambdaroles"].to_string().contains("SourceFunctionArn"));
}

#[rstest]
#[case::a_number("7", "spec.inlinePolicies[0].document: must be a policy document, as an object or as JSON text")]
#[case::no_json("'{'", "spec.inlinePolicies[0].document: is not JSON")]
#[case::a_member_that_is_none("{Statment: []}", "spec.inlinePolicies[0].document.Statment: ")]
#[case::an_action_without_its_service(
    "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: GetObject, Resource: '*'}]}",
    "spec.inlinePolicies[0].document.Statement[0].Action"
)]
#[case::a_principal(
    "{Version: '2012-10-17', Statement: {Effect: Allow, Principal: '*', Action: 's3:GetObject', Resource: '*'}}",
    "spec.inlinePolicies[0].document.Statement"
)]
#[case::the_same_key_twice(
    r#"'{"Version":"2012-10-17","Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}'"#,
    "spec.inlinePolicies[0].document"
)]
fn a_document_is_checked_as_iam_checks_it(#[case] document: &str, #[case] beginning: &str) {
    let faults = faults(&policy(document));
    assert!(faults[0].starts_with(beginning), "{faults:?}");
}

#[test]
fn a_raw_document_is_linted_with_the_names_that_it_uses() {
    let yaml =
        policy("{Version: '2012-10-17', Statement: [{Effect: Allow, Action: ['s3:*'], Resource: 'arn:aws:s3:::b/*'}]}");
    let warnings = desired(&yaml).warnings;
    assert_eq!(warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), [Code::WildcardAction]);
    assert!(warnings[0].path.starts_with("spec.inlinePolicies[0].document.Statement[0].Action"), "{}", warnings[0]);
}

/// Statements of one action on many resources each, so that only merging brings them below the quota.
fn statements(count: usize) -> String {
    let statement = |n| {
        format!(
            "{{sid: S{n}, effect: Allow, actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['arn:aws:s3:::bucket-{n:03}/*']}}"
        )
    };
    format!("statements: [{}]", (0..count).map(statement).collect::<Vec<_>>().join(", "))
}

#[test]
fn statements_are_merged_only_if_that_is_needed_to_fit() {
    assert_eq!(desired(&statements(50)).inline_policies["lambdaroles"].statements.len(), 50);
    let merged = desired(&statements(100));
    assert_eq!(merged.inline_policies["lambdaroles"].statements.len(), 1);
    assert!(merged.inline_characters() < 4_000, "{}", merged.inline_characters());
}

#[test]
fn what_does_not_fit_even_merged_is_refused_with_the_numbers_of_each_policy() {
    let value = "v".repeat(9_000);
    let condition = |value: &str| format!("{{StringEquals: {{'aws:PrincipalTag/x': '{value}'}}}}");
    let yaml = format!(
        "{{overflow: Refuse, statements: [{{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*'], conditions: {}}}], inlinePolicies: [{{name: legacy, document: {{Version: '2012-10-17', Statement: {{Effect: Allow, Action: 's3:PutObject', Resource: 'arn:aws:s3:::b/*', Condition: {}}}}}}}]}}",
        condition(&value),
        condition(&value[..2_000])
    );
    let [fault] = &judged(&yaml).unwrap_err()[..] else { panic!() };
    assert_eq!(fault.path, "spec");
    assert!(fault.message.contains("(lambdaroles 9") && fault.message.contains("legacy 2"), "{fault}");
    assert!(fault.message.contains("more than the 10240 that IAM allows"), "{fault}");
}
