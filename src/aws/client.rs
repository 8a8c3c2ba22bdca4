//! Clients, made once.

use std::{fmt, time::Duration};

use aws_config::{AppName, BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use tokio::sync::{Mutex, OnceCell};

use super::{
    account::KnownQuotas,
    calls::{CallInterceptor, CallObserver},
};

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
}

/// The clients of one account.
pub struct Aws {
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) lambda: Vec<aws_sdk_lambda::Client>,
    pub(super) region: String,
    /// Id and partition of the account.
    pub(super) identity: OnceCell<(String, String)>,
    pub(super) quotas: Mutex<KnownQuotas>,
}

impl Aws {
    /// Makes the clients. Nothing is sent yet: credentials are fetched with the first request.
    pub async fn connect(settings: &Settings, observer: CallObserver) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            // The queue does the waiting: an object's turn comes again, and others are not held up.
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(3))
                    .operation_attempt_timeout(Duration::from_secs(8))
                    .operation_timeout(Duration::from_secs(20))
                    .build(),
            );
        if let Ok(name) = AppName::new("lambdaroles") {
            loader = loader.app_name(name);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        // IAM's endpoint is global and signs as us-east-1; a region has to be named all the same.
        let region = config.region().map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
        let config = config.to_builder().region(Region::new(region.clone())).build();
        let interceptor = CallInterceptor(observer);
        let function_regions = match settings.function_regions.as_slice() {
            [] => std::slice::from_ref(&region),
            regions => regions,
        };
        let lambda = function_regions
            .iter()
            .map(|region| {
                let config = aws_sdk_lambda::config::Builder::from(&config)
                    .region(Region::new(region.clone()))
                    .interceptor(interceptor.clone());
                aws_sdk_lambda::Client::from_conf(config.build())
            })
            .collect();
        Self {
            iam: aws_sdk_iam::Client::from_conf(
                aws_sdk_iam::config::Builder::from(&config).interceptor(interceptor.clone()).build(),
            ),
            sts: aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(&config).interceptor(interceptor).build(),
            ),
            lambda,
            region,
            identity: OnceCell::new(),
            quotas: Mutex::default(),
        }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).finish_non_exhaustive()
    }
}
