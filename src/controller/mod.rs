//! Watches objects and drives each through the pipeline.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "wires the clients up and keeps the time")]

mod memory;
mod pipeline;
mod removal;
mod run;

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{aws::Aws, cluster::Cluster, telemetry::Metrics};

pub use run::{Error, Options, run};

/// What every pass works with.
#[derive(Debug)]
struct Context {
    aws: Aws,
    cluster: Cluster,
    /// Name of the cluster, as it stands in the roles' tags.
    cluster_name: String,
    /// How often IAM is looked at where the spec does not say.
    resync: Duration,
    /// How long after the last write a role counts as propagated.
    settle: Duration,
    metrics: Arc<Metrics>,
    memory: memory::Memory,
    /// Bounds the passes of all watches together.
    passes: Semaphore,
    /// Cancelled when the process is to stop: a pass then ends after the step in hand.
    stop: CancellationToken,
}
