//! The manifests of `tests/attacks`, before the class that they have to get past. What is offered here to the plan is offered
//! to the whole controller, end to end, too.

use std::{collections::BTreeMap, fs, path::Path};

use kube::ResourceExt;
use serde_json::Value;

use super::account;
use crate::{
    api::{LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleClass, LambdaRoleGrant},
    plan::{
        Account, ObjectClass, Owner, References,
        class::{Namespace, Selection, select},
        compliance,
        desired::desired_role,
        grant::{self, Applicant, SharedRole},
        managed_policy::{self, Boundaries, desired_policy},
        reference::Referrer,
    },
};

fn objects(folder: &str) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let documents = files.flat_map(|path| {
        // A role's name and path take no placeholders.
        let text = fs::read_to_string(path).unwrap().replace("roleName: $(namespace)-o", "roleName: shop-o");
        serde_saphyr::from_multiple::<Value>(&text).unwrap()
    });
    documents.map(|object| (object["metadata"]["name"].as_str().unwrap().to_owned(), object)).collect()
}

/// Everything that is said against an object of namespace shop.
fn complaints(object: &Value) -> Vec<String> {
    match object["kind"].as_str() {
        Some("LambdaManagedPolicy") => complaints_of_policy(object),
        Some("LambdaRoleGrant") => complaints_of_grant(object),
        Some(_) | None => complaints_of_role(object),
    }
}

fn complaints_of_policy(object: &Value) -> Vec<String> {
    let policy: LambdaManagedPolicy = serde_json::from_value(object.clone()).unwrap();
    let class: LambdaRoleClass = serde_json::from_value(objects("tests/attacks/class")["strict"].clone()).unwrap();
    let name = policy.metadata.name.clone().unwrap();
    let owner = Owner { cluster: "north".to_owned(), namespace: "shop".to_owned(), name };
    let account = Account { id: class.spec.account.id.clone(), region: "us-east-1".to_owned(), ..account() };
    let boundaries = Boundaries::of([("strict", &class.spec)], &account);
    let class = ObjectClass::of("strict", &class.spec, &policy.spec, &owner, &account).unwrap();
    let findings = match desired_policy(&policy.spec, &owner, &account, &class, None) {
        Ok(desired) => managed_policy::compliance::offline(&class, &policy.spec, &desired, &boundaries),
        Err(findings) => findings,
    };
    findings.iter().map(ToString::to_string).collect()
}

/// The role of the grant is among those that the class is for.
fn complaints_of_grant(object: &Value) -> Vec<String> {
    let grant: LambdaRoleGrant = serde_json::from_value(object.clone()).unwrap();
    let sound = objects("tests/attacks/class");
    let class: LambdaRoleClass = serde_json::from_value(sound["strict"].clone()).unwrap();
    let mut role: LambdaExecutionRole = serde_json::from_value(sound[&grant.spec.role_ref.name].clone()).unwrap();
    role.metadata.namespace = Some("shop".to_owned());
    let account = Account { id: class.spec.account.id.clone(), region: "us-east-1".to_owned(), ..account() };
    let namespace = Namespace { name: "shop".to_owned(), labels: Some(BTreeMap::new()) };
    let shared = SharedRole {
        object: &role,
        role_name: "shop-shared",
        class: Some(&class),
        account: &account,
        cluster: "north",
    };
    let judged = grant::judge(&Applicant::of(&grant, namespace), &shared);
    judged.content.err().into_iter().map(|hold| hold.message).collect()
}

fn complaints_of_role(object: &Value) -> Vec<String> {
    let role: LambdaExecutionRole = serde_json::from_value(object.clone()).unwrap();
    let class: LambdaRoleClass = serde_json::from_value(objects("tests/attacks/class")["strict"].clone()).unwrap();
    let name = role.metadata.name.clone().unwrap();
    let owner = Owner { cluster: "north".to_owned(), namespace: "shop".to_owned(), name };
    let account = Account { id: class.spec.account.id.clone(), region: "us-east-1".to_owned(), ..account() };
    let namespace = Namespace { name: owner.namespace.clone(), labels: Some(BTreeMap::new()) };
    let referrer = Referrer {
        namespace: &namespace,
        class_name: "strict",
        class: &class.spec,
        account: &account,
        cluster: &owner.cluster,
        attached: Vec::new(),
    };
    let policies = objects("tests/attacks/others").into_values().map(|object| {
        let policy: LambdaManagedPolicy = serde_json::from_value(object).unwrap();
        let namespace = policy.namespace().unwrap_or_else(|| owner.namespace.clone());
        ((namespace, policy.name_any()), (policy, None))
    });
    let (references, mut said) = References::offline(&role.spec, &referrer, &policies.collect());
    let class = match select(&role, &namespace, [&class]) {
        Selection::Allowed(class) => ObjectClass::of("strict", &class.spec, &role.spec, &owner, &account)
            .unwrap_or_else(|faults| panic!("{faults:?}")),
        Selection::Forbidden(_, hold) | Selection::Missing(hold) => return vec![hold.message],
    };
    said.extend(match desired_role(&role.spec, &owner, &account, &class, &references, None) {
        Ok(desired) => compliance::offline(&class, &role.spec, &desired, &account, &compliance::Documents::new()).0,
        Err(findings) => findings,
    });
    said.iter().map(ToString::to_string).collect()
}

#[test]
fn each_attack_is_refused_for_what_it_is() {
    let attacks = objects("tests/attacks");
    assert!(attacks.len() >= 60, "{}", attacks.len());
    let mut missed = Vec::new();
    for (name, object) in &attacks {
        let expected = object["metadata"]["annotations"]["refused"].as_str().unwrap();
        let said = complaints(object);
        if !said.iter().any(|complaint| complaint.contains(expected)) {
            missed.push(format!("{name}: {expected} is not in {said:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_the_class_is_for_is_allowed() {
    let mut sound = objects("tests/attacks/class");
    sound.remove("strict");
    assert_eq!(sound.len(), 5);
    for (name, object) in sound {
        assert_eq!(complaints(&object), [] as [String; 0], "{name}");
    }
}
