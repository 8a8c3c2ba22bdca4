//! Traces: what a collector gets of a pass, and that nothing depends on it.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Answer, Collector, Fault, Span, World, patiently};

/// The attributes that spans may have. What is new here may be no part of a spec, a policy or a credential.
const ATTRIBUTES: [&str; 10] = [
    "aws.request_id",
    "http.response.status_code",
    "kind",
    "name",
    "namespace",
    "outcome",
    "result",
    "rpc.method",
    "rpc.service",
    "rpc.system",
];

/// Ends the controller, which sends what it has.
async fn end(world: &mut World) {
    world.controller.signal(Signal::SIGTERM).unwrap();
    let status = patiently("the end", world.controller.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

fn children<'a>(spans: &'a [Span], parent: &Span) -> Vec<&'a Span> {
    let mut children: Vec<&Span> = spans.iter().filter(|span| span.is_child_of(parent)).collect();
    children.sort_by_key(|span| span.start);
    children
}

fn names<'a>(spans: &[&'a Span]) -> Vec<&'a str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

/// The pass that made the role of that object: the one span `reconcile` of it below which a role was created.
fn pass_that_creates<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let creates = |pass: &Span| {
        let stages = children(spans, pass);
        stages.iter().any(|stage| names(&children(spans, stage)).contains(&"IAM.CreateRole"))
    };
    let mut passes = spans.iter().filter(|span| span.name == "reconcile" && span.attribute("name") == name);
    passes.find(|pass| creates(pass)).unwrap_or_else(|| panic!("no pass creates {name}: {spans:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_is_a_trace_of_its_stages_and_of_the_requests_to_aws() {
    let collector = Collector::start(Answer::Take).await;
    let mut world = World::start_with(&["--otlp-endpoint", &collector.url]).await;
    world
        .create_ready(
            "orders",
            json!({"statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::marker-bucket/*"]}]}),
        )
        .await;
    end(&mut world).await;
    let spans = collector.spans();

    let pass = pass_that_creates(&spans, "orders");
    assert!(pass.parent.is_empty());
    assert_eq!((pass.attribute("kind"), pass.attribute("namespace")), ("LambdaExecutionRole", &*world.namespace));
    assert_eq!((pass.attribute("result"), pass.is_error), ("synced", false));
    let stages = children(&spans, pass);
    let mut order = names(&stages);
    order.dedup();
    assert_eq!(order, ["resolve", "desired", "observe", "guard", "diff", "guard", "apply", "export", "status"]);
    let find = |name: &str| *stages.iter().find(|stage| stage.name == name).unwrap();
    let stage = |name: &str| children(&spans, find(name));
    assert_eq!(find("apply").events, ["changed IAM", "changed IAM"]);
    assert_eq!(names(&stage("observe"))[0], "IAM.GetRole");
    let applied = stage("apply");
    assert_eq!(names(&applied), ["IAM.CreateRole", "IAM.PutRolePolicy"]);
    let request = applied[0];
    assert_eq!(request.attribute("rpc.system"), "aws-api");
    assert_eq!((request.attribute("rpc.service"), request.attribute("rpc.method")), ("IAM", "CreateRole"));
    assert_eq!((request.attribute("outcome"), request.attribute("http.response.status_code")), ("succeeded", "200"));
    assert!(!request.attribute("aws.request_id").is_empty());
    assert!(request.end <= applied[1].start, "a request ends with its answer");

    let resource = collector.resource();
    assert_eq!(resource["service.name"], "lambdaroles");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_hang_together_and_hold_no_part_of_a_policy() {
    let collector = Collector::start(Answer::Take).await;
    // With all that may be logged: the documents of policies are logged at debug.
    let mut world = World::start_with(&["--otlp-endpoint", &collector.url, "--log", "trace"]).await;
    let statements =
        json!([{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::marker-bucket/*"]}]);
    world.create_ready("orders", json!({"statements": statements})).await;
    world.delete("orders").await;
    world.gone("orders").await;
    end(&mut world).await;
    assert!(world.controller.log().contains("marker-bucket"), "the log holds what the traces must not");
    assert!(!collector.raw().contains("marker-bucket"));

    let spans = collector.spans();
    for span in &spans {
        match spans.iter().find(|parent| span.is_child_of(parent)) {
            None => assert_eq!((span.name.as_str(), span.parent.len()), ("reconcile", 0), "{span:?}"),
            Some(parent) => assert!(span.start >= parent.start && span.end <= parent.end, "{span:?} {parent:?}"),
        }
        for key in span.attributes.keys() {
            assert!(ATTRIBUTES.contains(&key.as_str()), "{span:?}");
        }
    }
    let deletion = spans.iter().find(|span| span.name == "IAM.DeleteRole").unwrap();
    let stage = spans.iter().find(|stage| deletion.is_child_of(stage)).unwrap();
    assert_eq!(stage.name, "apply");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_is_an_error_and_so_is_its_pass() {
    let collector = Collector::start(Answer::Take).await;
    let mut world = World::start_with(&["--otlp-endpoint", &collector.url]).await;
    world.proxy.fault("CreateRole", 3, Fault::THROTTLED);
    world.create_ready("orders", json!({})).await;
    end(&mut world).await;
    let spans = collector.spans();
    let requests: Vec<&Span> = spans.iter().filter(|span| span.name == "IAM.CreateRole").collect();
    let outcomes: Vec<&str> = requests.iter().map(|span| span.attribute("outcome")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "throttled").count(), 3, "each attempt: {outcomes:?}");
    for request in requests {
        assert_eq!(request.is_error, request.attribute("outcome") == "throttled", "{request:?}");
    }
    let failed = spans.iter().find(|span| span.attribute("result") == "throttled").unwrap();
    assert!(failed.is_error, "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_nothing_up() {
    let collector = Collector::start(Answer::Hang).await;
    let mut world = World::start_with(&["--otlp-endpoint", &collector.url]).await;
    world.create_ready("orders", json!({})).await;
    let began = Instant::now();
    end(&mut world).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(collector.spans().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_is_told_of_once_and_so_is_that_it_takes_again() {
    let collector = Collector::start(Answer::Refuse).await;
    let world = World::start_with(&["--otlp-endpoint", &collector.url]).await;
    world.create_ready("orders", json!({})).await;
    patiently("a warning", world.controller.logged("traces are not delivered")).await;
    world.create_ready("invoices", json!({})).await;
    collector.answer(Answer::Take);
    world.create_ready("payments", json!({})).await;
    patiently("the end of it", world.controller.logged("traces are delivered again")).await;
    assert_eq!(world.controller.log().matches("traces are not delivered").count(), 1);
}
