//! `lambdaroles render`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;

use super::manifest::{Manifest, Manifests};
use crate::{
    lint::Severity,
    plan::{DesiredRole, managed_policy::DesiredPolicy},
    policy::Document,
};

/// Print the roles and managed policies that manifests lead to: every setting and every document, as IAM would get them.
///
/// Nothing is asked of AWS or of a cluster. Exit status: 0 if all manifests lead to one, 1 if one does not (the reasons
/// go to standard error), 2 if the manifests or the arguments cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    manifests: Manifests,

    /// How roles are written: YAML documents, or one JSON list.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Output {
    /// One document a role.
    #[default]
    Yaml,
    /// One list.
    Json,
}

/// What IAM would hold.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Rendered<'a> {
    Role(Box<RenderedRole<'a>>),
    Policy(RenderedPolicy<'a>),
}

/// A managed policy as IAM would hold it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RenderedPolicy<'a> {
    file: &'a str,
    namespace: &'a str,
    name: &'a str,
    policy_name: &'a str,
    path: &'a str,
    description: &'a str,
    tags: &'a BTreeMap<String, String>,
    document: &'a Document,
    characters: usize,
}

/// A role as IAM would hold it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RenderedRole<'a> {
    file: &'a str,
    namespace: &'a str,
    name: &'a str,
    role_name: &'a str,
    path: &'a str,
    description: &'a str,
    max_session_duration_seconds: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<&'a str>,
    tags: &'a BTreeMap<String, String>,
    managed_policies: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    overflow_policies: BTreeMap<&'a str, &'a Document>,
    trust_policy: &'a Document,
    trust_policy_characters: usize,
    inline_policies: &'a BTreeMap<String, Document>,
    inline_policies_characters: usize,
}

pub(super) fn run(arguments: &Arguments) -> super::Result {
    let manifests = arguments.manifests.judged().map_err(super::Error::Usage)?;
    let rendered: Vec<_> = manifests.iter().filter_map(rendered).collect();
    super::print(&match arguments.output {
        Output::Yaml => {
            let documents = rendered.iter().map(serde_saphyr::to_string).collect::<Result<Vec<_>, _>>()?;
            documents.iter().flat_map(|yaml| ["---\n", yaml]).collect()
        }
        Output::Json => serde_json::to_string_pretty(&rendered)? + "\n",
    })?;
    let mut is_whole = true;
    // A class leads to no role, which is no fault of it, and a grant to one of another object.
    let leads_nowhere = |manifest: &&Manifest| manifest.role.is_none() && manifest.policy.is_none();
    let is_refused = |manifest: &&Manifest| manifest.findings.iter().any(|finding| finding.severity == Severity::Error);
    for manifest in manifests.iter().filter(leads_nowhere).filter(is_refused) {
        is_whole = false;
        writeln!(io::stderr(), "{manifest} leads to no role or policy")?;
        for finding in manifest.findings.iter().filter(|finding| finding.severity == Severity::Error) {
            writeln!(io::stderr(), "  {}: {finding}", finding.code)?;
        }
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn rendered(manifest: &Manifest) -> Option<Rendered<'_>> {
    let policy = || Some(Rendered::Policy(rendered_policy(manifest, manifest.policy.as_ref()?)));
    manifest.role.as_ref().map(|role| Rendered::Role(Box::new(rendered_role(manifest, role)))).or_else(policy)
}

fn rendered_policy<'a>(manifest: &'a Manifest, policy: &'a DesiredPolicy) -> RenderedPolicy<'a> {
    RenderedPolicy {
        file: &manifest.file,
        namespace: &manifest.namespace,
        name: &manifest.name,
        policy_name: &policy.name,
        path: &policy.path,
        description: &policy.description,
        tags: &policy.tags,
        document: &policy.document,
        characters: policy.document.characters(),
    }
}

fn rendered_role<'a>(manifest: &'a Manifest, role: &'a DesiredRole) -> RenderedRole<'a> {
    RenderedRole {
        file: &manifest.file,
        namespace: &manifest.namespace,
        name: &manifest.name,
        role_name: &role.name,
        path: &role.path,
        description: &role.description,
        max_session_duration_seconds: role.max_session_seconds,
        permissions_boundary: role.permissions_boundary.as_deref(),
        tags: &role.tags,
        managed_policies: &role.managed_policies,
        overflow_policies: role
            .overflow_policies
            .values()
            .map(|policy| (policy.name.as_str(), &policy.document))
            .collect(),
        trust_policy: &role.trust_policy,
        trust_policy_characters: role.trust_policy.characters(),
        inline_policies: &role.inline_policies,
        inline_policies_characters: role.inline_characters(),
    }
}
