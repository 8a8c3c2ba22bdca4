//! Several AWS accounts behind one controller.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lambdaroles::api::{ConditionType, Reason};
use serde_json::json;

use super::process::get;
use crate::harness::{Fault, Proxy, World, condition, patiently, rights, setting};

const OTHER_ACCOUNT: &str = "210987654321";

/// A world with a second class, of another account behind a proxy of its own, which is reached by assuming a role there.
async fn two_accounts(arguments: &[&str]) -> (World, String, Proxy) {
    let mut world = World::start().await;
    let other = Proxy::start(&setting("AWS_ENDPOINT_URL")).await.unwrap();
    let class = format!("{}-other", world.namespace);
    let spec = json!({
        "account": {
            "id": OTHER_ACCOUNT,
            "assumeRole": [{
                "arn": format!("arn:aws:iam::{OTHER_ACCOUNT}:role/lambdaroles"),
                "externalId": "north", "sessionName": "north", "sessionTags": {"cluster": "north"},
            }],
            "endpointUrl": other.url,
        },
        "namespaces": {"names": [world.namespace]},
    });
    world.create_class(&class, spec).await;
    let classes = format!("{},{class}", world.namespace);
    world.restart_controller(&[&["--class", &classes], arguments].concat());
    (world, class, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_class_makes_its_roles_in_its_own_account() {
    let (world, class, other) = Box::pin(two_accounts(&[])).await;
    world.create("orders", json!({"className": class})).await;
    let status = world.ready("orders").await.status.unwrap();
    assert_eq!(status.account_id.as_deref(), Some(OTHER_ACCOUNT));
    assert_eq!(status.role_arn, Some(format!("arn:aws:iam::{OTHER_ACCOUNT}:role/{}", world.role_name("orders"))));
    assert!(
        !world.role_exists(&world.role_name("orders")).await,
        "not in the account of the controller's own credentials"
    );
    let assumed = other.calls().into_iter().find(|call| call.operation == "AssumeRole").unwrap();
    for (parameter, value) in [
        ("RoleArn", format!("arn:aws:iam::{OTHER_ACCOUNT}:role/lambdaroles").as_str()),
        ("ExternalId", "north"),
        ("RoleSessionName", "north"),
        ("Tags.member.1.Key", "cluster"),
        ("Tags.member.1.Value", "north"),
    ] {
        assert_eq!(assumed.parameters.get(parameter).map(String::as_str), Some(value), "{parameter}");
    }
    assert_eq!(world.proxy.writes(), [] as [String; 0], "nothing was asked of the first account");
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(other.writes().contains(&"DeleteRole".to_owned()));

    // The session of the chain lasts an hour; the access keys of the process have no end.
    let (_, metrics) = get(&world.controller.address(), "/metrics").await;
    let expiry = |account: &str| {
        let sample = format!("lambdaroles_credentials_expiration_timestamp_seconds{{account=\"{account}\"}}");
        metrics.lines().find_map(|line| line.strip_prefix(&sample)?.trim().parse::<f64>().ok())
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((1800.0..=3600.0).contains(&(expiry(OTHER_ACCOUNT).unwrap() - now)), "{metrics}");
    assert_eq!(expiry("123456789012"), None);
    let working = format!("lambdaroles_credentials_failing{{account=\"{OTHER_ACCOUNT}\"}} 0");
    assert!(metrics.lines().any(|line| line == working), "{metrics}");

    // Each of the two principals gets by with the rights that are printed for it.
    let (of_hub, of_spoke): (Vec<_>, Vec<_>) =
        other.history().into_iter().partition(|call| call.operation == "AssumeRole");
    let arn = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/lambdaroles");
    rights::assert_allowed(&of_hub, "123456789012", &rights::policy_of_hub(&world.cluster_name, &[&arn]));
    let class = world.classes.get(&class).await.unwrap();
    rights::assert_allowed(&of_spoke, OTHER_ACCOUNT, &rights::policy_of(&class.spec, &world.cluster_name));
    assert!(!of_hub.is_empty() && of_spoke.len() > 5);
}

/// With one place an account, so that a single object that gets nowhere would hold up all others if they shared it.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_stands_still_holds_up_no_other() {
    let (world, class, other) = Box::pin(two_accounts(&["--concurrency", "1"])).await;
    // The emulator takes a while over its first answer.
    world.create_ready("first", json!({})).await;
    let began = Instant::now();
    for number in 0..5 {
        world.create_ready(&format!("before-{number}"), json!({})).await;
    }
    let usual = began.elapsed();
    for fault in [Fault::THROTTLED, Fault::Hold] {
        other.fault("GetRole", usize::MAX, fault.clone());
        let kind = if matches!(fault, Fault::Hold) { "held" } else { "throttled" };
        let stuck: Vec<String> = (0..10).map(|number| format!("{kind}-{number}")).collect();
        for name in &stuck {
            world.create(name, json!({"className": class})).await;
        }
        other.forget();
        patiently("the other account to be asked", other.arrival("GetRole")).await;
        let began = Instant::now();
        for number in 0..5 {
            world.create_ready(&format!("beside-{kind}-{number}"), json!({})).await;
        }
        eprintln!(
            "five roles, one after the other: {usual:?} alone, {:?} beside an account that is {kind}",
            began.elapsed()
        );
        for name in &stuck {
            let role = world.get(name).await;
            assert!(condition(&role, ConditionType::Ready).is_none_or(|ready| ready.status != "True"), "{name}");
        }
        other.heal();
        for name in &stuck {
            world.look(name).await;
            world.condition(name, ConditionType::Ready, "True", Reason::Ready).await;
        }
    }
}
