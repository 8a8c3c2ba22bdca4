//! The admission policy.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{GUARDRAILS, named, rendered};

const POLICY: &str = "charts/lambdaroles/templates/validatingadmissionpolicy.yaml";

/// The unit tests evaluate the template, without the lines that are Helm's. This is what they leave out.
#[test]
fn what_is_rendered_of_the_policy_is_what_the_unit_tests_evaluate() {
    let mut policy = named("ValidatingAdmissionPolicy", GUARDRAILS, &rendered(&json!({})));
    assert_eq!(policy["spec"]["failurePolicy"], "Ignore");
    policy["spec"].as_object_mut().unwrap().remove("failurePolicy");
    policy["metadata"]["labels"] = Value::Null;
    let template = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(POLICY)).unwrap();
    let lines: Vec<&str> = template.lines().filter(|line| !line.contains("{{")).collect();
    let evaluated: Value = serde_saphyr::from_str(&lines.join("\n")).unwrap();
    assert_eq!(policy, evaluated);
}

#[test]
fn every_class_is_a_parameter_of_the_policy() {
    let manifests = rendered(&json!({"admission": {"validationActions": ["Warn", "Audit"]}}));
    let policy = named("ValidatingAdmissionPolicy", GUARDRAILS, &manifests);
    let binding = named("ValidatingAdmissionPolicyBinding", GUARDRAILS, &manifests);
    assert_eq!(
        policy["spec"]["paramKind"],
        json!({"apiVersion": "lambdaroles.dev/v1alpha1", "kind": "LambdaRoleClass"})
    );
    assert_eq!(
        binding["spec"],
        json!({
            "policyName": policy["metadata"]["name"],
            "validationActions": ["Warn", "Audit"],
            "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
        })
    );
}

#[test]
fn the_values_are_told() {
    let manifests = rendered(&json!({"admission": {"failurePolicy": "Fail"}}));
    assert_eq!(named("ValidatingAdmissionPolicy", GUARDRAILS, &manifests)["spec"]["failurePolicy"], "Fail");
    let manifests = rendered(&json!({"admission": {"enabled": false}}));
    assert!(manifests.iter().all(|manifest| manifest["metadata"]["name"] != GUARDRAILS), "{manifests:?}");
}
