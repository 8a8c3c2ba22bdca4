//! What the controller logs, and how that is changed while it runs.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};

use crate::harness::{Fault, World, patiently};

/// What is logged during a pass.
const OF_A_PASS: [&str; 4] = ["changed IAM", "cannot bring IAM to the spec", "looked", "let the object go"];

/// The lines of a log in JSON.
fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_else(|| panic!("{line} has no {field}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_one_object_and_says_which_object_it_is_about() {
    let world = World::start_with(&["--log-format", "json", "--log", "lambdaroles=debug,info"]).await;
    world.proxy.fault("CreateRole", 3, Fault::THROTTLED);
    world.create_ready("orders", json!({"managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]})).await;
    world.delete("orders").await;
    world.gone("orders").await;
    patiently("the last line", world.controller.logged("let the object go")).await;

    let lines = lines(&world.controller.log());
    for line in &lines {
        assert!(text(line, "timestamp").ends_with('Z'), "{line}");
        assert!(["DEBUG", "INFO", "WARN", "ERROR"].contains(&text(line, "level")), "{line}");
        assert!(!text(line, "target").is_empty() && !text(line, "message").is_empty(), "{line}");
    }
    for message in OF_A_PASS {
        let mut found = lines.iter().filter(|line| line["message"] == message).peekable();
        assert!(found.peek().is_some(), "nobody logged {message:?}");
        for line in found {
            assert_eq!(text(line, "kind"), "LambdaExecutionRole", "{line}");
            assert_eq!((text(line, "namespace"), text(line, "name")), (world.namespace.as_str(), "orders"), "{line}");
        }
    }
    // No message holds what differs from object to object: that is in fields.
    for line in lines.iter().filter(|line| text(line, "target").starts_with("lambdaroles")) {
        let message = text(line, "message");
        assert!(!message.contains("orders") && !message.contains(&world.namespace), "{line}");
    }
    let of_classes = lines.iter().find(|line| line["kind"] == "LambdaRoleClass");
    assert!(of_classes.is_none_or(|line| line["name"] == *world.namespace));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_names_its_object_even_if_only_warnings_are_logged() {
    let world = World::start_with(&["--log-format", "json", "--log", "warn"]).await;
    let denied = Fault::Error { status: 403, code: "AccessDenied", message: "not authorized" };
    world.proxy.fault("CreateRole", 1, denied);
    world.create("orders", json!({})).await;
    patiently("a warning", world.controller.logged("cannot bring IAM to the spec")).await;
    let lines = lines(&world.controller.log());
    let warning = lines.iter().find(|line| line["message"] == "cannot bring IAM to the spec").unwrap();
    assert_eq!((text(warning, "kind"), text(warning, "name")), ("LambdaExecutionRole", "orders"), "{warning}");
    assert!(lines.iter().all(|line| line["level"] == "WARN" || line["level"] == "ERROR"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_is_changed_and_restored_while_it_runs() {
    let world = World::start_with(&["--log", "info", "--admin-listen", "127.0.0.1:0"]).await;
    patiently("the address", world.controller.logged("serving the log level")).await;
    let address = world.controller.address_behind("serving the log level");
    let ask = async |method: Method, body: &'static str| ask(&address, method, body).await;
    assert_eq!(ask(Method::GET, "").await, (200, "info\n".to_owned()));
    world.create_ready("orders", json!({})).await;
    assert!(!world.controller.log().contains("DEBUG"));

    assert_eq!(ask(Method::PUT, "lambdaroles=debug,info").await, (200, "lambdaroles=debug,info\n".to_owned()));
    world.create_ready("invoices", json!({})).await;
    patiently("a line of debug", world.controller.logged("DEBUG")).await;

    for (wrong, told) in [("loud", "is no level"), ("lambdaroles=loud", "is no filter"), ("", "empty")] {
        let (status, message) = ask(Method::PUT, wrong).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(message.contains(told), "{message}");
    }
    assert_eq!(ask(Method::GET, "").await, (200, "lambdaroles=debug,info\n".to_owned()), "nothing was changed");

    assert_eq!(ask(Method::DELETE, "").await, (200, "info\n".to_owned()));
    world.create_ready("payments", json!({})).await;
    let log = world.controller.log();
    let (_, after) = log.rsplit_once("the log level was changed").unwrap();
    assert!(after.contains("payments") && !after.contains("DEBUG"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoints_that_everybody_reaches_do_not_change_the_level() {
    let world = World::start().await;
    patiently("the address", world.controller.logged("listening")).await;
    let address = world.controller.address();
    assert_eq!(ask(&address, Method::PUT, "trace").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_address_for_the_level_it_runs_all_the_same() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let world = World::start_with(&["--admin-listen", &address]).await;
    world.create_ready("orders", json!({})).await;
    patiently("a warning", world.controller.logged("the log level cannot be changed while the process runs")).await;
}

async fn ask(address: &str, method: Method, body: &'static str) -> (u16, String) {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder().method(method).uri(format!("http://{address}/loglevel"));
    let answer = client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
