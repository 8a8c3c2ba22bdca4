//! What the plan of managed policies decides, as tables. Specs are written in YAML, as users write them.

mod compliance;
mod desired;
mod diff;
mod guard;
mod removal;
mod status;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{DesiredPolicy, desired_policy};
use crate::{
    api::{LambdaManagedPolicySpec, LambdaRoleClassSpec},
    lint::{Code, Finding},
    plan::{Account, ObjectClass, ObservedPolicy, Owner, PolicyOwner, PolicyVersion, Quotas, Step},
};

const ARN: &str = "arn:aws:iam::111122223333:policy/shop-orders";
const READ: &str = "statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::shop-data/*']}]";

fn account() -> Account {
    Account {
        id: "111122223333".to_owned(),
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        quotas: Quotas::HIGHEST,
    }
}

fn owner() -> Owner {
    Owner { cluster: "north".to_owned(), namespace: "shop".to_owned(), name: "orders".to_owned() }
}

fn policy_owner() -> PolicyOwner {
    PolicyOwner::of_policy(&owner())
}

fn spec(yaml: &str) -> LambdaManagedPolicySpec {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn class_spec(fields: &Value) -> LambdaRoleClassSpec {
    let mut class = json!({"account": {"id": "111122223333"}, "namespaces": {}});
    json_patch::merge(&mut class, fields);
    serde_json::from_value(class).unwrap()
}

/// A class for the object of `owner` with these fields.
fn class(fields: &Value, owner: &Owner) -> ObjectClass {
    ObjectClass::of("production", &class_spec(fields), &spec(READ), owner, &account())
        .unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn no_class() -> ObjectClass {
    ObjectClass::unknown(&owner())
}

fn judged(yaml: &str) -> Result<DesiredPolicy, Vec<Finding>> {
    desired_policy(&spec(yaml), &owner(), &account(), &no_class(), None)
}

fn desired(yaml: &str) -> DesiredPolicy {
    judged(yaml).unwrap_or_else(|faults| panic!("{faults:?}\n{yaml}"))
}

/// What is wrong with the fields, each for itself.
fn faults(yaml: &str) -> Vec<String> {
    let faults = judged(yaml).unwrap_err();
    assert!(faults.iter().all(|fault| fault.code == Code::InvalidField), "{faults:?}");
    faults.iter().map(ToString::to_string).collect()
}

/// Versions `v1` to `v<count>`, of which the last counts.
fn versions(count: usize) -> Vec<PolicyVersion> {
    (1..=count).map(|number| PolicyVersion { id: format!("v{number}"), is_default: number == count }).collect()
}

/// The policy as IAM holds it once it equals `desired`.
fn stored(desired: &DesiredPolicy) -> ObservedPolicy {
    ObservedPolicy {
        name: desired.name.clone(),
        path: desired.path.clone(),
        arn: desired.arn.clone(),
        id: "ANPAEXAMPLEEXAMPLEEX".to_owned(),
        description: desired.description.clone(),
        default_version: "v1".to_owned(),
        document: desired.document.to_string(),
        tags: desired.tags.clone(),
        versions: Some(versions(1)),
        ..ObservedPolicy::default()
    }
}

fn tags(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn clauses(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}
