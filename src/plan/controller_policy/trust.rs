//! Who may become the roles that the controller acts as.

use std::collections::BTreeMap;

use crate::policy::{
    Document, Statement,
    document::{Conditions, Effect, Matching, Principal},
};

/// Where the controller's process runs.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// Namespace of its service account.
    pub namespace: &'a str,
    /// Name of its service account.
    pub service_account: &'a str,
    /// The cluster's OIDC issuer without `https://`, for IRSA.
    pub oidc_provider: &'a str,
}

/// Who assumes a role.
#[derive(Clone, Copy, Debug)]
pub enum Assumer<'a> {
    /// The controller's Pod by its service account's token: IRSA, or any other OIDC issuer that IAM trusts.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>
    WebIdentity {
        /// Partition of the account.
        partition: &'a str,
        /// The account that the OIDC provider and the role are in.
        account_id: &'a str,
        /// Where the Pod runs.
        workload: Workload<'a>,
    },
    /// The controller's Pod through the agent on its node, which passes on where the Pod runs as tags of the session.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html>
    PodIdentity {
        /// The account of the cluster and of the role.
        account_id: &'a str,
        /// Where the Pod runs.
        workload: Workload<'a>,
    },
    /// The role before it in a chain.
    Role {
        /// Its ARN.
        arn: &'a str,
        /// What it must present, if anything.
        external_id: Option<&'a str>,
    },
}

/// The trust policy of a role that these may assume, and nobody else.
#[must_use]
pub fn trust_policy(assumers: &[Assumer<'_>]) -> Document {
    Document::new(assumers.iter().flat_map(|assumer| statements(*assumer)).collect())
}

fn statements(assumer: Assumer<'_>) -> Vec<Statement> {
    match assumer {
        Assumer::WebIdentity { partition, account_id, workload } => {
            let Workload { namespace, service_account, oidc_provider } = workload;
            let provider = format!("arn:{partition}:iam::{account_id}:oidc-provider/{oidc_provider}");
            let subject = format!("system:serviceaccount:{namespace}:{service_account}");
            vec![statement(
                "Federated",
                &provider,
                &["sts:AssumeRoleWithWebIdentity"],
                &[(&format!("{oidc_provider}:aud"), "sts.amazonaws.com"), (&format!("{oidc_provider}:sub"), &subject)],
            )]
        }
        Assumer::PodIdentity { account_id, workload } => {
            let Workload { namespace, service_account, oidc_provider: _ } = workload;
            vec![statement(
                "Service",
                "pods.eks.amazonaws.com",
                &["sts:AssumeRole", "sts:TagSession"],
                &[
                    ("aws:RequestTag/kubernetes-namespace", namespace),
                    ("aws:RequestTag/kubernetes-service-account", service_account),
                    ("aws:SourceAccount", account_id),
                ],
            )]
        }
        // Only `AssumeRole` carries the external id. The tags are those of the class, and those that Pod Identity hands on
        // through the whole chain: <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html>.
        Assumer::Role { arn, external_id } => {
            let presented: Vec<_> = external_id.iter().map(|id| ("sts:ExternalId", *id)).collect();
            vec![
                statement("AWS", arn, &["sts:AssumeRole"], &presented),
                statement("AWS", arn, &["sts:TagSession"], &[]),
            ]
        }
    }
}

fn statement(kind: &str, principal: &str, actions: &[&str], equal: &[(&str, &str)]) -> Statement {
    let equal: BTreeMap<_, _> =
        equal.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect();
    Statement {
        sid: None,
        effect: Effect::Allow,
        principal: Some(Principal::Listed(BTreeMap::from([(kind.to_owned(), vec![principal.to_owned()])]))),
        not_principal: None,
        actions: Matching::In(actions.iter().map(|action| (*action).to_owned()).collect()),
        resources: None,
        conditions: if equal.is_empty() {
            Conditions::new()
        } else {
            Conditions::from([("StringEquals".to_owned(), equal)])
        },
    }
}
