//! Watches objects and drives each through the pipeline.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "wires the clients up and keeps the time")]

mod circumstances;
mod class;
mod convergence;
mod look;
mod memory;
mod pipeline;
mod removal;
mod run;

use std::{sync::Arc, time::Duration};

use futures::channel::mpsc;
use kube::{Resource, runtime::reflector::Store};
use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;

use self::{circumstances::Circumstances, pipeline::Guarded};
use crate::{
    api::LambdaExecutionRoleStatus,
    aws::{Accounts, Aws},
    cluster::{Cluster, View},
    plan::status,
    telemetry::Metrics,
};

pub use run::{Error, Options, run};

/// What every pass works with.
#[derive(Debug)]
struct Context {
    accounts: Accounts,
    cluster: Cluster,
    /// Classes and namespaces.
    view: View,
    /// The objects that are watched.
    roles: Vec<Store<Guarded>>,
    /// Names of the classes that this controller serves; all if empty.
    classes: Vec<String>,
    /// Wakes all objects: something changed that may concern any.
    wake_roles: mpsc::UnboundedSender<()>,
    /// Wakes all classes: what they tell of their objects may have changed.
    wake_classes: mpsc::UnboundedSender<()>,
    /// Name of the cluster, as it stands in the roles' tags.
    cluster_name: String,
    /// How often IAM is looked at where the spec does not say.
    resync: Duration,
    /// How long after the last write a role counts as propagated.
    settle: Duration,
    metrics: Arc<Metrics>,
    memory: memory::Memory,
    /// Cancelled when the process is to stop: a pass then ends after the step in hand.
    stop: CancellationToken,
}

impl Context {
    /// Whether objects of the class are this controller's.
    fn serves(&self, class: &str) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|served| served == class)
    }

    /// The objects in a namespace.
    fn roles_in(&self, namespace: &str) -> Vec<Arc<Guarded>> {
        let is_there = |object: &Guarded| object.meta().namespace.as_deref() == Some(namespace);
        self.roles.iter().flat_map(|store| store.state_filter(is_there)).collect()
    }

    /// Waits for a place among the objects of the account that are worked on at once; none is given any more once the process
    /// is to stop.
    async fn place<'a>(&self, aws: &'a Aws) -> Option<SemaphorePermit<'a>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            place = aws.passes.acquire() => place.ok(),
        }
    }

    /// Lets the class know, if an object is of another now or the class's word on it has changed.
    fn tell_class(&self, before: &LambdaExecutionRoleStatus, now: &LambdaExecutionRoleStatus) {
        if before.class_name != now.class_name || status::is_refused(before) != status::is_refused(now) {
            wake(&self.wake_classes);
        }
    }

    /// Lets the class know that an object of it is gone, and others that may have its place.
    fn gone(&self, circumstances: &Circumstances) {
        wake(&self.wake_classes);
        let class = circumstances.class.as_ref();
        if class.is_some_and(|class| class.spec.guardrails.max_roles_per_namespace.is_some()) {
            wake(&self.wake_roles);
        }
    }
}

/// Nobody listens any more when the process ends.
fn wake(sleepers: &mpsc::UnboundedSender<()>) {
    drop(sleepers.unbounded_send(()));
}
