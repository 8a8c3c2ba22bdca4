//! The rate at which an account is asked, and its quota of retries.
//!
//! The SDK keeps both per *retry partition*. Its default one is a static of the process, named after service and region
//! (`iam-us-east-1`): every client of every account would share it, and one account that is throttled, or that drains the
//! five hundred tokens of the retry quota, would slow down and disarm all the others. A custom partition owns both.
//! (`aws-smithy-runtime` 1.16, `client::retries::strategy::standard`: `CLIENT_RATE_LIMITER`, `TOKEN_BUCKET`.)

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_iam::config::retry::{ClientRateLimiter, RetryPartition};

/// The rates of IAM in one account, which all its classes share: AWS counts by account. Writes and reads have quotas of
/// their own there, and a sweep of reads must not hold up a write.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) reads: RetryPartition,
    pub(super) writes: RetryPartition,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self { reads: partition("iam-reads"), writes: partition("iam-writes") }
    }
}

/// A rate and a quota of retries that nobody else has, unless it is cloned.
pub(super) fn partition(name: &'static str) -> RetryPartition {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let limiter = ClientRateLimiter::new(now.as_secs_f64());
    RetryPartition::custom(name).client_rate_limiter(limiter).build()
}
