//! Many accounts in one process: the clients of each, made when they are first needed.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use aws_config::SdkConfig;

use super::{
    Aws, CallObserver, Error, Identity, Settings,
    calls::AccountId,
    client::{Shared, load, partition_of},
    credentials::{Session, Source},
};
use crate::api::class::ClassAccount;

/// What all accounts have in common: the surroundings of the process, and its own credentials.
pub(super) struct Process {
    pub(super) settings: Settings,
    pub(super) config: SdkConfig,
    pub(super) session: Arc<Session>,
    pub(super) account_id: AccountId,
}

impl Process {
    pub(super) async fn new(settings: &Settings) -> Self {
        let config = load(settings).await;
        let region = config.region().map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
        let source = Source::Process { settings: settings.clone(), region };
        Self {
            settings: settings.clone(),
            config,
            session: Arc::new(Session::new(source)),
            account_id: AccountId::default(),
        }
    }
}

/// How the credentials for an account stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialState {
    /// Id of the account; empty until AWS has said whose they are.
    pub account: String,
    /// When they end; `None` for those that have no end, and where there are none.
    pub expiry: Option<SystemTime>,
    /// Whether there are none, or not for long, and the last attempt to fetch them failed.
    pub is_failing: bool,
}

/// The accounts that roles are made in. Each has its own clients, credentials, rates and permits, so that one that is
/// broken or throttled costs the others nothing.
pub struct Accounts {
    process: Process,
    observer: CallObserver,
    /// By the whole value: a class whose chain changes gets new clients, and the old ones go with the last pass that holds
    /// them.
    clients: Mutex<HashMap<ClassAccount, Arc<Aws>>>,
    /// Those of the process's own credentials.
    own: Aws,
}

impl Accounts {
    /// Reads the surroundings of the process. Nothing is sent to AWS yet.
    pub async fn new(settings: &Settings, observer: CallObserver) -> Self {
        let process = Process::new(settings).await;
        let own = Aws::new(&process, &ClassAccount::default(), Shared::new(settings), &observer);
        Self { process, observer, clients: Mutex::default(), own }
    }

    /// Who the controller is before it assumes any role, asked once for each set of credentials.
    ///
    /// # Errors
    /// If there are no credentials, or AWS does not accept them.
    pub async fn identity(&self) -> Result<Identity, Error> {
        self.own.identity().await
    }

    /// The clients of the account.
    pub fn of(&self, account: &ClassAccount) -> Arc<Aws> {
        let mut clients = self.clients();
        if let Some(aws) = clients.get(account) {
            return Arc::clone(aws);
        }
        let of_same = clients.iter().find(|(known, _)| is_same_account(known, account));
        let shared = of_same.map_or_else(|| Shared::new(&self.process.settings), |(_, aws)| aws.shared());
        let aws = Arc::new(Aws::new(&self.process, account, shared, &self.observer));
        clients.insert(account.clone(), Arc::clone(&aws));
        aws
    }

    /// How the credentials stand that are in use: the controller's own, and those of each account that has others.
    #[must_use]
    pub fn credentials(&self, now: SystemTime) -> Vec<CredentialState> {
        let mut states: Vec<CredentialState> = Vec::new();
        let clients: Vec<_> = self.clients().values().cloned().collect();
        for aws in clients.iter().map(AsRef::as_ref).chain([&self.own]) {
            let (account, (expiry, is_failing)) = (aws.account_id.get(), aws.session.standing(now));
            match states.iter_mut().find(|state| state.account == account) {
                None => states.push(CredentialState { account, expiry, is_failing }),
                // Of several that lead to one account the worst counts.
                Some(state) => {
                    state.expiry = [state.expiry, expiry].into_iter().flatten().min();
                    state.is_failing |= is_failing;
                }
            }
        }
        states
    }

    /// Forgets the accounts that no class uses any more.
    pub fn retain(&self, used: &[ClassAccount]) {
        self.clients().retain(|account, _| used.contains(account));
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<ClassAccount, Arc<Aws>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether AWS counts the requests of both together.
fn is_same_account(a: &ClassAccount, b: &ClassAccount) -> bool {
    a.id == b.id && partition_of(a) == partition_of(b) && a.endpoint_url == b.endpoint_url
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = self.clients();
        f.debug_struct("Accounts").field("ids", &clients.keys().map(|account| &account.id).collect::<Vec<_>>()).finish()
    }
}
