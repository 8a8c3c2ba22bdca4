//! The chart, as Helm renders it. `make test` says where Helm is.

use std::{env, fs, path::Path, process::Command};

use serde_json::{Value, json};

const CHART: &str = "charts/lambdaroles";
const POLICY: &str = "charts/lambdaroles/templates/validatingadmissionpolicy.yaml";

/// What a Helm command prints, or what it complains of.
fn helm(arguments: &[&str], values: &Value) -> Result<String, String> {
    let program = env::var("HELM").unwrap_or_else(|_| {
        panic!("HELM names no Helm: run `make test`, or cargo run --example control-plane -- exec cargo test --test it")
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    fs::write(&file, values.to_string()).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg("--values")
        .arg(file)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let [printed, told] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    if output.status.success() { Ok(printed) } else { Err(printed + &told) }
}

fn rendered(values: &Value) -> Vec<Value> {
    let manifests = helm(&["template", "lambdaroles", CHART, "--namespace", "lambdaroles-system"], values).unwrap();
    serde_saphyr::from_multiple(&manifests).unwrap()
}

fn of_kind(kind: &str, manifests: &[Value]) -> Value {
    let mut found = manifests.iter().filter(|manifest| manifest["kind"] == kind);
    let manifest = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "several of {kind}");
    manifest.clone()
}

#[test]
fn it_lints() {
    helm(&["lint", CHART, "--strict"], &json!({})).unwrap();
}

/// The unit tests evaluate the template, without the lines that are Helm's. This is what they leave out.
#[test]
fn what_is_rendered_of_the_policy_is_what_the_unit_tests_evaluate() {
    let mut policy = of_kind("ValidatingAdmissionPolicy", &rendered(&json!({})));
    assert_eq!(policy["spec"]["failurePolicy"], "Ignore");
    policy["spec"].as_object_mut().unwrap().remove("failurePolicy");
    let template = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(POLICY)).unwrap();
    let lines: Vec<&str> = template.lines().filter(|line| !line.contains("{{")).collect();
    let evaluated: Value = serde_saphyr::from_str(&lines.join("\n")).unwrap();
    assert_eq!(policy, evaluated);
}

#[test]
fn every_class_is_a_parameter_of_the_policy() {
    let manifests = rendered(&json!({"admission": {"validationActions": ["Warn", "Audit"]}}));
    let (policy, binding) =
        (of_kind("ValidatingAdmissionPolicy", &manifests), of_kind("ValidatingAdmissionPolicyBinding", &manifests));
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
    assert_eq!(of_kind("ValidatingAdmissionPolicy", &manifests)["spec"]["failurePolicy"], "Fail");
    let manifests = rendered(&json!({"admission": {"enabled": false}}));
    assert!(manifests.iter().all(|manifest| !manifest["kind"].to_string().contains("Admission")), "{manifests:?}");
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for values in [
        json!({"admision": {}}),
        json!({"admission": {"enable": true}}),
        json!({"admission": {"enabled": "yes"}}),
        json!({"admission": {"failurePolicy": "ignore"}}),
        json!({"admission": {"validationActions": []}}),
        json!({"admission": {"validationActions": ["Refuse"]}}),
        json!({"admission": {"validationActions": ["Deny", "Deny"]}}),
        // The API server takes no policy that warns of what it denies.
        json!({"admission": {"validationActions": ["Deny", "Warn"]}}),
    ] {
        let told = helm(&["template", "lambdaroles", CHART], &values).unwrap_err();
        assert!(told.contains("specifications of the schema"), "{values}: {told}");
    }
}
