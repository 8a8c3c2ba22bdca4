//! Logs and metrics.

#![allow(clippy::disallowed_methods, reason = "measures time")]

mod metrics;

use std::io::IsTerminal;

pub use metrics::{Metrics, PassResult, Snapshot};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sends logs to standard error, filtered by `filter` (`info`, `lambdaroles=debug,info`, …).
///
/// # Errors
/// If `filter` is no filter, or logging was set up before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).with_current_span(false).try_init(),
    }
}
