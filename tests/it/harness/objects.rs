//! Objects of any of our namespaced kinds, as a test makes them and waits for what becomes of them.

use std::fmt::Debug;

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    runtime::wait::{Condition as WaitCondition, await_condition},
};
use lambdaroles::api::{ConditionType, RECONCILE_AT_ANNOTATION, Reason};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::world::{PATIENCE, unique};

/// A namespaced kind of ours.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Serialize
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + Sync
    + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug
        + Send
        + Sync
        + 'static
{
}

/// The objects of a kind in a namespace.
pub struct Objects<K> {
    pub api: Api<K>,
}

impl<K: Kind> Objects<K> {
    pub fn in_namespace(client: &Client, namespace: &str) -> Self {
        Self { api: Api::namespaced(client.clone(), namespace) }
    }

    /// Creates an object, which the API server may refuse.
    pub async fn try_create(&self, name: &str, spec: Value) -> kube::Result<K> {
        let object =
            json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name}, "spec": spec});
        self.api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await
    }

    pub async fn create(&self, name: &str, spec: Value) -> K {
        self.try_create(name, spec).await.unwrap()
    }

    /// Creates an object and waits until it is ready.
    pub async fn create_ready(&self, name: &str, spec: Value) -> K {
        self.create(name, spec).await;
        self.ready(name).await
    }

    /// Merges into the spec; `null` removes a field.
    pub async fn change(&self, name: &str, spec: Value) -> K {
        self.patch(name, json!({"spec": spec})).await
    }

    async fn patch(&self, name: &str, patch: Value) -> K {
        self.api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    pub async fn delete(&self, name: &str) {
        self.api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Forces a look at IAM and waits until it is done.
    pub async fn look(&self, name: &str) -> K {
        let mark = unique("look");
        self.patch(name, json!({"metadata": {"annotations": {RECONCILE_AT_ANNOTATION: mark}}})).await;
        self.until("the forced look", name, |object| status(object)["lastHandledReconcileAt"] == mark).await
    }

    /// Waits until the object as it stands is ready.
    pub async fn ready(&self, name: &str) -> K {
        self.condition(name, ConditionType::Ready, "True", Reason::Ready).await
    }

    /// Waits for a condition about the object as it stands.
    pub async fn condition(&self, name: &str, kind: ConditionType, status: &str, reason: Reason) -> K {
        self.until(&format!("{kind}={status} ({reason})"), name, |object| {
            condition_of(object, kind).is_some_and(|condition| {
                condition.status == status
                    && condition.reason == reason.as_str()
                    && condition.observed_generation == object.meta().generation
            })
        })
        .await
    }

    /// Waits until the object is gone.
    pub async fn gone(&self, name: &str) {
        let gone = |object: Option<&K>| object.is_none();
        self.wait(&format!("{name} gone"), name, gone).await;
    }

    pub async fn until(&self, what: &str, name: &str, holds: impl Fn(&K) -> bool) -> K {
        self.wait(what, name, |object: Option<&K>| object.is_some_and(&holds)).await.unwrap()
    }

    async fn wait(&self, what: &str, name: &str, holds: impl WaitCondition<K>) -> Option<K> {
        if let Ok(object) = timeout(PATIENCE, await_condition(self.api.clone(), name, holds)).await {
            return object.unwrap();
        }
        let now = self.api.get_opt(name).await;
        panic!("{what}: not within {PATIENCE:?}; the object is {now:#?}");
    }
}

/// The status of an object, as it stands in JSON.
pub fn status(object: &impl Serialize) -> Value {
    serde_json::to_value(object).unwrap()["status"].take()
}

/// A condition of an object of any kind.
pub fn condition_of(object: &impl Serialize, kind: ConditionType) -> Option<Condition> {
    let conditions: Vec<Condition> = serde_json::from_value(status(object)["conditions"].take()).ok()?;
    conditions.into_iter().find(|condition| condition.type_ == kind.to_string())
}
