//! What the plan decides, as tables. Specs are written in YAML, as users write them.

mod attack;
mod bad_input;
mod compliance;
mod desired;
mod diff;
mod export;
mod guard;
mod limits;
mod needs;
mod order;
mod overflow;
mod proof;
mod raw;
mod reference;
mod status;

use std::collections::BTreeSet;

use super::{
    Account, DesiredRole, ObjectClass, ObservedRole, Owner, Placed, Quotas, References, Step, desired::desired_role,
};
use crate::{
    api::LambdaExecutionRoleSpec,
    lint::{Code, Finding},
};

/// The account differs from every other number in the tests, so that a swapped value fails.
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

/// No class: what is judged here holds for every one.
fn class() -> ObjectClass {
    ObjectClass::unknown(&owner())
}

fn spec(yaml: &str) -> LambdaExecutionRoleSpec {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn judged(yaml: &str) -> Result<DesiredRole, Vec<Finding>> {
    desired_role(&spec(yaml), &owner(), &account(), &class(), &References::default(), None)
}

fn desired(yaml: &str) -> DesiredRole {
    judged(yaml).unwrap_or_else(|faults| panic!("{faults:?}\n{yaml}"))
}

/// What is wrong with the fields, each for itself.
fn faults(yaml: &str) -> Vec<String> {
    let faults = judged(yaml).unwrap_err();
    assert!(faults.iter().all(|fault| fault.code == Code::InvalidField), "{faults:?}");
    faults.iter().map(ToString::to_string).collect()
}

/// The role as IAM holds it once it equals `desired`.
fn stored(desired: &DesiredRole) -> ObservedRole {
    ObservedRole {
        name: desired.name.clone(),
        path: desired.path.clone(),
        arn: format!("arn:aws:iam::111122223333:role{}{}", desired.path, desired.name),
        id: "AROAEXAMPLEEXAMPLEEX".to_owned(),
        trust_policy: desired.trust_policy.to_string(),
        description: desired.description.clone(),
        max_session_seconds: desired.max_session_seconds,
        permissions_boundary: desired.permissions_boundary.clone(),
        tags: desired.tags.clone(),
        inline_policies: desired
            .inline_policies
            .iter()
            .map(|(name, document)| (name.clone(), document.to_string()))
            .collect(),
        managed_policies: desired.managed_policies.clone(),
    }
}

fn set(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&entry| entry.to_owned()).collect()
}

/// The object put `managed_policies` on its role.
fn placed(managed_policies: &[&str]) -> Placed {
    Placed { managed_policies: set(managed_policies), ..Placed::default() }
}

fn clauses(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}
