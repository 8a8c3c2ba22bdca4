//! The clients of one account.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::{Mutex, Semaphore};

use super::{
    account::{KnownIdentity, KnownSummary},
    accounts::Process,
    calls::{CallInterceptor, CallObserver},
    credentials::{Session, Source},
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
    /// Id and partition that the credentials must belong to.
    pub(super) expected: Option<(String, String)>,
    pub(super) identity: Mutex<Option<KnownIdentity>>,
    pub(super) summary: Mutex<KnownSummary>,
    pub(super) policies: KnownPolicies,
    /// A permit for each object of the account that may be worked on at once: an account that hangs keeps no worker from
    /// the others.
    pub passes: Semaphore,
}

impl Aws {
    /// The clients of whatever account the process's own credentials belong to. Nothing is sent to AWS yet: credentials are
    /// fetched with the first request.
    pub async fn connect(settings: &Settings, observer: CallObserver) -> Self {
        Self::new(&Process::new(settings).await, None, Limits::new(), &observer)
    }

    /// The clients of the account of a class, or of the process's own credentials.
    pub(super) fn new(
        process: &Process,
        account: Option<&ClassAccount>,
        limits: Limits,
        observer: &CallObserver,
    ) -> Self {
        let settings = &process.settings;
        let partition_name = account.map(partition_of);
        let region = account
            .and_then(|account| account.region.as_deref())
            .or_else(|| process.config.region().map(AsRef::as_ref))
            .unwrap_or_else(|| default_region(partition_name.unwrap_or("aws")))
            .to_owned();
        let mut config = process.config.to_builder();
        config.set_region(Some(Region::new(region.clone())));
        if let Some(url) = account.and_then(|account| account.endpoint_url.as_ref()) {
            config = config.endpoint_url(url);
        }
        let config = config.build();

        let sts = || {
            let sts = aws_sdk_sts::config::Builder::from(&config);
            sts.retry_config(retry()).timeout_config(timeouts())
        };
        let session = match account.map_or(&[][..], |account| &account.assume_role) {
            [] => Arc::clone(&process.session),
            chain => {
                let interceptor = CallInterceptor::new(observer, &process.session);
                let sts = sts().retry_partition(partition("sts")).interceptor(interceptor);
                let process = Arc::clone(&process.session);
                Arc::new(Session::new(Source::Roles { process, chain: chain.to_vec(), sts: Box::new(sts) }))
            }
        };
        let provider: Arc<dyn ProvideCredentials> = Arc::<Session>::clone(&session);
        let provider = SharedCredentialsProvider::new(provider);
        let interceptor = CallInterceptor::new(observer, &session);
        let iam = |limit| {
            let iam = aws_sdk_iam::config::Builder::from(&config).retry_config(retry()).timeout_config(timeouts());
            let iam = iam.credentials_provider(provider.clone()).interceptor(interceptor.clone());
            aws_sdk_iam::Client::from_conf(iam.retry_partition(limit).build())
        };
        let lambda = |region: &String| {
            let lambda =
                aws_sdk_lambda::config::Builder::from(&config).retry_config(retry()).timeout_config(timeouts());
            let lambda = lambda.credentials_provider(provider.clone()).interceptor(interceptor.clone());
            let lambda = lambda.region(Region::new(region.clone())).retry_partition(partition("lambda"));
            aws_sdk_lambda::Client::from_conf(lambda.build())
        };
        let of_class = account.map_or(&[][..], |account| &account.function_regions);
        let function_regions = match (of_class, settings.function_regions.as_slice()) {
            ([], []) => std::slice::from_ref(&region),
            ([], regions) | (regions, _) => regions,
        };
        Self {
            iam: iam(limits.reads.clone()),
            iam_writes: iam(limits.writes.clone()),
            sts: aws_sdk_sts::Client::from_conf(
                sts()
                    .credentials_provider(provider.clone())
                    .interceptor(interceptor.clone())
                    .retry_partition(partition("sts"))
                    .build(),
            ),
            lambda: function_regions.iter().map(lambda).collect(),
            region,
            session,
            limits,
            expected: account.map(|account| (account.id.clone(), partition_of(account).to_owned())),
            identity: Mutex::default(),
            summary: Mutex::default(),
            policies: KnownPolicies::default(),
            passes: Semaphore::new(usize::from(settings.concurrency.max(1))),
        }
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
/// account follows what AWS grants. A throttled attempt is repeated after ten times the interval of that rate, which would
/// be twenty seconds at its lowest.
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
