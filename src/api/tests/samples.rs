//! The objects in `examples`, `tests/invalid` and `tests/refused`, before the judges that a unit test can ask. `check-crds`
//! offers the first two to a real API server.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use super::{CLASS, GRANT, MANAGED_POLICY, at_admission, grant, in_controller, managed_policy};
use crate::{
    api::{
        LambdaExecutionRole, LambdaExecutionRoleSpec, LambdaManagedPolicySpec, LambdaRoleClass, LambdaRoleClassSpec,
        LambdaRoleGrantSpec,
    },
    plan::class::check,
};

/// The documents of each YAML file under `folder`, by file name.
pub(super) fn objects(folder: &str) -> BTreeMap<String, Vec<Value>> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let documents =
                serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().unwrap().to_string_lossy().into_owned(), documents)
        })
        .collect()
}

#[test]
fn every_example_is_accepted_by_both() {
    let examples = objects("examples");
    assert!(!examples.is_empty());
    let roles = examples.iter().flat_map(|(name, documents)| documents.iter().map(move |document| (name, document)));
    for (name, object) in roles.filter(|(_, object)| object["kind"] == "LambdaExecutionRole") {
        let role: LambdaExecutionRole = serde_json::from_value(object.clone()).unwrap();
        assert_eq!(at_admission(&object["spec"]), [] as [String; 0], "{name}");
        assert!(in_controller(&serde_json::to_value(role.spec).unwrap()).is_ok(), "{name}");
    }
}

#[test]
fn every_class_among_the_examples_is_accepted() {
    let examples = objects("examples");
    let classes = examples.values().flatten().filter(|object| object["kind"] == "LambdaRoleClass");
    let mut names = Vec::new();
    for object in classes {
        let class: LambdaRoleClass = serde_json::from_value(object.clone()).unwrap();
        names.extend(class.metadata.name);
        assert_eq!(CLASS.at_admission(&object["spec"]), [] as [String; 0], "{names:?}");
        assert_eq!(check(&class.spec), Ok(()), "{names:?}");
    }
    assert!(names.len() >= 3, "{names:?}");
}

#[test]
fn every_managed_policy_among_the_examples_is_accepted() {
    let examples = objects("examples");
    let policies: Vec<_> =
        examples.values().flatten().filter(|object| object["kind"] == "LambdaManagedPolicy").collect();
    assert!(!policies.is_empty());
    for object in policies {
        assert_eq!(MANAGED_POLICY.at_admission(&object["spec"]), [] as [String; 0]);
        assert_eq!(managed_policy::in_controller(&object["spec"]), []);
    }
}

/// The same of managed policies.
#[test]
fn invalid_managed_policies_are_refused_by_both_judges_or_are_not_even_read() {
    let invalid = objects("tests/invalid");
    let of_kind = |documents: &&[Value]| documents[0]["kind"] == "LambdaManagedPolicy";
    let (mut unseen, mut accepted, mut count) = (Vec::new(), Vec::new(), 0);
    for (name, documents) in invalid.iter().filter(|(_, documents)| of_kind(&&documents[..])) {
        count += 1;
        let spec = &documents[0]["spec"];
        if serde_json::from_value::<LambdaManagedPolicySpec>(spec.clone()).is_err() {
            continue;
        }
        if MANAGED_POLICY.at_admission(spec).is_empty() {
            unseen.push(name.trim_start_matches("managed-policy-object-"));
        }
        if managed_policy::in_controller(spec).is_empty() {
            accepted.push(name.trim_start_matches("managed-policy-object-"));
        }
    }
    assert!(count >= 10, "{count}");
    // Bounds and unknown fields: `check-crds` sees them refused.
    assert_eq!(unseen, ["with-an-unknown-field", "without-statements"]);
    assert_eq!(accepted, ["with-an-unknown-field"]);
}

