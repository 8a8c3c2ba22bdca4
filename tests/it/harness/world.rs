//! Everything that a test sees and touches.

use std::{
    future::Future,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::Result;
use aws_sdk_iam::operation::create_policy::CreatePolicyError;
use k8s_openapi::{
    api::{core::v1::Namespace, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::wait::{Condition as WaitCondition, await_condition},
};
use lambdaroles::{
    api::{
        ConditionType, LambdaExecutionRole, LambdaRoleClass, LambdaRoleClassSpec, RECONCILE_AT_ANNOTATION, Reason,
        class::Mode,
    },
    policy::Document,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{ControllerProcess, Kind, Objects, Proxy, rights};

/// How long anything may take before a test gives up. Long, as the machine may be slow; nothing waits for it to pass.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Arguments of a controller that looks only when it has to, and settles at once, and shares the machine with others.
const QUIET: [&str; 12] = [
    "--settle",
    "0s",
    "--resync",
    "1h",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "",
    "--leader-elect",
    "false",
    "--log",
    "lambdaroles=debug,info",
];

/// Awaits what has to come.
///
/// # Panics
/// If it does not come.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// A namespace, a proxy before the emulator, a controller that watches the one and talks to the other.
pub struct World {
    pub namespace: String,
    pub client: Client,
    pub roles: Api<LambdaExecutionRole>,
    /// All classes; the world's own has the name of its namespace.
    pub classes: Api<LambdaRoleClass>,
    /// IAM past the proxy: what somebody else sees and does.
    pub iam: aws_sdk_iam::Client,
    pub aws: aws_config::SdkConfig,
    pub proxy: Proxy,
    pub controller: ControllerProcess,
    /// What the controller needs for the class that the world began with.
    controller_policy: Document,
    /// The name of the controller's cluster in the tags of roles.
    pub cluster_name: String,
}

/// Whatever the test did, the controller got by with the rights that are printed for its class.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            rights::assert_allowed(&self.proxy.history(), "123456789012", &self.controller_policy);
        }
    }
}

impl World {
    /// A world whose controller looks only when it has to.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A world whose controller takes further arguments; the last of each kind counts.
    pub async fn start_with(arguments: &[&str]) -> Self {
        Self::start_under(json!({}), arguments).await
    }

    /// A world whose class says this beside what [`open_class`] says, or instead.
    pub async fn start_under(class: Value, arguments: &[&str]) -> Self {
        Self::start_in(
            |namespace| {
                let mut spec = open_class(namespace);
                json_patch::merge(&mut spec, &class);
                spec
            },
            arguments,
        )
        .await
    }

