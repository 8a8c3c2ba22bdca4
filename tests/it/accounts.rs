//! Many accounts in one process, over HTTP: chains of roles, whose the credentials are, and that accounts leave each other
//! alone.

mod credentials;
mod fake_sts;
mod isolation;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_iam::error::ProvideErrorMetadata;
use lambdaroles::{
    api::{
        LambdaRoleClass, Reason,
        class::{AssumeRole, ClassAccount},
    },
    aws::{self, Accounts, Aws, Kind, Settings},
    plan::{Class, Step, step::NewRole},
    policy::Document,
};
use tokio_util::sync::CancellationToken;

use crate::harness::{Fault, Proxy};

/// The account that the emulator calls its own.
const HUB: &str = "123456789012";

const SPOKE: &str = "210987654321";

async fn proxy() -> Proxy {
    Proxy::start(&std::env::var("AWS_ENDPOINT_URL").unwrap()).await.unwrap()
}

async fn accounts() -> Accounts {
    Accounts::new(&Settings::default(), Arc::new(|_| {})).await
}

/// An account behind a proxy, reached with the controller's own credentials.
fn account(proxy: &Proxy, id: &str) -> ClassAccount {
    ClassAccount { id: id.to_owned(), endpoint_url: Some(proxy.url.clone()), ..ClassAccount::default() }
}

fn role(account: &str, name: &str) -> AssumeRole {
    AssumeRole { arn: format!("arn:aws:iam::{account}:role/{name}"), ..AssumeRole::default() }
}

/// An account behind a proxy, reached through a role of the hub and one of its own.
fn spoke(proxy: &Proxy) -> ClassAccount {
    let hub = AssumeRole {
        session_name: Some("from-cluster-a".to_owned()),
        session_tags: [("cluster", "a"), ("team", "platform")].map(|(key, value)| (key.into(), value.into())).into(),
        ..role(HUB, "hub")
    };
    let spoke = AssumeRole { external_id: Some("open-sesame".to_owned()), ..role(SPOKE, "spoke") };
    ClassAccount { assume_role: vec![hub, spoke], ..account(proxy, SPOKE) }
}

/// A name that no other test uses.
fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn create_role(aws: &Aws, name: &str) {
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}}"#;
    let new = NewRole {
        path: "/".to_owned(),
        trust_policy: Document::parse(trust).unwrap(),
        description: String::new(),
        max_session_seconds: 3600,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    };
    let applied = aws::apply(aws, name, vec![Step::CreateRole(Box::new(new))], &CancellationToken::new()).await;
    assert!(applied.failed.is_none(), "{applied:?}");
}

#[tokio::test]
async fn a_chain_of_roles_leads_to_another_account_with_external_id_session_name_and_tags() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let aws = accounts.of(&spoke(&proxy));
    let found = aws.account().await.unwrap();
    assert_eq!((found.id.as_str(), found.partition.as_str(), found.region.as_str()), (SPOKE, "aws", "us-east-1"));
    let identity = aws.identity().await.unwrap();
    assert_eq!(identity.arn, format!("arn:aws:sts::{SPOKE}:assumed-role/spoke/lambdaroles"));
    assert_eq!(identity.role_name(), Some("spoke"));

    assert_eq!(proxy.operations(), ["AssumeRole", "AssumeRole", "GetCallerIdentity", "GetAccountSummary"]);
    let calls = proxy.calls();
    let given = |index: usize, parameter: &str| calls[index].parameters.get(parameter).map(String::as_str);
    for (index, parameter, value) in [
        (0, "RoleArn", Some("arn:aws:iam::123456789012:role/hub")),
        (0, "RoleSessionName", Some("from-cluster-a")),
        (0, "DurationSeconds", Some("3600")),
        (0, "ExternalId", None),
        (0, "Tags.member.1.Key", Some("cluster")),
        (0, "Tags.member.1.Value", Some("a")),
        (0, "Tags.member.2.Key", Some("team")),
        (0, "Tags.member.2.Value", Some("platform")),
        (1, "RoleArn", Some("arn:aws:iam::210987654321:role/spoke")),
        (1, "RoleSessionName", Some("lambdaroles")),
        (1, "ExternalId", Some("open-sesame")),
        (1, "Tags.member.1.Key", None),
    ] {
        assert_eq!(given(index, parameter), value, "{index} {parameter}");
    }
}

