//! The process: watches, endpoints, and an orderly end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{
    StreamExt,
    channel::mpsc,
    future::{join_all, join4, ready},
};
use kube::{
    Api, Client,
    api::ListParams,
    runtime::{
        Controller,
        controller::{self, Config},
        watcher,
    },
};
use tokio::time::{sleep, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, info, warn};

use super::{
    Context, class,
    memory::Memory,
    neighbours::wake_for,
    pipeline::{Reconciled, reconcile},
    shared_role::SharedRoles,
    wake::Sleepers,
};
use crate::{
    admin,
    api::LambdaExecutionRole,
    aws::{Accounts, Call, Settings, WriteGate},
    cluster::{
        self, Cluster, Guarded, GuardedClass, View, WatchObserver, apis,
        lease::{Election, Lost, Timing},
    },
    server::{self, Health},
    telemetry::{LogLevel, Metrics},
};

/// How long a stopping process waits for the steps in hand. Each may be repeated, so one that is cut off does no harm.
const STOP_GRACE: Duration = Duration::from_secs(8);

/// How long a watch that is not ready waits before it tries again.
const READINESS_RETRY: Duration = Duration::from_secs(1);

/// How long a class waits for more news of its objects before it counts them.
const CLASS_DEBOUNCE: Duration = Duration::from_secs(1);

/// HTTP status of a watch that began too long ago.
const GONE: u16 = 410;

/// How the controller runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Namespaces to watch; all if empty.
    pub namespaces: Vec<String>,
    /// Name of the cluster in the roles' tags; the UID of `kube-system` if absent.
    pub cluster_name: Option<String>,
    /// Names of the classes to serve; all if empty.
    pub classes: Vec<String>,
    /// How often IAM is looked at where the spec does not say.
    pub resync: Duration,
    /// How long after the last write a role counts as propagated.
    pub settle: Duration,
    /// Where the endpoints listen.
    pub listen: SocketAddr,
    /// What may be changed while the process runs, if anything.
    pub admin: Option<Admin>,
    /// How AWS is reached.
    pub aws: Settings,
    /// Whether ConfigMaps are written where specs ask for them.
    pub export: bool,
    /// How replicas agree on which of them works; `None` if this process is the only one.
    pub leadership: Option<Leadership>,
}

/// What may be changed while the process runs.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Where that is asked for.
    pub listen: SocketAddr,
    /// What is logged.
    pub log_level: LogLevel,
}

/// The lease that the replica which works holds.
#[derive(Clone, Debug)]
pub struct Leadership {
    /// Namespace of the lease.
    pub namespace: String,
    /// Name of the lease.
    pub lease_name: String,
    /// Name of this replica, unlike any other's.
    pub identity: String,
    /// How long the lease holds.
    pub timing: Timing,
}

