//! `/loglevel`: what is logged, read and changed while the process runs. For those who may reach the machine or forward a
//! port to the Pod, hence on an address of its own.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::reload;

use crate::telemetry::{LogLevel, check_filter};

/// Status and text.
type Answer = (StatusCode, String);

/// Answers until `stop` is cancelled.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, level: LogLevel, stop: CancellationToken) -> std::io::Result<()> {
    let router = Router::new().route("/loglevel", get(current).put(set).delete(reset)).with_state(level);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn current(State(level): State<LogLevel>) -> Answer {
    answer(level.current())
}

async fn set(State(level): State<LogLevel>, filter: String) -> Answer {
    match check_filter(&filter) {
        Ok(filter) => answer(level.set(filter).and_then(|()| level.current())),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

async fn reset(State(level): State<LogLevel>) -> Answer {
    answer(level.reset().and_then(|()| level.current()))
}

fn answer(filter: Result<String, reload::Error>) -> Answer {
    match filter {
        Ok(filter) => (StatusCode::OK, format!("{filter}\n")),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}
