//! The clients of one account.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::{Mutex, Semaphore};

use super::{
    account::{KnownIdentity, KnownSummary},
    accounts::Process,
    calls::{AccountId, CallInterceptor, CallObserver},
    credentials::{Session, Source},
    gate::WriteGate,
    limits::{Limits, partition},
    managed_policy::KnownPolicies,
};
use crate::api::class::ClassAccount;

/// The region that is named where none is known. IAM's endpoint is global within a partition.
const DEFAULT_REGIONS: [(&str, &str); 3] =
    [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")];

/// How AWS is reached. What is absent comes from the SDK's own chain: environment, profile, web identity, container,
/// instance. <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Region; IAM itself is global, functions are not.
    pub region: Option<String>,
    /// URL of everything, for an emulator.
    pub endpoint_url: Option<String>,
    /// Regions whose functions are asked for before a role is deleted; the region above if empty.
    pub function_regions: Vec<String>,
    /// How many objects of one account are worked on at the same time; none counts as one.
    pub concurrency: u16,
    /// How long the default versions of AWS's own managed policies count as known; a day if absent.
    pub aws_policy_interval: Option<Duration>,
    /// Whether anything may be changed.
    pub write_gate: WriteGate,
}

/// What all classes of one account share: AWS counts by account, and its policies are the same to all of them.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) policies: Arc<KnownPolicies>,
}

impl Shared {
    /// What an account begins with.
    pub(super) fn new(settings: &Settings) -> Self {
        Self { limits: Limits::new(), policies: Arc::new(KnownPolicies::new(settings.aws_policy_interval)) }
    }
}

/// The clients of one account, with its credentials, its rate and what is known of it.
pub struct Aws {
    /// Reads.
    pub(super) iam: aws_sdk_iam::Client,
    /// The same, at a rate of their own.
    pub(super) iam_writes: aws_sdk_iam::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) lambda: Vec<aws_sdk_lambda::Client>,
    pub(super) region: String,
    pub(super) session: Arc<Session>,
    pub(super) limits: Limits,
    /// Id and partition that the credentials must belong to; any will do where there is no id.
    pub(super) expected: Option<(String, String)>,
    pub(super) account_id: AccountId,
    pub(super) identity: Mutex<Option<KnownIdentity>>,
    pub(super) summary: Mutex<KnownSummary>,
    pub(super) policies: Arc<KnownPolicies>,
    /// A permit for each object of the account that may be worked on at once: an account that hangs keeps no worker from
    /// the others.
    pub passes: Semaphore,
}

impl Aws {
    /// The clients of the account of a class. Nothing is sent to AWS yet: credentials are fetched with the first request.
    pub(super) fn new(process: &Process, account: &ClassAccount, shared: Shared, observer: &CallObserver) -> Self {
        let Shared { limits, policies } = shared;
        let region = region_of(account, process.config.region().map(AsRef::as_ref));
        let surroundings = Surroundings::new(process, account, &region);
        let (session, account_id) = match account.assume_role.as_slice() {
            [] => (Arc::clone(&process.session), process.account_id.clone()),
            chain => {
                let interceptor = CallInterceptor::new(observer, &process.session, &process.account_id);
                let sts = surroundings.sts().interceptor(interceptor);
                let process = Arc::clone(&process.session);
                let source = Source::Roles { process, chain: chain.to_vec(), sts: Box::new(sts) };
                (Arc::new(Session::new(source)), AccountId::new(&account.id))
            }
        };
        let provider: Arc<dyn ProvideCredentials> = Arc::<Session>::clone(&session);
        let provider = SharedCredentialsProvider::new(provider);
        let interceptor = CallInterceptor::new(observer, &session, &account_id);
        let iam = |limit| {
            let iam = surroundings.iam().credentials_provider(provider.clone()).interceptor(interceptor.clone());
            iam.retry_partition(limit)
        };
        let iam_writes = iam(limits.writes.clone()).interceptor(process.settings.write_gate.clone());
        let sts = surroundings.sts().credentials_provider(provider.clone()).interceptor(interceptor.clone());
        let lambda = |region: &String| {
            let lambda = surroundings.lambda(region).credentials_provider(provider.clone());
            aws_sdk_lambda::Client::from_conf(lambda.interceptor(interceptor.clone()).build())
        };
        let function_regions = match (account.function_regions.as_slice(), process.settings.function_regions.as_slice())
        {
            ([], []) => std::slice::from_ref(&region),
            ([], regions) | (regions, _) => regions,
        };
        Self {
            iam: aws_sdk_iam::Client::from_conf(iam(limits.reads.clone()).build()),
            iam_writes: aws_sdk_iam::Client::from_conf(iam_writes.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            lambda: function_regions.iter().map(lambda).collect(),
            region,
            session,
            limits,
            expected: (!account.id.is_empty()).then(|| (account.id.clone(), partition_of(account).to_owned())),
            account_id,
            identity: Mutex::default(),
            summary: Mutex::default(),
            policies,
            passes: Semaphore::new(usize::from(process.settings.concurrency.max(1))),
        }
    }
}

impl Aws {
    /// What further classes of the account are to have, too.
    pub(super) fn shared(&self) -> Shared {
        Shared { limits: self.limits.clone(), policies: Arc::clone(&self.policies) }
    }
}

/// The region of the class, of the process, or the first of the partition.
fn region_of(account: &ClassAccount, of_process: Option<&str>) -> String {
    let of_partition = || default_region(partition_of(account));
    account.region.as_deref().or(of_process).unwrap_or_else(of_partition).to_owned()
}

/// What the clients of an account are made from.
struct Surroundings {
    config: SdkConfig,
    /// The class's, which goes before all that the environment says.
    endpoint_url: Option<String>,
}

impl Surroundings {
    fn new(process: &Process, account: &ClassAccount, region: &str) -> Self {
        let config = process.config.to_builder().region(Region::new(region.to_owned()));
        let config = config.retry_config(retry()).timeout_config(timeouts()).build();
        Self { config, endpoint_url: account.endpoint_url.clone() }
    }