/// The process cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster has no name that roles could be tagged with.
    #[error("cannot tell the cluster's name: {0}{hint}", hint = hint(.0))]
    ClusterName(#[source] cluster::Error),
    /// The watches ended by themselves.
    #[error("the watches ended by themselves")]
    Ended,
    /// Another replica works, or may. What was under way was dropped.
    #[error("{0}; this replica ends, and begins anew as one that waits")]
    Lease(Lost),
    /// The endpoints have no port.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

/// Runs until `stop` is cancelled.
///
/// # Errors
/// If the process cannot start.
pub async fn run(client: Client, mut options: Options, stop: CancellationToken) -> Result<(), Error> {
    let metrics = Metrics::new();
    let health = Health { metrics: Arc::clone(&metrics), is_ready: Arc::new(AtomicBool::new(false)) };
    let listener = server::bind(options.listen).await.map_err(|error| Error::Listen(options.listen, error))?;
    info!(address = %listener.local_addr().unwrap_or(options.listen), "listening");
    // The endpoints outlive the watches, so that probes do not fail while the steps in hand end.
    let end = CancellationToken::new();
    let endpoints = tokio::spawn(server::serve(listener, health.clone(), end.clone()));
    if let Some(admin) = options.admin.take() {
        tokio::spawn(administer(admin, end.clone()));
    }
    let listed = tokio::spawn(ready_once_listed(apis(&client, &options.namespaces), health));
    Box::pin(lead(client, options, metrics, stop)).await?;
    listed.abort();
    end.cancel();
    if let Ok(Err(error)) = endpoints.await {
        warn!(%error, "the endpoints failed");
    }
    Ok(())
}

/// Serves what may be changed while the process runs. Roles do not depend on it, so nothing ends if it fails.
async fn administer(Admin { listen, log_level }: Admin, stop: CancellationToken) {
    let served = async {
        let listener = server::bind(listen).await?;
        info!(address = %listener.local_addr().unwrap_or(listen), "serving the log level");
        admin::serve(listener, log_level, stop).await
    };
    if let Err(error) = served.await {
        warn!(address = %listen, %error, "the log level cannot be changed while the process runs");
    }
}

/// Works while this replica leads.
async fn lead(
    client: Client,
    mut options: Options,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let Some(Leadership { namespace, lease_name, identity, timing }) = options.leadership.take() else {
        metrics.leads(true);
        return Box::pin(work(client, options, metrics, stop)).await.map(drop);
    };
    let mut election = Election::new(client.clone(), (&namespace, &lease_name), identity, timing);
    let tenure = election.tenure();
    options.aws.write_gate = WriteGate::new(move || tenure.holds(Instant::now()));
    tokio::select! {
        () = election.acquire() => {}
        () = stop.cancelled() => return Ok(()),
    }
    metrics.leads(true);
    let end = tokio::select! {
        biased;
        lost = election.hold() => return Err(Error::Lease(lost)),
        end = Box::pin(work(client, options, metrics, stop)) => end?,
    };
    match end {
        End::Orderly => election.release().await,
        // Something may be on its way to AWS still.
        End::CutOff => {}
    }
    Ok(())
}

/// How work ended.
enum End {
    /// Nothing is under way any more.
    Orderly,
    /// In the middle of a step.
    CutOff,
}

/// Watches and reconciles until `stop` is cancelled.
async fn work(client: Client, options: Options, metrics: Arc<Metrics>, stop: CancellationToken) -> Result<End, Error> {
    let cluster = Cluster::new(client.clone());
    let cluster_name = match &options.cluster_name {
        Some(name) => name.clone(),
        None => cluster.uid().await.map_err(Error::ClusterName)?,
    };
    let counted = Arc::clone(&metrics);
    let observer = Arc::new(move |call: Call| counted.call(call));
    // How many objects are worked on at once is bounded by account, lest one that hangs takes all places.
    let (roles, wake_roles) = Sleepers::new(&client, &options.namespaces, &stop);
    let (policies, wake_policies) = Sleepers::new(&client, &options.namespaces, &stop);
    let (grants, wake_grants) = Sleepers::new(&client, &options.namespaces, &stop);
    let (wake_classes, woken_classes) = mpsc::unbounded();
    let (change, mut changes) = mpsc::unbounded();
    let counted = Arc::clone(&metrics);
    let failed: WatchObserver = Arc::new(move |kind: &str| counted.watch_failed(kind));
    let (view, watching) = View::watch(&client, &options.namespaces, change, &failed);
    let watching = tokio::spawn(watching);
    let context = Arc::new(Context {
        accounts: Accounts::new(&options.aws, observer).await,
        cluster,
        view: view.clone(),
        roles: roles.stores(),
        namespaces: options.namespaces.clone(),
        classes: options.classes,
        wake_roles,
        wake_policies,
        wake_grants,
        wake_classes,
        cluster_name,
        resync: options.resync,
        settle: options.settle,
        export: options.export,
        metrics,
        memory: Memory::default(),
        memory_of_policies: Memory::default(),
        memory_of_grants: Memory::default(),
        shared_roles: SharedRoles::default(),
        passes: TaskTracker::new(),
        stop: stop.clone(),
    });
    info!(cluster = context.cluster_name, namespaces = ?options.namespaces, classes = ?context.classes, "watching");
    // No object is judged by classes and labels that are not known yet.
    tokio::select! {
        () = view.ready() => {}
        () = stop.cancelled() => return Ok(End::Orderly),
    }
    let told_of = Arc::downgrade(&context);
    context.metrics.observe(move || told_of.upgrade().map(|context| context.snapshot()));
    let waker = Arc::clone(&context);
    let waking = tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            wake_for(&change, &waker);
        }
    });
    let classes = Controller::new(Api::<GuardedClass>::all(client.clone()), watcher::Config::default())
        .with_config(Config::default().debounce(CLASS_DEBOUNCE))
        .reconcile_all_on(woken_classes)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(class::reconcile, |_, never, _| match *never {}, Arc::clone(&context))
        .for_each(|result| {
            if let Err(error) = result {
                debug!(kind = "LambdaRoleClass", %error, "cannot watch");
            }
            ready(())
        });
    let watches =
        join4(watch_all(roles, &context), watch_all(policies, &context), watch_all(grants, &context), classes);

    tokio::pin!(watches);
    let mut end = End::Orderly;
    tokio::select! {
        // First, and asked again below: watches that are told to stop and have nothing in hand end at the same moment.
        biased;
        () = stop.cancelled() => {
            info!("stopping: finishing the steps in hand");
            context.passes.close();
            // Watches that were stopped before they had begun would not end by themselves.
            let ended = async {
                tokio::select! {
                    () = context.passes.wait() => {}
                    _ = &mut watches => {}
                }
            };
            if timeout(STOP_GRACE, ended).await.is_err() {
                warn!("stopped in the middle of a step; the next start repeats it");
                end = End::CutOff;
            }
        }
        _ = &mut watches => {
            if !stop.is_cancelled() {
                return Err(Error::Ended);
            }
        }
    }
    watching.abort();
    waking.abort();
    Ok(end)
}

