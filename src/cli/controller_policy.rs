//! `lambdaroles controller-policy`.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    Output,
    manifest::{account_id, identity, objects_in},
    schema,
};
use crate::{
    api::{LambdaRoleClass, LambdaRoleClassSpec},
    cluster::permissions::{export_policy_rules, lease_policy_rules, policy_rules},
    lint::Finding,
    plan::{
        class::check,
        controller_policy::{Controller, MANAGED_POLICY_QUOTA, Rights, Workload, rights},
    },
};

/// Print the least that the controller itself needs: in AWS for given classes, and in the cluster.
///
/// For its own role, and for each role of the classes' spec.account.assumeRole, that is an identity policy and a trust
/// policy. Roles are told by path and name, by the tag that names the cluster, by permissions boundary and by attached
/// policy, as the classes have them: print it anew when a class's naming or guardrails change. The page ends with the
/// ClusterRole of the controller's service account.
///
/// Nothing is asked of AWS or of a cluster. What is wider than it need be is told as a warning. Exit status: 0, or 2 if the
/// manifests or the arguments cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files of LambdaRoleClasses, folders with such files, or - for standard input: all classes of the cluster.
    #[arg(long = "class", required = true, num_args = 1.., value_name = "FILE")]
    classes: Vec<PathBuf>,

    /// Name of the cluster in the tags that say whose a role is. Where the controller is given none:
    /// kubectl get namespace kube-system -o jsonpath={.metadata.uid}
    #[arg(long, value_name = "NAME", env = "LAMBDAROLES_CLUSTER_NAME")]
    cluster_name: String,

    /// AWS account of the controller's own role. Default: that of the classes without assumeRole.
    #[arg(long, value_name = "ID", env = "LAMBDAROLES_ACCOUNT_ID", value_parser = account_id)]
    account_id: Option<String>,

    /// Name of the controller's own role, behind its path if it has one: platform/lambdaroles.
    #[arg(long, value_name = "NAME", default_value = "lambdaroles", value_parser = role)]
    role: String,

    /// Service account of the controller.
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "lambdaroles-system/lambdaroles", value_parser = service_account)]
    service_account: ServiceAccount,

    /// The cluster's OIDC issuer, for the trust policy of IRSA:
    /// aws eks describe-cluster --name NAME --query cluster.identity.oidc.issuer
    #[arg(long, value_name = "URL", default_value = "OIDC_PROVIDER")]
    oidc_provider: String,

    /// How the page is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Debug)]
struct ServiceAccount {
    namespace: String,
    name: String,
}

