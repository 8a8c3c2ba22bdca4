//! What the watches know of what surrounds an object: classes, namespaces, and the policies and grants of roles.

use std::{
    collections::HashMap,
    fmt::{self, Debug},
    sync::Arc,
    time::Duration,
};

use futures::{
    Stream, StreamExt,
    channel::mpsc,
    future::{join_all, ready},
    stream::{BoxStream, select_all},
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store},
        watcher::{self, Event, watcher},
    },
};
use tokio::time::timeout;
use tracing::warn;

use super::{apis, kind::Guarded};
use crate::{
    api::{LambdaManagedPolicy, LambdaRoleClass, LambdaRoleGrant},
    plan::{class, reference},
};

/// A class that may be impossible to decode, which must not stop the watch for the others.
pub type GuardedClass = Guarded<LambdaRoleClass>;

/// What changed of what the view knows.
#[derive(Clone, Debug)]
pub enum Change {
    /// Something that may concern any object.
    Surroundings,
    /// A policy, in what concerns roles that refer to it.
    Policy {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its ARN, as far as it is known.
        arn: Option<String>,
    },
    /// A grant came, changed or went.
    Grant(Arc<Guarded<LambdaRoleGrant>>),
}

/// Is told the kind of each watch that fails.
pub type WatchObserver = Arc<dyn Fn(&str) + Send + Sync>;

/// How long the namespaces are waited for, which the controller may have no right to watch.
const NAMESPACES_PATIENCE: Duration = Duration::from_secs(10);

/// Classes, namespaces, policies and grants, as the API server last told.
#[derive(Clone)]
pub struct View {
    classes: Store<GuardedClass>,
    /// One store for all namespaces, or one for each that is watched.
    namespaces: Vec<Store<PartialObjectMeta<Namespace>>>,
    policies: Vec<Store<Guarded<LambdaManagedPolicy>>>,
    grants: Vec<Store<Guarded<LambdaRoleGrant>>>,
}

impl Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("classes", &self.classes.len()).finish_non_exhaustive()
    }
}