/// Drives every object of a kind through the pipeline.
fn watch_all<K: Reconciled>(sleepers: Sleepers<K>, context: &Arc<Context>) -> impl Future<Output = Vec<()>> {
    join_all(sleepers.controllers().into_iter().map(|controller| {
        let passes = controller.run(reconcile, |_, never, _| match *never {}, Arc::clone(context));
        let context = Arc::clone(context);
        passes.for_each(move |result| {
            if let Err(error) = result {
                report::<K>(&error, &context);
            }
            ready(())
        })
    }))
}

/// Ready is who may list what it watches. Not `Store::wait_until_ready`: the store wakes one waiter only, and the
/// controller is one itself.
async fn ready_once_listed(apis: Vec<Api<Guarded<LambdaExecutionRole>>>, health: Health) {
    for api in apis {
        while let Err(error) = api.list_metadata(&ListParams::default().limit(1)).await {
            debug!(%error, "cannot list yet");
            sleep(READINESS_RETRY).await;
        }
    }
    health.is_ready.store(true, Ordering::Relaxed);
    info!("ready");
}

fn hint(error: &cluster::Error) -> &'static str {
    if error.is_forbidden() { "; grant `get` on the namespace kube-system, or set --cluster-name" } else { "" }
}

fn report<K: Reconciled>(error: &controller::Error<Infallible, watcher::Error>, context: &Context) {
    match error {
        controller::Error::ReconcilerFailed(never, _) => match *never {},
        // The object went while it was in the queue.
        controller::Error::ObjectNotFound(object) => {
            let (namespace, name) = (object.namespace.as_deref().unwrap_or_default(), object.name.as_str());
            debug!(kind = %K::kind(&()), namespace, name, "gone");
            K::memory(context).forget((namespace, name));
        }
        controller::Error::QueueError(watcher::Error::WatchError(status)) if status.code == GONE => {
            debug!(kind = %K::kind(&()), error = %status, "the watch has grown old; listing anew");
        }
        controller::Error::QueueError(error) => {
            context.metrics.watch_failed(&K::kind(&()));
            warn!(kind = %K::kind(&()), %error, "cannot watch: is the CRD installed, and may the controller list and watch the kind?");
        }
        controller::Error::RunnerError(error) => warn!(kind = %K::kind(&()), %error, "a pass ended abnormally"),
    }
}
