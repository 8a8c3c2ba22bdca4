//! Credentials: fetched once for all who wait, renewed before they end, and used to their end where a renewal fails.
//!
//! ```text
//! process (the SDK's chain) ─▶ assumeRole[0] ─▶ assumeRole[1] ─▶ … ─▶ the clients of the account
//! ```
//!
//! The SDK's own cache does not do: it throws credentials away when their renewal is due, so that every call fails while
//! STS does, although they are good for minutes; and it loads them within the time-out of the call that needs them, whose
//! error then blames IAM.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use aws_sdk_sts::types::Tag;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::{
    Error, Kind,
    client::{Settings, load},
    error::{from_credentials, from_sdk},
};
use crate::api::class::AssumeRole;

/// Renewal begins so long before the end, or at half of a shorter life.
const RENEWED_BEFORE_END: Duration = Duration::from_mins(5);

/// A renewal that failed is of consequence so long before the end: it is tried again and again until then.
const FAILING_BEFORE_END: Duration = Duration::from_mins(3);

/// Not used any more so long before the end: a request takes its time.
const UNUSED_BEFORE_END: Duration = Duration::from_secs(15);

/// Credentials without an end are looked up anew so often: somebody may have rotated the keys in a file.
const UNDATED_FRESH: Duration = Duration::from_mins(15);

/// A failure counts for so long; every object of an account asks.
const FAILURE_COUNTS: Duration = Duration::from_secs(10);

/// How long the SDK's chain may take.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(30);

/// A session of chained roles lasts an hour at most, and every role allows that.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const SESSION_SECONDS: i32 = 3600;

/// Name of sessions whose role gives none.
const SESSION_NAME: &str = "lambdaroles";

/// The credentials of the process, or of an account.
pub(super) struct Session {
    source: Source,
    state: Mutex<State>,
    /// Held while credentials are fetched.
    turn: tokio::sync::Mutex<()>,
}

/// Where credentials come from.
pub(super) enum Source {
    /// The SDK's chain: environment, profile, web identity, container, instance. Read anew each time, files included.
    Process {
        /// How AWS is reached.
        settings: Settings,
        /// Found when the process started.
        region: String,
    },
    /// Roles, assumed one after the other.
    Roles {
        /// What the first is assumed with.
        process: Arc<Session>,
        /// The roles.
        chain: Vec<AssumeRole>,
        /// How STS is reached.
        sts: Box<aws_sdk_sts::config::Builder>,
    },
    #[cfg(test)]
    Provided(aws_credential_types::provider::SharedCredentialsProvider),
}

/// What is known of the credentials.
#[derive(Default)]
struct State {
    held: Option<Held>,
    failed: Option<(SystemTime, Error)>,
}

#[derive(Clone)]
struct Held {
    credentials: Credentials,
    obtained: SystemTime,
    is_doubted: bool,
}

/// What to do about credentials.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// They are good.
    Use(Credentials),
    /// They are good, and it is time to renew them.
    Renew(Credentials),
    /// There are none.
    Fetch,
    /// There are none, and a moment ago none could be had.
    Fail(Error),
}

impl State {
    fn judge(&self, now: SystemTime) -> Verdict {
        let failure = self.failed.as_ref().filter(|(at, _)| now < *at + FAILURE_COUNTS);
        match (&self.held, failure) {
            (Some(held), _) if held.is_usable(now) => {
                let credentials = held.credentials.clone();
                if held.is_renewal_due(now) && failure.is_none() {
                    Verdict::Renew(credentials)
                } else {
                    Verdict::Use(credentials)
                }
            }
            (_, Some((_, error))) => Verdict::Fail(error.clone()),
            (_, None) => Verdict::Fetch,
        }
    }
}

impl Held {
    fn is_usable(&self, now: SystemTime) -> bool {
        self.credentials.expiry().is_none_or(|end| now + UNUSED_BEFORE_END < end)
    }

    fn is_renewal_due(&self, now: SystemTime) -> bool {
        let due = match self.credentials.expiry() {
            None => self.obtained + UNDATED_FRESH,
            Some(end) => {
                let life = end.duration_since(self.obtained).unwrap_or_default();
                end - RENEWED_BEFORE_END.min(life / 2)
            }
        };
        self.is_doubted || now >= due
    }
}

