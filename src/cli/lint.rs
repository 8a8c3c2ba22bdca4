//! `lambdaroles lint`.

use std::process::ExitCode;

use serde_json::json;

use super::{
    Output,
    manifest::{Manifest, Manifests},
};
use crate::lint::Severity;

/// Say what is wrong with manifests, or risky, before they are applied.
///
/// The findings are those of the controller: an error is what it would refuse, a warning is what it would show in the
/// status. Nothing is asked of AWS or of a cluster. Exit status: 0 without errors, 1 with errors, 2 if the manifests or
/// the arguments cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    manifests: Manifests,

    /// How findings are written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Arguments) -> super::Result {
    let manifests = arguments.manifests.judged().map_err(super::Error::Usage)?;
    let count = |severity| findings(&manifests).filter(|(_, finding)| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    super::print(&match arguments.output {
        Output::Text => text(&manifests, errors, warnings),
        Output::Json => json(&manifests, errors, warnings),
    })?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn findings(manifests: &[Manifest]) -> impl Iterator<Item = (&Manifest, &crate::lint::Finding)> {
    manifests.iter().flat_map(|manifest| manifest.findings.iter().map(move |finding| (manifest, finding)))
}

fn text(manifests: &[Manifest], errors: usize, warnings: usize) -> String {
    let mut lines = Vec::new();
    for manifest in manifests.iter().filter(|manifest| !manifest.findings.is_empty()) {
        lines.push(format!("{manifest}\n"));
        for finding in &manifest.findings {
            let severity = finding.severity.to_string().to_lowercase();
            lines.push(format!("  {severity} {}: {finding}\n", finding.code));
        }
    }
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (errors, warnings) = (plural(errors, "error"), plural(warnings, "warning"));
    lines.push(format!("{errors}, {warnings} in {}\n", plural(manifests.len(), "manifest")));
    lines.concat()
}

fn json(manifests: &[Manifest], errors: usize, warnings: usize) -> String {
    let findings: Vec<_> = findings(manifests)
        .map(|(manifest, finding)| {
            json!({
                "file": manifest.file,
                "namespace": manifest.namespace,
                "name": manifest.name,
                "severity": finding.severity,
                "code": finding.code,
                "path": finding.path,
                "message": finding.message,
                "fix": finding.fix,
            })
        })
        .collect();
    let report = json!({"findings": findings, "errors": errors, "warnings": warnings, "manifests": manifests.len()});
    format!("{report:#}\n")
}
