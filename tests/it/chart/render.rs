//! What the chart renders, for each file of values in `values/`: against a snapshot, against the schemas of Kubernetes' own
//! kinds, and against the controller's own arguments.

use std::{collections::BTreeSet, fs, path::Path};

use clap::Parser;
use lambdaroles::{api, cluster::permissions};
use rstest::rstest;
use serde_json::{Value, json};

use super::{GUARDRAILS, beside_helm, of_kind, output, template};

/// The Kubernetes whose schemas what is rendered has to satisfy.
const KUBERNETES: &str = "1.36.0";

/// Kinds that are rendered, but are none of Kubernetes' own.
const FOREIGN: [&str; 4] = ["ServiceMonitor", "PrometheusRule", "LambdaRoleClass", "PodIdentityAssociation"];

/// What Helm is told of the cluster for a file of values.
fn cluster(name: &str) -> &'static [&'static str] {
    match name {
        "class" => &["--api-versions", "lambdaroles.dev/v1alpha1"],
        "old-kubernetes" => &["--kube-version", "1.20.2"],
        _ => &[],
    }
}

fn values(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/chart/values/{name}.yaml"));
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// What is generated, and compared with what it is generated from elsewhere.
fn is_generated(manifest: &Value) -> bool {
    manifest["kind"] == "CustomResourceDefinition"
        || (manifest["kind"] == "ValidatingAdmissionPolicy" && manifest["metadata"]["name"] == GUARDRAILS)
}

fn id(manifest: &Value) -> String {
    format!("{} {}", manifest["kind"].as_str().unwrap(), manifest["metadata"]["name"].as_str().unwrap())
}

/// What a snapshot holds of a manifest.
fn shown((text, manifest): &(String, Value)) -> String {
    let begin = |until: &str| text.split_once(until).unwrap().0.to_owned();
    match manifest["kind"].as_str() {
        Some(_) if is_generated(manifest) => format!("# {}\n", id(manifest)),
        Some("ConfigMap") if manifest["metadata"]["labels"]["grafana_dashboard"] == "1" => begin("\ndata:"),
        Some("PrometheusRule") => begin("\nspec:"),
        _ => text.clone(),
    }
}

/// What differs from what the defaults give.
#[rstest]
#[case::class("class")]
#[case::class_without_kind("class-without-kind")]
#[case::defaults("defaults")]
#[case::digest("digest")]
#[case::everything("everything")]
#[case::foreign_service_account("foreign-service-account")]
#[case::irsa("irsa")]
#[case::monitoring("monitoring")]
#[case::namespaced("namespaced")]
#[case::network_policy("network-policy")]
#[case::old_kubernetes("old-kubernetes")]
#[case::pod_identity("pod-identity")]
#[case::profile("profile")]
#[case::renamed("renamed")]
#[case::second_release("second-release")]
#[case::single_replica("single-replica")]
#[case::traces("traces")]
#[case::warn_only("warn-only")]
fn what_is_rendered(#[case] name: &str) {
    let manifests = template(&values(name), cluster(name)).unwrap();
    let defaults = if name == "defaults" { Vec::new() } else { template(&values("defaults"), &[]).unwrap() };
    let shown = manifests.iter().filter(|manifest| !defaults.contains(manifest)).map(shown);
    let gone =
        defaults.iter().filter(|(_, default)| !manifests.iter().any(|(_, manifest)| id(manifest) == id(default)));
    let shown: Vec<String> =
        shown.chain(gone.map(|(_, default)| format!("# not rendered: {}\n", id(default)))).collect();
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(format!("chart-{name}"), shown.join("---\n"));
    });

    let manifests: Vec<Value> = manifests.into_iter().map(|(_, manifest)| manifest).collect();
    satisfies_kubernetes(&manifests);
    is_labelled(&manifests);
    lambdaroles::cli::Arguments::try_parse_from(std::iter::once("lambdaroles".to_owned()).chain(arguments(&manifests)))
        .unwrap_or_else(|error| panic!("the controller does not take its arguments: {error}"));
}

fn arguments(manifests: &[Value]) -> Vec<String> {
    let container = &of_kind("Deployment", manifests)["spec"]["template"]["spec"]["containers"][0];
    container["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap().to_owned()).collect()
}

fn satisfies_kubernetes(manifests: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let own = manifests.iter().filter(|manifest| !FOREIGN.iter().any(|kind| manifest["kind"] == *kind));
    let files = own.enumerate().map(|(number, manifest)| {
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(&file, manifest.to_string()).unwrap();
        file
    });
    let files: Vec<_> = files.collect();
    output(beside_helm("kubernetes-validate").args(["--strict", "--no-warn", "-k", KUBERNETES]).args(&files)).unwrap();
}

/// Whatever is rendered can be told to be the release's, and lies in a namespace if it has one.
fn is_labelled(manifests: &[Value]) {
    for manifest in manifests.iter().filter(|manifest| manifest["metadata"]["labels"]["helm.sh/chart"].is_null()) {
        let name = manifest["metadata"]["name"].as_str().unwrap();
        assert!(name.ends_with("-notes") || manifest["kind"] == "PodIdentityAssociation", "{manifest} has no labels");
    }
}

#[test]
fn every_file_of_values_is_rendered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chart/values");
    let text = include_str!("render.rs");
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(text.contains(&format!("(\"{name}\")]")), "{name} is not rendered");
    }
}

