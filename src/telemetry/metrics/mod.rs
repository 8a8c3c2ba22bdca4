//! Metrics in the OpenMetrics format. Labels are bounded: kinds, results, operations and states are closed lists; classes and
//! accounts are what the platform team makes; and the policies that AWS publishes have a hundred changed actions at most.

mod labels;
mod snapshot;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};

pub use self::{labels::PassResult, snapshot::Snapshot};
use self::{
    labels::{
        AccountLabels, CallLabels, DriftLabels, KindLabels, OperationLabels, PassLabels, PolicyActionLabels,
        PolicyLabels,
    },
    snapshot::Snapshots,
};
use crate::{
    aws::Call,
    plan::{PolicyChange, tracking::CountedAction},
};

/// Bounds of the buckets of times, in seconds: from a look that finds nothing to do to the wait behind many others.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];

/// Histograms of times, by their labels.
type Times<L> = Family<L, Histogram, fn() -> Histogram>;

fn times() -> Histogram {
    Histogram::new(SECONDS)
}

/// The process's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<PassLabels, Counter>,
    pass_times: Times<KindLabels>,
    active: Family<KindLabels, Gauge>,
    waiting: Family<KindLabels, Gauge>,
    wait_times: Times<KindLabels>,
    calls: Family<CallLabels, Counter>,
    call_times: Times<OperationLabels>,
    call_waits: Family<AccountLabels, Counter<f64, AtomicU64>>,
    drifts_found: Family<DriftLabels, Counter>,
    drifts_corrected: Family<DriftLabels, Counter>,
    policy_changes: Family<PolicyLabels, Counter>,
    changed_actions: Family<PolicyActionLabels, Counter>,
    watch_errors: Family<KindLabels, Counter>,
    leader: Gauge,
    /// Since when passes have been waiting for their places, by a number for each.
    waits: Mutex<BTreeMap<u64, (KindLabels, Instant)>>,
    snapshots: Snapshots,
}

