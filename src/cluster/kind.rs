//! The kinds that describe something in IAM, and what can be read of an object that cannot be decoded.

use std::fmt::Debug;

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{
    Resource,
    core::{DeserializeGuard, ObjectMeta},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::api::{
    LambdaExecutionRole, LambdaExecutionRoleStatus, LambdaManagedPolicy, LambdaManagedPolicyStatus, LambdaRoleGrant,
    LambdaRoleGrantSpec, LambdaRoleGrantStatus, grant::RoleReference,
};

/// An object that may be impossible to decode, which must not stop the watch for the others.
pub type Guarded<K> = DeserializeGuard<K>;

/// A namespaced kind whose objects have a finalizer, a status and events.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// Its status.
    type Status: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// The status of the object, if it was ever written.
    fn status(&self) -> Option<&Self::Status>;

    /// The conditions of a status.
    fn conditions(status: &Self::Status) -> &[Condition];

    /// What can be read of an object of which only the metadata could be decoded; `data` is the rest.
    fn salvage(metadata: ObjectMeta, data: &Value) -> Salvage<Self>;
}

/// What can be read of an object whose spec cannot be decoded: its metadata, its status, and of the spec what a deletion
/// goes by.
#[derive(Clone, Debug)]
pub struct Salvage<K> {
    /// The object, its spec reduced to what a deletion goes by.
    pub object: K,
    /// Whether that much could be read. If not, nothing is deleted on a guess.
    pub is_deletion_clear: bool,
}

impl Kind for LambdaExecutionRole {
    type Status = LambdaExecutionRoleStatus;

    fn status(&self) -> Option<&Self::Status> {
        self.status.as_ref()
    }

    fn conditions(status: &Self::Status) -> &[Condition] {
        &status.conditions
    }

    fn salvage(metadata: ObjectMeta, data: &Value) -> Salvage<Self> {
        const FIELDS: [&str; 7] =
            ["className", "roleName", "adoption", "deletionPolicy", "suspend", "unlisted", "managedPolicies"];
        let spec = reduced(&data["spec"], &FIELDS);
        let is_deletion_clear = spec.is_ok();
        Salvage { object: Self { metadata, spec: spec.unwrap_or_default(), status: status(data) }, is_deletion_clear }
    }
}

impl Kind for LambdaManagedPolicy {
    type Status = LambdaManagedPolicyStatus;

    fn status(&self) -> Option<&Self::Status> {
        self.status.as_ref()
    }

    fn conditions(status: &Self::Status) -> &[Condition] {
        &status.conditions
    }

    fn salvage(metadata: ObjectMeta, data: &Value) -> Salvage<Self> {
        const FIELDS: [&str; 5] = ["className", "policyName", "path", "deletionPolicy", "suspend"];
        let mut spec = data["spec"].clone();
        spec["statements"] = Value::Array(Vec::new());
        let spec = reduced(&spec, &[&FIELDS[..], &["statements"]].concat());
        let is_deletion_clear = spec.is_ok();
        Salvage { object: Self { metadata, spec: spec.unwrap_or_default(), status: status(data) }, is_deletion_clear }
    }
}

impl Kind for LambdaRoleGrant {
    type Status = LambdaRoleGrantStatus;

    fn status(&self) -> Option<&Self::Status> {
        self.status.as_ref()
    }

    fn conditions(status: &Self::Status) -> &[Condition] {
        &status.conditions
    }

    fn salvage(metadata: ObjectMeta, data: &Value) -> Salvage<Self> {
        let role_ref = serde_json::from_value::<RoleReference>(data["spec"]["roleRef"].clone());
        let is_deletion_clear = role_ref.is_ok();
        let spec = LambdaRoleGrantSpec { role_ref: role_ref.unwrap_or_default(), ..LambdaRoleGrantSpec::default() };
        Salvage { object: Self { metadata, spec, status: status(data) }, is_deletion_clear }
    }
}

/// The spec, of which nothing but `fields` is read.
fn reduced<S: DeserializeOwned>(spec: &Value, fields: &[&str]) -> Result<S, serde_json::Error> {
    let fields = fields.iter().filter_map(|field| Some(((*field).to_owned(), spec.get(field)?.clone())));
    serde_json::from_value(Value::Object(fields.collect()))
}

fn status<S: DeserializeOwned>(data: &Value) -> Option<S> {
    serde_json::from_value(data["status"].clone()).ok()
}
