//! ConfigMaps that workloads read what a role is called from.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::core::v1::ConfigMap,
    apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, OwnerReference},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::{Value, json};

use super::{Cluster, Error};
use crate::{
    api::LambdaExecutionRole,
    plan::export::{ControllingOwner, DesiredConfigMap, ObservedConfigMap, Step},
};

/// The field manager of ConfigMaps: what others set on them is theirs.
const FIELD_MANAGER: &str = "lambdaroles-export";

impl Cluster {
    /// The ConfigMap of that name in the role's namespace, if there is one.
    ///
    /// # Errors
    /// If the API server fails.
    pub async fn config_map(&self, role: &LambdaExecutionRole, name: &str) -> Result<Option<ObservedConfigMap>, Error> {
        let found = self.config_maps(role).get_opt(name).await;
        Ok(found.map_err(Error::new(format!("read ConfigMap {name}")))?.map(observed))
    }

    /// Carries a step out, as long as the ConfigMap is what was looked at.
    ///
    /// # Errors
    /// If the ConfigMap changed since, or the API server fails.
    pub async fn export(&self, role: &LambdaExecutionRole, step: &Step) -> Result<(), Error> {
        match step {
            Step::Remove(gone) => self.remove_config_map(role, gone).await,
            Step::Create(desired) => self.create_config_map(role, desired).await,
            Step::Update(desired, found) => self.update_config_map(role, desired, found).await,
        }
    }

    /// Whole at once, as whoever waits for a ConfigMap does not look whether a key is there. It cannot be applied: to apply to what
    /// is not there cannot be told from applying to what somebody else has just made.
    async fn create_config_map(&self, role: &LambdaExecutionRole, desired: &DesiredConfigMap) -> Result<(), Error> {
        let DesiredConfigMap { name, labels, data } = desired.clone();
        let new = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some(labels),
                owner_references: Some(vec![owner_reference(role)]),
                ..ObjectMeta::default()
            },
            data: Some(data),
            ..ConfigMap::default()
        };
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let created = self.config_maps(role).create(&params, &new).await;
        created.map(drop).map_err(Error::new(format!("create ConfigMap {name}")))
    }

    /// UID and version make the write fail on another ConfigMap of that name, and on one that changed.
    async fn update_config_map(
        &self,
        role: &LambdaExecutionRole,
        desired: &DesiredConfigMap,
        found: &ObservedConfigMap,
    ) -> Result<(), Error> {
        let DesiredConfigMap { name, labels, data } = desired;
        let gone = found.own_keys.iter().map(|key| (key, Value::Null));
        let kept = data.iter().map(|(key, value)| (key, json!(value)));
        let patch = json!({
            "metadata": {"uid": found.uid, "resourceVersion": found.resource_version, "labels": labels},
            "data": gone.chain(kept).collect::<BTreeMap<_, _>>(),
        });
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let written = self.config_maps(role).patch(name, &params, &Patch::Merge(patch)).await;
        written.map(drop).map_err(Error::new(format!("write ConfigMap {name}")))
    }

    async fn remove_config_map(&self, role: &LambdaExecutionRole, gone: &ObservedConfigMap) -> Result<(), Error> {
        let preconditions =
            Preconditions { uid: Some(gone.uid.clone()), resource_version: Some(gone.resource_version.clone()) };
        let params = DeleteParams::default().preconditions(preconditions);
        match self.config_maps(role).delete(&gone.name, &params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            Err(error) => Err(Error::new(format!("remove ConfigMap {}", gone.name))(error)),
        }
    }

    fn config_maps(&self, role: &LambdaExecutionRole) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &role.namespace().unwrap_or_default())
    }
}

/// The garbage collector takes the ConfigMap along should the object go without the controller. It does not hold the object up
/// (`blockOwnerDeletion`): that would need a right on the object's finalizers.
fn owner_reference(role: &LambdaExecutionRole) -> OwnerReference {
    OwnerReference {
        api_version: LambdaExecutionRole::api_version(&()).into_owned(),
        kind: LambdaExecutionRole::kind(&()).into_owned(),
        name: role.name_any(),
        uid: role.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

fn observed(config_map: ConfigMap) -> ObservedConfigMap {
    let ConfigMap { metadata, data, .. } = config_map;
    let owners = metadata.owner_references.unwrap_or_default().into_iter();
    let mut controllers = owners.filter(|owner| owner.controller == Some(true)).map(|owner| ControllingOwner {
        kind: owner.kind,
        name: owner.name,
        uid: owner.uid,
    });
    ObservedConfigMap {
        controller: controllers.next(),
        own_keys: own_keys(metadata.managed_fields.as_deref().unwrap_or_default()),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        labels: metadata.labels.unwrap_or_default(),
        data: data.unwrap_or_default(),
    }
}

/// The keys that the controller set and nobody else, as the API server keeps account of them for every kind of write.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>
fn own_keys(entries: &[ManagedFieldsEntry]) -> BTreeSet<String> {
    let (own, others): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER));
    let others: BTreeSet<String> = others.into_iter().flat_map(keys).collect();
    own.into_iter().flat_map(keys).filter(|key| !others.contains(key)).collect()
}

fn keys(entry: &ManagedFieldsEntry) -> impl Iterator<Item = String> {
    let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0["f:data"].as_object());
    fields.into_iter().flat_map(|keys| keys.keys()).filter_map(|key| key.strip_prefix("f:")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> ManagedFieldsEntry {
        serde_json::from_value(json!({"manager": manager, "operation": operation, "fieldsV1": fields})).unwrap()
    }

    #[test]
    fn the_own_keys_are_those_that_nobody_else_set() {
        let entries = [
            entry(FIELD_MANAGER, "Update", &json!({"f:data": {".": {}, "f:roleArn": {}, "f:shared": {}}})),
            entry(FIELD_MANAGER, "Apply", &json!({"f:data": {"f:roleName": {}}, "f:metadata": {"f:labels": {}}})),
            entry("argocd", "Apply", &json!({"f:data": {"f:theirs": {}, "f:shared": {}}})),
            entry("kubectl-label", "Update", &json!({"f:metadata": {"f:labels": {"f:team": {}}}})),
        ];
        assert_eq!(own_keys(&entries), BTreeSet::from(["roleArn".to_owned(), "roleName".to_owned()]));
    }
}
