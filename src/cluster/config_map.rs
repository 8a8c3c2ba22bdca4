//! ConfigMaps that workloads read what a role is called from.

use std::collections::BTreeSet;

use k8s_openapi::{
    api::core::v1::ConfigMap,
    apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, OwnerReference},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::json;

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
            Step::Apply(desired, found) => self.apply_config_map(role, desired, found).await,
            Step::Create(desired) => {
                // To apply to what is not there cannot be told from applying to what somebody else has just made. So it is created
                // first, with nothing but its owner, and workloads wait for a key as they wait for a ConfigMap.
                let DesiredConfigMap { name, labels, .. } = desired;
                let bare = ConfigMap {
                    metadata: ObjectMeta {
                        name: Some(name.clone()),
                        labels: Some(labels.clone()),
                        owner_references: Some(vec![owner_reference(role)]),
                        ..ObjectMeta::default()
                    },
                    ..ConfigMap::default()
                };
                let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
                let created = self.config_maps(role).create(&params, &bare).await;
                let created = created.map_err(Error::new(format!("create ConfigMap {name}")))?;
                self.apply_config_map(role, desired, &observed(created)).await
            }
        }
    }

    /// UID and version make the write fail on another ConfigMap of that name, and on one that changed.
    async fn apply_config_map(
        &self,
        role: &LambdaExecutionRole,
        desired: &DesiredConfigMap,
        found: &ObservedConfigMap,
    ) -> Result<(), Error> {
        let DesiredConfigMap { name, labels, data } = desired;
        let patch = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "uid": found.uid,
                "resourceVersion": found.resource_version,
                "labels": labels,
                "ownerReferences": [owner_reference(role)],
            },
            "data": data,
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let applied = self.config_maps(role).patch(name, &params, &Patch::Apply(patch)).await;
        applied.map(drop).map_err(Error::new(format!("write ConfigMap {name}")))
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
        applied_keys: metadata.managed_fields.iter().flatten().flat_map(applied_keys).collect(),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        labels: metadata.labels.unwrap_or_default(),
        data: data.unwrap_or_default(),
    }
}

/// The keys that the controller applied, as the API server keeps account of them.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>
fn applied_keys(entry: &ManagedFieldsEntry) -> BTreeSet<String> {
    let is_own = entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply");
    let fields = entry.fields_v1.as_ref().filter(|_| is_own).and_then(|fields| fields.0["f:data"].as_object());
    fields
        .into_iter()
        .flat_map(|keys| keys.keys())
        .filter_map(|key| key.strip_prefix("f:"))
        .map(str::to_owned)
        .collect()
}
