//! `lambdaroles crds`.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use crate::api;

/// Print the CustomResourceDefinitions.
///
/// To install them: lambdaroles crds | kubectl apply --server-side -f -
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write each into a file of its own in this folder instead.
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> super::Result {
    for crd in api::crds() {
        let yaml = serde_saphyr::to_string(&crd)?;
        match &arguments.output {
            None => write!(std::io::stdout(), "---\n{yaml}")?,
            Some(folder) => {
                let file = folder.join(format!("{}.yaml", crd.spec.names.plural));
                fs::write(&file, yaml).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
