//! What a failure means for the object it happened to.

use crate::api::Reason;

/// The class of a failure. Requeue, condition, event, log level and metric label all follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter, strum::IntoStaticStr)]
pub enum Class {
    /// No retry changes it; somebody has to. Looked at again at the resync interval.
    Terminal,
    /// Something outside has to appear or be granted first.
    Waiting,
    /// Gone by itself soon.
    Transient,
    /// AWS asked to slow down.
    Throttled,
    /// Somebody else is changing the same thing.
    Conflict,
}

/// A failure, as the object's owner shall read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What follows from it.
    pub class: Class,
    /// The reason in conditions and events.
    pub reason: Reason,
    /// Whole sentences that name the object and the fix; no time, no request id.
    pub message: String,
}
