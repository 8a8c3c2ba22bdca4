//! Log lines in JSON: one object a line, with every field at its top.
//!
//! The formats of `tracing-subscriber` and `json-subscriber` put the name of a span where its fields are, so that an object's
//! `name` would be lost.

use std::fmt;

use opentelemetry::trace::{SpanContext, TraceContextExt};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber, dispatcher};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, Scope},
};

/// The format.
#[derive(Debug)]
pub(super) struct FlatJson;

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for FlatJson {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<FormattedFields<JsonFields>>() {
                fields.extend(object(&of_span.fields));
            }
        }
        if let Some(span) = context.lookup_current() {
            fields.extend(ids(&span.id()));
        }
        // The event's own come last, and count.
        let mut own = String::new();
        JsonFields::new().format_fields(Writer::new(&mut own), event)?;
        fields.extend(object(&own));
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let metadata = event.metadata();
        let line = Line { timestamp, level: metadata.level().as_str(), target: metadata.target(), fields };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

/// The fields that were written as JSON.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The ids by which a line is found from its trace, and the other way round.
fn ids(span: &tracing::span::Id) -> Map<String, Value> {
    let found = dispatcher::get_default(|dispatch| get_otel_context(span, dispatch));
    let Some(context) = found.map(|context| context.span().span_context().clone()).filter(SpanContext::is_valid) else {
        return Map::new();
    };
    let ids = [("trace_id", context.trace_id().to_string()), ("span_id", context.span_id().to_string())];
    ids.into_iter().map(|(key, id)| (key.to_owned(), Value::from(id))).collect()
}
