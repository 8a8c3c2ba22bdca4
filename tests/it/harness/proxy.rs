//! Stands between the controller and the emulator: counts requests, and makes the faults that no emulator makes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use fastrand::Rng;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::AbortHandle,
};

use super::rights::{self, PolicyBefore, RoleBefore};
use crate::rewrite::rewritten;

/// What is done to a request instead of passing it on.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is answered with an error of IAM's.
    Error { status: u16, code: &'static str, message: &'static str },
    /// It is passed on, and its answer is lost with the connection.
    LoseAnswer,
    /// It is passed on once [`Proxy::heal`] is called.
    Hold,
}

impl Fault {
    pub const THROTTLED: Self = Self::Error { status: 400, code: "Throttling", message: "Rate exceeded" };
}

/// A request as it passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it arrived.
    pub at: Instant,
    pub operation: String,
    pub parameters: BTreeMap<String, String>,
    /// Whether the SDK sent it again by itself, for want of an answer in time.
    pub is_repeated: bool,
    /// The role that it changes, as it was before; `None` if there was none.
    pub role: Option<RoleBefore>,
    /// The managed policy that it changes, as it was before.
    pub policy: Option<PolicyBefore>,
}

#[derive(Debug)]
struct Rule {
    operation: &'static str,
    left: usize,
    fault: Fault,
}

#[derive(Debug)]
struct State {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    calls: Mutex<Vec<Call>>,
    /// The calls that were forgotten.
    forgotten: Mutex<Vec<Call>>,
    rules: Mutex<Vec<Rule>>,
    arrived: Notify,
    released: watch::Sender<bool>,
    /// Where answers with documents are put in other words, how.
    rewriting: Mutex<Option<Rng>>,
}

/// A proxy on a port of its own; it ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    pub url: String,
    state: Arc<State>,
    task: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub async fn start(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            calls: Mutex::default(),
            forgotten: Mutex::default(),
            rules: Mutex::default(),
            arrived: Notify::new(),
            released: watch::Sender::new(false),
            rewriting: Mutex::default(),
        });
        let served = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&served);
                let service = service_fn(move |request| pass(request, Arc::clone(&state)));
                // An error of the service ends the connection without an answer, which is what a lost one looks like.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { url, state, task: task.abort_handle() })
    }

    /// The next `times` requests for `operation` meet `fault`.
    pub fn fault(&self, operation: &'static str, times: usize, fault: Fault) {
        self.state.released.send_replace(false);
        self.state.rules.lock().unwrap().push(Rule { operation, left: times, fault });
    }

    /// From now on documents come back in other words of the same meaning, as AWS may give them.
    pub fn rewrite_documents(&self, seed: u64) {
        *self.state.rewriting.lock().unwrap() = Some(Rng::with_seed(seed));
    }

    /// How many faults have not been made yet.
    pub fn faults_left(&self) -> usize {
        self.state.rules.lock().unwrap().iter().map(|rule| rule.left).sum()
    }

    /// No fault is made any more.
    pub fn heal(&self) {
        self.state.rules.lock().unwrap().clear();
        self.state.released.send_replace(true);
    }

    /// Waits until a request for `operation` has arrived since the last [`Self::forget`].
    pub async fn arrival(&self, operation: &str) {
        while !self.operations().iter().any(|seen| seen == operation) {
            self.next_call().await;
        }
    }

    /// Waits for the next request; returns at once if one came since the last wait.
    pub async fn next_call(&self) {
        self.state.arrived.notified().await;
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        let mut calls = self.state.calls.lock().unwrap();
        self.state.forgotten.lock().unwrap().append(&mut calls);
    }

    /// Every call so far, the forgotten ones too.
    pub fn history(&self) -> Vec<Call> {
        let calls = self.state.calls.lock().unwrap();
        self.state.forgotten.lock().unwrap().iter().chain(&*calls).cloned().collect()
    }

    /// The calls since the last [`Self::forget`], in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().unwrap().clone()
    }

    /// Their operations, in order.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// The operations that change something.
    pub fn writes(&self) -> Vec<String> {
        let is_read = |operation: &String| ["Get", "List"].iter().any(|prefix| operation.starts_with(prefix));
        self.operations().into_iter().filter(|operation| !is_read(operation)).collect()
    }

    /// How often the controller called each operation. What the SDK sent again on a slow machine does not count.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.calls().into_iter().filter(|call| !call.is_repeated) {
            *counts.entry(call.operation).or_default() += 1;
        }
        counts
    }
}

