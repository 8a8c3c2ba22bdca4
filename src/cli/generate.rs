//! `lambdaroles generate`: what is committed, but follows from the code.

mod reference;

use std::{collections::BTreeMap, fs, path::PathBuf, process::ExitCode};

use crate::{api, cluster::permissions};

/// Where the chart finds what it cannot say itself.
const CHART_FILES: &str = "charts/lambdaroles/files";

/// Where the pages are that describe the kinds.
const REFERENCE: &str = "docs/reference";

/// Write what is generated from the code into a clone of the project: the CRDs, the reference of their fields, and the rules of the chart's
/// RBAC.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The clone.
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> super::Result {
    for (name, text) in files()? {
        let file = arguments.folder.join(name);
        fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Each generated file, by its path in the clone.
fn files() -> Result<BTreeMap<String, String>, serde_saphyr::ser::Error> {
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
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_committed_is_what_this_code_generates() {
        for (name, generated) in files().unwrap() {
            let committed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&name)).unwrap_or_default();
            assert!(committed == generated, "{name} is stale: run `make generate` and commit it");
        }
    }
}
