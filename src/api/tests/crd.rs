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
