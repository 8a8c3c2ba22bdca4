//! Whether anything is left to apply once an object was applied, and once the controller has worked on it. What a tool finds left
//! is a difference from git for ever in Argo CD, and a change that never ends in Flux.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde_json::{Value, json};

use super::kubectl::{kubectl, stored};
use crate::harness::{World, namespaces, open_class, patiently};

/// Fields that the controller has defaults for, inside lists: the API server must not add them.
const SHORT: &str = r#"
apiVersion: lambdaroles.dev/v1alpha1
kind: LambdaExecutionRole
metadata: {name: short, namespace: shop, labels: {team: shop}, annotations: {example.com/owner: shop}}
spec:
  trust:
    statements:
      - {effect: Allow, principals: {service: [scheduler.amazonaws.com]}}
  features: [{name: Logging}]
  eventSources:
    - msk: {clusterArn: "arn:aws:kafka:us-east-1:123456789012:cluster/orders/5d6f1b2c-1111-2222-3333-444455556666-1"}
    - sqs: {queueArn: "arn:aws:sqs:us-east-1:123456789012:orders"}
  sourceFunctionArns: []
  statements:
    - effect: Allow
      actions: ["s3:GetObject"]
      resources: ["arn:aws:s3:::orders/*"]
      conditions: {Bool: {"aws:SecureTransport": true}, NumericLessThan: {"s3:max-keys": 10}}
"#;

/// The objects of the examples, and those of [`SHORT`].
fn manifests() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let texts = files.map(|path| fs::read_to_string(path).unwrap()).chain([SHORT.to_owned()]);
    texts.flat_map(|text| serde_saphyr::from_multiple::<Value>(&text).unwrap()).collect()
}

/// The same in namespaces of the test and of its class, with names of their own.
fn moved(manifest: &Value, number: usize, world: &World, namespaces: &BTreeMap<String, String>) -> Value {
    let mut manifest = manifest.clone();
    let renamed = |name: &Value| json!(namespaces[name.as_str().unwrap_or("shop")]);
    if manifest["kind"] == "LambdaRoleClass" {
        manifest["metadata"]["name"] = json!(format!("{}-{number}", world.namespace));
        return manifest;
    }
    let name = manifest["metadata"]["name"].as_str().unwrap();
    manifest["metadata"]["name"] = json!(format!("{name}-{number}"));
    manifest["metadata"]["namespace"] = renamed(&manifest["metadata"]["namespace"]);
    let spec = manifest["spec"].as_object_mut().unwrap();
    match spec.get_mut("roleRef") {
        Some(role) => role["namespace"] = renamed(&role["namespace"]),
        None => {
            spec.insert("className".to_owned(), json!(world.namespace));
        }
    }
    manifest
}

/// What a tool that merges `applied` into `live` as JSON would change: fields of objects one by one, lists as a whole, as
/// kubectl and Argo CD do with custom resources.
fn left_to_apply(applied: &Value, live: &Value, path: &str, left: &mut Vec<String>) {
    match (applied, live) {
        (Value::Object(applied), Value::Object(live)) => {
            for (name, value) in applied {
                left_to_apply(value, live.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"), left);
            }
        }
        _ if applied != live => left.push(format!("{path}: {live} is not {applied}")),
        _ => {}
    }
}

/// What the API server has of the object.
async fn live(manifest: &Value) -> Value {
    let namespace = manifest["metadata"]["namespace"].as_str().unwrap_or("default");
    let (kind, name) = (manifest["kind"].as_str().unwrap(), manifest["metadata"]["name"].as_str().unwrap());
    stored(namespace, &format!("{}/{name}", kind.to_lowercase())).await
}

/// That nothing is left, as [`left_to_apply`] tells it; and that nobody labelled or annotated the object.
async fn assert_in_sync(manifest: &Value) {
    let mut live = live(manifest).await;
    let mut left = Vec::new();
    left_to_apply(manifest, &live, "", &mut left);
    assert_eq!(left, [] as [String; 0], "{live:#}");
    let annotations = live.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    for field in ["labels", "annotations", "ownerReferences"] {
        let [live, applied] = [&live, manifest].map(|object| object["metadata"].get(field).cloned());
        let live = live.filter(|value| *value != json!({}));
        assert_eq!(live, applied, "{field}");
    }
}

/// The same by kubectl. It reads the object twice, and what the controller writes between is none of ours.
async fn assert_no_difference(manifest: &Value, apply: &[&str]) {
    let arguments = [&["diff"], apply, &["--filename", "-"]].concat();
    let mut difference = kubectl(&arguments, Some(manifest)).await;
    for _ in 0..4 {
        if difference.is_ok() {
            break;
        }
        difference = kubectl(&arguments, Some(manifest)).await;
    }
    difference.unwrap();
}

async fn nothing_is_left_to_apply(apply: &[&str]) {
    let manifests = manifests();
    let mut of_namespaces: Vec<String> = manifests
        .iter()
        .filter(|manifest| manifest["kind"] != "LambdaRoleClass")
        .map(|manifest| manifest["metadata"]["namespace"].as_str().unwrap_or("shop").to_owned())
        .collect();
    of_namespaces.sort();
    of_namespaces.dedup();
    let new = namespaces(of_namespaces.len(), json!({})).await;
    let arguments: Vec<&str> = new.iter().flat_map(|name| ["--namespace", name.as_str()]).collect();
    let class = |namespace: &str| {
        let mut class = open_class(namespace);
        class["namespaces"]["names"] = json!(new);
        class
    };
    let world = World::start_in(class, &arguments).await;
    let names: BTreeMap<_, _> = of_namespaces.into_iter().zip(new.iter().cloned()).collect();
    let moved: Vec<_> = manifests.iter().enumerate().map(|(n, manifest)| moved(manifest, n, &world, &names)).collect();
    assert!(moved.len() > 10);
    for manifest in &moved {
        kubectl(&[&["apply"], apply, &["--filename", "-"]].concat(), Some(manifest)).await.unwrap();
        assert_in_sync(manifest).await;
    }
    // The controller serves the one class.
    for manifest in moved.iter().filter(|manifest| manifest["kind"] != "LambdaRoleClass") {
        let seen = || async { live(manifest).await["status"]["observedGeneration"] == 1 };
        let mut interval = tokio::time::interval(Duration::from_millis(200));
        patiently(&format!("a pass over {}", manifest["metadata"]), async {
            while !seen().await {
                interval.tick().await;
            }
        })
        .await;
        assert_in_sync(manifest).await;
        assert_no_difference(manifest, apply).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_to_apply_after_a_client_side_apply() {
    Box::pin(nothing_is_left_to_apply(&[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_to_apply_after_a_server_side_apply() {
    Box::pin(nothing_is_left_to_apply(&["--server-side", "--field-manager", "argocd-controller"])).await;
}
