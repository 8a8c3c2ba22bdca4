//! Managed policies that objects describe: made, kept and deleted.

use std::collections::BTreeMap;

use lambdaroles::{
    api::{ConditionType, LambdaManagedPolicy, Reason},
    policy::Document,
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::harness::{Objects, World, condition_of};

/// A policy of the world's class that allows `actions`.
fn allowing(world: &World, actions: &[&str]) -> Value {
    json!({
        "className": world.namespace,
        "statements": [{"effect": "Allow", "actions": actions, "resources": ["arn:aws:s3:::orders/*"]}],
    })
}

fn statements(actions: &[&str]) -> Value {
    json!({"statements": [{"effect": "Allow", "actions": actions, "resources": ["arn:aws:s3:::orders/*"]}]})
}

fn policies(world: &World) -> Objects<LambdaManagedPolicy> {
    world.objects()
}

fn arn(world: &World) -> String {
    format!("arn:aws:iam::123456789012:policy/{}-orders", world.namespace)
}

/// What IAM holds of a policy.
#[derive(Debug, PartialEq)]
struct Snapshot {
    document: Document,
    default_version: String,
    versions: usize,
    tags: BTreeMap<String, String>,
}

/// `None` if there is no such policy.
async fn snapshot(world: &World, arn: &str) -> Option<Snapshot> {
    let policy = match world.iam.get_policy().policy_arn(arn).send().await {
        Ok(answer) => answer.policy.unwrap(),
        Err(error) => {
            let error = error.into_service_error();
            assert!(error.is_no_such_entity_exception(), "{error}");
            return None;
        }
    };
    let default_version = policy.default_version_id.unwrap();
    let version = world.iam.get_policy_version().policy_arn(arn).version_id(&default_version).send().await.unwrap();
    let document = version.policy_version.unwrap().document.unwrap();
    let versions = world.iam.list_policy_versions().policy_arn(arn).send().await.unwrap();
    Some(Snapshot {
        document: Document::parse(&percent_decode_str(&document).decode_utf8_lossy()).unwrap(),
        default_version,
        versions: versions.versions.unwrap_or_default().len(),
        tags: policy.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_lives_and_dies_with_its_object() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    let mut spec = allowing(&world, &["s3:GetObject"]);
    spec["description"] = json!("Reads orders");
    spec["tags"] = json!({"team": "shop"});
    let status = policies.create_ready("orders", spec).await.status.unwrap();
    assert_eq!(world.proxy.writes(), ["CreatePolicy"]);
    let made = snapshot(&world, &arn).await.unwrap();
    assert_eq!(
        made.document.to_string(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::orders/*"}]}"#
    );
    let tag = |key: &str| made.tags.get(key).map(String::as_str);
    assert_eq!(tag("team"), Some("shop"));
    assert_eq!(tag("lambdaroles.dev/kind"), Some("LambdaManagedPolicy"));
    assert_eq!(tag("lambdaroles.dev/cluster"), Some(world.cluster_name.as_str()));
    assert_eq!(status.policy_arn.as_deref(), Some(arn.as_str()));
    assert_eq!((status.default_version_id.as_deref(), status.attachment_count), (Some("v1"), Some(0)));
    assert_eq!(status.characters, i64::try_from(made.document.characters()).ok());
    assert!(status.policy_id.is_some_and(|id| !id.is_empty()));

    world.proxy.forget();
    policies.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0], "a second look changes nothing");

    policies.change("orders", json!({"tags": {"team": "billing", "tier": "gold"}})).await;
    policies.ready("orders").await;
    assert_eq!(world.proxy.writes(), ["TagPolicy"]);
    policies.change("orders", json!({"tags": {"tier": null}})).await;
    policies.ready("orders").await;
    assert_eq!(world.proxy.writes(), ["TagPolicy", "UntagPolicy"]);

    policies.delete("orders").await;
    policies.gone("orders").await;
    assert_eq!(snapshot(&world, &arn).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn six_edits_in_a_row_keep_at_most_five_versions_and_cost_one_or_two_writes_each() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    policies.create_ready("orders", allowing(&world, &["s3:GetObject"])).await;
    let edits = [
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:GetObjectTagging",
        "s3:PutObjectTagging",
        "s3:GetObjectAcl",
        "s3:PutObjectAcl",
    ];
    let mut costs = Vec::new();
    for action in edits {
        world.proxy.forget();
        policies.change("orders", statements(&[action])).await;
        let status = policies.ready("orders").await.status.unwrap();
        let writes = world.proxy.writes();
        costs.push(writes.len());
        let held = snapshot(&world, &arn).await.unwrap();
        assert!(held.document.to_string().contains(action), "{writes:?}");
        assert!(held.versions <= 5, "{held:?}");
        assert_eq!(status.default_version_id, Some(held.default_version));
    }
    assert_eq!(costs, [1, 1, 1, 1, 2, 2]);
    policies.delete("orders").await;
    policies.gone("orders").await;
    assert_eq!(snapshot(&world, &arn).await, None, "all versions go with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_in_other_words_is_not_written() {
    let world = World::start().await;
    let policies = policies(&world);
    policies.create_ready("orders", allowing(&world, &["s3:GetObject", "s3:PutObject"])).await;
    world.proxy.forget();
    policies.change("orders", statements(&["S3:putobject", "s3:GetObject", "s3:GetObject"])).await;
    policies.ready("orders").await;
    world.proxy.rewrite_documents(7);
    policies.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_by_hand_is_undone() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    let mut spec = allowing(&world, &["s3:GetObject"]);
    spec["tags"] = json!({"team": "shop"});
    policies.create_ready("orders", spec).await;
    let wanted = snapshot(&world, &arn).await.unwrap();

    let all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let version = world.iam.create_policy_version().policy_arn(&arn).policy_document(all).set_as_default(true);
    version.send().await.unwrap();
    policies.look("orders").await;
    let held = snapshot(&world, &arn).await.unwrap();
    assert_eq!((held.document, held.versions), (wanted.document.clone(), 3));

    world.iam.set_default_policy_version().policy_arn(&arn).version_id("v2").send().await.unwrap();
    world.iam.untag_policy().policy_arn(&arn).tag_keys("team").send().await.unwrap();
    policies.look("orders").await;
    let held = snapshot(&world, &arn).await.unwrap();
    assert_eq!((held.document, held.tags), (wanted.document, wanted.tags));
    world.events("orders", Reason::DriftCorrected, 2).await;

    world.iam.delete_policy_version().policy_arn(&arn).version_id("v1").send().await.unwrap();
    world.proxy.forget();
    policies.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0], "old versions are nobody's business");
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_that_is_only_reported_stays() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    let mut spec = allowing(&world, &["s3:GetObject"]);
    spec["drift"] = json!("Report");
    policies.create_ready("orders", spec).await;
    let tag = aws_sdk_iam::types::Tag::builder().key("note").value("x").build().unwrap();
    world.iam.tag_policy().policy_arn(&arn).tags(tag).send().await.unwrap();
    world.proxy.forget();
    policies.look("orders").await;
    let held = policies.condition("orders", ConditionType::Drifted, "True", Reason::Drifted).await;
    assert_eq!(held.status.unwrap().plan, [format!("remove tags note of {arn}")]);
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_that_name_that_is_somebody_elses_is_never_touched() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), world.customer_policy("orders").await);
    let before = snapshot(&world, &arn).await.unwrap();
    policies.create("orders", allowing(&world, &["s3:GetObject"])).await;
    let held = policies.condition("orders", ConditionType::Stalled, "True", Reason::PolicyConflict).await;
    let message = condition_of(&held, ConditionType::Ready).unwrap().message;
    assert!(message.contains("its tags name no object"), "{message}");
    policies.delete("orders").await;
    policies.gone("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert_eq!(snapshot(&world, &arn).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_a_role_refers_to_is_deleted_after_it() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    policies.create_ready("orders", allowing(&world, &["s3:GetObject"])).await;
    world.create_ready("api", json!({"managedPolicies": [{"ref": {"name": "orders"}}]})).await;
    policies.delete("orders").await;
    let held = policies.condition("orders", ConditionType::DeletionBlocked, "True", Reason::InUseByRoles).await;
    let message = condition_of(&held, ConditionType::DeletionBlocked).unwrap().message;
    assert!(message.contains(&format!("LambdaExecutionRole {}/api", world.namespace)), "{message}");
    assert!(snapshot(&world, &arn).await.is_some());
    world.delete("api").await;
    world.gone("api").await;
    policies.gone("orders").await;
    assert_eq!(snapshot(&world, &arn).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_a_role_lets_go_of_is_deleted_although_it_is_still_attached() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    policies.create_ready("orders", allowing(&world, &["s3:GetObject"])).await;
    world.create_ready("api", json!({"managedPolicies": [{"ref": {"name": "orders"}}]})).await;
    policies.delete("orders").await;
    policies.condition("orders", ConditionType::DeletionBlocked, "True", Reason::InUseByRoles).await;
    world.change("api", json!({"managedPolicies": null})).await;
    policies.gone("orders").await;
    assert_eq!(snapshot(&world, &arn).await, None);
    world.ready("api").await;
    assert_eq!(world.snapshot(&world.role_name("api")).await.managed, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_a_user_and_a_foreign_role_have_waits_for_them() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    policies.create_ready("orders", allowing(&world, &["s3:GetObject"])).await;
    let (user, role) = (format!("{}-ann", world.namespace), format!("{}-foreign", world.namespace));
    world.iam.create_user().user_name(&user).send().await.unwrap();
    world.iam.attach_user_policy().user_name(&user).policy_arn(&arn).send().await.unwrap();
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    world.iam.create_role().role_name(&role).assume_role_policy_document(trust).send().await.unwrap();
    world.iam.attach_role_policy().role_name(&role).policy_arn(&arn).send().await.unwrap();
    world.proxy.forget();
    policies.delete("orders").await;
    let held = policies.condition("orders", ConditionType::DeletionBlocked, "True", Reason::InUseByOthers).await;
    let message = condition_of(&held, ConditionType::DeletionBlocked).unwrap().message;
    assert!(message.contains(&format!("user {user}, role {role}")), "{message}");
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    world.iam.detach_user_policy().user_name(&user).policy_arn(&arn).send().await.unwrap();
    world.iam.detach_role_policy().role_name(&role).policy_arn(&arn).send().await.unwrap();
    policies.gone("orders").await;
    assert_eq!(snapshot(&world, &arn).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retained_policy_stays_and_is_claimed_again() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    let mut spec = allowing(&world, &["s3:GetObject"]);
    spec["deletionPolicy"] = json!("Retain");
    policies.create_ready("orders", spec.clone()).await;
    let before = snapshot(&world, &arn).await.unwrap();
    policies.delete("orders").await;
    policies.gone("orders").await;
    world.proxy.forget();
    policies.create_ready("orders", spec).await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert_eq!(snapshot(&world, &arn).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_class_refuses_later_on_is_revoked_where_it_says_so() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    policies.create_ready("orders", allowing(&world, &["s3:GetObject"])).await;
    world
        .change_class(
            json!({"guardrails": {"onViolation": "Revoke", "permissions": {"denied": [{"actions": ["s3:*"]}]}}}),
        )
        .await;
    policies.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    let held = snapshot(&world, &arn).await.unwrap();
    assert!(held.document.to_string().contains("RevokedByLambdaroles"), "{held:?}");
    world.proxy.forget();
    policies.look("orders").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0], "it is taken away once");
    world.change_class(json!({"guardrails": {"permissions": {"denied": null}}})).await;
    policies.ready("orders").await;
    assert!(snapshot(&world, &arn).await.unwrap().document.to_string().contains("s3:GetObject"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_version_is_written_that_a_role_with_the_policy_may_not_have() {
    let class = json!({"guardrails": {"permissions": {"allowed": [
        {"actions": ["s3:*"], "resources": ["arn:aws:s3:::$(name)-*", "arn:aws:s3:::shared-*"]},
    ]}}});
    let world = World::start_under(class, &[]).await;
    let (policies, arn) = (policies(&world), arn(&world));
    let allowing = |bucket: &str| json!([{"effect": "Allow", "actions": ["s3:GetObject"], "resources": [format!("arn:aws:s3:::{bucket}/*")]}]);
    let spec = json!({"className": world.namespace, "statements": allowing("shared-data")});
    policies.create_ready("orders", spec).await;
    world.create_ready("api", json!({"managedPolicies": [{"ref": {"name": "orders"}}]})).await;
    world.proxy.forget();
    policies.change("orders", json!({"statements": allowing("orders-data")})).await;
    let held = policies.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    let message = condition_of(&held, ConditionType::Accepted).unwrap().message;
    assert!(message.contains(&format!("LambdaExecutionRole {}/api", world.namespace)), "{message}");
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    world.delete("api").await;
    world.gone("api").await;
    policies.look("orders").await;
    policies.ready("orders").await;
    assert!(snapshot(&world, &arn).await.unwrap().document.to_string().contains("orders-data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_policy_and_no_conflict() {
    let world = World::start().await;
    let (policies, arn) = (policies(&world), arn(&world));
    world.proxy.fault("CreatePolicy", 1, crate::harness::Fault::LoseAnswer);
    policies.create_ready("orders", allowing(&world, &["s3:GetObject"])).await;
    assert_eq!(world.proxy.faults_left(), 0);
    assert_eq!(snapshot(&world, &arn).await.unwrap().versions, 1);
}
