//! The chart on a real API server: installed, upgraded, uninstalled, installed again, with the controller run as its Deployment
//! says, by its service account, under the rights that it gives and no others.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::ServiceAccount,
        rbac::v1::{ClusterRole, Role},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, api::ListParams};
use lambdaroles::api::LambdaRoleClass;
use serde_json::{Value, json};

use super::{CHART, helm};
use crate::harness::{Account, ControllerProcess, World};

/// A controller, and the files of its service account for as long as it runs.
struct Pod {
    controller: ControllerProcess,
    _account: Account,
}

impl Pod {
    fn assert_no_right_is_missing(&self) {
        let log = self.controller.log();
        assert!(!log.contains("orbidden"), "{log}");
    }
}

/// A release of its own. The CRDs are one release's alone, so it takes them over; they are the same, and they stay.
struct Release<'a> {
    world: &'a World,
    name: String,
}

impl<'a> Release<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, name: format!("r-{}", world.namespace) }
    }

    fn run(&self, command: &str, values: &Value) -> String {
        let mut all = json!({
            "fullnameOverride": self.name, "replicaCount": 1,
            "controller": {
                "classes": [self.world.namespace], "awsEndpointUrl": self.world.proxy.url, "settle": "0s", "resync": "1h",
            },
        });
        json_patch::merge(&mut all, values);
        let arguments = [command, &self.name, CHART, "--namespace", &self.world.namespace, "--take-ownership"];
        helm(&arguments, &all).unwrap()
    }

    fn uninstall(&self) -> String {
        super::output(super::beside_helm("helm").args(["uninstall", &self.name, "--namespace", &self.world.namespace]))
            .unwrap()
    }

    async fn deployment(&self) -> Option<Deployment> {
        let deployments = Api::<Deployment>::namespaced(self.world.client.clone(), &self.world.namespace);
        deployments.get_opt(&self.name).await.unwrap()
    }

    /// The controller as the Deployment on the API server has it, with a token of the service account that it names.
    async fn pod(&self) -> Pod {
        let deployment = self.deployment().await.unwrap();
        let pod = deployment.spec.unwrap().template.spec.unwrap();
        let account =
            Account::existing(&self.world.client, &self.world.namespace, &pod.service_account_name.unwrap()).await;
        let arguments = pod.containers[0].args.clone().unwrap();
        // Each Pod has an address of its own; the tests share one.
        let arguments: Vec<&str> =
            arguments.iter().map(String::as_str).filter(|argument| !argument.contains("listen=")).collect();
        let kubeconfig = account.kubeconfig();
        let controller = ControllerProcess::start_as(&arguments, kubeconfig.to_str().unwrap()).unwrap();
        Pod { controller, _account: account }
    }

    async fn rules_of(&self) -> (usize, Vec<String>) {
        let cluster_roles = Api::<ClusterRole>::all(self.world.client.clone());
        let rules = cluster_roles.get(&self.name).await.unwrap().rules.unwrap_or_default();
        let namespaced = Api::<Role>::namespaced(self.world.client.clone(), &self.world.namespace);
        let names = namespaced.list(&ListParams::default()).await.unwrap().items;
        (rules.len(), names.into_iter().filter_map(|role| role.metadata.name).collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_installed_upgraded_uninstalled_and_installed_again_and_no_role_is_touched_on_the_way() {
    let mut world = World::start().await;
    world.controller.kill().await.unwrap();
    let release = Release::of(&world);

    // In one namespace.
    let told = release.run("install", &json!({"controller": {"namespaces": [world.namespace]}}));
    assert!(told.contains("kubectl rollout status"), "the notes say how to go on: {told}");
    let (rules, names) = release.rules_of().await;
    assert!(rules < 4 && names.contains(&format!("{}-objects", release.name)), "{rules} {names:?}");
    let pod = release.pod().await;
    let before = world.create_ready("orders", json!({"inlinePolicies": [], "sourceFunctionArns": ["orders"]})).await;
    pod.assert_no_right_is_missing();
    drop(pod);

    // Then in all, and another way to log. What it serves stays as it is.
    world.proxy.forget();
    release.run(
        "upgrade",
        &json!({"controller": {"log": {"level": "debug,lambdaroles=trace"}}, "commonLabels": {"tier": "1"}}),
    );
    let (rules, names) = release.rules_of().await;
    assert!(rules >= 6 && names == [release.name.clone()], "{rules} {names:?}");
    let crds = Api::<CustomResourceDefinition>::all(world.client.clone());
    let crd = crds.get("lambdaexecutionroles.lambdaroles.dev").await.unwrap();
    assert_eq!(crd.metadata.labels.unwrap()["tier"], "1", "the upgrade reaches the CRDs");
    let pod = release.pod().await;
    world.look("orders").await;
    world.change("orders", json!({"description": "after the upgrade"})).await;
    world.ready("orders").await;
    assert_eq!(world.proxy.writes(), ["UpdateRole"]);
    pod.assert_no_right_is_missing();
    drop(pod);

    let told = release.uninstall();
    assert!(told.contains("lambdaexecutionroles.lambdaroles.dev"), "it says that the CRDs stay: {told}");
    assert!(release.deployment().await.is_none(), "the Deployment goes");
    let accounts = Api::<ServiceAccount>::namespaced(world.client.clone(), &world.namespace);
    assert!(accounts.get_opt(&release.name).await.unwrap().is_none(), "the service account goes");
    let after = world.get("orders").await;
    assert_eq!((after.metadata.uid, after.metadata.deletion_timestamp), (before.metadata.uid, None), "objects stay");
    assert!(world.role_exists(&world.role_name("orders")).await, "and so do their roles");

    world.proxy.forget();
    release.run("install", &json!({}));
    let pod = release.pod().await;
    world.look("orders").await;
    assert_eq!(world.proxy.writes(), Vec::<String>::new(), "the next install finds everything as it was");
    pod.assert_no_right_is_missing();
    world.delete("orders").await;
    world.gone("orders").await;
    release.uninstall();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_class_of_the_values_is_made_where_its_kind_is_there_and_stays_when_the_release_goes() {
    let world = World::start().await;
    let release = Release::of(&world);
    let name = format!("default-of-{}", world.namespace);
    // For nobody but a namespace that is not there: a default class would be every test's.
    let class = json!({"account": {"id": "123456789012"}, "namespaces": {"names": ["nobody-s"]}});
    // Without the CRDs, which another test has in hand.
    let values = json!({"replicaCount": 0, "crds": {"enabled": false}, "defaultClass": {"name": name, "spec": class}});
    release.run("install", &values);
    let classes = Api::<LambdaRoleClass>::all(world.client.clone());
    let made = classes.get(&name).await.unwrap();
    assert_eq!(made.spec.account.id, "123456789012");
    assert_eq!(
        made.metadata.annotations.unwrap_or_default().get("lambdaroles.dev/is-default-class"),
        Some(&"true".to_owned())
    );
    release.uninstall();
    assert!(classes.get_opt(&name).await.unwrap().is_some());
    classes.delete(&name, &kube::api::DeleteParams::default()).await.unwrap();
}
