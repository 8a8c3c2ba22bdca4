//! What metrics are told apart by.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

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

impl PassResult {
    /// The word for it, in metrics and traces.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Skipped => "skipped",
            Self::Held => "held",
            Self::Failed(Class::Terminal) => "terminal",
            Self::Failed(Class::Waiting) => "waiting",
            Self::Failed(Class::Transient) => "transient",
            Self::Failed(Class::Throttled) => "throttled",
            Self::Failed(Class::Conflict) => "conflict",
            Self::ClusterError => "cluster_error",
        }
    }

    /// Whether something went wrong.
    #[must_use]
    pub fn is_failure(self) -> bool {
        match self {
            Self::Failed(_) | Self::ClusterError => true,
            Self::Synced | Self::Skipped | Self::Held => false,
        }
    }
}

impl EncodeLabelValue for PassResult {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.label().encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PassLabels {
    pub(super) kind: String,
    pub(super) result: PassResult,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindLabels {
    pub(super) kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ObjectLabels {
    pub(super) kind: String,
    pub(super) class: String,
    pub(super) state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DriftLabels {
    pub(super) kind: String,
    pub(super) class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ShareLabels {
    pub(super) class: String,
    pub(super) quantile: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AccountLabels {
    pub(super) account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    pub(super) account: String,
    pub(super) aws_service: String,
    pub(super) operation: String,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OperationLabels {
    pub(super) aws_service: String,
    pub(super) operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PolicyLabels {
    pub(super) account: String,
    pub(super) policy: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PolicyActionLabels {
    pub(super) account: String,
    pub(super) policy: String,
    pub(super) effect: &'static str,
    pub(super) change: &'static str,
    pub(super) action: String,
}

impl KindLabels {
    pub(super) fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned() }
    }
}
