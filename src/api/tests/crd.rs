//! The CRDs as documents.

use rstest::rstest;
use serde_json::Value;

use super::{CLASS, Crd, GRANT, MANAGED_POLICY, ROLE};

#[rstest]
#[case::role(&ROLE)]
#[case::class(&CLASS)]
#[case::managed_policy(&MANAGED_POLICY)]
#[case::grant(&GRANT)]
fn every_rule_compiles(#[case] crd: &Crd) {
    assert!(!crd.compiled.has_errors(), "{:?}", crd.compiled.compilation_errors());
}

/// The API server estimates what a rule costs at worst, and refuses a CRD that it cannot bound.
#[rstest]
#[case::role(&ROLE)]
#[case::class(&CLASS)]
#[case::managed_policy(&MANAGED_POLICY)]
#[case::grant(&GRANT)]
fn everything_in_the_spec_is_bounded(#[case] crd: &Crd) {
    let mut unbounded = Vec::new();
    bounded(&crd.schema["properties"]["spec"], "spec", &mut unbounded);
    assert_eq!(unbounded, [] as [String; 0]);
}

fn bounded(schema: &Value, path: &str, unbounded: &mut Vec<String>) {
    let has = |keyword: &str| schema.get(keyword).is_some();
    let is_bounded = match schema["type"].as_str() {
        Some("string") => has("maxLength") || has("enum"),
        Some("array") => has("maxItems"),
        Some("object") if has("properties") => true,
        // A map. The values of conditions are open to the schema; the controller judges them.
        Some("object") => has("maxProperties"),
        Some("integer") => has("minimum") && has("maximum"),
        Some("boolean") => true,
        // A policy document, whose size the controller judges.
        None => has("x-kubernetes-preserve-unknown-fields"),
        _ => false,
    };
    if !is_bounded {
        unbounded.push(path.to_owned());
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        bounded(child, &format!("{path}.{name}"), unbounded);
    }
    for (keyword, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if has(keyword) {
            bounded(&schema[keyword], &format!("{path}{suffix}"), unbounded);
        }
    }
}

/// An explicit `null` then is pruned, so that rules and server-side apply see one kind of absence.
#[rstest]
#[case::role(&ROLE)]
#[case::class(&CLASS)]
#[case::managed_policy(&MANAGED_POLICY)]
#[case::grant(&GRANT)]
fn nothing_is_nullable(#[case] crd: &Crd) {
    assert!(!crd.schema.to_string().contains("nullable"));
}

/// Argo CD compares a list of a custom resource as a whole, and would show what the API server adds to an item as a difference
/// from git for ever.
#[rstest]
#[case::role(&ROLE)]
#[case::class(&CLASS)]
#[case::managed_policy(&MANAGED_POLICY)]
#[case::grant(&GRANT)]
fn nothing_is_added_to_the_items_of_lists(#[case] crd: &Crd) {
    let mut added = Vec::new();
    defaults(&crd.schema, "", &mut added);
    let inside: Vec<_> = added.iter().filter(|path| path.contains("[]")).collect();
    assert_eq!(inside, [] as [&String; 0], "of all: {added:?}");
}

fn defaults(schema: &Value, path: &str, found: &mut Vec<String>) {
    if schema.get("default").is_some() {
        found.push(path.to_owned());
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        defaults(child, &format!("{path}.{name}"), found);
    }
    for (keyword, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(child) = schema.get(keyword) {
            defaults(child, &format!("{path}{suffix}"), found);
        }
    }
}

#[rstest]
#[case::role(&ROLE)]
#[case::class(&CLASS)]
#[case::managed_policy(&MANAGED_POLICY)]
#[case::grant(&GRANT)]
fn an_object_that_nobody_has_seen_yet_does_not_look_done(#[case] crd: &Crd) {
    assert_eq!(crd.schema["properties"]["status"]["default"], serde_json::json!({"observedGeneration": -1}));
}
