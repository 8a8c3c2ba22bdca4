//! Manifests from files, as the controller would find them in the cluster.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    classes::Classes,
    grants::{self, Roles},
    references::Policies,
    schema,
};
use crate::{
    api::{GROUP, LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleClass},
    lint::{Finding, Severity},
    plan::{
        Account, DesiredRole, ObjectClass, Owner, Quotas,
        class::Classed,
        compliance,
        desired::desired_role,
        managed_policy::{self, DesiredPolicy, desired_policy},
    },
};

/// The kinds of ours that manifests are of.
const KINDS: [&str; 4] = ["LambdaExecutionRole", "LambdaManagedPolicy", "LambdaRoleGrant", "LambdaRoleClass"];

/// Which manifests are read, and where their roles and policies would be made. Nothing is asked of AWS or of a cluster.
#[derive(Debug, clap::Args)]
pub(super) struct Manifests {
    /// Files of manifests, folders with such files, or - for standard input. Roles and policies are judged by the
    /// LambdaRoleClasses among them; without any, no guardrails are judged.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// AWS account that the roles would be made in, where no class says it.
    #[arg(long, value_name = "ID", env = "LAMBDAROLES_ACCOUNT_ID", value_parser = account_id)]
    account_id: Option<String>,

    /// AWS region, for bare function names and $(region), where the class says none.
    #[arg(long, value_name = "REGION", env = "LAMBDAROLES_REGION", default_value = "us-east-1")]
    region: String,

    /// AWS partition. Default: that of the region.
    #[arg(long, value_name = "PARTITION")]
    partition: Option<String>,

    /// Namespace of manifests that name none.
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,

    /// Name of the cluster in the tags that say whose a role is.
    #[arg(long, value_name = "NAME", env = "LAMBDAROLES_CLUSTER_NAME", default_value = "cluster")]
    cluster_name: String,

    /// Characters that the account allows a trust policy.
    #[arg(long, value_name = "NUMBER", default_value_t = Quotas::DEFAULT.trust_policy)]
    trust_policy_quota: usize,

    /// Managed policies that the account allows a role.
    #[arg(long, value_name = "NUMBER", default_value_t = Quotas::DEFAULT.managed_policies)]
    managed_policies_quota: usize,
}

/// One manifest, judged.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The file that it stands in.
    pub(super) file: String,
    /// Namespace of the object; empty for a class, which has none.
    pub(super) namespace: String,
    /// Name of the object.
    pub(super) name: String,
    /// The role that it leads to, if it leads to one.
    pub(super) role: Option<DesiredRole>,
    /// The managed policy that it leads to, if it leads to one.
    pub(super) policy: Option<Box<DesiredPolicy>>,
    /// Everything that is to be said of it.
    pub(super) findings: Vec<Finding>,
}

impl fmt::Display for Manifest {
    /// Where it stands, and which object it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, namespace, name, role: _, policy: _, findings: _ } = self;
        match namespace.as_str() {
            "" => write!(f, "{file}: {name}"),
            namespace => write!(f, "{file}: {namespace}/{name}"),
        }
    }
}

impl Manifests {
    /// Reads and judges the manifests, in the order of the files.
    ///
    /// # Errors
    /// If a file cannot be read, is not YAML, or no manifest of ours is in any of them.
    pub(super) fn judged(&self) -> Result<Vec<Manifest>, String> {
        let (mut classes, mut manifests) = (Classes::default(), Vec::new());
        let (mut roles, mut policies, mut grants) = (Vec::new(), Vec::new(), Vec::new());
        let (mut readable_roles, mut readable_policies) = (Roles::default(), Policies::default());
        for (file, object) in objects_in(&self.files)? {
            if object["kind"] == "LambdaExecutionRole" {
                readable_roles.add(&object, &self.namespace);
                roles.push((file, object));
                continue;
            }
            if object["kind"] == "LambdaRoleGrant" {
                grants.push((file, object));
                continue;
            }
            if object["kind"] == "LambdaManagedPolicy" {
                readable_policies.add(&object, &self.namespace);
                policies.push((file, object));
                continue;
            }
            if object["kind"] == "Namespace" {
                classes.add_namespace(&object);
                continue;
            }
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let findings =
                if object["kind"] == "LambdaRoleClass" { classes.add(object) } else { vec![unknown_kind(&object)] };
            manifests.push(Manifest { file, namespace: String::new(), name, role: None, policy: None, findings });
        }
        let is_without_objects = roles.is_empty() && policies.is_empty() && grants.is_empty();
        if is_without_objects && manifests.is_empty() {
            return Err(
                "none of LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleGrant and LambdaRoleClass is in these files"
                    .to_owned(),
            );
        }
        if classes.is_empty() && !is_without_objects && self.account_id.is_none() {
            return Err(
                "no LambdaRoleClass is in these files, which would say the account: give --account-id".to_owned()
            );
        }
        for (file, object) in policies {
            let (manifest, policy) = self
                .judge(&file, object, &schema::POLICY, |object, namespace| self.policy_of(object, namespace, &classes));
            if let Some(policy) = &policy {
                readable_policies.add_document(&(manifest.namespace.clone(), manifest.name.clone()), policy);
            }
            manifests.push(Manifest { policy: policy.map(Box::new), ..manifest });
        }
        manifests.extend(roles.into_iter().map(|(file, object)| {
            let (manifest, role) = self.judge(&file, object, &schema::ROLE, |object, namespace| {
                self.role_of(object, namespace, &classes, &readable_policies)
            });
            Manifest { role, ..manifest }
        }));
        let grants = grants::judged(self, grants, &readable_roles, &classes, &mut manifests);
        manifests.extend(grants);
        Ok(manifests)
    }

