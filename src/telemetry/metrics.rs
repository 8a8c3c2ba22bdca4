//! Metrics in the OpenMetrics format. Every label value comes from a closed list.

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use crate::plan::Class;

/// How a pass over an object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PassResult {
    /// IAM equals the spec, or the object is gone.
    Synced,
    /// No look was due.
    Skipped,
    /// The spec or the guard holds IAM as it is.
    Held,
    /// A call to AWS failed.
    Failed(Class),
    /// A call to the Kubernetes API failed.
    ClusterError,
}

impl EncodeLabelValue for PassResult {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let label = match self {
            Self::Synced => "synced",
            Self::Skipped => "skipped",
            Self::Held => "held",
            Self::Failed(Class::Terminal) => "terminal",
            Self::Failed(Class::Waiting) => "waiting",
            Self::Failed(Class::Transient) => "transient",
            Self::Failed(Class::Throttled) => "throttled",
            Self::Failed(Class::Conflict) => "conflict",
            Self::ClusterError => "cluster_error",
        };
        label.encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PassLabels {
    kind: String,
    result: PassResult,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: String,
    operation: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

/// The process's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<PassLabels, Counter>,
    pass_seconds: Histogram,
    calls: Family<CallLabels, Counter>,
    drifts: Family<KindLabels, Counter>,
}

impl Metrics {
    /// Registers every metric.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("lambdaroles");
        let passes = Family::default();
        let pass_seconds = Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
        let calls = Family::default();
        let drifts = Family::default();
        registry.register("reconcile", "Passes over an object, by how they ended", passes.clone());
        registry.register_with_unit("reconcile_duration", "Time of a pass", Unit::Seconds, pass_seconds.clone());
        registry.register("aws_calls", "Requests to AWS, retries included, by how they ended", calls.clone());
        registry.register("drift_corrected", "Passes that undid a change made by somebody else", drifts.clone());
        registry.register("build", "Version of the controller", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        registry.register_with_unit(
            "start_time",
            "When the process started, since the epoch",
            Unit::Seconds,
            ConstGauge::new(started.as_secs_f64()),
        );
        Arc::new(Self { registry, passes, pass_seconds, calls, drifts })
    }

    /// Counts a pass over an object of that kind.
    pub fn pass(&self, kind: &str, result: PassResult, duration: Duration) {
        self.passes.get_or_create(&PassLabels { kind: kind.to_owned(), result }).inc();
        self.pass_seconds.observe(duration.as_secs_f64());
    }

    /// Counts a request to AWS.
    pub fn call(&self, service: String, operation: String, outcome: &'static str) {
        self.calls.get_or_create(&CallLabels { service, operation, outcome }).inc();
    }

    /// Counts a pass over an object of that kind that undid somebody else's change.
    pub fn drift_corrected(&self, kind: &str) {
        self.drifts.get_or_create(&KindLabels { kind: kind.to_owned() }).inc();
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
