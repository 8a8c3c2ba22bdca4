//! The chart, rendered and installed by real Helm. `make test` says where Helm is.

mod admission;
mod export;
mod install;
mod render;
mod values;

use std::{env, ffi::OsString, fs, path::Path, process::Command};

use serde_json::Value;

pub const CHART: &str = "charts/lambdaroles";

/// The admission policy of the classes' guardrails, and its binding.
const GUARDRAILS: &str = "guardrails.lambdaroles.dev";

/// A program that lies beside Helm, or Helm itself.
fn beside_helm(program: &str) -> Command {
    let helm = env::var_os("HELM").unwrap_or_else(|| {
        panic!("HELM names no Helm: run `make test`, or cargo run --example control-plane -- exec cargo test --test it")
    });
    let mut command = Command::new(Path::new(&helm).with_file_name(program));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// What a command prints, or what it complains of.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap();
    let [printed, told] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    if output.status.success() { Ok(printed) } else { Err(printed + &told) }
}

/// What a Helm command with these values prints, or what it complains of.
fn helm(arguments: &[&str], values: &Value) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, values.to_string()).unwrap();
    output(beside_helm("helm").args(arguments).args([OsString::from("--values"), file.path().into()]))
}

/// The manifests, each as text with what Helm says of its source.
fn template(values: &Value, arguments: &[&str]) -> Result<Vec<(String, Value)>, String> {
    let command = ["template", "lambdaroles", CHART, "--namespace", "lambdaroles-system"];
    let text = helm(&[&command[..], arguments].concat(), values)?;
    let documents = text.split("---\n").map(|text| (text.to_owned(), serde_saphyr::from_str(text).unwrap()));
    Ok(documents.filter(|(_, manifest): &(_, Value)| !manifest.is_null()).collect())
}

pub fn rendered(values: &Value) -> Vec<Value> {
    template(values, &[]).unwrap().into_iter().map(|(_, manifest)| manifest).collect()
}

fn named(kind: &str, name: &str, manifests: &[Value]) -> Value {
    let of_name: Vec<Value> =
        manifests.iter().filter(|manifest| manifest["metadata"]["name"] == name).cloned().collect();
    of_kind(kind, &of_name)
}

pub fn of_kind(kind: &str, manifests: &[Value]) -> Value {
    let mut found = manifests.iter().filter(|manifest| manifest["kind"] == kind);
    let manifest = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "several of {kind}");
    manifest.clone()
}