    /// Judges an object by itself and, by `lead`, by what it leads to; returns that beside the manifest.
    pub(super) fn judge<K: Resource<DynamicType = ()> + DeserializeOwned, D>(
        &self,
        file: &str,
        object: Value,
        schema: &JSONSchemaProps,
        lead: impl Fn(&K, &str) -> Result<(D, Vec<Finding>), Vec<Finding>>,
    ) -> (Manifest, Option<D>) {
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let (namespace, name) = (text("namespace").unwrap_or_else(|| self.namespace.clone()), text("name"));
        let manifest = |findings| Manifest {
            file: file.to_owned(),
            namespace: namespace.clone(),
            name: name.clone().unwrap_or_default(),
            role: None,
            policy: None,
            findings,
        };
        let mut findings = identity(&object);
        findings.extend(namespace_fault(&namespace));
        let (object, bounds): (K, _) = match schema::decoded(object, schema) {
            Ok(decoded) => decoded,
            Err(faults) => {
                findings.extend(faults);
                return (manifest(findings), None);
            }
        };
        let (made, told) = match lead(&object, &namespace) {
            Ok((made, told)) => (Some(made), told),
            Err(faults) => (None, faults),
        };
        // What both the API server and the controller refuse is told once, in the controller's words.
        findings.extend(bounds.into_iter().filter(|bound| told.iter().all(|finding| finding.path != bound.path)));
        let is_refused = !findings.is_empty();
        findings.extend(told);
        (manifest(findings), made.filter(|_| !is_refused))
    }

    /// The role, and what there is to say of it.
    fn role_of(
        &self,
        object: &LambdaExecutionRole,
        namespace: &str,
        classes: &Classes,
        policies: &Policies,
    ) -> Result<(DesiredRole, Vec<Finding>), Vec<Finding>> {
        let (class, account, owner) = self.surroundings(object, namespace, classes)?;
        let (references, of_references) = policies.references(object, class, classes, &account, &owner);
        let class = match class {
            None => ObjectClass::unknown(&owner),
            Some(class) => ObjectClass::of(&class.name_any(), &class.spec, &object.spec, &owner, &account)?,
        };
        let role = desired_role(&object.spec, &owner, &account, &class, &references, None)?;
        let (mut findings, unread) = compliance::offline(&class, &object.spec, &role, &account, policies.documents());
        if let (Some(name), Some(violation)) = (&class.name, classes.boundaries(&account).violation_of_role(&role)) {
            findings.push(compliance::refused(name, violation));
        }
        findings.extend(of_references);
        findings.extend(policies.borrowed(&role.managed_policies, classes, namespace));
        let is_refused = findings.iter().any(|finding| finding.severity == Severity::Error);
        findings.extend(unread);
        findings.extend(role.warnings.clone());
        if is_refused { Err(findings) } else { Ok((role, findings)) }
    }

    /// The managed policy, and what there is to say of it.
    fn policy_of(
        &self,
        object: &LambdaManagedPolicy,
        namespace: &str,
        classes: &Classes,
    ) -> Result<(DesiredPolicy, Vec<Finding>), Vec<Finding>> {
        let (class, account, owner) = self.surroundings(object, namespace, classes)?;
        let class = match class {
            None => ObjectClass::unknown(&owner),
            Some(class) => ObjectClass::of(&class.name_any(), &class.spec, &object.spec, &owner, &account)?,
        };
        let policy = desired_policy(&object.spec, &owner, &account, &class, None)?;
        let boundaries = classes.boundaries(&account);
        let mut findings = managed_policy::compliance::offline(&class, &object.spec, &policy, &boundaries);
        let is_refused = !findings.is_empty();
        findings.extend(policy.warnings.clone());
        if is_refused { Err(findings) } else { Ok((policy, findings)) }
    }