impl Session {
    pub(super) fn new(source: Source) -> Self {
        Self { source, state: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Good credentials, renewed if it is time. Every pass begins with this: the error names what could not be had.
    pub(super) async fn credentials(&self) -> Result<Credentials, Error> {
        self.credentials_by(SystemTime::now).await
    }

    /// AWS does not take the credentials: others are needed. It may speak of those before, or take none at all; so what was
    /// fetched a moment ago stays.
    pub(super) fn reject(&self, now: SystemTime) {
        let mut state = self.state();
        if state.held.as_ref().is_some_and(|held| now >= held.obtained + FAILURE_COUNTS) {
            state.held = None;
        }
    }

    /// The credentials may not be the right ones: others are looked for, and these serve until then.
    pub(super) fn doubt(&self) {
        if let Some(held) = &mut self.state().held {
            held.is_doubted = true;
        }
    }

    /// When what is held ends; and whether nothing is held, or not for long, and the last attempt to fetch failed.
    pub(super) fn standing(&self, now: SystemTime) -> (Option<SystemTime>, bool) {
        let state = self.state();
        let expiry = state.held.as_ref().and_then(|held| held.credentials.expiry());
        let is_good = state.held.is_some() && expiry.is_none_or(|end| now + FAILING_BEFORE_END < end);
        (expiry, state.failed.is_some() && !is_good)
    }

    async fn credentials_by(&self, clock: impl Fn() -> SystemTime + Copy + Send) -> Result<Credentials, Error> {
        let verdict = self.state().judge(clock());
        match verdict {
            Verdict::Use(credentials) => Ok(credentials),
            Verdict::Fail(error) => Err(error),
            // One renews; nobody waits for it, as what is held is good.
            Verdict::Renew(held) => match self.turn.try_lock() {
                Err(_) => Ok(held),
                Ok(_turn) => Ok(self.fetch(clock).await.unwrap_or_else(|error| {
                    warn!(%error, "cannot renew the credentials; using them on");
                    held
                })),
            },
            Verdict::Fetch => {
                let _turn = self.turn.lock().await;
                // Somebody else may have fetched meanwhile.
                let verdict = self.state().judge(clock());
                match verdict {
                    Verdict::Use(credentials) | Verdict::Renew(credentials) => Ok(credentials),
                    Verdict::Fail(error) => Err(error),
                    Verdict::Fetch => self.fetch(clock).await,
                }
            }
        }
    }

    /// For a request under way: what is good is not renewed, as the request's time-out would cut that off and let the next
    /// one try again.
    async fn credentials_in_request(&self, clock: impl Fn() -> SystemTime + Copy + Send) -> Result<Credentials, Error> {
        let verdict = self.state().judge(clock());
        match verdict {
            Verdict::Use(credentials) | Verdict::Renew(credentials) => Ok(credentials),
            Verdict::Fetch | Verdict::Fail(_) => self.credentials_by(clock).await,
        }
    }

    /// Fetches, and remembers what came of it.
    async fn fetch(&self, clock: impl Fn() -> SystemTime + Send) -> Result<Credentials, Error> {
        // Boxed, as the source of a session may be another session.
        let fetched = Box::pin(self.source.fetch()).await;
        let mut state = self.state();
        match &fetched {
            Ok(credentials) => {
                debug!(expiry = ?credentials.expiry(), "fetched credentials");
                let held = Held { credentials: credentials.clone(), obtained: clock(), is_doubted: false };
                *state = State { held: Some(held), failed: None };
            }
            Err(error) => state.failed = Some((clock(), error.clone())),
        }
        fetched
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    async fn fetch(&self) -> Result<Credentials, Error> {
        match self {
            Self::Process { settings, region } => {
                let config: SdkConfig = load(&Settings { region: Some(region.clone()), ..settings.clone() }).await;
                let Some(provider) = config.credentials_provider() else {
                    return Err(from_credentials(&CredentialsError::not_loaded("no source of credentials")));
                };
                // A program that shall print credentials may never end.
                match timeout(PROCESS_TIMEOUT, provider.provide_credentials()).await {
                    Ok(fetched) => fetched.map_err(|error| from_credentials(&error)),
                    Err(_) => Err(from_credentials(&CredentialsError::provider_timed_out(PROCESS_TIMEOUT))),
                }
            }
            Self::Roles { process, chain, sts } => {
                let mut credentials = process.credentials().await?;
                for (index, role) in chain.iter().enumerate() {
                    credentials =
                        assume(sts, role, credentials).await.map_err(|error| in_chain(error, chain, index))?;
                }
                Ok(credentials)
            }
            #[cfg(test)]
            Self::Provided(provider) => provider.provide_credentials().await.map_err(|error| from_credentials(&error)),
        }
    }
}

async fn assume(
    sts: &aws_sdk_sts::config::Builder,
    role: &AssumeRole,
    with: Credentials,
) -> Result<Credentials, Error> {
    const OPERATION: &str = "sts:AssumeRole";
    let client = aws_sdk_sts::Client::from_conf(sts.clone().credentials_provider(with).build());
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Vec<_> = role
        .session_tags
        .iter()
        .map(tag)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::unbuilt(OPERATION, &error))?;
    let answer = client
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(role.session_name.as_deref().unwrap_or(SESSION_NAME))
        .set_external_id(role.external_id.clone())
        .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
        .duration_seconds(SESSION_SECONDS)
        .send()
        .await
        .map_err(|error| from_sdk(OPERATION, &error))?;
    let session = answer.credentials.ok_or_else(|| Error {
        operation: OPERATION,
        kind: Kind::Unavailable,
        detail: "an answer without credentials".to_owned(),
    })?;
    Ok(Credentials::new(
        session.access_key_id,
        session.secret_access_key,
        Some(session.session_token),
        SystemTime::try_from(session.expiration).ok(),
        "AssumeRole",
    ))
}

/// The error with the role's place in the chain and, where somebody has to grant something, with the fix.
fn in_chain(error: Error, chain: &[AssumeRole], index: usize) -> Error {
    let Some(role) = chain.get(index) else { return error };
    let Error { operation, kind, detail } = error;
    let named = format!("role {} (spec.account.assumeRole[{index}] of the class)", role.arn);
    match kind {
        Kind::Throttled | Kind::Unavailable | Kind::Credentials => {
            Error { operation, kind, detail: format!("{named}: {detail}") }
        }
        Kind::NotFound
        | Kind::AlreadyExists
        | Kind::LimitExceeded
        | Kind::InvalidPrincipal
        | Kind::MalformedPolicy
        | Kind::AccessDenied
        | Kind::AssumeRole
        | Kind::AccountMismatch
        | Kind::PolicyNotFound
        | Kind::Concurrent
        | Kind::DeleteConflict
        | Kind::Refused => {
            let before = index.checked_sub(1).and_then(|index| chain.get(index));
            let caller = before.map_or_else(|| "the controller's own principal".to_owned(), |role| role.arn.clone());
            let and_tag = if role.session_tags.is_empty() { "" } else { " and sts:TagSession" };
            let condition = match &role.external_id {
                Some(_) => "asks in sts:ExternalId for what the class gives as externalId",
                None => "asks for no sts:ExternalId, as the class gives no externalId",
            };
            let detail = format!(
                "The controller cannot assume {named} as {caller}: {detail}. See that the role exists, that its trust policy allows sts:AssumeRole{and_tag} to that principal and {condition}, and that the principal's own policies allow the same."
            );
            Error { operation, kind: Kind::AssumeRole, detail }
        }
    }
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.credentials_in_request(SystemTime::now).await;
            credentials.map_err(CredentialsError::provider_error)
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = match &self.source {
            Source::Roles { chain, .. } => chain.iter().map(|role| role.arn.as_str()).collect(),
            Source::Process { .. } => Vec::new(),
            #[cfg(test)]
            Source::Provided(_) => Vec::new(),
        };
        f.debug_struct("Session").field("chain", &chain).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