impl View {
    /// Watches all classes, and the namespaces called `namespaces`, or all if there are none, with the policies and grants in
    /// them. The future does the watching and never ends; it sends a message whenever something changed that decides about
    /// objects, and calls `failed` with the kind whenever a watch fails.
    pub fn watch(
        client: &Client,
        namespaces: &[String],
        changed: mpsc::UnboundedSender<Change>,
        failed: &WatchObserver,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (classes, writer) = store();
        let events = watcher(Api::<GuardedClass>::all(client.clone()), watcher::Config::default());
        let class_changes = changes(
            events.default_backoff().reflect(writer),
            Arc::clone(failed),
            |class| (class.meta().generation, class.annotations().clone()),
            |_| Change::Surroundings,
        );
        let mut all_changes = vec![class_changes];
        let mut policies = Vec::new();
        for api in apis::<Guarded<LambdaManagedPolicy>>(client, namespaces) {
            let (policy, writer) = store();
            let events = watcher(api, watcher::Config::default()).default_backoff().reflect(writer);
            let essence = |policy: &Guarded<LambdaManagedPolicy>| policy.0.as_ref().ok().map(reference::essence);
            all_changes.push(changes(events, Arc::clone(failed), essence, |policy| Change::Policy {
                namespace: policy.namespace().unwrap_or_default(),
                name: policy.name_any(),
                arn: policy.0.ok().and_then(|policy| policy.status?.policy_arn),
            }));
            policies.push(policy);
        }
        let mut grants = Vec::new();
        for api in apis::<Guarded<LambdaRoleGrant>>(client, namespaces) {
            let (grant, writer) = store();
            let events = watcher(api, watcher::Config::default()).default_backoff().reflect(writer);
            let essence = |grant: &Guarded<LambdaRoleGrant>| {
                let meta = grant.meta();
                (meta.uid.clone(), meta.generation, meta.deletion_timestamp.is_some())
            };
            all_changes.push(changes(events, Arc::clone(failed), essence, |grant| Change::Grant(Arc::new(grant))));
            grants.push(grant);
        }
        let configs = match namespaces {
            [] => vec![watcher::Config::default()],
            names => {
                names.iter().map(|name| watcher::Config::default().fields(&format!("metadata.name={name}"))).collect()
            }
        };
        let mut namespaces = Vec::new();
        for config in configs {
            let (namespace, writer) = store();
            let events = watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), config);
            let events = events.default_backoff().reflect(writer);
            let labels = |namespace: &PartialObjectMeta<Namespace>| namespace.labels().clone();
            all_changes.push(changes(events, Arc::clone(failed), labels, |_| Change::Surroundings));
            namespaces.push(namespace);
        }
        let watching = select_all(all_changes).for_each(move |change| {
            // Nobody listens any more when the process ends.
            drop(changed.unbounded_send(change));
            ready(())
        });
        (Self { classes, namespaces, policies, grants }, watching)
    }

    /// Waits until everything is known: a role whose grants were not known yet would lose them. Namespaces are not waited for
    /// for ever.
    pub async fn ready(&self) {
        // What fails here is a watch that has ended, and with it the process.
        drop(self.classes.wait_until_ready().await);
        join_all(self.policies.iter().map(Store::wait_until_ready)).await;
        join_all(self.grants.iter().map(Store::wait_until_ready)).await;
        let namespaces = join_all(self.namespaces.iter().map(Store::wait_until_ready));
        if timeout(NAMESPACES_PATIENCE, namespaces).await.is_err() {
            warn!(
                "cannot read namespaces: classes that select them by label cannot be used until the controller may list and watch them"
            );
        }
    }

    /// All classes.
    #[must_use]
    pub fn classes(&self) -> Vec<Arc<GuardedClass>> {
        self.classes.state()
    }

    /// The class of that name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<Arc<GuardedClass>> {
        self.classes.get(&ObjectRef::new(name))
    }

    /// All policies.
    #[must_use]
    pub fn policies(&self) -> Vec<Arc<Guarded<LambdaManagedPolicy>>> {
        self.policies.iter().flat_map(Store::state).collect()
    }

    /// The policy of that name.
    #[must_use]
    pub fn policy(&self, namespace: &str, name: &str) -> Option<Arc<Guarded<LambdaManagedPolicy>>> {
        let reference = ObjectRef::new(name).within(namespace);
        self.policies.iter().find_map(|store| store.get(&reference))
    }

    /// All grants.
    #[must_use]
    pub fn grants(&self) -> Vec<Arc<Guarded<LambdaRoleGrant>>> {
        self.grants.iter().flat_map(Store::state).collect()
    }

    /// A namespace as classes select it.
    #[must_use]
    pub fn namespace(&self, name: &str) -> class::Namespace {
        let reference = ObjectRef::new(name);
        let found = self.namespaces.iter().find_map(|store| store.get(&reference));
        class::Namespace { name: name.to_owned(), labels: found.map(|namespace| namespace.labels().clone()) }
    }
}

/// A change for each event that changes the essence of an object, or takes one away.
fn changes<K: Resource<DynamicType = ()> + Send + 'static, E: Clone + PartialEq + Send + 'static>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static,
    failed: WatchObserver,
    essence: impl Fn(&K) -> E + Send + 'static,
    change: impl Fn(K) -> Change + Send + 'static,
) -> BoxStream<'static, Change> {
    let mut known: HashMap<(String, String), E> = HashMap::new();
    let key = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
    let change = move |event: Result<Event<K>, watcher::Error>| match event {
        Ok(Event::Apply(object) | Event::InitApply(object)) => {
            let now = essence(&object);
            let is_news = known.insert(key(&object), now.clone()).is_none_or(|before| before != now);
            is_news.then(|| change(object))
        }
        Ok(Event::Delete(object)) => {
            known.remove(&key(&object));
            Some(change(object))
        }
        Ok(Event::Init) => None,
        // What went while nobody watched is not told one by one.
        Ok(Event::InitDone) => Some(Change::Surroundings),
        Err(error) => {
            let kind = K::kind(&());
            failed(&kind);
            warn!(%error, %kind, "cannot watch: may the controller list and watch them, and is the CRD installed?");
            None
        }
    };
    events.map(change).filter_map(ready).boxed()
}