#[tokio::test]
async fn a_role_that_is_made_in_one_account_is_in_no_other() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let (hub, spoke) = (accounts.of(&account(&proxy, HUB)), accounts.of(&spoke(&proxy)));
    let name = unique("accounts");
    create_role(&spoke, &name).await;
    let made = spoke.observe(&name).await.unwrap().unwrap();
    assert!(made.arn.starts_with("arn:aws:iam::210987654321:role/"), "{}", made.arn);
    assert_eq!(hub.observe(&name).await.unwrap(), None);
    let quotas = spoke.usage_of_account().await.unwrap();
    let roles = quotas.iter().find(|quota| quota.name == "Roles").unwrap();
    assert!(roles.used.is_some_and(|used| used > 0) && roles.quota > 0, "{roles:?}");
}

#[tokio::test]
async fn credentials_of_the_wrong_account_are_refused_without_asking_each_time() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let aws = accounts.of(&account(&proxy, SPOKE));
    for _ in 0..5 {
        let error = aws.account().await.unwrap_err();
        assert_eq!(error.kind, Kind::AccountMismatch);
        let failure = error.failure("orders", None);
        assert_eq!((failure.class, failure.reason), (Class::Waiting, Reason::AccountMismatch));
        assert!(failure.message.contains("belong to account 123456789012"), "{failure}");
    }
    assert_eq!(aws.usage_of_account().await.unwrap_err().kind, Kind::AccountMismatch);
    assert_eq!(aws.identity().await.unwrap().account_id, HUB, "the status may say who the controller is");
    assert_eq!(proxy.operations(), ["GetCallerIdentity"]);
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_named_and_sts_is_not_asked_for_every_object() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let denied = Fault::Error { status: 403, code: "AccessDenied", message: "User is not authorized" };
    let aws = accounts.of(&spoke(&proxy));
    proxy.fault("AssumeRole", 1, denied);
    let results = futures::future::join_all((0..20).map(|_| aws.account())).await;
    for result in results {
        let failure = result.unwrap_err().failure("orders", None);
        assert_eq!((failure.class, failure.reason), (Class::Waiting, Reason::AccessDenied));
        for part in
            ["role arn:aws:iam::123456789012:role/hub", "assumeRole[0]", "User is not authorized", "trust policy"]
        {
            assert!(failure.message.contains(part), "{part}: {failure}");
        }
    }
    // The error reaches whoever sends a request without asking for the account first, too.
    assert_eq!(aws.observe("orders").await.unwrap_err().kind, Kind::AssumeRole);
    assert_eq!(proxy.operations(), ["AssumeRole"]);
}

#[tokio::test]
async fn a_class_that_changes_gets_new_clients_and_one_that_is_gone_is_forgotten() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let (before, after) = (account(&proxy, SPOKE), spoke(&proxy));
    let old = accounts.of(&before);
    assert!(Arc::ptr_eq(&old, &accounts.of(&before.clone())));
    let new = accounts.of(&after);
    assert!(!Arc::ptr_eq(&old, &new));
    assert_eq!(old.account().await.unwrap_err().kind, Kind::AccountMismatch);
    assert_eq!(new.account().await.unwrap().id, SPOKE);
    accounts.retain(std::slice::from_ref(&after));
    assert!(Arc::ptr_eq(&new, &accounts.of(&after)));
    assert!(!Arc::ptr_eq(&old, &accounts.of(&before)));
}

#[tokio::test]
async fn a_policy_is_read_once_and_a_failure_is_not_remembered() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let aws = accounts.of(&account(&proxy, HUB));
    let arn = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";
    proxy.fault("GetPolicy", 1, Fault::Error { status: 404, code: "NoSuchEntity", message: "not found" });
    let failure = aws.policy_document(arn).await.unwrap_err().failure("orders", None);
    assert_eq!((failure.class, failure.reason), (Class::Waiting, Reason::PolicyNotFound));
    assert!(failure.message.contains(arn), "{failure}");
    proxy.forget();
    let documents = futures::future::join_all((0..20).map(|_| aws.policy_document(arn))).await;
    for document in documents {
        assert!(document.unwrap().to_string().contains("sqs:ListQueues"));
    }
    assert_eq!(proxy.operations(), ["GetPolicy", "GetPolicyVersion"]);
}

