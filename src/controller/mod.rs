//! Watches objects and drives each through the pipeline.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "wires the clients up and keeps the time")]

mod circumstances;
mod class;
mod convergence;
mod documents;
mod enforcement;
mod export;
mod grant;
mod look;
mod memory;
mod neighbours;
mod pipeline;
mod policy;
mod removal;
mod role;
mod run;
mod shared_role;
mod snapshot;
mod wake;

use std::{sync::Arc, time::Duration};

use futures::channel::mpsc;
use kube::runtime::reflector::Store;
use tokio::sync::SemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{circumstances::Circumstances, wake::Wakes};
use crate::{
    api::{LambdaExecutionRole, LambdaExecutionRoleStatus, LambdaManagedPolicy, LambdaRoleGrant},
    aws::{Accounts, Aws},
    cluster::{Cluster, Guarded, Kind, View},
    plan::status,
    telemetry::Metrics,
};

pub use run::{Admin, Error, Leadership, Options, run};

/// What every pass works with.
#[derive(Debug)]
struct Context {
    accounts: Accounts,
    cluster: Cluster,
    /// Classes, namespaces, policies and grants.
    view: View,
    /// The roles that are watched.
    roles: Vec<Store<Guarded<LambdaExecutionRole>>>,
    /// Namespaces that are watched; all if empty.
    namespaces: Vec<String>,
    /// Names of the classes that this controller serves; all if empty.
    classes: Vec<String>,
    wake_roles: Wakes<LambdaExecutionRole>,
    wake_policies: Wakes<LambdaManagedPolicy>,
    wake_grants: Wakes<LambdaRoleGrant>,
    /// Wakes all classes: what they tell of their objects may have changed.
    wake_classes: mpsc::UnboundedSender<()>,
    /// Name of the cluster, as it stands in the roles' tags.
    cluster_name: String,
    /// How often IAM is looked at where the spec does not say.
    resync: Duration,
    /// How long after the last write a role counts as propagated.
    settle: Duration,
    /// Whether ConfigMaps are written where specs ask for them.
    export: bool,
    metrics: Arc<Metrics>,
    memory: memory::Memory,
    memory_of_policies: memory::Memory,
    memory_of_grants: memory::Memory,
    shared_roles: shared_role::SharedRoles,
    /// The passes in hand.
    passes: TaskTracker,
    /// Cancelled when the process is to stop: a pass then ends after the step in hand.
    stop: CancellationToken,
}

impl Context {
    /// Whether objects of the class are this controller's.
    fn serves(&self, class: &str) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|served| served == class)
    }

    /// Waits for a place among the objects of the account that are worked on at once; none is given any more once the process
    /// is to stop.
    async fn place<'a, K: Kind>(&self, aws: &'a Aws) -> Option<SemaphorePermit<'a>> {
        let _wait = self.metrics.wait(&K::kind(&()));
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            place = aws.passes.acquire() => place.ok(),
        }
    }

    /// Counts that IAM differed from an unchanged spec.
    fn drift<K: Kind>(&self, class: Option<&str>, is_corrected: bool) {
        self.metrics.drift(&K::kind(&()), class.unwrap_or_default(), is_corrected);
    }

    /// Lets the class know, if an object is of another now or the class's word on it has changed.
    fn tell_class(&self, before: &LambdaExecutionRoleStatus, now: &LambdaExecutionRoleStatus) {
        if before.class_name != now.class_name
            || status::is_refused(&before.conditions) != status::is_refused(&now.conditions)
        {
            wake(&self.wake_classes);
        }
    }

    /// Lets the class know that an object of it is gone, and others that may have its place.
    fn gone(&self, circumstances: &Circumstances) {
        wake(&self.wake_classes);
        let class = circumstances.class.as_ref();
        if class.is_some_and(|class| class.spec.guardrails.max_roles_per_namespace.is_some()) {
            self.wake_roles.all();
        }
    }
}

/// Nobody listens any more when the process ends.
fn wake(sleepers: &mpsc::UnboundedSender<()>) {
    drop(sleepers.unbounded_send(()));
}
