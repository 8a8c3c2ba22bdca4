//! Whether IAM is looked at now, and when next.

use std::time::Duration;

use super::Class;

/// Longest wait between two attempts at a failing object.
pub const BACKOFF_MAX: Duration = Duration::from_mins(5);

/// What was looked at last. A wake-up that finds it unchanged before the next look is due reads nothing from IAM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// UID of the object.
    pub uid: Option<String>,
    /// Generation of the spec.
    pub generation: Option<i64>,
    /// Value of the annotation that forces a look.
    pub reconcile_at: Option<String>,
    /// Whether the annotation to delete a role in use is set.
    pub delete_in_use: bool,
    /// Whether the object is being deleted.
    pub is_deleting: bool,
    /// UID and generation of its class.
    pub class: Option<(Option<String>, Option<i64>)>,
    /// Why it cannot have the class, in words.
    pub obstacle: Option<String>,
    /// What decides beside it and its class, in a text that changes with it.
    pub neighbours: Option<String>,
}

/// How long to wait after the `failures`th failure in a row: doubling from a base that fits the class, up to
/// [`BACKOFF_MAX`], scaled by `jitter` from 0 to 1 to between half and all of it. `None` for terminal failures, which wait for the
/// resync.
#[must_use]
pub fn backoff(class: Class, failures: u32, jitter: f64) -> Option<Duration> {
    let base = match class {
        Class::Terminal => return None,
        Class::Transient => Duration::from_secs(1),
        Class::Waiting => Duration::from_secs(2),
        Class::Throttled => Duration::from_secs(5),
        Class::Conflict => Duration::from_secs(10),
    };
    let doublings = failures.saturating_sub(1).min(16);
    let whole = base.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    Some(whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0))
}

/// The resync interval, 10 % more or less: objects that were made together shall not be looked at together for ever.
#[must_use]
pub fn resync(interval: Duration, jitter: f64) -> Duration {
    interval.mul_f64(0.9 + jitter.clamp(0.0, 1.0) / 5.0)
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn backoff_doubles_up_to_five_minutes() {
        let waits: Vec<u64> = (1..=10).map(|n| backoff(Class::Transient, n, 1.0).unwrap().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }

    #[test]
    fn only_terminal_failures_wait_for_the_resync() {
        for class in Class::iter() {
            assert_eq!(backoff(class, 1, 0.5).is_none(), class == Class::Terminal, "{class}");
        }
    }

    #[test]
    fn jitter_keeps_within_its_bounds() {
        for jitter in [0.0, 0.3, 1.0] {
            let wait = backoff(Class::Throttled, u32::MAX, jitter).unwrap();
            assert!((BACKOFF_MAX / 2..=BACKOFF_MAX).contains(&wait));
            let resync = resync(Duration::from_mins(10), jitter);
            assert!((Duration::from_mins(9)..=Duration::from_mins(11)).contains(&resync));
        }
    }
}