#[tokio::test]
async fn classes_of_an_account_share_what_is_known_of_policies_and_the_catalog_knows_versions() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let one = account(&proxy, HUB);
    let other = ClassAccount { region: Some("eu-west-3".to_owned()), ..one.clone() };
    let arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    let seen = accounts.of(&one).current_policy(arn).await.unwrap();
    assert_eq!(accounts.of(&other).current_policy(arn).await.as_ref(), Some(&seen));
    assert!(seen.document.to_string().contains("logs:PutLogEvents") && seen.version_id.starts_with('v'));
    assert_eq!(proxy.operations(), ["GetPolicy"]);
}

#[tokio::test]
async fn a_version_of_aws_that_cannot_be_read_is_left_alone_for_a_while_and_what_is_known_goes_on_counting() {
    let proxy = proxy().await;
    let settings = Settings { aws_policy_interval: Some(Duration::ZERO), ..Settings::default() };
    let accounts = Accounts::new(&settings, Arc::new(|_| {})).await;
    let aws = accounts.of(&account(&proxy, HUB));
    let arn = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";
    let seen = aws.current_policy(arn).await;
    assert!(seen.is_some());
    assert_eq!(aws.current_policy(arn).await, seen);
    assert_eq!(proxy.operations(), ["GetPolicy", "GetPolicyVersion", "GetPolicy"], "a version never changes");
    proxy.fault("GetPolicy", 1, Fault::Error { status: 403, code: "AccessDenied", message: "not authorized" });
    proxy.forget();
    for _ in 0..3 {
        assert_eq!(aws.current_policy(arn).await, seen);
    }
    assert_eq!(proxy.operations(), ["GetPolicy"]);
    // Whoever must know asks all the same.
    assert_eq!(aws.managed_policy(arn).await.ok(), seen);
}

#[tokio::test]
async fn a_version_that_is_gone_is_asked_for_once() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let aws = accounts.of(&account(&proxy, HUB));
    let arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    for _ in 0..2 {
        assert_eq!(aws.policy_version(arn, "v999").await.unwrap(), None);
    }
    assert_eq!(proxy.operations(), ["GetPolicyVersion"]);
}

#[tokio::test]
async fn a_customers_policy_is_read_in_its_default_version() {
    let (proxy, accounts) = (proxy().await, accounts().await);
    let aws = accounts.of(&account(&proxy, HUB));
    let iam = aws_sdk_iam::Client::new(&aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12()).load().await);
    let document = |action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"arn:aws:s3:::a+b*"}}]}}"#
        )
    };
    let policy = iam.create_policy().policy_name(unique("accounts")).policy_document(document("s3:GetObject"));
    let arn = policy.send().await.unwrap().policy.unwrap().arn.unwrap();
    let version = iam.create_policy_version().policy_arn(&arn).policy_document(document("s3:PutObject"));
    version.set_as_default(true).send().await.unwrap();
    let read = aws.policy_document(&arn).await.unwrap();
    assert_eq!(read, Document::parse(&document("s3:PutObject")).unwrap());
    let gone = iam.get_policy().policy_arn(format!("{arn}-gone")).send().await.unwrap_err();
    assert_eq!(gone.code(), Some("NoSuchEntity"));
}

/// The blocks of a page in one language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_page_for_platform_teams_shows_classes_and_policies_as_they_are() {
    let page = include_str!("../../docs/guides/accounts.md");
    let classes = blocks(page, "yaml").into_iter().map(|block| {
        let value: serde_json::Value = serde_saphyr::from_str(block).unwrap();
        let class: LambdaRoleClass = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&class.spec.account).unwrap(), value["spec"]["account"], "an unknown field");
        class.spec.account
    });
    assert_eq!(classes.map(|account| account.assume_role.len()).collect::<Vec<_>>(), [0, 1]);
    let documents = blocks(page, "json").into_iter().map(|block| Document::parse(block).unwrap());
    assert_eq!(documents.count(), 4);
}
