//! Which of several replicas works: the protocol of client-go's `leaderelection` on a `Lease`, as a decision and what carries it out.
//! <https://pkg.go.dev/k8s.io/client-go/tools/leaderelection>
//!
//! A candidate takes a lease that nobody holds, or that it has seen unchanged for its whole duration by its own clock, so that no
//! two clocks have to agree. Each write carries the resource version that was read: of two candidates one has a conflict. The holder
//! stops before anybody can have taken its lease: [`Tenure`] says until when it may write, and is asked right before each write, as
//! a process that was stopped for a while goes on in the middle of what it did. `docs/decisions/0018-leader-election.md` says why this
//! is no library.

mod election;
mod tenure;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use k8s_openapi::{api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};

pub use self::{
    election::{Election, Lost},
    tenure::Tenure,
};

/// How long a lease holds, and how often it is renewed. The defaults are client-go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a candidate sees no renewal before it takes the lease.
    pub duration: Duration,
    /// How long the holder goes on without a renewal that succeeded.
    pub renew_deadline: Duration,
    /// Between two renewals, or two looks of a candidate.
    pub retry_period: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

impl Timing {
    /// Checks that a holder stops before a candidate begins, and may miss a renewal.
    ///
    /// # Errors
    /// A sentence that says which is wrong.
    pub fn check(self) -> Result<Self, String> {
        let Self { duration, renew_deadline, retry_period } = self;
        if duration.subsec_nanos() != 0 || i32::try_from(duration.as_secs()).is_err() {
            // The field of the Lease holds seconds.
            return Err("the lease duration must be whole seconds".to_owned());
        }
        if renew_deadline >= duration {
            return Err(
                "the renew deadline must be shorter than the lease duration, or two replicas could work at once"
                    .to_owned(),
            );
        }
        if retry_period.is_zero() || retry_period >= renew_deadline {
            return Err("the retry period must be more than nothing and shorter than the renew deadline".to_owned());
        }
        Ok(self)
    }
}

/// What a candidate has seen of the lease.
#[derive(Debug)]
struct Candidate {
    identity: String,
    timing: Timing,
    /// The spec of another holder that was seen last, or that the lease was gone after that, and since when.
    seen: Option<(Option<LeaseSpec>, Instant)>,
}

impl Candidate {
    fn new(identity: String, timing: Timing) -> Self {
        Self { identity, timing, seen: None }
    }

    /// The spec with which to take or renew the lease, which now holds `spec`, or is not there; `None` while it is another's.
    fn bid(&mut self, spec: Option<&LeaseSpec>, now: Instant, time: Timestamp) -> Option<LeaseSpec> {
        let is_free = spec.is_some_and(|spec| self.is_own(spec) || holder(spec).is_none());
        if !is_free && self.is_held(spec, now) {
            return None;
        }
        Some(self.taken(spec.unwrap_or(&LeaseSpec::default()), time))
    }

    /// Whether another holds the lease, by what has been seen. Whoever deletes a lease does not stop its holder.
    fn is_held(&mut self, spec: Option<&LeaseSpec>, now: Instant) -> bool {
        if self.seen.is_none() && spec.is_none() {
            return false;
        }
        let since = match &self.seen {
            Some((seen, since)) if seen.as_ref() == spec => *since,
            Some(_) | None => {
                self.seen = Some((spec.cloned(), now));
                now
            }
        };
        // What the holder says of itself counts, where it is longer.
        let said = spec.and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok()).unwrap_or_default();
        now.duration_since(since) < self.timing.duration.max(Duration::from_secs(said))
    }

    /// The lease is the candidate's: what it has seen of others is past.
    fn won(&mut self) {
        self.seen = None;
    }

    fn is_own(&self, spec: &LeaseSpec) -> bool {
        holder(spec) == Some(&self.identity)
    }

    /// The spec that makes the candidate the holder after `spec`, the default of which is a lease that was never held.
    fn taken(&self, spec: &LeaseSpec, time: Timestamp) -> LeaseSpec {
        let is_own = self.is_own(spec);
        let time = MicroTime(time);
        let count = spec.lease_transitions;
        let transitions = if is_own { count } else { Some(count.map_or(0, |count| count.saturating_add(1))) };
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.timing.duration.as_secs()).ok(),
            acquire_time: spec.acquire_time.clone().filter(|_| is_own).or_else(|| Some(time.clone())),
            renew_time: Some(time),
            lease_transitions: transitions,
            ..LeaseSpec::default()
        }
    }

    /// The spec that lets the lease go, or `None` if it is not the candidate's. As with client-go the lease then holds for a second, and
    /// has no holder: the next one counts the transition.
    fn released(&self, spec: &LeaseSpec, time: Timestamp) -> Option<LeaseSpec> {
        self.is_own(spec).then(|| LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            acquire_time: Some(MicroTime(time)),
            renew_time: Some(MicroTime(time)),
            lease_transitions: spec.lease_transitions,
            ..LeaseSpec::default()
        })
    }
}

/// Who holds the lease: a lease that was let go names nobody, or an empty name.
fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}