#[test]
fn every_grant_among_the_examples_is_accepted() {
    let examples = objects("examples");
    let grants: Vec<_> = examples.values().flatten().filter(|object| object["kind"] == "LambdaRoleGrant").collect();
    assert!(grants.len() >= 2, "{}", grants.len());
    for object in grants {
        assert_eq!(GRANT.at_admission(&object["spec"]), [] as [String; 0]);
        assert_eq!(grant::in_controller(&object["spec"]), []);
    }
}

#[test]
fn invalid_grants_are_refused_by_both_judges_or_are_not_even_read() {
    let invalid = objects("tests/invalid");
    let (mut unseen, mut accepted, mut count) = (Vec::new(), Vec::new(), 0);
    for (name, documents) in invalid.iter().filter(|(_, documents)| documents[0]["kind"] == "LambdaRoleGrant") {
        count += 1;
        let spec = &documents[0]["spec"];
        if serde_json::from_value::<LambdaRoleGrantSpec>(spec.clone()).is_err() {
            continue;
        }
        if GRANT.at_admission(spec).is_empty() {
            unseen.push(name.as_str());
        }
        if grant::in_controller(spec).is_empty() {
            accepted.push(name.as_str());
        }
    }
    assert!(count >= 10, "{count}");
    // Bounds and unknown fields: `check-crds` sees them refused.
    assert_eq!(unseen, ["grant-with-an-unknown-field", "grant-without-functions", "grant-without-statements"]);
    assert_eq!(accepted, ["grant-with-an-unknown-field"]);
}

/// Rules that an older API server does not know, the controller's own judge of classes knows as well.
#[test]
fn invalid_classes_break_a_rule_by_both_judges_or_are_not_even_read() {
    let invalid = objects("tests/invalid");
    let classes: Vec<_> = invalid.iter().filter(|(_, documents)| documents[0]["kind"] == "LambdaRoleClass").collect();
    assert!(classes.len() >= 15, "{}", classes.len());
    let (mut unseen, mut unchecked) = (Vec::new(), Vec::new());
    for (name, documents) in classes {
        let spec = &documents[0]["spec"];
        let Ok(class) = serde_json::from_value::<LambdaRoleClassSpec>(spec.clone()) else { continue };
        if CLASS.at_admission(spec).is_empty() {
            unseen.push(name.as_str());
        }
        if check(&class).is_ok() {
            unchecked.push(name.as_str());
        }
    }
    // Bounds and unknown fields: `check-crds` sees them refused.
    assert_eq!(unseen, ["class-assumes-too-many-roles", "class-fewer-than-no-roles", "class-unknown-field"]);
    assert_eq!(unchecked, unseen);
}

/// What the API server refuses the controller refuses too, for an API server may be older than the rules. It cannot see
/// fields that it does not know: those are the API server's alone to refuse.
#[test]
fn what_is_refused_at_admission_is_refused_by_the_controller() {
    let invalid = objects("tests/invalid");
    assert!(invalid.len() > 40, "{}", invalid.len());
    let mut accepted = Vec::new();
    for (name, documents) in &invalid {
        let [object] = &documents[..] else { panic!("{name}: one object a file") };
        if ["LambdaRoleClass", "LambdaManagedPolicy", "LambdaRoleGrant"].iter().any(|kind| object["kind"] == *kind) {
            continue;
        }
        assert_eq!(object["kind"], "LambdaExecutionRole", "{name}");
        let decodes = serde_json::from_value::<LambdaExecutionRoleSpec>(object["spec"].clone()).is_ok();
        if decodes && in_controller(&object["spec"]).is_ok() {
            accepted.push(name.as_str());
        }
    }
    assert_eq!(accepted, ["export-to-another-namespace", "unknown-field"]);
}

/// What no rule of a CRD can tell is the controller's to refuse, and that of `lambdaroles lint` before.
#[test]
fn what_only_the_controller_can_tell_is_refused_by_it_alone() {
    let refused = objects("tests/refused");
    assert!(!refused.is_empty());
    for (name, documents) in &refused {
        let [object] = &documents[..] else { panic!("{name}: one object a file") };
        assert_eq!(at_admission(&object["spec"]), [] as [String; 0], "{name}");
        assert!(in_controller(&object["spec"]).is_err(), "{name}");
    }
}
