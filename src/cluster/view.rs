//! What the watches know of classes and namespaces.

use std::{
    collections::{BTreeMap, HashMap},
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
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store},
        watcher::{self, Event, watcher},
    },
};
use tokio::time::timeout;
use tracing::warn;

use crate::{api::LambdaRoleClass, plan::class};

/// A class that may be impossible to decode, which must not stop the watch for the others.
pub type GuardedClass = DeserializeGuard<LambdaRoleClass>;

/// How long the namespaces are waited for, which the controller may have no right to watch.
const NAMESPACES_PATIENCE: Duration = Duration::from_secs(10);

/// Classes and namespaces, as the API server last told.
#[derive(Clone)]
pub struct View {
    classes: Store<GuardedClass>,
    /// One store for all namespaces, or one for each that is watched.
    namespaces: Vec<Store<PartialObjectMeta<Namespace>>>,
}

impl Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("classes", &self.classes.len()).finish_non_exhaustive()
    }
}

impl View {
    /// Watches all classes, and the namespaces called `namespaces`, or all if there are none. The future does the watching and
    /// never ends; it sends a message whenever something changed that decides which class an object has or what that says.
    pub fn watch(
        client: &Client,
        namespaces: &[String],
        changed: mpsc::UnboundedSender<()>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (classes, writer) = store();
        let events = watcher(Api::<GuardedClass>::all(client.clone()), watcher::Config::default());
        let class_changes = changes(events.default_backoff().reflect(writer), "LambdaRoleClasses", |class| {
            (class.meta().generation, class.annotations().clone())
        });
        let configs = match namespaces {
            [] => vec![watcher::Config::default()],
            names => {
                names.iter().map(|name| watcher::Config::default().fields(&format!("metadata.name={name}"))).collect()
            }
        };
        let mut namespaces = Vec::new();
        let mut all_changes = vec![class_changes];
        for config in configs {
            let (namespace, writer) = store();
            let events = watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), config);
            let labels = |namespace: &PartialObjectMeta<Namespace>| (None, namespace.labels().clone());
            all_changes.push(changes(events.default_backoff().reflect(writer), "namespaces", labels));
            namespaces.push(namespace);
        }
        let watching = select_all(all_changes).for_each(move |()| {
            // Nobody listens any more when the process ends.
            drop(changed.unbounded_send(()));
            ready(())
        });
        (Self { classes, namespaces }, watching)
    }

    /// Waits until classes and namespaces are known, the latter not for ever.
    pub async fn ready(&self) {
        // What fails here is a watch that has ended, and with it the process.
        drop(self.classes.wait_until_ready().await);
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

    /// A namespace as classes select it.
    #[must_use]
    pub fn namespace(&self, name: &str) -> class::Namespace {
        let reference = ObjectRef::new(name);
        let found = self.namespaces.iter().find_map(|store| store.get(&reference));
        class::Namespace { name: name.to_owned(), labels: found.map(|namespace| namespace.labels().clone()) }
    }
}

/// What of an object decides: generation and labels or annotations.
type Essence = (Option<i64>, BTreeMap<String, String>);

/// A message for each event that changes the essence of an object, or takes one away.
fn changes<K: Resource<DynamicType = ()> + Send + 'static>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static,
    what: &'static str,
    essence: impl Fn(&K) -> Essence + Send + 'static,
) -> BoxStream<'static, ()> {
    let mut known: HashMap<String, Essence> = HashMap::new();
    let has_changed = move |event: Result<Event<K>, watcher::Error>| match event {
        Ok(Event::Apply(object) | Event::InitApply(object)) => {
            let now = essence(&object);
            known.insert(object.name_any(), now.clone()).is_none_or(|before| before != now)
        }
        Ok(Event::Delete(object)) => {
            known.remove(&object.name_any());
            true
        }
        Ok(Event::Init) => false,
        // What went while nobody watched is not told one by one.
        Ok(Event::InitDone) => true,
        Err(error) => {
            warn!(%error, "cannot watch {what}: may the controller list and watch them, and is the CRD installed?");
            false
        }
    };
    events.map(has_changed).filter(|has_changed| ready(*has_changed)).map(drop).boxed()
}
