//! Whoever may write objects tries to climb. Nothing reaches IAM, and each is told why.

use std::{fs, path::Path};

use lambdaroles::api::{ConditionType, LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleGrant, Reason};
use serde_json::{Value, json};

use crate::harness::{Kind, World, condition, condition_of};

/// The objects under `folder`, for a namespace.
fn objects(folder: &str, namespace: &str) -> Vec<Value> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let documents = files.flat_map(|path| {
        // A role's name and path take no placeholders.
        let text =
            fs::read_to_string(path).unwrap().replace("roleName: $(namespace)-o", &format!("roleName: {namespace}-o"));
        serde_saphyr::from_multiple::<Value>(&text).unwrap()
    });
    documents.collect()
}

/// A world whose class is that of `tests/attacks`.
async fn strict() -> World {
    let classes = objects("tests/attacks/class", "");
    let spec = &classes.iter().find(|object| object["kind"] == "LambdaRoleClass").unwrap()["spec"];
    let of_namespace = |namespace: &str| {
        let mut spec = spec.clone();
        spec["namespaces"] = json!({"names": [namespace]});
        spec
    };
    let world = World::start_in(of_namespace, &[]).await;
    world.boundary("lambda-boundary").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_reaches_iam_and_each_is_told_why() {
    let world = Box::pin(strict()).await;
    let attacks = objects("tests/attacks", &world.namespace);
    assert!(attacks.len() >= 60);
    let of_kind = |kind: &str| attacks.iter().filter(|attack| attack["kind"] == kind).collect::<Vec<&Value>>();
    let (policies, grants) = (of_kind("LambdaManagedPolicy"), of_kind("LambdaRoleGrant"));
    let roles = of_kind("LambdaExecutionRole");
    assert!(policies.len() >= 8 && grants.len() >= 8);
    // Roles that grants are for.
    for object in objects("tests/attacks/class", &world.namespace) {
        let name = object["metadata"]["name"].as_str().unwrap();
        if ["shared", "closed"].contains(&name) {
            world.create_ready(name, object["spec"].clone()).await;
        }
    }
    // What they refer to, as far as it is in their namespace: whoever is not admitted is not told what there is in others.
    for object in objects("tests/attacks/others", &world.namespace) {
        if object["metadata"].get("namespace").is_none() {
            let policies = world.objects::<LambdaManagedPolicy>();
            policies.create(object["metadata"]["name"].as_str().unwrap(), object["spec"].clone()).await;
        }
    }
    world.proxy.forget();
    let mut missed = attack_with::<LambdaExecutionRole>(&world, &roles).await;
    missed.extend(attack_with::<LambdaManagedPolicy>(&world, &policies).await);
    missed.extend(attack_with::<LambdaRoleGrant>(&world, &grants).await);
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    let (name, reason) = ("all-actions", Reason::GuardrailViolation);
    let events = world.events(name, reason, 1).await;
    assert!(events[0].1.contains("spec.statements[0].actions[0]"), "{events:?}");
}

/// What of the attacks was not refused for what it is.
async fn attack_with<K: Kind>(world: &World, attacks: &[&Value]) -> Vec<String> {
    let objects = world.objects::<K>();
    let mut arrived = Vec::new();
    for attack in attacks {
        let mut spec = attack["spec"].clone();
        if K::kind(&()) != "LambdaRoleGrant" && spec.get("className").is_none() {
            spec["className"] = json!(world.namespace);
        }
        // The local API server, which is old, takes an empty tag value for a null. Whom it refuses it tells why.
        if objects.try_create(attack["metadata"]["name"].as_str().unwrap(), spec).await.is_ok() {
            arrived.push(attack);
        }
    }
    assert!(arrived.len() + 1 >= attacks.len(), "the attacks are on the controller");
    let mut missed = Vec::new();
    for attack in arrived {
        let name = attack["metadata"]["name"].as_str().unwrap();
        let refused = objects
            .until("a verdict", name, |object| {
                condition_of(object, ConditionType::Ready).is_some_and(|ready| ready.status == "False")
            })
            .await;
        let expected = attack["metadata"]["annotations"]["refused"].as_str().unwrap();
        let accepted = condition_of(&refused, ConditionType::Accepted).unwrap();
        if accepted.status != "False" || !accepted.message.contains(expected) {
            missed.push(format!("{name}: {expected} is not in {accepted:?}"));
        }
        // A class that is not there may be on its way; all else needs somebody.
        let is_to_come = accepted.reason == Reason::ClassNotFound.as_str();
        let abnormal = if is_to_come { ConditionType::Reconciling } else { ConditionType::Stalled };
        if condition_of(&refused, abnormal).is_none() || refused.meta().finalizers.is_some() {
            missed.push(format!("{name}: is not said to be {abnormal}, or holds its own deletion up"));
        }
    }
    missed
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_class_is_for_becomes_a_role_within_its_bounds() {
    let world = Box::pin(strict()).await;
    let sound = objects("tests/attacks/class", &world.namespace);
    for object in sound.iter().filter(|object| object["kind"] == "LambdaExecutionRole") {
        let name = object["metadata"]["name"].as_str().unwrap();
        world.create(name, object["spec"].clone()).await;
        let role = world.ready(name).await;
        let status = role.status.unwrap();
        assert_eq!(status.class_name.as_deref(), Some(world.namespace.as_str()));
        let seen = world.snapshot(&status.role_name.unwrap()).await;
        assert_eq!(seen.boundary.as_deref(), Some("arn:aws:iam::123456789012:policy/lambda-boundary"));
        assert_eq!(seen.path, format!("/lambda/{}/", world.namespace));
        assert!(seen.tags.contains(&("cost-center".to_owned(), "42".to_owned())), "{:?}", seen.tags);
    }
}

fn stalled(role: &LambdaExecutionRole, reason: Reason) -> bool {
    condition(role, ConditionType::Accepted).is_some_and(|accepted| {
        accepted.status == "False"
            && accepted.reason == reason.as_str()
            && accepted.observed_generation == role.metadata.generation
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_role_is_not_swapped_for_another() {
    let world = Box::pin(strict()).await;
    let spec = json!({"tags": {"team": "shop"}, "features": [{"name": "Logging"}]});
    world.create_ready("orders", spec).await;
    let name = world.role_name("orders");
    let before = world.snapshot(&name).await;
    world.proxy.forget();
    for (change, reason) in [
        (
            json!({"permissionsBoundary": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}}),
            Reason::GuardrailViolation,
        ),
        (
            json!({"permissionsBoundary": null, "managedPolicies": [{"aws": "AdministratorAccess"}]}),
            Reason::GuardrailViolation,
        ),
        (json!({"managedPolicies": null, "tags": {"team": null}}), Reason::GuardrailViolation),
    ] {
        world.change("orders", change).await;
        world.until("a refusal", "orders", |role| stalled(role, reason)).await;
    }
    // Refused at admission by a current API server; here by the controller.
    for change in [json!({"roleName": format!("{}-other", world.namespace)}), json!({"path": "/"})] {
        world.change("orders", change).await;
        world
            .until("a refusal", "orders", |role| {
                condition(role, ConditionType::Accepted).is_some_and(|accepted| {
                    accepted.status == "False" && accepted.observed_generation == role.metadata.generation
                })
            })
            .await;
    }
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert_eq!(world.snapshot(&name).await, before, "a refused role keeps what it has");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_object_neither_takes_nor_deletes_the_role_of_the_first() {
    let world = Box::pin(strict()).await;
    let tags = json!({"team": "shop"});
    world.create_ready("orders", json!({"tags": tags})).await;
    let stolen = world.role_name("orders");
    world.create("thief", json!({"tags": tags, "roleName": stolen, "adoption": "ExistingRole"})).await;
    world.condition("thief", ConditionType::Ready, "False", Reason::RoleConflict).await;
    world.write_status("thief", json!({"roleName": stolen, "roleId": "AROASTOLEN", "accountId": "123456789012"})).await;
    world.look("thief").await;
    world.delete("thief").await;
    world.gone("thief").await;
    assert!(world.role_exists(&stolen).await);
    world.look("orders").await;
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_status_makes_no_class_and_no_role_ones_own() {
    let world = Box::pin(strict()).await;
    let open = format!("{}-open", world.namespace);
    world.create_class(&open, json!({"account": {"id": "123456789012"}, "namespaces": {"names": ["elsewhere"]}})).await;
    let spec =
        json!({"className": null, "statements": [{"effect": "Allow", "actions": ["kms:*"], "resources": ["*"]}]});
    world.create("orders", spec).await;
    world.condition("orders", ConditionType::Accepted, "False", Reason::NoDefaultClass).await;
    world.proxy.forget();
    world.write_status("orders", json!({"className": open})).await;
    world.annotate("orders", "lambdaroles.dev/reconcile-at", "now").await;
    world.write_status("orders", json!({"className": world.namespace})).await;
    world.annotate("orders", "lambdaroles.dev/reconcile-at", "again").await;
    world.until("a refusal", "orders", |role| stalled(role, Reason::GuardrailViolation)).await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}
