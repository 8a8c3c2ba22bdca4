//! What a cluster needs before the controller can run in it, as its users install it: the chart, and a token of the service
//! account, which has the chart's rights and no others.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::{Namespace, ServiceAccount},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, ResourceExt,
    api::PostParams,
    config::Kubeconfig,
    runtime::{conditions, wait::await_condition},
};
use lambdaroles::api;
use serde_json::{Value, json};

use crate::{assets::Assets, process::Process};

/// Where the chart is installed.
pub const NAMESPACE: &str = "lambdaroles-system";

/// Name of the release, and of the service account.
pub const NAME: &str = "lambdaroles";

/// Whether the cluster has the namespaces that it begins with.
pub async fn is_ready(client: &Client) -> bool {
    let namespaces = Api::<Namespace>::all(client.clone());
    let has = async |name| matches!(namespaces.get_opt(name).await, Ok(Some(_)));
    has("kube-system").await && has("default").await
}

/// Installs the chart, and waits until the API server serves its kinds.
pub async fn install(assets: &Assets, client: &Client, kubeconfig: &Path, values: &Value) -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(&file, values.to_string())?;
    let mut command = Command::new(&assets.helm);
    command
        .args(["upgrade", "--install", NAME])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/lambdaroles"))
        .args(["--namespace", NAMESPACE, "--create-namespace", "--values"])
        .arg(file.path())
        .env("KUBECONFIG", kubeconfig)
        .stdout(Stdio::null());
    let status = Process::spawn(&mut command)?.ended().await?;
    ensure!(status.success(), "helm could not install the chart: see above");
    for crd in api::crds() {
        let crds = Api::<CustomResourceDefinition>::all(client.clone());
        await_condition(crds, &crd.name_any(), conditions::is_crd_established()).await?;
    }
    Ok(())
}

/// Writes a kubeconfig of a service account into `folder`, with what a Pod of it would know.
pub async fn kubeconfig_of(
    client: &Client,
    administrator: &Path,
    folder: &Path,
    (namespace, name): (&str, &str),
) -> Result<PathBuf> {
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(86_400), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    let answer = accounts.create_token_request(name, &PostParams::default(), &request).await?;
    let token = answer.status.context("the API server gave no token")?.token;
    let mut kubeconfig = Kubeconfig::read_from(administrator)?;
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut()) {
        *user = serde_json::from_value(json!({"token": token}))?;
    }
    for context in kubeconfig.contexts.iter_mut().filter_map(|context| context.context.as_mut()) {
        context.namespace = Some(namespace.to_owned());
    }
    let file = folder.join(format!("kubeconfig-{namespace}-{name}"));
    std::fs::write(&file, serde_json::to_vec_pretty(&kubeconfig)?)?;
    Ok(file)
}
