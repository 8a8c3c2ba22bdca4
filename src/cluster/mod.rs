//! The only user of `kube::Client`: finalizers, statuses, events, and the cluster's own name.

#![allow(clippy::disallowed_types, reason = "the layer that talks to the cluster")]

use std::fmt::Debug;

use http_body_util::BodyExt;
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Namespace};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
    client::ClientBuilder,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use serde_json::{Value, json};
use tower_http::map_response_body::MapResponseBodyLayer;

use self::nesting::Nesting;
use crate::{
    api::{FINALIZER, LambdaRoleClass, LambdaRoleClassStatus},
    plan::status::Note,
};

mod config_map;
mod kind;
pub mod lease;
mod nesting;
pub mod permissions;
mod view;

pub use kind::{Guarded, Kind, Salvage};
pub use view::{Change, GuardedClass, View, WatchObserver};

/// The name under which the controller writes: field manager and source of events.
pub const FIELD_MANAGER: &str = "lambdaroles";

/// The namespace whose UID names a cluster that was given no name.
const IDENTIFYING_NAMESPACE: &str = "kube-system";

/// A failed call to the Kubernetes API.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {}", explained(.source))]
pub struct Error {
    what: String,
    source: Box<kube::Error>,
}

impl Error {
    fn new(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self { what, source: Box::new(source) }
    }

    /// Whether the object changed or went since it was read, which the next look sees.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        matches!(&*self.source, kube::Error::Api(status) if status.is_conflict() || status.is_not_found())
    }

    /// Whether the API server refuses for a reason that a retry alone does not change.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        const PASSING: [u16; 4] = [404, 408, 409, 429];
        matches!(&*self.source, kube::Error::Api(status) if (400..500).contains(&status.code) && !PASSING.contains(&status.code))
    }

    /// Whether the controller lacks a right in the cluster.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(&*self.source, kube::Error::Api(status) if status.is_forbidden())
    }
}

/// The API server's own words, where it has some.
fn explained(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}

/// A client that no object can stop by how deep it is nested.
///
/// # Errors
/// If the configuration cannot be used.
pub fn connect(config: Config) -> Result<Client, kube::Error> {
    let cut = MapResponseBodyLayer::new(|body: Box<kube::client::DynBody>| {
        let mut nesting = Nesting::default();
        body.map_frame(move |frame| frame.map_data(|piece| nesting.cut(piece)))
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&cut).build())
}

/// The Kubernetes API, as the controller uses it.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
}

impl Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cluster")
    }
}

impl Cluster {
    /// Wraps a client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// UID of the namespace `kube-system`, which is as old as the cluster and unlike any other's.
    ///
    /// # Errors
    /// If the namespace cannot be read.
    pub async fn uid(&self) -> Result<String, Error> {
        let namespace = Api::<Namespace>::all(self.client.clone())
            .get_metadata(IDENTIFYING_NAMESPACE)
            .await
            .map_err(Error::new(format!("read namespace {IDENTIFYING_NAMESPACE}, whose UID names the cluster")))?;
        Ok(namespace.metadata.uid.unwrap_or_default())
    }

