//! AWS's own policies: which version a role has, and what is said and done when AWS makes another one the default.

use futures::future::join_all;
use lambdaroles::api::{ConditionType, LambdaExecutionRole, Reason};
use serde_json::json;

use super::metrics::metrics_show;
use crate::harness::{Fault, World};

/// Nothing read counts for long, so that every look reads anew.
const READ_AT_EVERY_LOOK: [&str; 2] = ["--aws-policy-interval", "1ms"];

/// One of AWS's policies, of which the emulator lets anybody make versions. The account is one for all tests, so each test
/// has a policy of its own, and leaves it as it was.
struct AwsPolicy {
    iam: aws_sdk_iam::Client,
    arn: String,
    original: String,
    published: Vec<String>,
}

impl AwsPolicy {
    async fn find(world: &World, path_and_name: &str) -> Self {
        let arn = format!("arn:aws:iam::aws:policy/{path_and_name}");
        let policy = world.iam.get_policy().policy_arn(&arn).send().await.unwrap().policy.unwrap();
        let original = policy.default_version_id.unwrap();
        Self { iam: world.iam.clone(), arn, original, published: Vec::new() }
    }

    /// Makes a version that allows these actions the default; returns its id.
    async fn publish(&mut self, actions: &[&str]) -> String {
        let document = json!({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
        });
        let request = self.iam.create_policy_version().policy_arn(&self.arn).policy_document(document.to_string());
        let answer = request.set_as_default(true).send().await.unwrap();
        let version = answer.policy_version.unwrap().version_id.unwrap();
        self.published.push(version.clone());
        version
    }

    async fn delete_version(&mut self, version: &str) {
        self.iam.delete_policy_version().policy_arn(&self.arn).version_id(version).send().await.unwrap();
        self.published.retain(|published| published != version);
    }

    async fn restore(mut self) {
        let request = self.iam.set_default_policy_version().policy_arn(&self.arn);
        request.version_id(&self.original).send().await.unwrap();
        for version in self.published.clone() {
            self.delete_version(&version).await;
        }
    }
}

/// The versions that a status shows of a role's only policy.
fn versions(role: &LambdaExecutionRole) -> (Option<&str>, Option<&str>) {
    let policies = &role.status.as_ref().unwrap().managed_policies;
    assert_eq!(policies.len(), 1, "{policies:?}");
    (policies[0].version_id.as_deref(), policies[0].previous_version_id.as_deref())
}

