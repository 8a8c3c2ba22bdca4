//! `lambdaroles generate`: what is committed, but follows from the code.

mod reference;

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{api, cluster::permissions};

/// Where the chart finds what it cannot say itself.
const CHART_FILES: &str = "charts/lambdaroles/files";

/// Where the pages are that describe the kinds.
const REFERENCE: &str = "docs/reference";

/// What Argo CD shows as the health of our objects, for all kinds alike.
const HEALTH_CHECK: &str = "examples/argocd/health.lua";

/// The same where Argo CD reads it: a key a kind of its ConfigMap.
const HEALTH_CHECKS: &str = "examples/argocd/argocd-cm-patch.yaml";

/// Write what is generated from the code into a clone of the project: the CRDs, the reference of their fields, the rules of the chart's
/// RBAC, the health checks for Argo CD.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The clone.
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> super::Result {
    for (name, text) in files(&arguments.folder)? {
        let file = arguments.folder.join(name);
        fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Each generated file, by its path in the clone.
fn files(folder: &Path) -> Result<BTreeMap<String, String>, super::Error> {
    let mut files = BTreeMap::new();
    for crd in api::crds() {
        let yaml = serde_saphyr::to_string(&crd)?;
        let name = format!("{}.yaml", crd.spec.names.plural);
        // Helm reads nothing outside of the chart.
        files.insert(format!("{CHART_FILES}/crds/{name}"), yaml.clone());
        files.insert(format!("crds/{name}"), yaml);
        let (name, page) = reference::page(&crd);
        files.insert(format!("{REFERENCE}/{name}"), page);
    }
    files.insert(format!("{CHART_FILES}/rules.yaml"), serde_saphyr::to_string(&permissions::chart())?);
    let file = folder.join(HEALTH_CHECK);
    let check = fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    files.insert(HEALTH_CHECKS.to_owned(), health_checks(&check));
    Ok(files)
}

/// The health check of every kind, as a patch: whoever applied the whole ConfigMap would take away what else is in it.
/// <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#way-1-define-a-custom-health-check-in-argocd-cm-configmap>
fn health_checks(check: &str) -> String {
    let mut patch = format!(
        "# {HEALTH_CHECK} for each kind; `make generate` writes it. A patch, as Argo CD keeps other settings there, too:\n\
         #   kubectl patch configmap argocd-cm --namespace argocd --patch-file {HEALTH_CHECKS}\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\ndata:\n"
    );
    let kinds: BTreeMap<_, _> = api::crds().into_iter().map(|crd| (crd.spec.names.kind, crd.spec.group)).collect();
    for (kind, group) in kinds {
        // Writing to a string does not fail.
        let _ = writeln!(patch, "  resource.customizations.health.{group}_{kind}: |");
        for line in check.lines() {
            let _ = if line.is_empty() { writeln!(patch) } else { writeln!(patch, "    {line}") };
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_what_this_code_generates() {
        let clone = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, generated) in files(clone).unwrap() {
            let committed = fs::read_to_string(clone.join(&name)).unwrap_or_default();
            assert!(committed == generated, "{name} is stale: run `make generate` and commit it");
        }
    }
}
