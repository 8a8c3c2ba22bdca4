//! Whether anything may be changed in AWS, asked right before each request that would.

use std::{fmt, sync::Arc};

use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef};
use aws_smithy_runtime_api::box_error::BoxError;

use super::{Error, Kind};

/// Whether this process may change anything; by default it always may.
///
/// A request that was prepared may be sent much later: it waits for its turn, is repeated, or the whole process was stopped in
/// between. So it is asked when the request is signed and about to go.
#[derive(Clone, Default)]
pub struct WriteGate(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl WriteGate {
    /// One that is open whenever `is_open` says so.
    #[must_use]
    pub fn new(is_open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_open)))
    }

    fn is_open(&self) -> bool {
        self.0.as_ref().is_none_or(|is_open| is_open())
    }
}

impl fmt::Debug for WriteGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteGate").field(&self.is_open()).finish()
    }
}

impl Intercept for WriteGate {
    fn name(&self) -> &'static str {
        "WriteGate"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.is_open() {
            return Ok(());
        }
        Err(Box::new(Error {
            operation: "a write",
            kind: Kind::Unavailable,
            detail: "this replica no longer leads, so it changes nothing".to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, net::TcpListener};

    use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};

    use super::*;
    use crate::aws::error::from_sdk;

    /// Sends a change to a server that answers nothing; returns why it failed, and whether anybody was asked.
    async fn change(gate: WriteGate) -> (Error, bool) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let timeouts = aws_config::timeout::TimeoutConfig::builder();
        let config = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://{}", server.local_addr().unwrap()))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.operation_timeout(std::time::Duration::from_millis(200)).build())
            .interceptor(gate)
            .build();
        let answer = aws_sdk_iam::Client::from_conf(config).delete_role().role_name("orders").send().await;
        let was_asked = match server.accept() {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        };
        (from_sdk("iam:DeleteRole", &answer.unwrap_err()), was_asked)
    }

    #[tokio::test]
    async fn a_replica_that_does_not_lead_sends_no_change() {
        let (error, was_asked) = change(WriteGate::new(|| false)).await;
        assert!(!was_asked);
        assert_eq!(error.kind, Kind::Unavailable);
        assert!(error.detail.contains("no longer leads"), "{error}");
        for open in [WriteGate::default(), WriteGate::new(|| true)] {
            assert!(change(open).await.1);
        }
    }
}