    /// A world of exactly that class.
    pub async fn start_in(class: impl Fn(&str) -> Value, arguments: &[&str]) -> Self {
        let aws = aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12()).load().await;
        let proxy = Proxy::start(&setting("AWS_ENDPOINT_URL")).await.unwrap();
        let client = client(Path::new(&setting("KUBECONFIG"))).await.unwrap();
        let namespace = unique("t");
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
        let classes = Api::all(client.clone());
        let object = class_object(&namespace, class(&namespace));
        // A test may have a class enforced later on.
        let enforced = LambdaRoleClassSpec { mode: Mode::Enforce, ..object.spec.clone() };
        let cluster_name = cluster_name(&client, arguments).await;
        let controller_policy = rights::policy_of(&enforced, &cluster_name);
        classes.create(&PostParams::default(), &object).await.unwrap();
        let controller = start_controller(&namespace, &proxy, arguments);
        Self {
            controller_policy,
            cluster_name,
            classes,
            roles: Api::namespaced(client.clone(), &namespace),
            iam: aws_sdk_iam::Client::new(&aws),
            namespace,
            client,
            aws,
            proxy,
            controller,
        }
    }

    /// A second controller process, as after a restart.
    pub fn restart_controller(&mut self, arguments: &[&str]) {
        self.controller = start_controller(&self.namespace, &self.proxy, arguments);
    }

    /// Another controller process beside the first, with a way to AWS of its own.
    pub async fn second_controller(&self, arguments: &[&str]) -> (ControllerProcess, Proxy) {
        let proxy = Proxy::start(&setting("AWS_ENDPOINT_URL")).await.unwrap();
        (start_controller(&self.namespace, &proxy, arguments), proxy)
    }

    /// The objects of any of our kinds in the world's namespace.
    pub fn objects<K: Kind>(&self) -> Objects<K> {
        Objects::in_namespace(&self.client, &self.namespace)
    }

    /// The default name of the role that an object describes.
    pub fn role_name(&self, name: &str) -> String {
        format!("{}-{name}", self.namespace)
    }

    /// Creates an object of the world's class, unless the spec names another, or none by `null`.
    pub async fn create(&self, name: &str, spec: Value) -> LambdaExecutionRole {
        self.try_create(name, spec).await.unwrap()
    }

    /// The same, which the API server may refuse.
    pub async fn try_create(&self, name: &str, mut spec: Value) -> kube::Result<LambdaExecutionRole> {
        if let Some(fields) = spec.as_object_mut() {
            let class = fields.entry("className").or_insert_with(|| json!(self.namespace));
            if class.is_null() {
                fields.remove("className");
            }
        }
        let object = json!({
            "apiVersion": "lambdaroles.dev/v1alpha1", "kind": "LambdaExecutionRole",
            "metadata": {"name": name}, "spec": spec,
        });
        let object = serde_json::from_value(object).unwrap();
        self.roles.create(&PostParams::default(), &object).await
    }

    /// Creates an object and waits until it is ready.
    pub async fn create_ready(&self, name: &str, spec: Value) -> LambdaExecutionRole {
        self.create(name, spec).await;
        self.ready(name).await
    }

    /// Makes a further class.
    pub async fn create_class(&self, name: &str, spec: Value) -> LambdaRoleClass {
        self.classes.create(&PostParams::default(), &class_object(name, spec)).await.unwrap()
    }

    /// Merges into the spec of the world's class; `null` removes a field.
    pub async fn change_class(&self, spec: Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.classes.patch(&self.namespace, &PatchParams::default(), &patch).await.unwrap();
    }

    /// Merges into the spec; `null` removes a field.
    pub async fn change(&self, name: &str, spec: Value) {
        self.patch(name, json!({"spec": spec})).await;
    }

    pub async fn annotate(&self, name: &str, annotation: &str, value: &str) {
        self.patch(name, json!({"metadata": {"annotations": {annotation: value}}})).await;
    }

    async fn patch(&self, name: &str, patch: Value) {
        self.roles.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Merges into the status, as nobody but the controller should.
    pub async fn write_status(&self, name: &str, status: Value) {
        let patch = Patch::Merge(json!({"status": status}));
        self.roles.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub async fn delete(&self, name: &str) {
        self.roles.delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub async fn get(&self, name: &str) -> LambdaExecutionRole {
        self.roles.get(name).await.unwrap()
    }

    /// Forces a look at IAM and waits until it is done.
    pub async fn look(&self, name: &str) -> LambdaExecutionRole {
        let mark = unique("look");
        self.annotate(name, RECONCILE_AT_ANNOTATION, &mark).await;
        self.until("the forced look", name, |role| {
            role.status.as_ref().is_some_and(|status| status.last_handled_reconcile_at.as_deref() == Some(&mark))
        })
        .await
    }

    /// Waits until the object as it stands is ready.
    pub async fn ready(&self, name: &str) -> LambdaExecutionRole {
        self.condition(name, ConditionType::Ready, "True", Reason::Ready).await
    }

    /// Waits for a condition about the object as it stands.
    pub async fn condition(
        &self,
        name: &str,
        kind: ConditionType,
        status: &str,
        reason: Reason,
    ) -> LambdaExecutionRole {
        self.until(&format!("{kind}={status} ({reason})"), name, move |role| {
            condition(role, kind).is_some_and(|condition| {
                condition.status == status
                    && condition.reason == reason.as_str()
                    && condition.observed_generation == role.metadata.generation
            })
        })
        .await
    }

    /// Waits until the object is gone.
    pub async fn gone(&self, name: &str) {
        let gone = |role: Option<&LambdaExecutionRole>| role.is_none();
        self.wait(&format!("{name} gone"), name, gone).await;
    }

    pub async fn until(
        &self,
        what: &str,
        name: &str,
        holds: impl Fn(&LambdaExecutionRole) -> bool,
    ) -> LambdaExecutionRole {
        self.wait(what, name, |role: Option<&LambdaExecutionRole>| role.is_some_and(&holds)).await.unwrap()
    }

    async fn wait(
        &self,
        what: &str,
        name: &str,
        holds: impl WaitCondition<LambdaExecutionRole>,
    ) -> Option<LambdaExecutionRole> {
        if let Ok(role) = timeout(PATIENCE, await_condition(self.roles.clone(), name, holds)).await {
            role.unwrap()
        } else {
            let now = self.roles.get_opt(name).await;
            panic!("{what}: not within {PATIENCE:?}; the object is {now:#?}");
        }
    }

    /// Reasons and texts of the events about the object, oldest first, once `count` of them have that reason: events
    /// come a moment after the status that they go with.
    pub async fn events(&self, name: &str, reason: Reason, count: usize) -> Vec<(String, String)> {
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        patiently(&format!("{count} events {reason} about {name}"), async {
            loop {
                interval.tick().await;
                let events = self.events_now(name).await;
                if events.iter().filter(|(of, _)| of == reason.as_str()).count() >= count {
                    return events;
                }
            }
        })
        .await
    }

    async fn events_now(&self, name: &str) -> Vec<(String, String)> {
        let events = Api::<Event>::namespaced(self.client.clone(), &self.namespace);
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(name));
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        events.into_iter().map(|event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default())).collect()
    }

    /// Whether IAM has a role of that name.
    pub async fn role_exists(&self, role: &str) -> bool {
        match self.iam.get_role().role_name(role).send().await {
            Ok(_) => true,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(aws_sdk_iam::operation::get_role::GetRoleError::is_no_such_entity_exception) =>
            {
                false
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// A customer managed policy that belongs to nobody.
    pub async fn customer_policy(&self, name: &str) -> String {
        let document =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
        let request = self.iam.create_policy().policy_name(format!("{}-{name}", self.namespace));
        let answer = request.policy_document(document).send().await.unwrap();
        answer.policy.unwrap().arn.unwrap()
    }

    /// A customer managed policy of exactly that name, which several worlds may share.
    pub async fn boundary(&self, name: &str) {
        let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        match self.iam.create_policy().policy_name(name).policy_document(document).send().await {
            Ok(_) => {}
            Err(error) => {
                assert!(error.as_service_error().is_some_and(CreatePolicyError::is_entity_already_exists_exception));
            }
        }
    }

    /// What IAM holds of a role, as the CLI would show it.
    pub async fn snapshot(&self, role: &str) -> RoleSnapshot {
        RoleSnapshot::take(&self.iam, role).await.unwrap()
    }
}

/// Further namespaces with these labels.
pub async fn namespaces(count: usize, labels: Value) -> Vec<String> {
    let all = Api::<Namespace>::all(client(Path::new(&setting("KUBECONFIG"))).await.unwrap());
    let names: Vec<String> = (0..count).map(|_| unique("t")).collect();
    for name in &names {
        let object = serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}})).unwrap();
        all.create(&PostParams::default(), &object).await.unwrap();
    }
    names
}

