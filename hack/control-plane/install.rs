//! What a cluster needs before the controller can run in it: the CRDs, and a service account with the controller's
//! rights and no others.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec},
        core::v1::{Namespace, ServiceAccount},
        rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding, RoleRef, Subject},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    config::Kubeconfig,
    runtime::{conditions, wait::await_condition},
};
use lambdaroles::{
    api,
    cluster::permissions::{lease_policy_rules, policy_rules},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Where the controller's service account lives.
pub const NAMESPACE: &str = "lambdaroles-system";

/// Name of the service account, of the role and of the binding.
pub const NAME: &str = "lambdaroles";

/// The first minor version of Kubernetes whose CRDs may hold CEL rules and selectable fields.
const CEL_MINOR: u32 = 30;

/// Whether the cluster has the namespaces that it begins with.
pub async fn is_ready(client: &Client) -> bool {
    let namespaces = Api::<Namespace>::all(client.clone());
    let has = async |name| matches!(namespaces.get_opt(name).await, Ok(Some(_)));
    has("kube-system").await && has("default").await
}

/// Installs the CRDs, the rights and the service account.
pub async fn install(client: &Client) -> Result<()> {
    install_crds(client).await.context("cannot install the CRDs")?;
    let namespace = json!({"metadata": {"name": NAMESPACE}});
    apply::<Namespace>(&Api::all(client.clone()), NAMESPACE, &namespace).await?;
    apply(
        &Api::<ServiceAccount>::namespaced(client.clone(), NAMESPACE),
        NAME,
        &json!({"metadata": {"name": NAME, "namespace": NAMESPACE}}),
    )
    .await?;
    let role = ClusterRole { rules: Some(policy_rules()), ..ClusterRole::default() };
    apply(&Api::<ClusterRole>::all(client.clone()), NAME, &role).await?;
    let role_ref = |kind: &str| RoleRef {
        api_group: "rbac.authorization.k8s.io".to_owned(),
        kind: kind.to_owned(),
        name: NAME.to_owned(),
    };
    let subjects = Some(vec![Subject {
        kind: "ServiceAccount".to_owned(),
        name: NAME.to_owned(),
        namespace: Some(NAMESPACE.to_owned()),
        ..Subject::default()
    }]);
    let binding = ClusterRoleBinding {
        role_ref: role_ref("ClusterRole"),
        subjects: subjects.clone(),
        ..ClusterRoleBinding::default()
    };
    apply(&Api::<ClusterRoleBinding>::all(client.clone()), NAME, &binding).await?;
    let role = Role { rules: Some(lease_policy_rules()), ..Role::default() };
    apply(&Api::<Role>::namespaced(client.clone(), NAMESPACE), NAME, &role).await?;
    let binding = RoleBinding { role_ref: role_ref("Role"), subjects, ..RoleBinding::default() };
    apply(&Api::<RoleBinding>::namespaced(client.clone(), NAMESPACE), NAME, &binding).await
}

/// Writes a kubeconfig of the controller's service account beside that of the administrator.
pub async fn controller_kubeconfig(client: &Client, administrator: &Path, folder: &Path) -> Result<PathBuf> {
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(86_400), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), NAMESPACE);
    let answer = accounts.create_token_request(NAME, &PostParams::default(), &request).await?;
    let token = answer.status.context("the API server gave no token")?.token;
    let mut kubeconfig = Kubeconfig::read_from(administrator)?;
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut()) {
        *user = serde_json::from_value(json!({"token": token}))?;
    }
    // Where a Pod of the controller would be.
    for context in kubeconfig.contexts.iter_mut().filter_map(|context| context.context.as_mut()) {
        context.namespace = Some(NAMESPACE.to_owned());
    }
    let file = folder.join("controller-kubeconfig");
    std::fs::write(&file, serde_json::to_vec_pretty(&kubeconfig)?)?;
    Ok(file)
}

async fn install_crds(client: &Client) -> Result<()> {
    let version = client.apiserver_version().await?;
    let minor: u32 = version.minor.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or_default();
    let crds = Api::<CustomResourceDefinition>::all(client.clone());
    for crd in api::crds() {
        let name = crd.name_any();
        let mut crd = serde_json::to_value(crd)?;
        if minor < CEL_MINOR {
            take_out(&mut crd, &["x-kubernetes-validations", "selectableFields"]);
        }
        apply(&crds, &name, &crd).await?;
        await_condition(crds.clone(), &name, conditions::is_crd_established()).await?;
    }
    Ok(())
}

/// Takes keys out of an object, at any depth.
fn take_out(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !keys.contains(&key.as_str()));
            members.values_mut().for_each(|member| take_out(member, keys));
        }
        Value::Array(list) => list.iter_mut().for_each(|member| take_out(member, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn apply<K>(api: &Api<K>, name: &str, object: &impl Serialize) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut object = serde_json::to_value(object)?;
    object["apiVersion"] = K::api_version(&()).into();
    object["kind"] = K::kind(&()).into();
    object["metadata"]["name"] = name.into();
    let params = PatchParams::apply("control-plane").force();
    api.patch(name, &params, &Patch::Apply(object))
        .await
        .with_context(|| format!("cannot apply {} {name}", K::kind(&())))?;
    Ok(())
}