pub(super) fn run(arguments: &Arguments) -> super::Result {
    let classes = classes(&arguments.classes).map_err(super::Error::Usage)?;
    let own_account = arguments.own_account(&classes).map_err(super::Error::Usage)?;
    let role_arn = format!("arn:{}:iam::{own_account}:role/{}", partition(&classes), arguments.role);
    let controller = Controller {
        cluster: &arguments.cluster_name,
        role_arn: &role_arn,
        workload: Workload {
            namespace: &arguments.service_account.namespace,
            service_account: &arguments.service_account.name,
            oidc_provider: arguments.oidc_provider.trim_start_matches("https://").trim_end_matches('/'),
        },
    };
    let named: Vec<_> = classes.iter().map(|(name, spec)| (name.as_str(), spec)).collect();
    let rights = rights(&controller, &named).map_err(|faults| super::Error::Usage(listed("", &faults)))?;
    super::print(&match arguments.output {
        Output::Text => text(&arguments.service_account, &rights)?,
        Output::Json => json(&arguments.service_account, &rights),
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn own_account<'a>(&'a self, classes: &'a [(String, LambdaRoleClassSpec)]) -> Result<&'a str, String> {
        if let Some(id) = &self.account_id {
            return Ok(id);
        }
        let direct = classes.iter().filter(|(_, spec)| spec.account.assume_role.is_empty());
        let mut ids: Vec<&str> = direct.map(|(_, spec)| spec.account.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        match ids.as_slice() {
            [id] => Ok(id),
            [] => Err("every class assumes a role: give the account of the controller's own role with --account-id"
                .to_owned()),
            several => Err(format!(
                "classes without assumeRole are of accounts {}: give all but those of the controller's own account a role in spec.account.assumeRole, or give --account-id",
                several.join(", ")
            )),
        }
    }
}

/// The partition that the controller runs in: credentials are good for one only.
fn partition(classes: &[(String, LambdaRoleClassSpec)]) -> &str {
    classes.iter().find_map(|(_, spec)| spec.account.partition.as_deref()).unwrap_or("aws")
}

fn classes(files: &[PathBuf]) -> Result<Vec<(String, LambdaRoleClassSpec)>, String> {
    let objects = objects_in(files)?.into_iter().filter(|(_, object)| object["kind"] == "LambdaRoleClass");
    let read = |(file, object)| class(object).map_err(|faults| listed(&format!("{file}: "), &faults));
    let classes = objects.map(read).collect::<Result<Vec<_>, _>>()?;
    if classes.is_empty() { Err("no LambdaRoleClass is in these files".to_owned()) } else { Ok(classes) }
}

fn class(object: Value) -> Result<(String, LambdaRoleClassSpec), Vec<Finding>> {
    let mut faults = identity(&object);
    let (class, bounds) = schema::decoded::<LambdaRoleClass>(object, &schema::CLASS)?;
    faults.extend(bounds);
    faults.extend(check(&class.spec).err().unwrap_or_default());
    if faults.is_empty() { Ok((class.name_any(), class.spec)) } else { Err(faults) }
}

fn listed(prefix: &str, faults: &[Finding]) -> String {
    faults.iter().map(|fault| format!("{prefix}{fault}")).collect::<Vec<_>>().join("\n")
}

fn text(
    service_account: &ServiceAccount,
    rights: &[Rights],
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut page = String::new();
    for Rights { role_arn, account_id, classes, identity_policy, trust_policies, warnings } in rights {
        let serves = match classes.as_slice() {
            [] => "no class; leads to other roles".to_owned(),
            classes => classes.join(", "),
        };
        writeln!(page, "# {role_arn}\n# account {account_id}, classes: {serves}\n")?;
        for warning in warnings {
            writeln!(page, "# warning: {warning}\n")?;
        }
        let characters = identity_policy.characters();
        writeln!(
            page,
            "# Identity policy, {characters} characters; a managed policy may have {MANAGED_POLICY_QUOTA}."
        )?;
        writeln!(page, "{}\n", serde_json::to_string_pretty(identity_policy)?)?;
        for (assumed_by, document) in trust_policies {
            writeln!(page, "# Trust policy, assumed by {assumed_by}.\n{}\n", serde_json::to_string_pretty(document)?)?;
        }
    }
    let ServiceAccount { namespace, name } = service_account;
    writeln!(page, "# ClusterRole of the service account {name} in namespace {namespace}.")?;
    writeln!(page, "{}\n", serde_saphyr::to_string(&cluster_role(service_account))?.trim_end())?;
    writeln!(page, "# Its ClusterRole for spec.export. Without it, run the controller with --export=false.")?;
    writeln!(page, "{}\n", serde_saphyr::to_string(&export_role(service_account))?.trim_end())?;
    writeln!(page, "# Its Role in the namespace of its Lease.")?;
    writeln!(page, "{}", serde_saphyr::to_string(&lease_role(service_account))?.trim_end())?;
    Ok(page)
}

fn json(service_account: &ServiceAccount, rights: &[Rights]) -> String {
    let roles: Vec<_> = rights
        .iter()
        .map(|Rights { role_arn, account_id, classes, identity_policy, trust_policies, warnings }| {
            let trust_policies: Vec<_> = trust_policies
                .iter()
                .map(|(assumed_by, document)| json!({"assumedBy": assumed_by, "document": document}))
                .collect();
            json!({
                "roleArn": role_arn,
                "accountId": account_id,
                "classes": classes,
                "identityPolicy": identity_policy,
                "identityPolicyCharacters": identity_policy.characters(),
                "trustPolicies": trust_policies,
                "warnings": warnings,
            })
        })
        .collect();
    format!(
        "{:#}\n",
        json!({
            "roles": roles,
            "clusterRole": cluster_role(service_account),
            "exportClusterRole": export_role(service_account),
            "leaseRole": lease_role(service_account),
        })
    )
}

fn cluster_role(service_account: &ServiceAccount) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": service_account.name},
        "rules": policy_rules(),
    })
}

fn export_role(service_account: &ServiceAccount) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": format!("{}-export", service_account.name)},
        "rules": export_policy_rules(),
    })
}

fn lease_role(service_account: &ServiceAccount) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"namespace": service_account.namespace, "name": service_account.name},
        "rules": lease_policy_rules(),
    })
}

fn service_account(text: &str) -> Result<ServiceAccount, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() })
        }
        Some(_) | None => Err("a service account is NAMESPACE/NAME".to_owned()),
    }
}

fn role(text: &str) -> Result<String, String> {
    let name = text.trim_start_matches('/');
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@/-".contains(c)) {
        Ok(name.to_owned())
    } else {
        Err("a role's name has letters, digits and _+=,.@-, and slashes behind each part of its path".to_owned())
    }
}
