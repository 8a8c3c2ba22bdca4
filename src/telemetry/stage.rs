//! A pass and its stages, as spans.

use tracing::{Span, error_span, field, info_span};

use super::PassResult;

/// A span around a pass over an object, in which whatever is logged names the object. At the level of errors, so that it is
/// there however little is logged. A class has no namespace.
#[must_use]
pub fn pass(kind: &str, namespace: Option<&str>, name: &str) -> Span {
    error_span!(
        parent: None,
        "reconcile",
        kind,
        namespace,
        name,
        result = field::Empty,
        otel.status_code = field::Empty
    )
}

/// Says in the span of a pass how it ended.
pub fn end_of_pass(span: &Span, result: PassResult) {
    span.record("result", result.label());
    if result.is_failure() {
        span.record("otel.status_code", "ERROR");
    }
}

/// A stage of a pass. One that is gone through twice is there twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What the spec refers to: the account, the class, managed policies.
    Resolve,
    /// What shall be, or why nothing shall.
    Desired,
    /// What IAM holds.
    Observe,
    /// What tells the two apart.
    Diff,
    /// Whether the steps may be taken.
    Guard,
    /// The steps.
    Apply,
    /// What workloads read of it.
    Export,
    /// What is said of it.
    Status,
}

impl Stage {
    /// A span within that of the pass.
    #[must_use]
    pub fn span(self) -> Span {
        match self {
            Self::Resolve => info_span!("resolve"),
            Self::Desired => info_span!("desired"),
            Self::Observe => info_span!("observe"),
            Self::Diff => info_span!("diff"),
            Self::Guard => info_span!("guard"),
            Self::Apply => info_span!("apply"),
            Self::Export => info_span!("export"),
            Self::Status => info_span!("status"),
        }
    }
}
