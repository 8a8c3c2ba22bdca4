//! A collector of traces: a receiver of OTLP over HTTP.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span as Sent,
};
use prost::Message;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// What it does with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Keeps it.
    Take,
    /// Answers that it cannot now.
    Refuse,
    /// Says nothing.
    Hang,
}

/// A span, as far as tests look at it.
#[derive(Clone, Debug)]
pub struct Span {
    pub name: String,
    pub id: Vec<u8>,
    pub trace: Vec<u8>,
    /// Empty if it has none.
    pub parent: Vec<u8>,
    pub start: u64,
    pub end: u64,
    pub is_error: bool,
    /// As text, whatever they are.
    pub attributes: BTreeMap<String, String>,
    /// The lines that were logged in it.
    pub events: Vec<String>,
}

impl Span {
    pub fn is_child_of(&self, parent: &Self) -> bool {
        self.parent == parent.id && self.trace == parent.trace
    }

    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map(String::as_str).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Received {
    spans: Vec<Span>,
    resource: BTreeMap<String, String>,
    /// All that came, as text where it is some.
    raw: String,
}

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    pub url: String,
    received: Arc<Mutex<Received>>,
    answer: watch::Sender<Answer>,
    server: JoinHandle<()>,
}

type Shared = (Arc<Mutex<Received>>, watch::Receiver<Answer>);

impl Collector {
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Received::default()));
        let (answer, answers) = watch::channel(answer);
        let state: Shared = (Arc::clone(&received), answers);
        let router = Router::new().route("/v1/traces", post(receive)).with_state(state);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, received, answer, server }
    }

    pub fn answer(&self, answer: Answer) {
        self.answer.send_replace(answer);
    }

    pub fn spans(&self) -> Vec<Span> {
        self.received.lock().unwrap().spans.clone()
    }

    pub fn resource(&self) -> BTreeMap<String, String> {
        self.received.lock().unwrap().resource.clone()
    }

    pub fn raw(&self) -> String {
        self.received.lock().unwrap().raw.clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State((received, answers)): State<Shared>, body: Bytes) -> StatusCode {
    let answer = *answers.borrow();
    match answer {
        Answer::Take => {}
        Answer::Refuse => return StatusCode::SERVICE_UNAVAILABLE,
        Answer::Hang => std::future::pending().await,
    }
    let request = ExportTraceServiceRequest::decode(&*body).unwrap();
    let mut received = received.lock().unwrap();
    received.raw.push_str(&String::from_utf8_lossy(&body));
    for of_resource in request.resource_spans {
        received.resource = texts(&of_resource.resource.unwrap().attributes);
        received.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(span));
    }
    StatusCode::OK
}

fn span(sent: Sent) -> Span {
    const ERROR: i32 = 2;
    Span {
        attributes: texts(&sent.attributes),
        name: sent.name,
        id: sent.span_id,
        trace: sent.trace_id,
        parent: sent.parent_span_id,
        start: sent.start_time_unix_nano,
        end: sent.end_time_unix_nano,
        is_error: sent.status.is_some_and(|status| status.code == ERROR),
        events: sent.events.into_iter().map(|event| event.name).collect(),
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let entry = |attribute: &KeyValue| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
        (attribute.key.clone(), value.map(text).unwrap_or_default())
    };
    attributes.iter().map(entry).collect()
}
