//! Every request to AWS, as it ends, for whoever counts them.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use aws_sdk_iam::config::{
    ConfigBag, Intercept, RuntimeComponents,
    interceptors::{
        BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
    },
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::orchestrator::{HttpResponse, Metadata},
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use tracing::{Span, field, info_span};

use super::credentials::Session;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CallOutcome {
    /// With an answer.
    Succeeded,
    /// With an error that AWS declares, such as `NoSuchEntity`.
    Refused,
    /// For want of a right, or of credentials that AWS knows.
    Denied,
    /// With the request to slow down.
    Throttled,
    /// With nothing usable: no connection, no answer in time, a server error.
    Failed,
}

/// One request, retries counted each.
#[derive(Clone, Debug)]
pub struct Call {
    /// Id of the account whose credentials the request was signed with; empty until AWS has said whose they are.
    pub account: String,
    /// Service, for example `IAM`.
    pub service: String,
    /// Operation, for example `GetRole`.
    pub operation: String,
    /// How it ended.
    pub outcome: CallOutcome,
    /// How long it had to wait: for its turn at the rate of the account, or after the attempt before it.
    pub waited: Duration,
    /// How long it took.
    pub duration: Duration,
}

/// Is told of every request.
pub type CallObserver = Arc<dyn Fn(Call) + Send + Sync>;

/// The SDK's hook.
#[derive(Clone)]
pub(super) struct CallInterceptor {
    observer: CallObserver,
    session: Arc<Session>,
    account: AccountId,
}

impl CallInterceptor {
    /// For clients whose requests are signed with the credentials of `session`, which belong to `account`.
    pub(super) fn new(observer: &CallObserver, session: &Arc<Session>, account: &AccountId) -> Self {
        Self { observer: Arc::clone(observer), session: Arc::clone(session), account: account.clone() }
    }
}

impl fmt::Debug for CallInterceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallInterceptor")
    }
}

/// Id of the account that credentials belong to, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct AccountId(Arc<Mutex<String>>);

impl AccountId {
    pub(super) fn new(id: &str) -> Self {
        Self(Arc::new(Mutex::new(id.to_owned())))
    }

    /// Empty if it is not known.
    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, id: &str) {
        id.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// When a request began to wait: at its beginning, or when the attempt before it had failed.
#[derive(Debug)]
struct WaitStart(Instant);

impl Storable for WaitStart {
    type Storer = StoreReplace<Self>;
}

/// When an attempt began, how long it had waited, and its span, which ends with it.
#[derive(Debug)]
struct Attempt {
    span: Span,
    start: Instant,
    waited: Duration,
}

impl Storable for Attempt {
    type Storer = StoreReplace<Self>;
}

impl Intercept for CallInterceptor {
    fn name(&self) -> &'static str {
        "CallInterceptor"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(WaitStart(Instant::now()));
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let start = Instant::now();
        let waited = config.load::<WaitStart>().map(|since| start.duration_since(since.0)).unwrap_or_default();
        let span = config.load::<Metadata>().map_or_else(Span::none, span_of);
        config.interceptor_state().store_put(Attempt { span, start, waited });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = config.load::<Metadata>() else { return Ok(()) };
        let status = context.response().map(|response| response.status().as_u16());
        let code = context.response().map(error_code).unwrap_or_default();
        let outcome = match status {
            Some(200..=299) if matches!(context.output_or_error(), Some(Ok(_))) => CallOutcome::Succeeded,
            Some(429) => CallOutcome::Throttled,
            // `Throttling` is HTTP 400 with IAM: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
            Some(400..=499) if code.contains("Throttl") => CallOutcome::Throttled,
            Some(401 | 403) => CallOutcome::Denied,
            Some(400..=499) if code.contains("AccessDenied") || UNKNOWN_CREDENTIALS.contains(&code.as_str()) => {
                CallOutcome::Denied
            }
            Some(400..=499) => CallOutcome::Refused,
            Some(_) | None => CallOutcome::Failed,
        };
        if matches!(status, Some(400..=499)) && UNKNOWN_CREDENTIALS.contains(&code.as_str()) {
            self.session.reject(SystemTime::now());
        }
        let end = Instant::now();
        let attempt = config.load::<Attempt>();
        let waited = attempt.map(|attempt| attempt.waited).unwrap_or_default();
        let duration = attempt.map(|attempt| end.duration_since(attempt.start)).unwrap_or_default();
        if let Some(Attempt { span, .. }) = attempt {
            record(span, outcome, status, context.response());
        }
        (self.observer)(Call {
            account: self.account.get(),
            service: metadata.service().to_owned(),
            operation: metadata.name().to_owned(),
            outcome,
            waited,
            duration,
        });
        config.interceptor_state().store_put(WaitStart(end));
        config.interceptor_state().unset::<Attempt>();
        Ok(())
    }
}

/// A span within that of the stage, as OpenTelemetry has it: <https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/>.
/// It says what was asked for and what came of it, and nothing that was asked or answered.
fn span_of(operation: &Metadata) -> Span {
    info_span!(
        "AWS",
        otel.name = format!("{}.{}", operation.service(), operation.name()),
        otel.kind = "client",
        otel.status_code = field::Empty,
        rpc.system = "aws-api",
        rpc.service = operation.service(),
        rpc.method = operation.name(),
        outcome = field::Empty,
        http.response.status_code = field::Empty,
        aws.request_id = field::Empty,
    )
}

fn record(span: &Span, outcome: CallOutcome, status: Option<u16>, response: Option<&HttpResponse>) {
    let label: &'static str = outcome.into();
    span.record("outcome", label);
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    // CloudTrail names a request by it. Lambda spells it otherwise than IAM.
    let id = |response: &HttpResponse| {
        let headers = response.headers();
        headers.get("x-amzn-requestid").or_else(|| headers.get("x-amz-request-id")).map(str::to_owned)
    };
    if let Some(id) = response.and_then(id) {
        span.record("aws.request_id", id);
    }
    match outcome {
        // That something is not there, or there already, is often what the pass wants to know.
        CallOutcome::Succeeded | CallOutcome::Refused => {}
        CallOutcome::Denied | CallOutcome::Throttled | CallOutcome::Failed => {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// Codes of AWS for credentials that have ended, or that it does not know any more.
const UNKNOWN_CREDENTIALS: [&str; 4] =
    ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"];

/// The code that AWS gives an error: IAM and STS in the document, Lambda in a header. Never a part of the message, which
/// may hold what a tenant wrote.
fn error_code(response: &HttpResponse) -> String {
    if let Some(code) = response.headers().get("x-amzn-errortype") {
        return code.split(':').next().unwrap_or_default().to_owned();
    }
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map(|(code, _)| code.to_owned()).unwrap_or_default()
}
