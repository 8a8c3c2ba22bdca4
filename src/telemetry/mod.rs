//! Logs, traces and metrics.

#![allow(clippy::disallowed_methods, reason = "measures time")]

mod json;
mod log;
mod metrics;
mod stage;
mod traces;

use tracing_subscriber::{layer::SubscriberExt, registry, util::SubscriberInitExt};

pub use log::{FilterError, LogFormat, LogLevel, check_filter};
pub use metrics::{Metrics, PassResult, Snapshot};
pub use stage::{Stage, end_of_pass, pass};
pub use traces::{Endpoint, Traces};

/// Whatever ends the setting up.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// What was set up for the life of the process.
#[derive(Debug)]
pub struct Telemetry {
    /// What is logged, which can be changed.
    pub log_level: LogLevel,
    /// Where traces go, if anywhere.
    pub traces: Option<Traces>,
}

/// Sends logs to standard error, filtered by `filter` (`info`, `lambdaroles=debug,info`, …), and traces to `collector`.
/// Within a Tokio runtime, which sends them.
///
/// # Errors
/// If `filter` is no filter, `collector` cannot be used, or this was set up before.
pub fn init(format: LogFormat, filter: &str, collector: Option<&Endpoint>) -> Result<Telemetry, Error> {
    let (log, log_level) = log::layer(format, filter)?;
    let traces = collector.map(Traces::to).transpose()?;
    registry().with(log).with(traces.as_ref().map(Traces::layer)).try_init()?;
    Ok(Telemetry { log_level, traces })
}
