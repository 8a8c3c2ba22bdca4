//! Stands in for the nodes of a cluster: runs the Pods that the chart's Deployments ask for as processes of this machine,
//! each with a token of its service account.

use std::{collections::BTreeMap, fs::OpenOptions, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::PodSpec};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    install::kubeconfig_of,
    process::{Server, free_port},
    session::{Session, controller_binary},
};

/// How often the Deployments are looked at.
const POLL: Duration = Duration::from_millis(500);

/// What the Deployments of the chart have in common.
const SELECTOR: &str = "app.kubernetes.io/part-of=lambdaroles";

/// The processes of one Deployment; they end when this is dropped.
struct Pods {
    /// Generation of the Deployment that they are of.
    generation: i64,
    servers: Vec<Server>,
}

/// Where the processes write their logs.
pub fn log(session: &Session) -> PathBuf {
    session.control_plane.folder.path().join("controller.log")
}

/// Runs what is asked for, for ever. A process that ends by itself is started anew.
pub async fn run(client: &Client, session: &Session) -> ! {
    let mut running = BTreeMap::new();
    loop {
        // Whoever uses the cluster may take away at any moment what was just seen.
        if let Err(error) = look(client, session, &mut running).await {
            eprintln!("control-plane: {error:#}");
        }
        sleep(POLL).await;
    }
}

async fn look(client: &Client, session: &Session, running: &mut BTreeMap<String, Pods>) -> Result<()> {
    let deployments = Api::<Deployment>::all(client.clone());
    let wanted = deployments.list(&ListParams::default().labels(SELECTOR)).await?.items;
    let keys: Vec<String> = wanted.iter().map(key).collect();
    running.retain(|deployment, _| keys.contains(deployment));
    for (key, deployment) in keys.into_iter().zip(&wanted) {
        let generation = deployment.metadata.generation.unwrap_or_default();
        let is_current = running.get_mut(&key).is_some_and(|pods| {
            pods.generation == generation && pods.servers.iter_mut().all(|server| server.check().is_ok())
        });
        if !is_current {
            // Those of before end first: they hold the Lease.
            running.remove(&key);
            let servers = start(client, session, deployment).await?;
            running.insert(key, Pods { generation, servers });
            tell(client, deployment).await?;
        }
    }
    Ok(())
}

fn key(deployment: &Deployment) -> String {
    format!("{}/{}", deployment.namespace().unwrap_or_default(), deployment.name_any())
}

async fn start(client: &Client, session: &Session, deployment: &Deployment) -> Result<Vec<Server>> {
    let spec = deployment.spec.as_ref().context("a Deployment without a spec")?;
    let pod = spec.template.spec.as_ref().context("a Deployment without Pods")?;
    let namespace = deployment.namespace().unwrap_or_default();
    let account = pod.service_account_name.as_deref().unwrap_or("default");
    let (administrator, folder) = (&session.control_plane.kubeconfig, session.control_plane.folder.path());
    let kubeconfig = kubeconfig_of(client, administrator, folder, (&namespace, account)).await?;
    let replica = |number| {
        let mut command = session.command(controller_binary()?);
        command.args(arguments(pod)).env("KUBECONFIG", &kubeconfig);
        command.args(["--listen", &format!("127.0.0.1:{}", free_port()?), "--admin-listen", ""]);
        command.env("HOSTNAME", format!("{}-{number}", deployment.name_any()));
        for variable in pod.containers.iter().flat_map(|container| container.env.iter().flatten()) {
            command.env(&variable.name, variable.value.as_deref().unwrap_or_default());
        }
        let log = OpenOptions::new().create(true).append(true).open(log(session))?;
        Server::start_logging("controller", &command, folder, (log, self::log(session)))
    };
    (0..spec.replicas.unwrap_or(1)).map(replica).collect()
}

/// All but the addresses, of which each Pod has one of its own, and these processes share one.
fn arguments(pod: &PodSpec) -> impl Iterator<Item = &String> {
    let arguments = pod.containers.iter().flat_map(|container| container.args.iter().flatten());
    arguments.filter(|argument| !argument.contains("listen="))
}

/// What `kubectl rollout status` waits for.
async fn tell(client: &Client, deployment: &Deployment) -> Result<()> {
    let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = json!({"status": {
        "observedGeneration": deployment.metadata.generation, "replicas": replicas, "updatedReplicas": replicas,
        "readyReplicas": replicas, "availableReplicas": replicas,
    }});
    let deployments = Api::<Deployment>::namespaced(client.clone(), &deployment.namespace().unwrap_or_default());
    deployments.patch_status(&deployment.name_any(), &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}
