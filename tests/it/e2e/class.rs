//! Classes: who has which, what becomes of roles when one changes, and what a class says of itself.

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
    runtime::wait::await_condition,
};
use lambdaroles::api::{ConditionType, DEFAULT_CLASS_ANNOTATION, LambdaExecutionRole, LambdaRoleClass, Reason};
use serde_json::{Value, json};

use crate::harness::{Fault, World, condition, patiently};

/// Rights of which a test makes the class refuse the second.
fn two_rights() -> Value {
    json!({"statements": [
        {"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::data/*"]},
        {"effect": "Allow", "actions": ["kms:Decrypt"], "resources": ["*"]},
        {"effect": "Deny", "actions": ["s3:DeleteObject"], "resources": ["*"]},
    ], "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}, {"aws": "AWSXRayDaemonWriteAccess"}]})
}

/// What a class refuses that denies KMS and X-Ray.
fn without_kms_and_xray() -> Value {
    json!({"permissions": {"denied": [{"actions": ["kms:*", "xray:*"]}]}})
}

async fn annotate_class(world: &World, class: &str, value: &str) {
    let patch = Patch::Merge(json!({"metadata": {"annotations": {DEFAULT_CLASS_ANNOTATION: value}}}));
    world.classes.patch(class, &PatchParams::default(), &patch).await.unwrap();
}

async fn label_namespace(world: &World, labels: Value) {
    let namespaces = Api::<Namespace>::all(world.client.clone());
    let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
    namespaces.patch(&world.namespace, &PatchParams::default(), &patch).await.unwrap();
}

/// Waits until the class says so of itself.
async fn class_says(world: &World, class: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let says = |class: Option<&LambdaRoleClass>| class.is_some_and(|class| holds(&json!(class.status)));
    let class = patiently(what, await_condition(world.classes.clone(), class, says)).await.unwrap().unwrap();
    json!(class.status)
}

fn is_ready(status: &Value, value: &str, reason: &str) -> bool {
    status["conditions"][0]["status"] == value && status["conditions"][0]["reason"] == reason
}

fn names_of(actions: &Value) -> Vec<String> {
    // A single one may stand without its list.
    let statements = actions["Statement"].as_array().cloned().unwrap_or_else(|| vec![actions["Statement"].clone()]);
    statements.iter().map(|statement| statement["Action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_default_class_and_two_of_them_are_said_and_not_guessed() {
    let world = World::start().await;
    world.create("orders", json!({"className": null})).await;
    let role = world.condition("orders", ConditionType::Reconciling, "True", Reason::NoDefaultClass).await;
    let message = &condition(&role, ConditionType::Reconciling).unwrap().message;
    assert!(message.contains(&world.namespace) && message.contains(DEFAULT_CLASS_ANNOTATION), "{message}");

    let second = format!("{}-second", world.namespace);
    world
        .create_class(&second, json!({"account": {"id": "123456789012"}, "namespaces": {"names": [world.namespace]}}))
        .await;
    annotate_class(&world, &second, "true").await;
    annotate_class(&world, &world.namespace, "true").await;
    let role = world.condition("orders", ConditionType::Stalled, "True", Reason::SeveralDefaultClasses).await;
    assert!(condition(&role, ConditionType::Stalled).unwrap().message.contains(&second));
    assert_eq!(world.proxy.writes(), [] as [String; 0]);

    annotate_class(&world, &second, "false").await;
    let role = world.ready("orders").await;
    assert_eq!(role.status.unwrap().class_name.as_deref(), Some(world.namespace.as_str()));

    // It stays with the class that it found, as a volume stays with its storage class.
    annotate_class(&world, &world.namespace, "false").await;
    world.look("orders").await;
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_is_not_there_yet_is_waited_for() {
    let world = World::start().await;
    let late = format!("{}-late", world.namespace);
    let controller = format!("{},{late}", world.namespace);
    let mut world = world;
    world.restart_controller(&["--class", &controller]);
    world.create("orders", json!({"className": late})).await;
    world.condition("orders", ConditionType::Reconciling, "True", Reason::ClassNotFound).await;
    world
        .create_class(&late, json!({"account": {"id": "123456789012"}, "namespaces": {"names": [world.namespace]}}))
        .await;
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_a_class_that_another_controller_serves_are_left_to_it() {
    let world = World::start().await;
    let other = format!("{}-other", world.namespace);
    world
        .create_class(&other, json!({"account": {"id": "123456789012"}, "namespaces": {"names": [world.namespace]}}))
        .await;
    world.create("theirs", json!({"className": other})).await;
    world.create_ready("ours", json!({})).await;
    assert!(world.get("theirs").await.status.is_none());
    assert!(!world.role_exists(&world.role_name("theirs")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_loses_its_label_loses_the_class_and_under_revoke_the_rights() {
    let world = World::start_under(
        json!({"namespaces": {"names": null, "selector": {"matchLabels": {"team": "shop"}}}, "guardrails": {"onViolation": "Revoke"}}),
        &[],
    )
    .await;
    label_namespace(&world, json!({"team": "shop"})).await;
    world.create_ready("orders", two_rights()).await;
    label_namespace(&world, json!({"team": "billing"})).await;
    let role = world.condition("orders", ConditionType::Accepted, "False", Reason::ClassNotAllowed).await;
    assert!(condition(&role, ConditionType::Accepted).unwrap().message.contains("spec.namespaces"));
    let seen = world.snapshot(&world.role_name("orders")).await;
    assert_eq!((seen.inline.len(), seen.managed.len()), (0, 0));
    world.events("orders", Reason::GuardrailEnforced, 1).await;

    label_namespace(&world, json!({"team": "shop"})).await;
    world.ready("orders").await;
    assert_eq!(world.snapshot(&world.role_name("orders")).await.managed.len(), 2);
    // What is not allowed any more can be deleted all the same.
    label_namespace(&world, json!({"team": null})).await;
    world.condition("orders", ConditionType::Accepted, "False", Reason::ClassNotAllowed).await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&world.role_name("orders")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_keep_a_role_that_no_longer_complies_keeps_what_it_has() {
    let world = World::start().await;
    world.create_ready("orders", two_rights()).await;
    let before = world.snapshot(&world.role_name("orders")).await;
    world.proxy.forget();
    world.change_class(json!({"guardrails": without_kms_and_xray()})).await;
    let role = world.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    let message = &condition(&role, ConditionType::Accepted).unwrap().message;
    for part in ["spec.statements[1].actions[0]", "spec.managedPolicies[1]", "spec.guardrails.permissions.denied[0]"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert_eq!(world.snapshot(&world.role_name("orders")).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_revoke_it_loses_what_is_refused_and_that_alone() {
    let world = World::start_under(json!({"guardrails": {"onViolation": "Revoke"}}), &[]).await;
    world.create_ready("orders", two_rights()).await;
    world.change_class(json!({"guardrails": without_kms_and_xray()})).await;
    world.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    let seen = world.snapshot(&world.role_name("orders")).await;
    assert_eq!(names_of(&seen.inline[0].1), ["s3:GetObject", "s3:DeleteObject"]);
    assert_eq!(seen.managed, ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]);
    // A second look has nothing left to take.
    world.proxy.forget();
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);

    // A suspension is no way round it.
    world.change("orders", json!({"suspend": true})).await;
    world.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    world
        .change_class(json!({"guardrails": {"permissions": {"denied": [{"actions": ["kms:*", "xray:*", "s3:*"]}]}}}))
        .await;
    patiently("the second statement to go", async {
        while names_of(&world.snapshot(&world.role_name("orders")).await.inline[0].1) != ["s3:DeleteObject"] {
            world.proxy.next_call().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classs_boundary_is_put_back_at_every_pass_whatever_the_spec_says() {
    let boundary = "arn:aws:iam::123456789012:policy/lambda-boundary";
    let world = World::start_under(json!({"guardrails": {"permissionsBoundary": {"arn": boundary}}}), &[]).await;
    world.boundary("lambda-boundary").await;
    let name = world.role_name("orders");
    world.create_ready("orders", json!({"drift": "Report"})).await;
    for (change, about) in [
        (json!({}), "drift is only reported"),
        (json!({"suspend": true}), "suspended"),
        (json!({"suspend": false, "resyncInterval": "soon"}), "invalid"),
        (
            json!({"resyncInterval": null, "statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"], "sourceFunctionArns": []}], "permissionsBoundary": {"arn": "arn:aws:iam::123456789012:policy/other"}}),
            "refused",
        ),
    ] {
        world.iam.delete_role_permissions_boundary().role_name(&name).send().await.unwrap();
        world.change("orders", change).await;
        world.look("orders").await;
        assert_eq!(world.snapshot(&name).await.boundary.as_deref(), Some(boundary), "{about}");
    }
    assert_eq!(world.snapshot(&name).await.inline.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_observes_shows_what_it_would_do_and_does_nothing() {
    let world = World::start_under(json!({"mode": "Observe"}), &[]).await;
    world.create("orders", two_rights()).await;
    let role = world.condition("orders", ConditionType::Synced, "False", Reason::Observed).await;
    assert_eq!(condition(&role, ConditionType::Accepted).unwrap().status, "True");
    assert_eq!(
        role.status.unwrap().plan,
        [
            "create the role",
            "put inline policy lambdaroles",
            "attach arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess",
            "attach arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        ]
    );
    assert_eq!(role.metadata.finalizers, None);
    assert_eq!(world.proxy.writes(), [] as [String; 0]);

    world.change_class(json!({"mode": "Enforce"})).await;
    let role = world.ready("orders").await;
    assert_eq!(role.status.unwrap().plan, [] as [String; 0]);

    world.change_class(json!({"mode": "Observe"})).await;
    world.delete("orders").await;
    let role = world.condition("orders", ConditionType::DeletionBlocked, "True", Reason::Observed).await;
    assert!(role.status.unwrap().plan.contains(&"delete the role".to_owned()));
    assert!(world.role_exists(&world.role_name("orders")).await);
    world.change_class(json!({"mode": "Enforce"})).await;
    world.gone("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_roles_than_a_namespace_may_have_the_oldest_keep_their_place() {
    let world = World::start_under(json!({"guardrails": {"maxRolesPerNamespace": 2}}), &[]).await;
    // In the order in which each name would go before the one that was there.
    world.create_ready("c", json!({})).await;
    world.create_ready("b", json!({})).await;
    world.create("a", json!({})).await;
    let role = world.condition("a", ConditionType::Accepted, "False", Reason::RoleLimitReached).await;
    assert!(condition(&role, ConditionType::Accepted).unwrap().message.contains("maxRolesPerNamespace"));
    assert!(!world.role_exists(&world.role_name("a")).await);
    world.look("c").await;
    world.ready("c").await;
    world.delete("c").await;
    world.gone("c").await;
    world.ready("a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_objects_at_once_get_no_more_places_than_there_are() {
    let world = World::start_under(json!({"guardrails": {"maxRolesPerNamespace": 3}}), &[]).await;
    let names: Vec<String> = ('a'..='t').rev().map(String::from).collect();
    futures::future::join_all(names.iter().map(|name| world.create(name, json!({})))).await;
    let mut ready = 0;
    for name in &names {
        let role = world
            .until("a verdict", name, |role| {
                condition(role, ConditionType::Accepted).is_some_and(|accepted| accepted.status != "Unknown")
                    && condition(role, ConditionType::Reconciling).is_none()
            })
            .await;
        ready += usize::from(role.status.unwrap().role_arn.is_some());
    }
    assert_eq!(ready, 3);
    assert_eq!(world.proxy.writes(), ["CreateRole"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_says_whose_account_it_is_what_it_allows_and_how_many_roles_it_has() {
    let world = World::start().await;
    world.create_ready("orders", json!({})).await;
    world
        .create(
            "payments",
            json!({"statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]}]}),
        )
        .await;
    world.ready("payments").await;
    world.change_class(json!({"guardrails": {"permissions": {"denied": [{"actions": ["s3:*"]}]}}})).await;
    let status = class_says(&world, &world.namespace, "two roles, one refused", |status| {
        status["roles"] == 2 && status["refusedRoles"] == 1
    })
    .await;
    assert!(is_ready(&status, "True", "Ready"), "{status}");
    assert_eq!(status["accountId"], "123456789012");
    assert!(status["principalArn"].as_str().unwrap().starts_with("arn:aws:"), "{status}");
    let quota = status["quotas"].as_array().unwrap().iter().find(|quota| quota["name"] == "Roles").unwrap();
    assert!(quota["used"].is_i64() && quota["quota"].as_i64().unwrap() > 1, "{quota}");
    world.delete("payments").await;
    class_says(&world, &world.namespace, "one role", |status| status["roles"] == 1 && status["refusedRoles"] == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_another_account_stop_every_write() {
    let world = World::start_under(json!({"account": {"id": "210987654321"}}), &[]).await;
    world.create("orders", json!({})).await;
    let role = world.condition("orders", ConditionType::Synced, "False", Reason::AccountMismatch).await;
    let message = &condition(&role, ConditionType::Synced).unwrap().message;
    assert!(message.contains("123456789012") && message.contains("210987654321"), "{message}");
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    class_says(&world, &world.namespace, "the mismatch", |status| is_ready(status, "False", "AccountMismatch")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_with_faults_is_told_so_and_its_roles_wait() {
    let world = World::start().await;
    world.create_ready("orders", json!({})).await;
    world.proxy.forget();
    world.change_class(json!({"guardrails": {"sourceFunctions": ["$(team)-*"]}})).await;
    let status =
        class_says(&world, &world.namespace, "its fault", |status| is_ready(status, "False", "InvalidClass")).await;
    assert!(
        status["conditions"][0]["message"].as_str().unwrap().contains("spec.guardrails.sourceFunctions[0]"),
        "{status}"
    );
    world.condition("orders", ConditionType::Accepted, "False", Reason::InvalidClass).await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    world.change_class(json!({"guardrails": {"sourceFunctions": null}})).await;
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defaults_of_a_class_count_where_an_object_says_nothing() {
    let world = World::start_under(
        json!({
            "naming": {"path": "/lambda/$(namespace)/", "roleName": "fn-$(namespace)-$(name)"},
            "defaults": {"tags": {"team": "$(namespace)"}, "deletionPolicy": "Retain"},
        }),
        &[],
    )
    .await;
    let role: LambdaExecutionRole = world.create_ready("orders", json!({})).await;
    let name = format!("fn-{}-orders", world.namespace);
    assert_eq!(role.status.unwrap().role_name.as_deref(), Some(name.as_str()));
    let seen = world.snapshot(&name).await;
    assert_eq!(seen.path, format!("/lambda/{}/", world.namespace));
    assert_eq!(seen.tags, [("team".to_owned(), world.namespace.clone())]);
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(world.role_exists(&name).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_deletion_that_waits_nor_a_policy_that_does_not_exist_is_a_way_round_the_class() {
    let world = World::start_under(json!({"guardrails": {"onViolation": "Revoke"}}), &[]).await;
    world.create_ready("waiting", two_rights()).await;
    world.create_ready("failing", two_rights()).await;
    world.change("waiting", json!({"suspend": true})).await;
    world.condition("waiting", ConditionType::Synced, "Unknown", Reason::Suspended).await;
    world.delete("waiting").await;
    world.condition("waiting", ConditionType::DeletionBlocked, "True", Reason::Suspended).await;
    let nothing = json!([{"arn": "arn:aws:iam::123456789012:policy/nothing"}]);
    world.change("failing", json!({"statements": [], "managedPolicies": nothing})).await;
    world.condition("failing", ConditionType::Reconciling, "True", Reason::PolicyNotFound).await;

    let boundary = world.customer_policy("boundary").await;
    let mut guardrails = without_kms_and_xray();
    guardrails["permissionsBoundary"] = json!({"arn": boundary});
    world.change_class(json!({"guardrails": guardrails})).await;
    for object in ["waiting", "failing"] {
        world.look(object).await;
        let seen = world.snapshot(&world.role_name(object)).await;
        let kept: Vec<&String> = seen.managed.iter().collect();
        assert!(kept.len() == 1 && kept[0].ends_with("AWSLambdaBasicExecutionRole"), "{object}: {kept:?}");
        assert!(!format!("{:?}", seen.inline).contains("kms"), "{object}");
        let role = world.iam.get_role().role_name(world.role_name(object)).send().await.unwrap().role.unwrap();
        let found = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
        assert_eq!(found, Some(boundary.clone()), "{object}");
    }
    world.change("waiting", json!({"suspend": false})).await;
    world.gone("waiting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_iam_does_not_take_is_no_way_round_the_class() {
    let world = World::start_under(json!({"guardrails": {"onViolation": "Revoke"}}), &[]).await;
    world.create_ready("orders", two_rights()).await;
    let malformed = Fault::Error { status: 400, code: "MalformedPolicyDocument", message: "Syntax errors in policy." };
    world.proxy.fault("PutRolePolicy", 1000, malformed);
    // Denials are written first, so that nothing behind them is done.
    let deny = |action: &str| json!({"effect": "Deny", "actions": [action], "resources": ["*"]});
    let statements = json!([deny("s3:DeleteObject"), deny("s3:PutObject")]);
    let policies = json!([{"aws": "AWSLambdaBasicExecutionRole"}]);
    world.change("orders", json!({"statements": statements, "managedPolicies": policies})).await;
    world.condition("orders", ConditionType::Stalled, "True", Reason::MalformedPolicy).await;
    let name = world.role_name("orders");
    assert_eq!(world.snapshot(&name).await.managed.len(), 2, "the class allows both");
    world.change_class(json!({"guardrails": {"permissions": {"denied": [{"actions": ["xray:*"]}]}}})).await;
    world.look("orders").await;
    assert_eq!(world.snapshot(&name).await.managed.len(), 1, "X-Ray is denied");
}