#[test]
fn what_is_no_value_of_kubernetes_is_found() {
    let manifest = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}, "automount": true});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.yaml");
    fs::write(&file, manifest.to_string()).unwrap();
    let told = output(beside_helm("kubernetes-validate").args(["--strict", "-k", KUBERNETES]).arg(file)).unwrap_err();
    assert!(told.contains("automount"), "{told}");
}

#[test]
fn the_crds_are_those_of_the_code_whole_or_without_what_an_old_server_would_refuse() {
    let crds = |name| {
        let manifests = template(&values(name), cluster(name)).unwrap().into_iter().map(|(_, manifest)| manifest);
        manifests.filter(|manifest| manifest["kind"] == "CustomResourceDefinition").collect::<Vec<_>>()
    };
    for crd in api::crds() {
        let mut spec = serde_json::to_value(&crd.spec).unwrap();
        whole_numbers(&mut spec);
        let of_this_name = |crds: Vec<Value>| {
            crds.into_iter()
                .find(|manifest| manifest["metadata"]["name"] == *crd.metadata.name.as_ref().unwrap())
                .unwrap()
        };
        let now = of_this_name(crds("defaults"));
        assert_eq!(now["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
        assert!(now["spec"] == spec, "{} differs", now["metadata"]["name"]);
        take_out(&mut spec, &["x-kubernetes-validations", "selectableFields"]);
        let status = "/versions/0/schema/openAPIV3Schema/properties/status";
        let of_status = spec.pointer_mut(status).and_then(Value::as_object_mut).unwrap();
        assert!(of_status.remove("default").is_some());
        assert!(of_this_name(crds("old-kubernetes"))["spec"] == spec, "{} differs", now["metadata"]["name"]);
    }
}

/// Writes 1.0 as 1, as Helm does.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|number| number.fract() == 0.0) {
                #[expect(clippy::cast_possible_truncation, reason = "limits of fields are small")]
                let whole = whole as i64;
                *value = whole.into();
            }
        }
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        Value::Array(list) => list.iter_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Takes keys out of an object, at any depth.
fn take_out(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !keys.contains(&key.as_str()));
            members.values_mut().for_each(|member| take_out(member, keys));
        }
        Value::Array(list) => list.iter_mut().for_each(|member| take_out(member, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The rules of a role that is rendered.
fn rules(manifests: &[Value], kind: &str, name: &str) -> BTreeSet<String> {
    let role = manifests.iter().find(|manifest| manifest["kind"] == kind && manifest["metadata"]["name"] == name);
    let rules = role.unwrap_or_else(|| panic!("no {kind} {name}"))["rules"].as_array().unwrap();
    rules.iter().map(Value::to_string).collect()
}

fn as_json(rules: Vec<k8s_openapi::api::rbac::v1::PolicyRule>) -> BTreeSet<String> {
    rules.iter().map(|rule| serde_json::to_value(rule).unwrap().to_string()).collect()
}

#[test]
fn the_rights_are_those_of_the_code_and_in_namespaces_if_it_watches_some() {
    let manifests = super::rendered(&values("defaults"));
    assert_eq!(rules(&manifests, "ClusterRole", "lambdaroles"), as_json(permissions::policy_rules()));
    assert_eq!(rules(&manifests, "Role", "lambdaroles"), as_json(permissions::lease_policy_rules()));
    assert_eq!(rules(&manifests, "ClusterRole", "lambdaroles-export"), as_json(permissions::export_policy_rules()));
    let manifests = super::rendered(&values("namespaced"));
    assert_eq!(rules(&manifests, "Role", "lambdaroles-export"), as_json(permissions::export_policy_rules()));
    assert_eq!(rules(&manifests, "ClusterRole", "lambdaroles"), as_json(permissions::cluster_policy_rules()));
    assert_eq!(rules(&manifests, "Role", "lambdaroles-objects"), as_json(permissions::namespace_policy_rules()));
    for name in ["lambdaroles-objects", "lambdaroles-export"] {
        let namespaces = manifests.iter().filter(|manifest| {
            manifest["metadata"]["name"] == name && manifest["kind"].as_str().unwrap().starts_with("Role")
        });
        let namespaces: BTreeSet<_> = namespaces.map(|role| role["metadata"]["namespace"].as_str().unwrap()).collect();
        assert_eq!(namespaces, BTreeSet::from(["orders", "shop"]), "{name}");
    }
}

#[test]
fn no_rule_gives_a_right_on_secrets_or_on_everything() {
    for name in ["defaults", "namespaced"] {
        for manifest in super::rendered(&values(name)) {
            for rule in manifest["rules"].as_array().into_iter().flatten() {
                let text = rule.to_string();
                assert!(!text.contains("secrets") && !text.contains('*'), "{text}");
            }
        }
    }
}
