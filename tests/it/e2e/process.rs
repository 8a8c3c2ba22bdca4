//! The process: its endpoints, its end, and its rights.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, api::PostParams};
use serde_json::json;

use crate::harness::{Fault, World, controller_client, patiently};

pub(super) async fn get(address: &str, path: &str) -> (u16, String) {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(format!("http://{address}{path}").parse().unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_it_lives_and_is_ready() {
    let world = World::start().await;
    world.create_ready("orders", json!({})).await;
    let address = world.controller.address();
    assert_eq!(get(&address, "/livez").await, (200, "ok".to_owned()));
    assert_eq!(get(&address, "/readyz").await, (200, "ok".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_the_step_in_hand_leaves_the_rest_and_exits_with_0() {
    let mut world = World::start().await;
    world.proxy.fault("CreateRole", 1, Fault::Hold);
    world.create("orders", json!({"managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]})).await;
    patiently("CreateRole", world.proxy.arrival("CreateRole")).await;
    world.controller.signal(nix::sys::signal::Signal::SIGTERM).unwrap();
    patiently("the announcement", world.controller.logged("finishing the steps in hand")).await;
    world.proxy.heal();
    let status = patiently("the end", world.controller.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(world.role_exists(&world.role_name("orders")).await, "the step in hand was finished");
    assert!(!world.proxy.operations().contains(&"AttachRolePolicy".to_owned()), "no further step was begun");
    world.restart_controller(&[]);
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_within_ten_seconds_even_if_aws_hangs() {
    let mut world = World::start().await;
    world.proxy.fault("CreateRole", 1000, Fault::Hold);
    world.create("orders", json!({})).await;
    patiently("CreateRole", world.proxy.arrival("CreateRole")).await;
    let started = Instant::now();
    world.controller.signal(nix::sys::signal::Signal::SIGTERM).unwrap();
    let status = patiently("the end", world.controller.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn its_service_account_may_do_what_it_needs_and_nothing_with_secrets() {
    let client = controller_client().await;
    let may = async |verb: &str, group: &str, resource: &str, subresource: Option<&str>| {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some("default".to_owned()),
                    verb: Some(verb.to_owned()),
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource: subresource.map(str::to_owned),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews = Api::<SelfSubjectAccessReview>::all(client.clone());
        reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
    };
    assert!(may("patch", "lambdaroles.dev", "lambdaexecutionroles", Some("status")).await);
    assert!(may("create", "events.k8s.io", "events", None).await);
    for verb in ["create", "update", "delete"] {
        assert!(!may(verb, "lambdaroles.dev", "lambdaexecutionroles", None).await, "{verb}");
    }
    // Those that specs name, and no others.
    assert!(may("get", "", "configmaps", None).await);
    for verb in ["list", "watch", "update", "deletecollection"] {
        assert!(!may(verb, "", "configmaps", None).await, "{verb} configmaps");
    }
    for resource in ["secrets", "pods"] {
        for verb in ["get", "list", "watch", "create"] {
            assert!(!may(verb, "", resource, None).await, "{verb} {resource}");
        }
    }
}