    /// The class of an object, if there are classes, the account, and the object as tags name it.
    pub(super) fn surroundings<'a>(
        &self,
        object: &(impl Classed + Resource),
        namespace: &str,
        classes: &'a Classes,
    ) -> Result<(Option<&'a LambdaRoleClass>, Account, Owner), Vec<Finding>> {
        let class = if classes.is_empty() {
            None
        } else {
            Some(classes.of(object, namespace).map_err(|finding| vec![finding])?)
        };
        let owner =
            Owner { cluster: self.cluster_name.clone(), namespace: namespace.to_owned(), name: object.name_any() };
        Ok((class, self.account(class), owner))
    }

    pub(super) fn account(&self, class: Option<&LambdaRoleClass>) -> Account {
        let class = class.map(|class| &class.spec.account);
        let region = class.and_then(|account| account.region.clone()).unwrap_or_else(|| self.region.clone());
        let partition = match class {
            Some(account) => account.partition.clone().unwrap_or_else(|| "aws".to_owned()),
            None => self.partition.clone().unwrap_or_else(|| partition_of(&region).to_owned()),
        };
        let id = class.map(|account| account.id.clone()).or_else(|| self.account_id.clone());
        Account {
            id: id.unwrap_or_default(),
            partition,
            region,
            quotas: Quotas {
                trust_policy: self.trust_policy_quota,
                managed_policies: self.managed_policies_quota,
                ..Quotas::DEFAULT
            },
        }
    }
}

/// What the API server would refuse of the fields that say which object it is.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>
pub(super) fn identity(object: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let version = LambdaExecutionRole::api_version(&());
    if object["apiVersion"] != version.as_ref() {
        findings.push(Finding::invalid("apiVersion", format!("must be {version}, the only version of the API")));
    }
    match &object["metadata"]["name"] {
        Value::Null => findings.push(Finding::invalid("metadata.name", "is missing")),
        Value::String(name) if name.len() > 253 || !name.split('.').all(is_label) => {
            let message = format!(
                "{name} is none: a name consists of lower-case letters, digits, - and . (1 to 253 characters), and begins and ends with a letter or a digit"
            );
            findings.push(Finding::invalid("metadata.name", message));
        }
        // What is no string is told where the object is read.
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
    findings
}

fn namespace_fault(namespace: &str) -> Option<Finding> {
    let is_allowed = namespace.len() <= 63 && is_label(namespace);
    (!is_allowed).then(|| {
        let message = format!(
            "{namespace} is none: a namespace consists of lower-case letters, digits and - (1 to 63 characters), and begins and ends with a letter or a digit"
        );
        Finding::invalid("metadata.namespace", message)
    })
}

/// A label as RFC 1123 has it, but for its length.
fn is_label(text: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_alphanumeric)
        && text.ends_with(is_alphanumeric)
        && text.chars().all(|c| is_alphanumeric(c) || c == '-')
}

/// The objects of our kinds and the namespaces, each with the file that it stands in, in the order of the files.
///
/// # Errors
/// If a file cannot be read or is not YAML.
pub(super) fn objects_in(paths: &[PathBuf]) -> Result<Vec<(String, Value)>, String> {
    let mut found = Vec::new();
    for file in paths.iter().map(|path| files_of(path)).collect::<Result<Vec<_>, _>>()?.concat() {
        let name = file.display().to_string();
        let objects = objects(&read(&file)?).map_err(|error| format!("{name}: {}", unreadable(&error)))?;
        found.extend(objects.into_iter().map(|object| (name.clone(), object)));
    }
    Ok(found)
}

/// The files that a path of the command line stands for.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: io::Error| format!("cannot read {}: {error}", path.display());
    let entries = fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let is_manifest = |file: &PathBuf| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        file.is_file() && extension.is_some_and(|extension| ["yaml", "yml", "json"].contains(&extension))
    };
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(is_manifest).collect();
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<String, String> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    text.map_err(|error| format!("cannot read {}: {error}", file.display()))
}

/// The objects of our kinds in a file, and namespaces: of every document, and of lists. What a chart renders for a whole cluster is longer
/// than the parser takes by itself; what aliases may blow up to stays bounded.
fn objects(text: &str) -> Result<Vec<Value>, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_documents: 100_000, max_nodes: 10_000_000, max_events: 30_000_000 },
    };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)?;
    Ok(documents.into_iter().flat_map(items).filter(is_ours).collect())
}

/// In the words of the parser for people, who know nothing of its options.
fn unreadable(error: &serde_saphyr::Error) -> String {
    error.render_with_formatter(&serde_saphyr::UserMessageFormatter)
}

fn items(mut object: Value) -> Vec<Value> {
    let kind = object["kind"].as_str().and_then(|kind| kind.strip_suffix("List"));
    let is_list = kind.is_some_and(|kind| kind.is_empty() || KINDS.contains(&kind));
    match object.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items,
        Some(_) | None => vec![object],
    }
}

fn unknown_kind(object: &Value) -> Finding {
    let kind = object["kind"].as_str().unwrap_or("nothing");
    Finding::invalid("kind", format!("{kind} is no kind of {GROUP}, which has {}", KINDS.join(", ")))
}

fn is_ours(object: &Value) -> bool {
    let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map(|(group, _)| group);
    // A kind that we do not have is a mistake, which nobody else would tell.
    group == Some(GROUP) || object["apiVersion"] == "v1" && object["kind"] == "Namespace"
}

/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 6] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
    ];
    let known = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    known.map_or(if region.starts_with("us-iso-") { "aws-iso" } else { "aws" }, |(_, partition)| partition)
}

pub(super) fn account_id(text: &str) -> Result<String, String> {
    if crate::policy::arn::is_account_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an account id has twelve digits".to_owned())
    }
}
