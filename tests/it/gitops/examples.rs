//! What the guide tells users to do with our examples.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::kubectl::{kubectl, stored};
use crate::{chart, harness::namespaces};

fn documents(file: &str) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file);
    serde_saphyr::from_multiple(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn the_chart_takes_the_values_of_the_examples() {
    let [application, release] =
        ["argocd/applications.yaml", "flux/helmrelease.yaml"].map(|file| documents(file)[0].clone());
    assert_eq!(application["spec"]["source"]["path"], chart::CHART);
    assert_eq!(release["spec"]["chart"]["spec"]["chart"], chart::CHART);
    for values in [&application["spec"]["source"]["helm"]["valuesObject"], &release["spec"]["values"]] {
        let rendered = chart::rendered(values);
        let account = chart::of_kind("ServiceAccount", &rendered);
        let role = &account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"];
        assert_eq!(role, &values["serviceAccount"]["roleArn"]);
        let deployment = chart::of_kind("Deployment", &rendered).to_string();
        assert!(
            deployment.contains("--cluster-name=north") && deployment.contains("registry.example.com/lambdaroles:")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_checks_are_added_to_the_settings_that_argo_cd_has() {
    let namespace = namespaces(1, json!({})).await.remove(0);
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": namespace},
        "data": {"url": "https://argocd.example.com"},
    });
    kubectl(&["apply", "--filename", "-"], Some(&settings)).await.unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/argocd/argocd-cm-patch.yaml");
    // As --patch-file, which an old kubectl does not know.
    let patch = fs::read_to_string(file).unwrap();
    let arguments = ["patch", "configmap", "argocd-cm", "--namespace", &namespace, "--patch", &patch];
    kubectl(&arguments, None).await.unwrap();
    let found = stored(&namespace, "configmap/argocd-cm").await;
    let keys: Vec<&String> = found["data"].as_object().unwrap().keys().collect();
    let check = |kind: &str| format!("resource.customizations.health.lambdaroles.dev_{kind}");
    let kinds = ["LambdaExecutionRole", "LambdaManagedPolicy", "LambdaRoleClass", "LambdaRoleGrant"].map(check);
    assert_eq!(keys, kinds.iter().chain([&"url".to_owned()]).collect::<Vec<_>>());
}
