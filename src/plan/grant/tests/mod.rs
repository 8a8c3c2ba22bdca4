//! Grants: who is admitted, who gets room, what is said. Specs are written in YAML, as users write them.

mod admission;
mod placement;
mod share;
mod status;

use std::collections::BTreeMap;

use kube::core::ObjectMeta;
use serde_json::{Value, json};

use super::{Applicant, GrantKey, Judged, SharedRole, judge};
use crate::{
    api::{LambdaExecutionRole, LambdaRoleClass, LambdaRoleGrantSpec, Reason},
    plan::{Account, DesiredRole, ObjectClass, Owner, Quotas, References, class::Namespace, desired::desired_role},
};

fn account() -> Account {
    Account {
        id: "111122223333".to_owned(),
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        quotas: Quotas::HIGHEST,
    }
}

/// A class of every namespace, with these fields beside.
fn class(fields: &Value) -> LambdaRoleClass {
    let mut spec = json!({
        "account": {"id": "111122223333"},
        "namespaces": {"names": ["*"]},
        "guardrails": {"sourceFunctions": ["$(namespace)-*"]},
    });
    json_patch::merge(&mut spec, fields);
    serde_json::from_value(json!({"metadata": {"name": "production"}, "spec": spec})).unwrap()
}

/// The role `platform/gateway`, which admits grants of the namespaces with label `grants: "yes"`.
fn role(fields: &Value) -> LambdaExecutionRole {
    let mut object = json!({
        "metadata": {"namespace": "platform", "name": "gateway", "generation": 1},
        "spec": {"grants": {"from": "Selector", "selector": {"matchLabels": {"grants": "yes"}}}},
    });
    json_patch::merge(&mut object, fields);
    serde_json::from_value(object).unwrap()
}

/// A namespace with the label.
fn namespace(name: &str) -> Namespace {
    Namespace { name: name.to_owned(), labels: Some(BTreeMap::from([("grants".to_owned(), "yes".to_owned())])) }
}

fn statement() -> Value {
    json!({"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::$(namespace)-data/$(name)/*"]})
}

fn spec(fields: &Value) -> LambdaRoleGrantSpec {
    let mut spec = json!({
        "roleRef": {"namespace": "platform", "name": "gateway"},
        "sourceFunctionArns": ["$(namespace)-$(name)"],
        "statements": [statement()],
    });
    json_patch::merge(&mut spec, fields);
    serde_json::from_value(spec).unwrap()
}

/// The grant `namespace/name` with these fields.
fn applicant(of: &str, name: &str, fields: &Value) -> Applicant {
    Applicant {
        spec: Some(spec(fields)),
        ..Applicant::undecodable(
            &ObjectMeta { name: Some(name.to_owned()), generation: Some(1), ..ObjectMeta::default() },
            namespace(of),
        )
    }
}

fn judged_by(applicant: &Applicant, role: &LambdaExecutionRole, class: &LambdaRoleClass) -> Judged {
    let account = account();
    judge(
        applicant,
        &SharedRole {
            object: role,
            role_name: "platform-gateway",
            class: Some(class),
            account: &account,
            cluster: "north",
        },
    )
}

fn judged(applicant: &Applicant) -> Judged {
    judged_by(applicant, &role(&json!({})), &class(&json!({})))
}

fn reason(judged: &Judged) -> Option<Reason> {
    judged.content.as_ref().err().map(|hold| hold.reason)
}

fn message(judged: &Judged) -> String {
    judged.content.as_ref().err().map(|hold| hold.message.clone()).unwrap_or_default()
}

/// The role as its own spec asks for it.
fn desired(yaml: &str) -> DesiredRole {
    let spec = serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let owner = Owner { cluster: "north".to_owned(), namespace: "platform".to_owned(), name: "gateway".to_owned() };
    desired_role(&spec, &owner, &account(), &ObjectClass::unknown(&owner), &References::default(), None)
        .unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn a_policy_is_called_after_the_grant() {
    let key = GrantKey { namespace: "shop".to_owned(), name: "orders".to_owned() };
    assert_eq!(key.policy_name(), "lambdaroles+shop+orders");
}

#[test]
fn long_names_are_cut_to_what_iam_takes_and_stay_apart() {
    let name = |last: &str| {
        let key = GrantKey { namespace: "n".repeat(63), name: format!("{}{last}", "x".repeat(240)) };
        key.policy_name()
    };
    let (a, b) = (name("a"), name("b"));
    assert_eq!(a.len(), 128);
    assert_ne!(a, b);
    assert_eq!(a, name("a"));
    let (cut, digest) = a.rsplit_once('+').unwrap();
    assert!(cut.starts_with("lambdaroles+nnn") && digest.len() == 16, "{a}");
}
