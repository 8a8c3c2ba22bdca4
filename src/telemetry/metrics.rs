//! Metrics in the OpenMetrics format. Every label value comes from a closed list, but for those about AWS's own managed
//! policies, which AWS publishes, and of which a change makes a hundred at most.

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};

use crate::plan::{Class, PolicyChange, tracking::CountedAction};

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    account: String,
    policy: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyActionLabels {
    account: String,
    policy: String,
    effect: &'static str,
    change: &'static str,
    action: String,
}

/// The process's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<PassLabels, Counter>,
    pass_seconds: Histogram,
    calls: Family<CallLabels, Counter>,
    drifts: Family<KindLabels, Counter>,
    policy_changes: Family<PolicyLabels, Counter>,
    changed_actions: Family<PolicyActionLabels, Counter>,
    leader: Gauge,
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
        let policy_changes = Family::default();
        registry.register(
            "managed_policy_changes",
            "Times that AWS made another version of one of its policies on roles the default, in each account",
            policy_changes.clone(),
        );
        let changed_actions = Family::default();
        registry.register(
            "managed_policy_changed_actions",
            "Actions that such a version allows or denies and the one before did not, or the other way round",
            changed_actions.clone(),
        );
        let leader = Gauge::default();
        registry.register("leader", "Whether this replica is the one that works", leader.clone());
        registry.register("build", "Version of the controller", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        registry.register_with_unit(
            "start_time",
            "When the process started, since the epoch",
            Unit::Seconds,
            ConstGauge::new(started.as_secs_f64()),
        );
        Arc::new(Self { registry, passes, pass_seconds, calls, drifts, policy_changes, changed_actions, leader })
    }

    /// Says whether this replica is the one that works.
    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::change::{ActionChanges, Changes};

    fn change() -> PolicyChange {
        let allowed = Changes { added: vec!["s3:Get*".to_owned()], ..Changes::default() };
        PolicyChange { from: "v1".to_owned(), actions: Some(ActionChanges { allowed, ..ActionChanges::default() }) }
    }

    #[test]
    fn the_page_on_metrics_has_a_row_for_each_with_all_its_labels() {
        let metrics = Metrics::new();
        metrics.pass("LambdaExecutionRole", PassResult::Synced, Duration::from_secs(1));
        metrics.call("IAM".to_owned(), "GetRole".to_owned(), "succeeded");
        metrics.drift_corrected("LambdaExecutionRole");
        metrics.managed_policy_changed("111122223333", "arn:aws:iam::aws:policy/Example", &change());
        let page = include_str!("../../docs/reference/metrics.md");
        let text = metrics.encode().unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket"));
        for sample in samples {
            let name = sample.split(['{', ' ']).next().unwrap().trim_end_matches("_sum").trim_end_matches("_count");
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("{name} is not on the page"));
            let labels = sample.split_once('{').map(|(_, labels)| labels.split("\",").collect::<Vec<_>>());
            for label in labels.into_iter().flatten() {
                let label = label.split('=').next().unwrap();
                assert!(row.contains(&format!("`{label}`")), "{label} of {name} is not on the page");
            }
        }
    }

    #[test]
    fn a_change_of_which_nobody_can_tell_the_actions_is_counted_all_the_same() {
        let metrics = Metrics::new();
        metrics.managed_policy_changed("111122223333", "Example", &PolicyChange { actions: None, ..change() });
        let text = metrics.encode().unwrap();
        assert!(
            text.contains("lambdaroles_managed_policy_changes_total{account=\"111122223333\",policy=\"Example\"} 1")
        );
        assert!(!text.contains("changed_actions_total{"), "{text}");
    }
}
