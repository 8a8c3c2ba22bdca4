//! `/livez`, `/readyz`, `/metrics`.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::telemetry::Metrics;

/// What the endpoints speak of.
#[derive(Clone, Debug)]
pub struct Health {
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the objects that are watched can be listed.
    pub is_ready: Arc<AtomicBool>,
}

/// Listens on `address`. One that means every address of both versions of IP means those of IPv4 where there is no IPv6.
///
/// # Errors
/// If the address cannot be had.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) => match without_ipv6(address, &error) {
            Some(address) => TcpListener::bind(address).await,
            None => Err(error),
        },
        listener => listener,
    }
}

/// What `address` comes to on a machine whose answer says that it has no IPv6.
fn without_ipv6(address: SocketAddr, error: &io::Error) -> Option<SocketAddr> {
    /// Of Linux: the kernel has no such family, <https://man7.org/linux/man-pages/man2/socket.2.html>.
    const ADDRESS_FAMILY_NOT_SUPPORTED: i32 = 97;
    let has_no_ipv6 =
        error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(ADDRESS_FAMILY_NOT_SUPPORTED);
    let is_any = address.is_ipv6() && address.ip().is_unspecified();
    (is_any && has_no_ipv6).then(|| (Ipv4Addr::UNSPECIFIED, address.port()).into())
}

/// Answers until `stop` is cancelled.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, health: Health, stop: CancellationToken) -> io::Result<()> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    if health.is_ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ok")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "LambdaExecutionRoles cannot be listed yet: is the CRD installed, and may the controller list them?",
        )
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    match health.metrics.encode() {
        Ok(text) => (StatusCode::OK, content_type, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, content_type, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::net::TcpStream;

    use super::*;

    const NO_FAMILY: i32 = 97;
    const NOT_AVAILABLE: i32 = 99;
    const IN_USE: i32 = 98;

    #[rstest]
    #[case::the_kernel_has_none("[::]:8080", NO_FAMILY, Some("0.0.0.0:8080"))]
    #[case::it_is_switched_off("[::]:8080", NOT_AVAILABLE, Some("0.0.0.0:8080"))]
    #[case::somebody_else_has_the_port("[::]:8080", IN_USE, None)]
    #[case::one_address_is_meant("[::1]:8080", NOT_AVAILABLE, None)]
    #[case::it_was_ipv4_already("0.0.0.0:8080", NOT_AVAILABLE, None)]
    fn every_address_means_those_of_ipv4_where_there_is_no_ipv6(
        #[case] address: &str,
        #[case] error: i32,
        #[case] expected: Option<&str>,
    ) {
        let error = io::Error::from_raw_os_error(error);
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(without_ipv6(address.parse().unwrap(), &error), expected);
    }

    #[tokio::test]
    async fn every_address_is_reached_over_ipv4_too() {
        let listener = bind("[::]:0".parse().unwrap()).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    }
}
