//! AWS fails, answers get lost, the process dies: it ends in the declared state all the same.

use k8s_openapi::api::rbac::v1::PolicyRule;
use lambdaroles::{
    api::{ConditionType, Reason},
    cluster::permissions::policy_rules,
};
use serde_json::json;

use crate::harness::{Account, Fault, World, condition, patiently};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_create_role_is_found_out_and_no_conflict() {
    let world = World::start().await;
    world.proxy.fault("CreateRole", 1, Fault::LoseAnswer);
    world.create_ready("orders", json!({"managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}]})).await;
    assert_eq!(world.snapshot(&world.role_name("orders")).await.managed.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_at_any_step_does_no_harm() {
    let world = World::start().await;
    let boundary = world.customer_policy("boundary").await;
    let other_boundary = world.customer_policy("other-boundary").await;
    let create = json!({
        "permissionsBoundary": {"arn": boundary}, "trust": {"self": true}, "tags": {"a": "1", "b": "2"},
        "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}],
        "statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]}],
    });
    let change = json!({
        "permissionsBoundary": null, "trust": null, "tags": {"a": "2", "b": null}, "description": "changed",
        "managedPolicies": [{"aws": "AWSXRayDaemonWriteAccess"}], "statements": null,
    });
    for (number, operation) in OPERATIONS.into_iter().enumerate() {
        let name = format!("r{number}");
        // As often as the SDK tries by itself.
        world.proxy.fault(operation, 3, Fault::LoseAnswer);
        world.create_ready(&name, create.clone()).await;
        world.change(&name, json!({"permissionsBoundary": {"arn": other_boundary}})).await;
        world.ready(&name).await;
        world.change(&name, change.clone()).await;
        world.ready(&name).await;
        let seen = world.snapshot(&world.role_name(&name)).await;
        assert_eq!(seen.description, "changed", "{operation}");
        assert_eq!((seen.boundary, seen.inline), (None, Vec::new()), "{operation}");
        assert_eq!(seen.managed, ["arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"], "{operation}");
        assert_eq!(seen.tags, [("a".to_owned(), "2".to_owned())], "{operation}");
        world.delete(&name).await;
        world.gone(&name).await;
        assert!(!world.role_exists(&world.role_name(&name)).await, "{operation}");
        assert_eq!(world.proxy.faults_left(), 0, "{operation} was never called");
    }
}

/// Every operation that creation, change and deletion need.
const OPERATIONS: [&str; 18] = [
    "GetRole",
    "ListAttachedRolePolicies",
    "ListRolePolicies",
    "GetRolePolicy",
    "CreateRole",
    "PutRolePolicy",
    "AttachRolePolicy",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "PutRolePermissionsBoundary",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "TagRole",
    "UntagRole",
    "ListInstanceProfilesForRole",
    "ListFunctions",
    "DeleteRole",
];

#[tokio::test(flavor = "multi_thread")]
async fn throttling_during_a_look_does_not_unsay_that_a_role_is_ready() {
    let world = World::start().await;
    world.create_ready("orders", json!({})).await;
    world.proxy.fault("GetRole", 1000, Fault::THROTTLED);
    world.annotate("orders", lambdaroles::api::RECONCILE_AT_ANNOTATION, "now").await;
    let object = world.condition("orders", ConditionType::Reconciling, "True", Reason::Throttled).await;
    assert_eq!(condition(&object, ConditionType::Ready).unwrap().status, "True");
    assert_eq!(condition(&object, ConditionType::Synced).unwrap().status, "True");
    assert_eq!(
        world.events("orders", Reason::Created, 1).await.len(),
        1,
        "nothing that the owner could do, so no event"
    );
    world.proxy.heal();
    let healed = |role: &lambdaroles::api::LambdaExecutionRole| condition(role, ConditionType::Reconciling).is_none();
    world.until("the end of the throttling", "orders", healed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_of_a_write_is_waited_out() {
    let world = World::start().await;
    world.proxy.fault("CreateRole", 4, Fault::THROTTLED);
    world.create("orders", json!({})).await;
    let object = world.condition("orders", ConditionType::Ready, "False", Reason::Throttled).await;
    assert_eq!(condition(&object, ConditionType::Reconciling).unwrap().status, "True");
    assert!(condition(&object, ConditionType::Stalled).is_none());
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_that_does_not_exist_yet_is_waited_for() {
    let world = World::start().await;
    let unknown = Fault::Error {
        status: 400,
        code: "MalformedPolicyDocument",
        message: "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/later\"",
    };
    world.proxy.fault("CreateRole", 1, unknown.clone());
    world.proxy.fault("UpdateAssumeRolePolicy", 1, unknown);
    let principals = json!({"aws": ["arn:aws:iam::123456789012:role/later"]});
    let spec = json!({"trust": {"self": true, "statements": [{"effect": "Allow", "principals": principals}]}});
    world.create("orders", spec).await;
    let object = world.condition("orders", ConditionType::Reconciling, "True", Reason::PrincipalNotFound).await;
    assert!(condition(&object, ConditionType::Reconciling).unwrap().message.contains("role/later"));
    world.ready("orders").await;
    let trust = world.snapshot(&world.role_name("orders")).await.trust.to_string();
    assert!(trust.contains("role/later") && trust.contains(&world.role_name("orders")), "{trust}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_malformed_document_is_somebody_s_to_correct() {
    let world = World::start().await;
    let malformed = Fault::Error { status: 400, code: "MalformedPolicyDocument", message: "Syntax errors in policy." };
    world.proxy.fault("CreateRole", 1, malformed);
    world.create("orders", json!({})).await;
    world.condition("orders", ConditionType::Stalled, "True", Reason::MalformedPolicy).await;
    assert_eq!(world.events("orders", Reason::MalformedPolicy, 1).await[0].0, "MalformedPolicy");
    // The owner changes something, and it goes on at once.
    world.change("orders", json!({"description": "mended"})).await;
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_does_not_exist_yet_is_waited_for_and_named() {
    let world = World::start().await;
    let arn = format!("arn:aws:iam::123456789012:policy/{}-later", world.namespace);
    world.create("orders", json!({"managedPolicies": [{"arn": arn}]})).await;
    let object = world.condition("orders", ConditionType::Reconciling, "True", Reason::PolicyNotFound).await;
    assert!(condition(&object, ConditionType::Reconciling).unwrap().message.contains(&arn));
    world.customer_policy("later").await;
    world.ready("orders").await;
    assert_eq!(world.snapshot(&world.role_name("orders")).await.managed, [arn]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_and_the_object_recovers_when_it_is_granted() {
    let world = World::start().await;
    let denied = Fault::Error {
        status: 403,
        code: "AccessDenied",
        message: "User: arn:… is not authorized to perform: iam:CreateRole",
    };
    world.proxy.fault("CreateRole", 1, denied);
    world.create("orders", json!({})).await;
    let object = world.condition("orders", ConditionType::Ready, "False", Reason::AccessDenied).await;
    assert!(condition(&object, ConditionType::Ready).unwrap().message.contains("iam:CreateRole"));
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_of_the_account_is_told_and_not_hammered() {
    let world = World::start().await;
    let quota =
        Fault::Error { status: 409, code: "LimitExceeded", message: "Cannot exceed quota for RolesPerAccount: 1000" };
    world.proxy.fault("CreateRole", 1000, quota);
    world.create("orders", json!({})).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::QuotaExceeded).await;
    assert!(condition(&object, ConditionType::Stalled).unwrap().message.contains("RolesPerAccount: 1000"));
    // Others are served meanwhile; this one waits for the resync.
    let tries = world.proxy.counts()["CreateRole"];
    world.proxy.heal();
    world.create_ready("witness", json!({})).await;
    assert_eq!(world.proxy.counts()["CreateRole"], tries + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_killed_in_the_middle_is_succeeded_by_one_that_finishes_the_job() {
    let mut world = World::start().await;
    let spec = json!({
        "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}],
        "statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"]}],
    });
    for step in ["CreateRole", "PutRolePolicy", "AttachRolePolicy"] {
        let name = step.to_lowercase();
        world.proxy.forget();
        world.proxy.fault(step, 1, Fault::Hold);
        world.create(&name, spec.clone()).await;
        patiently(step, world.proxy.arrival(step)).await;
        world.controller.kill().await.unwrap();
        world.proxy.heal();
        world.restart_controller(&[]);
        world.ready(&name).await;
        let seen = world.snapshot(&world.role_name(&name)).await;
        assert_eq!((seen.inline.len(), seen.managed.len()), (1, 1), "{step}");
    }
    // The same on the way out.
    for step in ["DeleteRolePolicy", "DetachRolePolicy", "DeleteRole"] {
        let name = format!("gone-{}", step.to_lowercase());
        world.create_ready(&name, spec.clone()).await;
        world.proxy.forget();
        world.proxy.fault(step, 1, Fault::Hold);
        world.delete(&name).await;
        patiently(step, world.proxy.arrival(step)).await;
        world.controller.kill().await.unwrap();
        world.proxy.heal();
        world.restart_controller(&[]);
        world.gone(&name).await;
        assert!(!world.role_exists(&world.role_name(&name)).await, "{step}: an orphan");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_cannot_be_written_is_tried_again_with_growing_pauses_and_loses_nothing() {
    let mut world = World::start().await;
    let all = policy_rules();
    let is_status = |rule: &PolicyRule| rule.resources.iter().flatten().any(|resource| resource.ends_with("/status"));
    let without_status = all.iter().filter(|rule| !is_status(rule)).cloned().collect();
    let account = Account::with(&world.client, &world.namespace, without_status).await;
    let kubeconfig = account.kubeconfig();
    world.restart_controller(&["--kubeconfig", kubeconfig.to_str().unwrap()]);
    world.proxy.forget();
    world.create("orders", json!({})).await;
    patiently("four attempts", async {
        while world.proxy.counts().get("GetRole").is_none_or(|looks| *looks < 4) {
            world.proxy.next_call().await;
        }
    })
    .await;
    assert_eq!(world.proxy.writes(), ["CreateRole"], "what was done is not done again");
    assert!(world.controller.log().contains("cannot write the status"), "the log says what is amiss");

    account.grant(all).await;
    let role = world.ready("orders").await;
    assert!(role.status.unwrap().last_change_time.is_some(), "the settle window has a beginning");
}