impl Metrics {
    /// Registers every metric.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let metrics = Self {
            registry: Registry::with_prefix("lambdaroles"),
            passes: Family::default(),
            pass_times: Family::new_with_constructor(times),
            active: Family::default(),
            waiting: Family::default(),
            wait_times: Family::new_with_constructor(times),
            calls: Family::default(),
            call_times: Family::new_with_constructor(times),
            call_waits: Family::default(),
            drifts_found: Family::default(),
            drifts_corrected: Family::default(),
            policy_changes: Family::default(),
            changed_actions: Family::default(),
            watch_errors: Family::default(),
            leader: Gauge::default(),
            waits: Mutex::default(),
            snapshots: Snapshots::default(),
        };
        Arc::new(metrics.registered())
    }

    fn registered(mut self) -> Self {
        let to = &mut self.registry;
        to.register("reconcile", "Passes over an object, by how they ended", self.passes.clone());
        let times = self.pass_times.clone();
        to.register_with_unit("reconcile_duration", "Time of a pass that looked at IAM", Unit::Seconds, times);
        to.register("reconcile_active", "Passes in hand, those that wait included", self.active.clone());
        let waiting = self.waiting.clone();
        to.register("reconcile_waiting", "Passes that wait for a place among those of their account", waiting);
        let times = self.wait_times.clone();
        to.register_with_unit("reconcile_wait", "Time that a pass waited for its place", Unit::Seconds, times);
        to.register("aws_calls", "Requests to AWS, retries included, by how they ended", self.calls.clone());
        let times = self.call_times.clone();
        to.register_with_unit("aws_call_duration", "Time of a request to AWS", Unit::Seconds, times);
        let waits = self.call_waits.clone();
        let help = "Time that requests to AWS waited for their turn, or to be repeated";
        to.register_with_unit("aws_call_wait", help, Unit::Seconds, waits);
        let help = "Times that IAM was seen to differ from an unchanged spec";
        to.register("drift_found", help, self.drifts_found.clone());
        let help = "Passes that undid a change made by somebody else";
        to.register("drift_corrected", help, self.drifts_corrected.clone());
        let help = "Times that AWS made another version of one of its policies on roles the default, in each account";
        to.register("managed_policy_changes", help, self.policy_changes.clone());
        let help = "Actions that such a version allows or denies and the one before did not, or the other way round";
        to.register("managed_policy_changed_actions", help, self.changed_actions.clone());
        let help = "Answers of the API server that ended a watch, or kept it from beginning";
        to.register("watch_errors", help, self.watch_errors.clone());
        to.register("leader", "Whether this replica is the one that works", self.leader.clone());
        to.register("build", "Version of the controller", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let started = ConstGauge::new(started.as_secs_f64());
        to.register_with_unit("start_time", "When the process started, since the epoch", Unit::Seconds, started);
        to.register_collector(Box::new(self.snapshots.clone()));
        self
    }

    /// Says who tells what is true at a scrape: `None` once this replica works no more.
    pub fn observe(&self, source: impl Fn() -> Option<Snapshot> + Send + Sync + 'static) {
        self.snapshots.come_from(Box::new(source));
    }

    /// Says whether this replica is the one that works.
    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// A pass over an object of that kind begins.
    #[must_use]
    pub fn pass(&self, kind: &str) -> PassInHand<'_> {
        let labels = KindLabels::of(kind);
        self.active.get_or_create(&labels).inc();
        PassInHand { metrics: self, labels, started: Instant::now() }
    }

    /// A pass over an object of that kind begins to wait for its place.
    #[must_use]
    pub fn wait(&self, kind: &str) -> Wait<'_> {
        let (labels, started) = (KindLabels::of(kind), Instant::now());
        self.waiting.get_or_create(&labels).inc();
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waits.last_key_value().map_or(0, |(number, _)| number + 1);
        waits.insert(number, (labels.clone(), started));
        Wait { metrics: self, labels, started, number }
    }

    /// For how long the pass over an object of that kind has been waiting for its place that has waited longest.
    pub fn longest_wait(&self, kind: &str) -> Duration {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = waits.values().find(|(labels, _)| labels.kind == kind);
        of_kind.map(|(_, started)| started.elapsed()).unwrap_or_default()
    }

    /// Counts a request to AWS.
    pub fn call(&self, call: Call) {
        let Call { account, service, operation, outcome, waited, duration } = call;
        let labels = OperationLabels { aws_service: service.clone(), operation: operation.clone() };
        self.call_times.get_or_create(&labels).observe(duration.as_secs_f64());
        self.call_waits.get_or_create(&AccountLabels { account: account.clone() }).inc_by(waited.as_secs_f64());
        self.calls
            .get_or_create(&CallLabels { account, aws_service: service, operation, outcome: outcome.into() })
            .inc();
    }

    /// Begins to count the drift of a kind and class: a counter that begins with its first event is not seen to increase.
    pub fn watch_drift(&self, kind: &str, class: &str) {
        let labels = DriftLabels { kind: kind.to_owned(), class: class.to_owned() };
        drop(self.drifts_found.get_or_create(&labels));
        drop(self.drifts_corrected.get_or_create(&labels));
    }

    /// Counts an answer of the API server that ends a watch of that kind.
    pub fn watch_failed(&self, kind: &str) {
        self.watch_errors.get_or_create(&KindLabels::of(kind)).inc();
    }

    /// Counts that IAM was seen to differ from an unchanged spec of an object of that kind and class, and whether that was undone.
    pub fn drift(&self, kind: &str, class: &str, is_corrected: bool) {
        let labels = DriftLabels { kind: kind.to_owned(), class: class.to_owned() };
        self.drifts_found.get_or_create(&labels).inc();
        if is_corrected {
            self.drifts_corrected.get_or_create(&labels).inc();
        }
    }

    /// Counts another version of one of AWS's policies, and what it changes.
    pub fn managed_policy_changed(&self, account: &str, policy: &str, change: &PolicyChange) {
        let (account, policy) = (account.to_owned(), policy.to_owned());
        self.policy_changes.get_or_create(&PolicyLabels { account: account.clone(), policy: policy.clone() }).inc();
        for CountedAction { effect, change, action } in change.counted() {
            let (account, policy, action) = (account.clone(), policy.clone(), action.to_owned());
            let labels = PolicyActionLabels { account, policy, effect, change, action };
            self.changed_actions.get_or_create(&labels).inc();
        }
    }

    /// All metrics in the OpenMetrics text format.
    ///
    /// # Errors
    /// If a metric cannot be written.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A pass that is under way.
#[derive(Debug)]
pub struct PassInHand<'a> {
    metrics: &'a Metrics,
    labels: KindLabels,
    started: Instant,
}

impl PassInHand<'_> {
    /// Counts how the pass ended.
    pub fn ended(self, result: PassResult) {
        let passes = &self.metrics.passes;
        passes.get_or_create(&PassLabels { kind: self.labels.kind.clone(), result }).inc();
        match result {
            // Nothing was looked at: many of those would hide the times of those that are of interest.
            PassResult::Skipped => {}
            PassResult::Synced | PassResult::Held | PassResult::Failed(_) | PassResult::ClusterError => {
                self.metrics.pass_times.get_or_create(&self.labels).observe(self.started.elapsed().as_secs_f64());
            }
        }
    }
}

impl Drop for PassInHand<'_> {
    fn drop(&mut self) {
        self.metrics.active.get_or_create(&self.labels).dec();
    }
}

/// A pass that waits for its place; dropped once it has it, or gives up.
#[derive(Debug)]
pub struct Wait<'a> {
    metrics: &'a Metrics,
    labels: KindLabels,
    started: Instant,
    number: u64,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.metrics.waits.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        self.metrics.waiting.get_or_create(&self.labels).dec();
        self.metrics.wait_times.get_or_create(&self.labels).observe(self.started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests;
