//! Two controllers for the same objects: one works, the other waits.

use std::time::Instant;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use nix::sys::signal::Signal;
use serde_json::json;

use super::process::get;
use crate::harness::{Fault, Proxy, World, patiently};

/// A world whose controllers agree by a Lease of its own, and what they are started with.
async fn led(durations: [&str; 3]) -> (World, Vec<String>) {
    let lease = format!("lease-of-{}", std::process::id());
    let [duration, deadline, retry] = durations;
    let name = format!("{lease}-{:08x}", fastrand::u32(..));
    let arguments = [
        "--leader-elect",
        "true",
        "--lease-name",
        &name,
        "--lease-duration",
        duration,
        "--lease-renew-deadline",
        deadline,
        "--lease-retry-period",
        retry,
    ];
    let world = World::start_with(&arguments).await;
    patiently("the lead", world.controller.logged("leading")).await;
    (world, arguments.iter().map(|&argument| argument.to_owned()).collect())
}

const SHORT: [&str; 3] = ["3s", "2s", "400ms"];

fn leases(world: &World) -> Api<Lease> {
    Api::namespaced(world.client.clone(), "lambdaroles-system")
}

/// When the proxy let changes through.
fn writes(proxy: &Proxy) -> Vec<(Instant, String)> {
    let calls = proxy
        .history()
        .into_iter()
        .filter(|call| !call.operation.starts_with("Get") && !call.operation.starts_with("List"));
    calls.map(|call| (call.at, call.operation)).collect()
}

fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_stopped_past_its_lease_changes_nothing_when_it_goes_on() {
    let (mut world, arguments) = Box::pin(led(SHORT)).await;
    world.create_ready("before", json!({})).await;
    let (second, second_proxy) = world.second_controller(&texts(&arguments)).await;
    patiently("a second that waits", second.logged("waiting for the lease")).await;

    // It is stopped in the middle of a pass: the next thing that it would do is to create a role.
    world.proxy.fault("GetRole", 1, Fault::Hold);
    world.proxy.forget();
    world.create("orders", json!({"managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]})).await;
    patiently("GetRole", world.proxy.arrival("GetRole")).await;
    world.controller.signal(Signal::SIGSTOP).unwrap();
    patiently("the other to lead", second.logged("leading")).await;
    world.ready("orders").await;
    world.delete("before").await;
    world.gone("before").await;

    world.proxy.heal();
    world.controller.signal(Signal::SIGCONT).unwrap();
    let status = patiently("its end", world.controller.wait()).await.unwrap();
    assert_eq!(status.code(), Some(1), "whoever restarts it is told");
    assert!(world.controller.log().contains("the lease"), "{}", world.controller.log());

    let (first, then) = (writes(&world.proxy), writes(&second_proxy));
    let (last, next) =
        (first.iter().map(|write| write.0).max().unwrap(), then.iter().map(|write| write.0).min().unwrap());
    assert!(last < next, "no two wrote at the same time: {first:?} {then:?}");
    assert_eq!(world.proxy.writes(), [] as [String; 0], "nothing after it was stopped");
    assert!(then.iter().any(|(_, operation)| operation == "CreateRole"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_ends_hands_over_at_once_and_those_that_wait_are_ready_for_it() {
    // Nobody would wait for so long here.
    let (mut world, arguments) = Box::pin(led(["600s", "500s", "200ms"])).await;
    let (second, _proxy) = world.second_controller(&texts(&arguments)).await;
    patiently("a second that waits", second.logged("waiting for the lease")).await;
    for (replica, leads) in [(&world.controller, 1), (&second, 0)] {
        let address = replica.address();
        patiently("a replica that is ready", async { while get(&address, "/readyz").await.0 != 200 {} }).await;
        let (_, metrics) = get(&address, "/metrics").await;
        assert!(metrics.contains(&format!("\nlambdaroles_leader {leads}\n")), "{metrics}");
    }
    world.controller.signal(Signal::SIGTERM).unwrap();
    assert_eq!(patiently("its end", world.controller.wait()).await.unwrap().code(), Some(0));
    patiently("the other to lead", second.logged("leading")).await;
    world.create_ready("orders", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_lease_is_another_s_ends_and_one_whose_lease_is_deleted_makes_it_anew() {
    let (mut world, arguments) = Box::pin(led(["60s", "50s", "200ms"])).await;
    let name = &arguments[3];
    let held = leases(&world).get(name).await.unwrap().spec.unwrap();
    assert_eq!((held.lease_duration_seconds, held.lease_transitions), (Some(60), Some(0)));
    leases(&world).delete(name, &kube::api::DeleteParams::default()).await.unwrap();
    let again = patiently("the lease", async {
        loop {
            if let Some(lease) = leases(&world).get_opt(name).await.unwrap() {
                break lease.spec.unwrap();
            }
        }
    })
    .await;
    assert_eq!(again.holder_identity, held.holder_identity);
    // What others write on it beside is no matter.
    let label = json!({"metadata": {"labels": {"team": "platform"}}});
    leases(&world).patch(name, &PatchParams::default(), &Patch::Merge(label)).await.unwrap();
    world.create_ready("orders", json!({})).await;
    let stolen = json!({"spec": {"holderIdentity": "somebody else"}});
    leases(&world).patch(name, &PatchParams::default(), &Patch::Merge(stolen)).await.unwrap();
    let status = patiently("its end", world.controller.wait()).await.unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(world.controller.log().contains("another replica has taken the lease"), "{}", world.controller.log());
}