    /// Adds the finalizer, if `object` has none of ours.
    ///
    /// # Errors
    /// If the object was changed since it was read, or the API server fails.
    pub async fn add_finalizer(&self, object: &impl Kind) -> Result<(), Error> {
        if object.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
            return Ok(());
        }
        let finalizers: Vec<_> = object.finalizers().iter().map(String::as_str).chain([FINALIZER]).collect();
        self.set_finalizers(object, &finalizers).await
    }

    /// Removes the finalizer: the API server then lets the object go.
    ///
    /// # Errors
    /// If the object was changed since it was read, or the API server fails.
    pub async fn remove_finalizer(&self, object: &impl Kind) -> Result<(), Error> {
        let finalizers: Vec<_> =
            object.finalizers().iter().map(String::as_str).filter(|finalizer| *finalizer != FINALIZER).collect();
        match self.set_finalizers(object, &finalizers).await {
            Err(error) if matches!(&*error.source, kube::Error::Api(status) if status.is_not_found()) => Ok(()),
            result => result,
        }
    }

    /// The resource version makes the write fail if anybody else changed the object meanwhile, so that no finalizer is
    /// lost and none is put on an object that is going.
    async fn set_finalizers<K: Kind>(&self, object: &K, finalizers: &[&str]) -> Result<(), Error> {
        let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": object.resource_version()}});
        Api::<K>::namespaced(self.client.clone(), &object.namespace().unwrap_or_default())
            .patch_metadata(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch))
            .await
            .map(drop)
            .map_err(Error::new("set the finalizers"))
    }

    /// Writes the status, if it differs from the one that the object has.
    ///
    /// # Errors
    /// If the API server fails. An object that is gone needs no status and is none.
    pub async fn write_status<K: Kind>(&self, object: &K, status: &K::Status) -> Result<(), Error> {
        if object.status() == Some(status) {
            return Ok(());
        }
        let api = self.untyped::<K>(object.key().0);
        apply_status(&api, object, &ApiResource::erase::<K>(&()), &json!(status)).await
    }

    /// Writes the status of a class, if it differs from the one that the class has.
    ///
    /// # Errors
    /// If the API server fails. A class that is gone needs no status and is none.
    pub async fn write_class_status(
        &self,
        object: &impl Writable,
        previous: Option<&LambdaRoleClassStatus>,
        status: &LambdaRoleClassStatus,
    ) -> Result<(), Error> {
        if previous == Some(status) {
            return Ok(());
        }
        let resource = ApiResource::erase::<LambdaRoleClass>(&());
        let api = Api::all_with(self.client.clone(), &resource);
        apply_status(&api, object, &resource, &json!(status)).await
    }

    /// The object as the API server has it now; `None` if it is gone.
    ///
    /// # Errors
    /// If the API server fails, or the object cannot be decoded.
    pub async fn get<K: Kind>(&self, namespace: &str, name: &str) -> Result<Option<K>, Error> {
        let api = Api::<K>::namespaced(self.client.clone(), namespace);
        api.get_opt(name).await.map_err(Error::new("read the object"))
    }

    /// All objects of the kind in the namespaces, or everywhere if there are none, as the API server has them now.
    ///
    /// # Errors
    /// If the API server fails.
    pub async fn list<K: Kind>(&self, namespaces: &[String]) -> Result<Vec<Guarded<K>>, Error> {
        let mut objects = Vec::new();
        for api in apis::<Guarded<K>>(&self.client, namespaces) {
            let list = api.list(&ListParams::default()).await.map_err(Error::new("list the objects"))?;
            objects.extend(list.items);
        }
        Ok(objects)
    }

    /// The same as they are stored, whether or not they can be decoded.
    ///
    /// # Errors
    /// If the API server fails.
    pub async fn list_stored<K: Kind>(&self, namespaces: &[String]) -> Result<Vec<Value>, Error> {
        let apis = match namespaces {
            [] => vec![Api::all_with(self.client.clone(), &ApiResource::erase::<K>(&()))],
            names => names.iter().map(|name| self.untyped::<K>(name)).collect(),
        };
        let mut objects = Vec::new();
        for api in apis {
            let list = api.list(&ListParams::default()).await.map_err(Error::new("list the objects"))?;
            objects.extend(list.items.iter().map(|object| json!(object)));
        }
        Ok(objects)
    }

    /// What can be read of an object whose spec cannot be decoded.
    ///
    /// # Errors
    /// If the API server fails. An object that is gone is none.
    pub async fn salvage<K: Kind>(&self, object: &Guarded<K>) -> Result<Option<Salvage<K>>, Error> {
        let (namespace, name, _) = object.key();
        let object = self.untyped::<K>(namespace).get_opt(name).await.map_err(Error::new("read the object"))?;
        Ok(object.map(|DynamicObject { metadata, data, .. }| K::salvage(metadata, &data)))
    }

    /// Objects as they come: an answer of the API server holds the whole object, which may be impossible to decode.
    fn untyped<K: Kind>(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &ApiResource::erase::<K>(&()))
    }

    /// Publishes an event about the object. Nothing depends on it, so a failure is only logged.
    pub async fn publish(&self, object: &impl Kind, note: &Note) {
        let event = Event {
            type_: if note.is_warning { EventType::Warning } else { EventType::Normal },
            reason: note.reason.to_string(),
            note: Some(note.message.clone()),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        // A recorder takes events that differ only in their text for one, and keeps the first text. Ours are published
        // on transitions only, so each gets a recorder of its own.
        let recorder = Recorder::new(self.client.clone(), Reporter::from(FIELD_MANAGER));
        if let Err(error) = recorder.publish(&event, &object.object_ref(&())).await {
            tracing::warn!(%error, reason = %note.reason, "cannot publish an event");
        }
    }
}

async fn apply_status(
    api: &Api<DynamicObject>,
    object: &impl Writable,
    resource: &ApiResource,
    status: &Value,
) -> Result<(), Error> {
    let (_, name, uid) = object.key();
    let patch = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        // The UID makes the write fail on another object of the same name.
        "metadata": {"name": name, "uid": uid},
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_subresource("status", name, &params, &Patch::Apply(patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(Error::new("write the status")(error)),
    }
}

/// The API of a kind in each of the namespaces, or everywhere if there are none.
#[must_use]
pub fn apis<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(
    client: &Client,
    namespaces: &[String],
) -> Vec<Api<K>> {
    if namespaces.is_empty() {
        return vec![Api::all(client.clone())];
    }
    namespaces.iter().map(|namespace| Api::namespaced(client.clone(), namespace)).collect()
}

/// Anything whose status can be written: an object, or what is left of one that cannot be decoded.
pub trait Writable: Debug + Sync {
    /// Namespace, name and UID.
    fn key(&self) -> (&str, &str, Option<&str>);
}

impl<K: Resource + Debug + Sync> Writable for K {
    fn key(&self) -> (&str, &str, Option<&str>) {
        let meta = self.meta();
        (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default(), meta.uid.as_deref())
    }
}
