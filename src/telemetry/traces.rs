//! Traces to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! Spans that end go into a queue, from which a thread of its own sends them every few seconds; what finds the queue full is
//! dropped. So a collector that is slow or away costs the passes nothing.

use std::{
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use axum::http::{Request, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry::{Key, KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{info, level_filters::LevelFilter, warn};
use tracing_subscriber::{Layer, Registry, filter::Targets, layer::Layered};

use super::{Error, log::LogLayer};

/// Name of the process in traces, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` has another.
const SERVICE_NAME: &str = "lambdaroles";

/// How long the collector may take for a batch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of the process waits for the last batch.
const FLUSH: Duration = Duration::from_secs(2);

/// How much of an answer is read, in bytes. A collector says nothing that matters.
const ANSWER: usize = 64 * 1024;

/// Path of traces below the address of a collector: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-request>.
const PATH: &str = "/v1/traces";

/// Address of a collector's receiver of OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Where traces are sent.
    fn traces(&self) -> String {
        let base = self.0.trim_end_matches('/');
        if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("no URL: {error}"))?;
        // It would stand in the log and in the Pod's arguments, and is not sent.
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("must hold no user and no password: give those by OTEL_EXPORTER_OTLP_HEADERS".to_owned());
        }
        match (uri.scheme_str(), uri.host(), uri.query()) {
            (Some("http" | "https"), Some(host), None) if !host.is_empty() => Ok(Self(text.to_owned())),
            (Some("http" | "https"), Some(_), Some(_)) => Err("must have no query".to_owned()),
            _ => Err("must be a URL of http or https, such as http://collector:4318".to_owned()),
        }
    }
}

/// What sends traces.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

/// What the layer of traces lies on.
type Logged = Layered<LogLayer, Registry>;

impl Traces {
    /// Sends traces to `collector` from now on, by the runtime of the caller. Which of them, the standard variables say:
    /// `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`, as do `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_RESOURCE_ATTRIBUTES`.
    pub(super) fn to(collector: &Endpoint) -> Result<Self, Error> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new(collector.traces())?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(collector.traces())
            .with_timeout(TIMEOUT)
            .build()?;
        let provider = SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
        Ok(Self { provider })
    }

    /// Makes spans of this crate's, whatever is logged. Nothing below `info`, where the documents of policies are.
    pub(super) fn layer(&self) -> impl Layer<Logged> + Send + Sync + use<> {
        let tracer: SdkTracer = self.provider.tracer(SERVICE_NAME);
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO))
    }

    /// Sends what is left, if the collector takes it soon.
    pub async fn flush(self) {
        // It waits for the thread that sends, which waits for this runtime.
        let sent = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH));
        if let Ok(Err(error)) = sent.await {
            info!(%error, "the last traces were not delivered");
        }
    }
}

/// What says whose the spans are: what the environment says, or else this program's name.
fn resource() -> Resource {
    let builder = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let found = builder.build();
    let name = found.get(&Key::new("service.name")).map(|name| name.to_string());
    // That is how the SDK calls what nobody has given a name.
    match name.filter(|name| !name.starts_with("unknown_service")) {
        Some(_) => found,
        None => Resource::builder()
            .with_attributes(found.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())))
            .with_attribute(KeyValue::new("service.name", SERVICE_NAME))
            .build(),
    }
}

/// Sends batches. The thread that asks for it has no runtime of its own, so they are sent by that of the process.
#[derive(Debug)]
struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    endpoint: String,
    /// Whether the last batch was refused, or got nowhere: the log says so once.
    is_failing: AtomicBool,
}

impl Sender {
    fn new(endpoint: String) -> Result<Self, Error> {
        let connector = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: Handle::try_current()?,
            endpoint,
            is_failing: AtomicBool::new(false),
        })
    }

    fn note(&self, failure: Option<&str>) {
        match (failure, self.is_failing.swap(failure.is_some(), Ordering::Relaxed)) {
            (Some(error), false) => warn!(endpoint = self.endpoint, error, "traces are not delivered"),
            (None, true) => info!(endpoint = self.endpoint, "traces are delivered again"),
            (Some(_), true) | (None, false) => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = request.map(Full::new);
        let client = self.client.clone();
        let exchange = self.runtime.spawn(async move {
            let answer = tokio::time::timeout(TIMEOUT, async {
                let (parts, body) = client.request(request).await?.into_parts();
                let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
                Ok::<_, HttpError>(Response::from_parts(parts, body))
            });
            answer.await.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}").into()))
        });
        let answer = exchange.await.unwrap_or_else(|error| Err(error.into()));
        match &answer {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => self.note(Some(&format!("the collector answers {}", answer.status()))),
            Err(error) => self.note(Some(&chain(&**error))),
        }
        answer
    }
}

/// An error with its causes: hyper's own words name none.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://collector:4318", "http://collector:4318/v1/traces")]
    #[case("https://collector.observability:4318/", "https://collector.observability:4318/v1/traces")]
    #[case::below_a_path("https://example.com/otlp", "https://example.com/otlp/v1/traces")]
    #[case::that_is_the_path_already("http://[::1]:4318/v1/traces", "http://[::1]:4318/v1/traces")]
    fn traces_go_to_their_path_below_the_address(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<Endpoint>().unwrap().traces(), expected);
    }

    #[rstest]
    #[case::without_a_scheme("collector:4318")]
    #[case::a_path("/v1/traces")]
    #[case::another_scheme("grpc://collector:4317")]
    #[case::with_a_query("http://collector:4318?token=a")]
    #[case::nothing("")]
    fn what_is_no_address_of_a_collector_is_refused(#[case] text: &str) {
        text.parse::<Endpoint>().unwrap_err();
    }
}