/// Asks the emulator for a role or a policy in the name of whoever makes a request, whose signature it does not check.
async fn before(state: &State, headers: &HeaderMap, operation: &str, (key, name): (&str, &str)) -> Result<String> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let mut question = Request::builder().method("POST").uri(format!("{}/", state.upstream));
    for (name, value) in headers.iter().filter(|(name, _)| *name == "authorization" || *name == "content-type") {
        question = question.header(name, value);
    }
    let question = question.body(format!("Action={operation}&Version=2010-05-08&{key}={name}").into())?;
    let answer = state.client.request(question).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

async fn pass(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let parameters = form(&body);
    // IAM and STS name the operation in the form, Lambda in the path.
    let operation = match parameters.get("Action") {
        Some(action) => action.clone(),
        None if parts.uri.path().contains("/functions") => "ListFunctions".to_owned(),
        None => bail!("unknown request {} {}", parts.method, parts.uri),
    };
    let attempt = parts.headers.get("amz-sdk-request").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_repeated = !attempt.is_empty() && !attempt.contains("attempt=1");
    let role = match parameters.get("RoleName") {
        Some(name) if !rights::is_read(&operation) => {
            RoleBefore::parse(&before(&state, &parts.headers, "GetRole", ("RoleName", name)).await?)
        }
        Some(_) | None => None,
    };
    let policy = match parameters.get("PolicyArn") {
        Some(arn) if !rights::is_read(&operation) => {
            PolicyBefore::parse(&before(&state, &parts.headers, "GetPolicy", ("PolicyArn", arn)).await?)
        }
        Some(_) | None => None,
    };
    state.calls.lock().unwrap().push(Call {
        at: Instant::now(),
        operation: operation.clone(),
        parameters,
        is_repeated,
        role,
        policy,
    });
    state.arrived.notify_one();
    let fault = next_fault(&state, &operation);
    if let Some(Fault::Error { status, code, message }) = fault {
        let body = format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
        );
        return Ok(Response::builder().status(status).header("content-type", "text/xml").body(body.into())?);
    }
    if let Some(Fault::Hold) = fault {
        let mut released = state.released.subscribe();
        let _ = released.wait_for(|released| *released).await;
    }
    let target = format!("{}{}", state.upstream, parts.uri.path_and_query().context("a request without a path")?);
    let mut forwarded = Request::builder().method(parts.method).uri(target);
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        forwarded = forwarded.header(name, value);
    }
    let answer = state.client.request(forwarded.body(Full::new(body))?).await?;
    if let Some(Fault::LoseAnswer) = fault {
        bail!("the answer is lost on purpose");
    }
    let (parts, body) = answer.into_parts();
    let mut response = Response::builder().status(parts.status);
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "transfer-encoding") {
        response = response.header(name, value);
    }
    let body = body.collect().await?.to_bytes();
    Ok(response.body(Full::new(in_other_words(body, &state)))?)
}

/// The answer with each document in it rewritten, if that is asked for.
fn in_other_words(body: Bytes, state: &State) -> Bytes {
    let mut rewriting = state.rewriting.lock().unwrap();
    let Some(random) = rewriting.as_mut() else { return body };
    let mut text = String::from_utf8_lossy(&body).into_owned();
    for element in ["AssumeRolePolicyDocument", "PolicyDocument"] {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let Some(start) = text.find(&open).map(|start| start + open.len()) else { continue };
        let Some(end) = text[start..].find(&close).map(|length| start + length) else { continue };
        let document = percent_decode_str(&text[start..end]).decode_utf8_lossy().into_owned();
        let encoded = utf8_percent_encode(&rewritten(&document, random), NON_ALPHANUMERIC).to_string();
        text.replace_range(start..end, &encoded);
    }
    text.into()
}

fn next_fault(state: &State, operation: &str) -> Option<Fault> {
    let mut rules = state.rules.lock().unwrap();
    let rule = rules.iter_mut().find(|rule| rule.operation == operation && rule.left > 0)?;
    rule.left -= 1;
    Some(rule.fault.clone())
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (decoded(key), decoded(value))).collect()
}
