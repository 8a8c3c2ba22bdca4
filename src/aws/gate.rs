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