/// The name of the controller's cluster in the tags of roles.
async fn cluster_name(client: &Client, arguments: &[&str]) -> String {
    if let Some(index) = arguments.iter().position(|argument| *argument == "--cluster-name") {
        return arguments[index + 1].to_owned();
    }
    let namespace = Api::<Namespace>::all(client.clone()).get("kube-system").await.unwrap();
    namespace.metadata.uid.unwrap()
}

/// A class that refuses nothing.
pub fn open_class(namespace: &str) -> Value {
    json!({
        "account": {"id": "123456789012"},
        "namespaces": {"names": [namespace]},
        "naming": {"allowedPaths": ["*"], "allowedRoleNames": ["*"]},
        "guardrails": {
            "permissions": {"exempted": [{"actions": ["*"]}]},
            "trust": {"services": ["*"], "principals": ["*"], "federated": ["*"], "self": true},
        },
    })
}

fn class_object(name: &str, spec: Value) -> LambdaRoleClass {
    let object = json!({
        "apiVersion": "lambdaroles.dev/v1alpha1", "kind": "LambdaRoleClass", "metadata": {"name": name}, "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

/// A role as somebody else reads it from IAM.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSnapshot {
    pub path: String,
    /// Empty for none: IAM knows no way back from an empty description to none.
    pub description: String,
    pub max_session_seconds: Option<i32>,
    pub boundary: Option<String>,
    pub tags: Vec<(String, String)>,
    pub trust: Value,
    pub inline: Vec<(String, Value)>,
    pub managed: Vec<String>,
}

impl RoleSnapshot {
    async fn take(iam: &aws_sdk_iam::Client, name: &str) -> Result<Self> {
        let document = |text: &str| -> Result<Value> {
            Ok(serde_json::from_str(&percent_encoding::percent_decode_str(text).decode_utf8()?)?)
        };
        let role = iam.get_role().role_name(name).send().await?.role.unwrap();
        let mut inline = Vec::new();
        for policy in iam.list_role_policies().role_name(name).send().await?.policy_names {
            let answer = iam.get_role_policy().role_name(name).policy_name(&policy).send().await?;
            inline.push((policy, document(&answer.policy_document)?));
        }
        let attached = iam.list_attached_role_policies().role_name(name).send().await?.attached_policies;
        let mut managed: Vec<_> =
            attached.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_arn).collect();
        managed.sort();
        let mut tags: Vec<_> = role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        tags.retain(|(key, _)| !key.starts_with("lambdaroles.dev/"));
        tags.sort();
        Ok(Self {
            path: role.path,
            description: role.description.unwrap_or_default(),
            max_session_seconds: role.max_session_duration,
            boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            tags,
            trust: document(&role.assume_role_policy_document.unwrap())?,
            inline,
            managed,
        })
    }
}

/// A condition of an object.
pub fn condition(role: &LambdaExecutionRole, kind: ConditionType) -> Option<&Condition> {
    role.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == kind.to_string())
}

fn start_controller(namespace: &str, proxy: &Proxy, arguments: &[&str]) -> ControllerProcess {
    let mut all = vec!["--class", namespace];
    for pair in QUIET.chunks(2) {
        if !arguments.contains(&pair[0]) {
            all.extend_from_slice(pair);
        }
    }
    all.extend_from_slice(arguments);
    ControllerProcess::start(namespace, &proxy.url, &all).unwrap()
}

/// A client with the controller's own rights.
pub async fn controller_client() -> Client {
    client(Path::new(&setting("CONTROLLER_KUBECONFIG"))).await.unwrap()
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    let config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// A setting that the control plane's wrapper makes.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `make test`, or `cargo run --example control-plane -- exec cargo test`")
    })
}

/// A name that no other test uses.
pub(super) fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
