//! Real objects, before and after the controller has seen them.

use lambdaroles::api::{ConditionType, LambdaManagedPolicy, LambdaRoleGrant, RECONCILE_AT_ANNOTATION, Reason};
use serde_json::{Value, json};

use super::{
    BROKEN, DONE, GOING, Look, SUSPENDED, UNDER_WAY, argocd, kstatus,
    kubectl::{kubectl, minor_version, stored},
    look,
};
use crate::harness::{Fault, World, condition, condition_of, open_class};

async fn assert_looks(world: &World, object: &str, expected: Look) -> Value {
    let stored = stored(&world.namespace, object).await;
    assert_eq!(look(&stored), expected, "{stored:#}");
    stored
}

fn statements() -> Value {
    json!([{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::orders/*"]}])
}

/// One object of each kind, in a namespace; the class has a name of its own.
fn one_of_each_kind(world: &World, class: &str) -> [(String, Value); 4] {
    let object = |kind: &str, name: &str, spec: Value| {
        let manifest = json!({
            "apiVersion": "lambdaroles.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": world.namespace}, "spec": spec,
        });
        (format!("{}/{name}", kind.to_lowercase()), manifest)
    };
    [
        object(
            "LambdaRoleGrant",
            "uploads",
            json!({"roleRef": {"name": "orders"}, "sourceFunctionArns": ["uploads"], "statements": statements()}),
        ),
        object(
            "LambdaExecutionRole",
            "orders",
            json!({
                "className": class, "grants": {"from": "SameNamespace"}, "managedPolicies": [{"ref": {"name": "table"}}],
                "statements": statements(),
            }),
        ),
        object("LambdaManagedPolicy", "table", json!({"className": class, "statements": statements()})),
        object("LambdaRoleClass", class, open_class(&world.namespace)),
    ]
}

/// They are applied in the wrong order, as whoever applies them all at once may do.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_waited_for_until_the_controller_says_that_it_is_ready() {
    let mut world = World::start().await;
    world.controller.kill().await.unwrap();
    let (class, namespace) = (format!("{}-late", world.namespace), world.namespace.clone());
    let objects = one_of_each_kind(&world, &class);
    let names: Vec<&str> = objects.iter().map(|(name, _)| name.as_str()).collect();
    let wait = |condition: &'static str, names: &[&str], timeout: &'static str| {
        let options = ["wait", "--namespace", &namespace, "--timeout", timeout, condition];
        let arguments: Vec<String> = [&options[..], names].concat().into_iter().map(str::to_owned).collect();
        async move { kubectl(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), None).await }
    };

    for (name, manifest) in &objects[..3] {
        kubectl(&["apply", "--filename", "-"], Some(manifest)).await.unwrap();
        let seen = stored(&namespace, name).await;
        assert_eq!(argocd::health(&seen).0, argocd::Health::Progressing);
        // Whoever waits by kstatus goes by a default of the CRD, which old servers are not given.
        assert!(seen["status"].is_null() || look(&seen) == UNDER_WAY, "{seen:#}");
    }
    let early = wait("--for=condition=Ready", &names[..3], "1s").await.unwrap_err();
    assert!(early.contains("timed out"), "{early}");

    // The class is still to come: nothing has failed.
    world.restart_controller(&["--class", &format!("{namespace},{class}")]);
    world.condition("orders", ConditionType::Reconciling, "True", Reason::ClassNotFound).await;
    assert_looks(&world, names[1], UNDER_WAY).await;

    kubectl(&["apply", "--filename", "-"], Some(&objects[3].1)).await.unwrap();
    wait("--for=condition=Ready", &names, "60s").await.unwrap();
    for name in &names {
        let ready = assert_looks(&world, name, DONE).await;
        assert_eq!(ready["status"]["observedGeneration"], ready["metadata"]["generation"]);
    }
    // What kubectl learned in 1.23.
    if minor_version().await >= 23 {
        let arn = format!("--for=jsonpath={{.status.roleArn}}=arn:aws:iam::123456789012:role/{namespace}-orders");
        kubectl(&["wait", "--namespace", &namespace, "--timeout", "1s", &arn, names[1]], None).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_to_see_to_is_told_from_what_goes_on_by_itself() {
    let world = World::start().await;
    let role = |name: &str| format!("lambdaexecutionrole/{name}");

    world.create("refused", json!({"templates": [{"name": "NoSuchTemplate"}]})).await;
    world.condition("refused", ConditionType::Ready, "False", Reason::InvalidSpec).await;
    let refused = assert_looks(&world, &role("refused"), BROKEN).await;
    assert!(argocd::health(&refused).1.contains("NoSuchTemplate"));

    world.create("held", json!({"suspend": true})).await;
    world.condition("held", ConditionType::Ready, "Unknown", Reason::Suspended).await;
    assert_looks(&world, &role("held"), SUSPENDED).await;

    let grants = world.objects::<LambdaRoleGrant>();
    let grant = json!({"roleRef": {"name": "absent"}, "sourceFunctionArns": ["uploads"], "statements": statements()});
    grants.create("uploads", grant).await;
    grants.condition("uploads", ConditionType::Ready, "False", Reason::RoleNotFound).await;
    assert_looks(&world, "lambdarolegrant/uploads", UNDER_WAY).await;

    world.customer_policy("table").await;
    let policies = world.objects::<LambdaManagedPolicy>();
    policies.create("table", json!({"className": world.namespace, "statements": statements()})).await;
    policies.condition("table", ConditionType::Ready, "False", Reason::PolicyConflict).await;
    assert_looks(&world, "lambdamanagedpolicy/table", BROKEN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_role_stays_so_while_a_look_fails_and_not_when_it_drifts() {
    let world = World::start().await;
    let (object, role) = ("lambdaexecutionrole/orders", world.role_name("orders"));
    world.create_ready("orders", json!({"drift": "Report", "statements": statements()})).await;
    world.proxy.fault("GetRole", 1000, Fault::THROTTLED);
    world.annotate("orders", RECONCILE_AT_ANNOTATION, "now").await;
    world.condition("orders", ConditionType::Reconciling, "True", Reason::Throttled).await;
    assert_looks(&world, object, (kstatus::Status::InProgress, argocd::Health::Healthy)).await;
    world.proxy.heal();
    world
        .until("the end of the throttling", "orders", |role| condition(role, ConditionType::Reconciling).is_none())
        .await;
    assert_looks(&world, object, DONE).await;

    world.iam.delete_role_policy().role_name(&role).policy_name("lambdaroles").send().await.unwrap();
    world.look("orders").await;
    let drifted = assert_looks(&world, object, BROKEN).await;
    assert!(argocd::health(&drifted).1.contains("was changed by somebody else"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_go_yet_is_on_its_way_out() {
    let world = World::start().await;
    let role = world.role_name("orders");
    world.create_ready("orders", json!({})).await;
    world.iam.create_instance_profile().instance_profile_name(&role).send().await.unwrap();
    let request = world.iam.add_role_to_instance_profile().instance_profile_name(&role).role_name(&role);
    request.send().await.map(drop).unwrap();
    world.delete("orders").await;
    let blocked =
        world.condition("orders", ConditionType::DeletionBlocked, "True", Reason::InUseByInstanceProfile).await;
    assert_eq!(condition_of(&blocked, ConditionType::Ready).unwrap().reason, Reason::Deleting.as_str());
    assert_looks(&world, "lambdaexecutionrole/orders", GOING).await;
    let request = world.iam.remove_role_from_instance_profile().instance_profile_name(&role).role_name(&role);
    request.send().await.map(drop).unwrap();
    world.iam.delete_instance_profile().instance_profile_name(&role).send().await.unwrap();
    world.annotate("orders", RECONCILE_AT_ANNOTATION, "now").await;
    world.gone("orders").await;
}
