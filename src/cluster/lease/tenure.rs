//! Until when the holder of a lease may write.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The time in which this process may change anything. Clones share it.
#[derive(Clone, Debug)]
pub struct Tenure(Option<Arc<Mutex<Option<Instant>>>>);

impl Tenure {
    /// That of a process which is alone.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// That of a process which holds no lease yet.
    pub(super) fn unbegun() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether a write may begin at `now`.
    #[must_use]
    pub fn holds(&self, now: Instant) -> bool {
        !self.left(now).is_zero()
    }

    /// Whether it began and is over at `now`.
    pub(super) fn has_ended(&self, now: Instant) -> bool {
        let Some(shared) = &self.0 else { return false };
        let until = *shared.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| until <= now)
    }

    /// How long it still is at `now`.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let Some(until) = &self.0 else { return Duration::MAX };
        let until = *until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    pub(super) fn extend(&self, until: Instant) {
        self.set(Some(until));
    }

    /// Ends it, before the lease is let go.
    pub fn end(&self) {
        self.set(None);
    }

    fn set(&self, until: Option<Instant>) {
        if let Some(shared) = &self.0 {
            *shared.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }
}