/// What was said of changes, once `count` were told.
async fn changes_told(world: &World, name: &str, count: usize) -> Vec<String> {
    let mut events = world.events(name, Reason::ManagedPolicyChanged, count).await;
    events.retain(|(reason, _)| reason == Reason::ManagedPolicyChanged.as_str());
    events.into_iter().map(|(_, note)| note).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_shown_and_told_once_on_every_role_that_has_it_and_counted_once() {
    let world = World::start_with(&READ_AT_EVERY_LOOK).await;
    let mut policy = AwsPolicy::find(&world, "service-role/AWSLambdaKinesisExecutionRole").await;
    let original = policy.original.clone();
    for name in ["first", "second"] {
        world.create(name, json!({"managedPolicies": [{"aws": "AWSLambdaKinesisExecutionRole"}]})).await;
        assert_eq!(versions(&world.ready(name).await), (Some(original.as_str()), None));
    }
    let new = policy.publish(&["kinesis:DescribeEverything", "logs:CreateLogStream", "kinesis:GetRecords"]).await;
    // A role that is new has seen no change, and takes none from the others.
    world.create("third", json!({"managedPolicies": [{"aws": "AWSLambdaKinesisExecutionRole"}]})).await;
    assert_eq!(versions(&world.ready("third").await), (Some(new.as_str()), None));
    for name in ["first", "second"] {
        assert_eq!(versions(&world.look(name).await), (Some(new.as_str()), Some(original.as_str())), "{name}");
        let told = changes_told(&world, name, 1).await;
        assert_eq!(told.len(), 1);
        for part in [
            format!("AWS made {new} the default version of {}, which was {original}.", policy.arn),
            "Allowed now: kinesis:DescribeEverything.".to_owned(),
            "Allowed no longer: kinesis:DescribeStream, ".to_owned(),
        ] {
            assert!(told[0].contains(&part), "{part:?} is missing in {told:?}");
        }
        assert!(!told[0].contains("kinesis:GetRecords"), "{told:?}");
    }
    let arn = &policy.arn;
    let action = |change: &str, action: &str| {
        format!(
            "lambdaroles_managed_policy_changed_actions_total{{account=\"123456789012\",policy=\"{arn}\",effect=\"allow\",change=\"{change}\",action=\"{action}\"}} 1"
        )
    };
    let expected = [
        format!("lambdaroles_managed_policy_changes_total{{account=\"123456789012\",policy=\"{arn}\"}} 1"),
        action("added", "kinesis:DescribeEverything"),
        action("removed", "kinesis:DescribeStream"),
    ];
    metrics_show(&world, &expected).await;

    // A state that goes on is not told again, and nothing of it is written.
    let before = world.look("first").await;
    world.proxy.forget();
    let after = world.look("first").await;
    assert_eq!(versions(&after), versions(&before));
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
    assert_eq!(changes_told(&world, "first", 1).await.len(), 1);

    policy.restore().await;
    assert_eq!(versions(&world.look("first").await), (Some(original.as_str()), Some(new.as_str())));
    assert_eq!(changes_told(&world, "first", 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_came_and_went_while_nobody_looked_is_told_without_its_actions() {
    let mut world = World::start_with(&READ_AT_EVERY_LOOK).await;
    let mut policy = AwsPolicy::find(&world, "service-role/AWSLambdaMSKExecutionRole").await;
    let gone = policy.publish(&["kafka:GetBootstrapBrokers"]).await;
    world.create("orders", json!({"managedPolicies": [{"aws": "AWSLambdaMSKExecutionRole"}]})).await;
    assert_eq!(versions(&world.ready("orders").await), (Some(gone.as_str()), None));
    world.controller.kill().await.unwrap();
    let new = policy.publish(&["kafka:DescribeCluster"]).await;
    policy.delete_version(&gone).await;
    world.restart_controller(&READ_AT_EVERY_LOOK);
    assert_eq!(versions(&world.look("orders").await), (Some(new.as_str()), Some(gone.as_str())));
    let told = changes_told(&world, "orders", 1).await;
    assert!(told[0].contains(&format!("Version {gone} cannot be read any more")), "{told:?}");
    policy.restore().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_read_once_for_all_roles_of_the_account_and_once_more_after_a_restart() {
    const NUMBER: usize = 8;
    let mut world = World::start().await;
    let names: Vec<String> = (0..NUMBER).map(|number| format!("r{number}")).collect();
    let spec = json!({"managedPolicies": [{"aws": "AWSLambdaDynamoDBExecutionRole"}, {"aws": "AWSLambdaENIManagementAccess"}]});
    join_all(names.iter().map(|name| world.create_ready(name, spec.clone()))).await;
    let reads = |world: &World| {
        (world.proxy.counts().get("GetPolicy").copied(), world.proxy.counts().get("GetPolicyVersion").copied())
    };
    assert_eq!(reads(&world), (Some(2), None), "the catalog knows what these versions say");
    join_all(names.iter().map(|name| world.look(name))).await;
    assert_eq!(reads(&world), (Some(2), None));

    world.controller.kill().await.unwrap();
    world.proxy.forget();
    world.restart_controller(&[]);
    join_all(names.iter().map(|name| world.look(name))).await;
    assert_eq!(reads(&world), (Some(2), None));
    assert_eq!(world.proxy.writes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_cannot_be_read_fails_no_pass_and_is_asked_for_once() {
    const DENIED: Fault = Fault::Error { status: 403, code: "AccessDenied", message: "not authorized" };
    let mut world = World::start_with(&READ_AT_EVERY_LOOK).await;
    let spec = json!({"managedPolicies": [{"aws": "AmazonS3ObjectLambdaExecutionRolePolicy"}]});
    world.proxy.fault("GetPolicy", 1000, DENIED);
    world.create_ready("orders", spec).await;
    assert_eq!(versions(&world.look("orders").await), (None, None));
    assert_eq!(world.proxy.counts().get("GetPolicy"), Some(&1));

    world.controller.kill().await.unwrap();
    world.proxy.heal();
    world.restart_controller(&READ_AT_EVERY_LOOK);
    let known = world.look("orders").await;
    assert!(versions(&known).0.is_some());
    world.proxy.fault("GetPolicy", 1000, DENIED);
    assert_eq!(versions(&world.look("orders").await), versions(&known), "it stays as it was");
    world.proxy.heal();
}

/// The catalog says what AWS's policies said when this version of the controller was made.
#[tokio::test(flavor = "multi_thread")]
async fn guardrails_judge_what_aws_says_now_and_not_what_it_said_once() {
    let class = json!({"guardrails": {"permissions": {"denied": [{"actions": ["kms:*", "lambda:InvokeFunction"]}]}}});
    let world = World::start_under(class, &READ_AT_EVERY_LOOK).await;
    let mut policy = AwsPolicy::find(&world, "AWSLambdaInvocation-DynamoDB").await;
    world.create("orders", json!({"managedPolicies": [{"aws": "AWSLambdaInvocation-DynamoDB"}]})).await;
    world.condition("orders", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;

    policy.publish(&["dynamodb:GetRecords"]).await;
    world.look("orders").await;
    world.ready("orders").await;

    policy.publish(&["dynamodb:GetRecords", "kms:Decrypt"]).await;
    let role = world.look("orders").await;
    let accepted = crate::harness::condition(&role, ConditionType::Accepted).unwrap();
    assert_eq!((accepted.status.as_str(), accepted.reason.as_str()), ("False", "GuardrailViolation"));
    for part in [policy.arn.as_str(), "kms:Decrypt", "spec.managedPolicies[0]"] {
        assert!(accepted.message.contains(part), "{part:?} is missing in {:?}", accepted.message);
    }
    policy.restore().await;
}