    fn iam(&self) -> aws_sdk_iam::config::Builder {
        let mut iam = aws_sdk_iam::config::Builder::from(&self.config);
        if let Some(url) = &self.endpoint_url {
            iam.set_endpoint_url(Some(url.clone()));
        }
        iam
    }

    fn sts(&self) -> aws_sdk_sts::config::Builder {
        let mut sts = aws_sdk_sts::config::Builder::from(&self.config).retry_partition(partition("sts"));
        if let Some(url) = &self.endpoint_url {
            sts.set_endpoint_url(Some(url.clone()));
        }
        sts
    }

    fn lambda(&self, region: &str) -> aws_sdk_lambda::config::Builder {
        let mut lambda = aws_sdk_lambda::config::Builder::from(&self.config).retry_partition(partition("lambda"));
        if let Some(url) = &self.endpoint_url {
            lambda.set_endpoint_url(Some(url.clone()));
        }
        lambda.region(Region::new(region.to_owned()))
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.region)
            .field("expected", &self.expected)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// What the SDK finds in the surroundings of the process. Credentials are cached by [`Session`] alone.
pub(super) async fn load(settings: &Settings) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts())
        .identity_cache(aws_config::identity::IdentityCache::no_cache());
    if let Ok(name) = AppName::new("lambdaroles") {
        loader = loader.app_name(name);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

/// Attempts in all are few, as the queue does the waiting: an object's turn comes again. Once AWS throttles, the rate of an
/// account follows what AWS grants. The SDK would repeat a throttled attempt after ten times the interval of that rate, up
/// to twenty seconds; two are enough, as the rate itself has fallen.
fn retry() -> RetryConfig {
    RetryConfig::adaptive().with_max_attempts(3).with_max_backoff(Duration::from_secs(2))
}

/// None for an operation as a whole: the wait for a turn at the account's rate would count, and look as if AWS did not
/// answer.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(8))
        .build()
}

pub(super) fn partition_of(account: &ClassAccount) -> &str {
    account.partition.as_deref().unwrap_or("aws")
}

fn default_region(partition: &str) -> &'static str {
    let known = DEFAULT_REGIONS.iter().find(|(name, _)| *name == partition);
    known.map_or("us-east-1", |(_, region)| region)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_the_class(Some("eu-west-1"), None, Some("us-west-2"), "eu-west-1")]
    #[case::of_the_process(None, None, Some("us-west-2"), "us-west-2")]
    #[case::of_the_partition(None, Some("aws-cn"), None, "cn-north-1")]
    #[case::of_aws(None, None, None, "us-east-1")]
    #[case::of_a_new_partition(None, Some("aws-new"), None, "us-east-1")]
    fn the_region_is_the_nearest_that_is_named(
        #[case] of_class: Option<&str>,
        #[case] partition: Option<&str>,
        #[case] of_process: Option<&str>,
        #[case] expected: &str,
    ) {
        let account = ClassAccount {
            region: of_class.map(str::to_owned),
            partition: partition.map(str::to_owned),
            ..ClassAccount::default()
        };
        assert_eq!(region_of(&account, of_process), expected);
    }

    #[tokio::test]
    async fn functions_are_looked_for_where_the_class_says_or_the_controller_or_in_the_region() {
        let names = |regions: &[&str]| regions.iter().map(|region| (*region).to_owned()).collect::<Vec<_>>();
        let regions = async |of_class: &[&str], of_settings: &[&str]| {
            let function_regions = names(of_settings);
            let settings = Settings { region: Some("us-east-1".to_owned()), function_regions, ..Settings::default() };
            let account = ClassAccount { function_regions: names(of_class), ..ClassAccount::default() };
            let observer: CallObserver = Arc::new(|_| {});
            let aws = Aws::new(&Process::new(&settings).await, &account, Shared::new(&settings), &observer);
            let region = |client: &aws_sdk_lambda::Client| client.config().region().map(ToString::to_string);
            aws.lambda.iter().filter_map(region).collect::<Vec<_>>()
        };
        assert_eq!(regions(&["eu-west-1", "eu-west-2"], &["us-west-2"]).await, ["eu-west-1", "eu-west-2"]);
        assert_eq!(regions(&[], &["us-west-2"]).await, ["us-west-2"]);
        assert_eq!(regions(&[], &[]).await, ["us-east-1"]);
    }

    #[rstest]
    #[case(8, 8)]
    #[case::none_would_stop_everything(0, 1)]
    #[tokio::test]
    async fn an_account_has_a_permit_for_each_object_that_may_be_worked_on(
        #[case] concurrency: u16,
        #[case] permits: usize,
    ) {
        let settings = Settings { region: Some("us-east-1".to_owned()), concurrency, ..Settings::default() };
        let accounts = crate::aws::Accounts::new(&settings, Arc::new(|_| {})).await;
        assert_eq!(accounts.of(&ClassAccount::default()).passes.available_permits(), permits);
    }
}
