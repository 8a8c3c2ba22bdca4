//! Stands in for the nodes of a cluster: runs the Pods that the chart's Deployments ask for as processes of this machine,
//! each with a token of its service account.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::{client::legacy, rt::TokioExecutor};
use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentStatus},
    core::v1::PodSpec,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    environment::{self, Pod, expand},
    install::kubeconfig_of,
    process::{Server, free_port},
    session::{Session, controller_binary},
};

/// How often the Deployments are looked at.
const POLL: Duration = Duration::from_millis(500);

/// How long a process may take to say whether it is ready.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a process that ended is not started anew: twice as long each time, and never longer than the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// What the Deployments of the chart have in common.
const SELECTOR: &str = "app.kubernetes.io/part-of=lambdaroles";

/// The replicas of one Deployment; their processes end when this is dropped.
struct Replicas {
    /// Generation of the Deployment that they are of.
    generation: i64,
    replicas: Vec<Replica>,
}

impl Replicas {
    /// None of them is started yet.
    fn of(deployment: &Deployment) -> Self {
        let replica = |number| Replica {
            name: format!("{}-{number}", deployment.name_any()),
            running: None,
            pause: PAUSES.0,
            not_before: Instant::now(),
        };
        Self { generation: generation(deployment), replicas: (0..wanted(deployment)).map(replica).collect() }
    }
}

/// A Pod, as far as there is one.
struct Replica {
    name: String,
    running: Option<Running>,
    /// How long the next start waits if the process ends.
    pause: Duration,
    /// When it may be started.
    not_before: Instant,
}

struct Running {
    server: Server,
    /// Port of `/readyz`.
    port: u16,
    since: Instant,
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

async fn look(client: &Client, session: &Session, running: &mut BTreeMap<String, Replicas>) -> Result<()> {
    let deployments = Api::<Deployment>::all(client.clone());
    let wanted = deployments.list(&ListParams::default().labels(SELECTOR)).await?.items;
    let keys: Vec<String> = wanted.iter().map(key).collect();
    running.retain(|deployment, _| keys.contains(deployment));
    for (key, deployment) in keys.into_iter().zip(&wanted) {
        // Those of another generation end first: they hold the Lease.
        running.retain(|other, replicas| *other != key || replicas.generation == generation(deployment));
        let replicas = running.entry(key).or_insert_with(|| Replicas::of(deployment));
        let mut ready = 0;
        for replica in &mut replicas.replicas {
            if replica.look(client, session, deployment).await {
                ready += 1;
            }
        }
        tell(client, deployment, ready).await?;
    }
    Ok(())
}

fn key(deployment: &Deployment) -> String {
    format!("{}/{}", deployment.namespace().unwrap_or_default(), deployment.name_any())
}

fn generation(deployment: &Deployment) -> i64 {
    deployment.metadata.generation.unwrap_or_default()
}

/// How many replicas there are to be.
fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

impl Replica {
    /// Starts the process if it does not run and may be started. Whether it is ready.
    async fn look(&mut self, client: &Client, session: &Session, deployment: &Deployment) -> bool {
        if let Some(running) = &mut self.running {
            let Err(error) = running.server.check() else { return is_ready(running.port).await };
            if running.since.elapsed() > PAUSES.1 {
                self.pause = PAUSES.0;
            }
            self.running = None;
            self.wait(&error);
        } else if Instant::now() >= self.not_before {
            match start(client, session, deployment, &self.name).await {
                Ok(running) => self.running = Some(running),
                Err(error) => self.wait(&error),
            }
        }
        false
    }

    fn wait(&mut self, error: &anyhow::Error) {
        eprintln!("control-plane: {} starts anew in {:?}: {error:#}", self.name, self.pause);
        self.not_before = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSES.1);
    }
}

async fn start(client: &Client, session: &Session, deployment: &Deployment, name: &str) -> Result<Running> {
    let spec = deployment.spec.as_ref().context("a Deployment without a spec")?;
    let spec = spec.template.spec.as_ref().context("a Deployment without Pods")?;
    let namespace = deployment.namespace().unwrap_or_default();
    let account = spec.service_account_name.as_deref().unwrap_or("default");
    let (administrator, folder) = (&session.control_plane.kubeconfig, session.control_plane.folder.path());
    let kubeconfig = kubeconfig_of(client, administrator, folder, (&namespace, account)).await?;
    let container = spec.containers.first().context("a Deployment without containers")?;
    let pod = Pod { name, namespace: &namespace, spec };
    let variables = environment::of(client, &pod, container).await?;
    let port = free_port()?;
    let mut command = session.command(controller_binary()?);
    command.args(arguments(spec).map(|argument| expand(argument, &variables)));
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--admin-listen", ""]);
    command.env("KUBECONFIG", &kubeconfig).env("HOSTNAME", name).envs(variables);
    let log = OpenOptions::new().create(true).append(true).open(self::log(session))?;
    let server = Server::start_logging("controller", &command, folder, (log, self::log(session)))?;
    Ok(Running { server, port, since: Instant::now() })
}

/// All but the addresses, of which each Pod has one of its own, and these processes share one.
fn arguments(pod: &PodSpec) -> impl Iterator<Item = &String> {
    let arguments = pod.containers.iter().flat_map(|container| container.args.iter().flatten());
    arguments.filter(|argument| !argument.contains("listen="))
}

/// The readiness probe.
async fn is_ready(port: u16) -> bool {
    let Ok(url) = format!("http://127.0.0.1:{port}/readyz").parse() else { return false };
    let client: legacy::Client<_, Empty<Bytes>> = legacy::Client::builder(TokioExecutor::new()).build_http();
    matches!(timeout(PROBE_TIMEOUT, client.get(url)).await, Ok(Ok(answer)) if answer.status().is_success())
}

/// What `kubectl rollout status` waits for.
async fn tell(client: &Client, deployment: &Deployment, ready: i32) -> Result<()> {
    let (generation, replicas) = (generation(deployment), wanted(deployment));
    let told = |status: &DeploymentStatus| {
        let numbers = [status.replicas, status.updated_replicas, status.ready_replicas, status.available_replicas];
        status.observed_generation == Some(generation)
            && numbers.map(Option::unwrap_or_default) == [replicas, replicas, ready, ready]
    };
    if deployment.status.as_ref().is_some_and(told) {
        return Ok(());
    }
    let status = json!({"status": {
        "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
        "readyReplicas": ready, "availableReplicas": ready, "unavailableReplicas": replicas - ready,
    }});
    let deployments = Api::<Deployment>::namespaced(client.clone(), &deployment.namespace().unwrap_or_default());
    deployments.patch_status(&deployment.name_any(), &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}
