//! Service accounts with fewer rights than the controller needs.

use std::path::{Path, PathBuf};

use k8s_openapi::api::{
    authentication::v1::TokenRequest,
    core::v1::ServiceAccount,
    rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
    config::Kubeconfig,
};
use serde_json::{from_value, json};
use tempfile::TempDir;

use super::world::setting;

/// A service account of a test's own namespace.
pub struct Account {
    client: Client,
    namespace: String,
    name: String,
    folder: TempDir,
}

impl Account {
    const NAME: &'static str = "limited";

    /// One that is there already.
    pub async fn existing(client: &Client, namespace: &str, name: &str) -> Self {
        let account = Self::named(client, namespace, name);
        account.write_kubeconfig().await;
        account
    }

    fn named(client: &Client, namespace: &str, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { client: client.clone(), namespace: namespace.to_owned(), name: name.to_owned(), folder }
    }

    /// Makes one with these rights, and none else.
    pub async fn with(client: &Client, namespace: &str, rules: Vec<PolicyRule>) -> Self {
        let name = Self::NAME;
        let account = Self::named(client, namespace, name);
        let object = from_value(json!({"metadata": {"name": name}})).unwrap();
        Api::<ServiceAccount>::namespaced(client.clone(), namespace)
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
        account.grant(rules).await;
        let binding = json!({
            "metadata": {"name": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": namespace},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        });
        let binding = from_value(binding).unwrap();
        Api::<ClusterRoleBinding>::all(client.clone()).create(&PostParams::default(), &binding).await.unwrap();
        account.write_kubeconfig().await;
        account
    }

    /// Gives it other rights.
    pub async fn grant(&self, rules: Vec<PolicyRule>) {
        let object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": self.namespace}, "rules": rules,
        });
        let params = PatchParams::apply("tests").force();
        let rights = Api::<ClusterRole>::all(self.client.clone());
        rights.patch(&self.namespace, &params, &Patch::Apply(object)).await.unwrap();
    }

    /// A kubeconfig with its token.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    async fn write_kubeconfig(&self) {
        let request: TokenRequest = from_value(json!({"spec": {"audiences": []}})).unwrap();
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), &self.namespace);
        let answer = accounts.create_token_request(&self.name, &PostParams::default(), &request).await.unwrap();
        let mut kubeconfig = Kubeconfig::read_from(Path::new(&setting("KUBECONFIG"))).unwrap();
        for user in kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut()) {
            *user = from_value(json!({"token": answer.status.as_ref().unwrap().token})).unwrap();
        }
        // Where a Pod of it would be.
        for context in kubeconfig.contexts.iter_mut().filter_map(|context| context.context.as_mut()) {
            context.namespace = Some(self.namespace.clone());
        }
        std::fs::write(self.kubeconfig(), serde_json::to_vec(&kubeconfig).unwrap()).unwrap();
    }
}
