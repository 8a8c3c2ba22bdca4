//! kubectl, as the control plane's wrapper hands it over.

use std::process::Stdio;

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

/// What kubectl prints, or what it complains of.
pub async fn kubectl(arguments: &[&str], manifest: Option<&Value>) -> Result<String, String> {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("no kubectl ({error}): run `make test`, which brings it"));
    let mut input = child.stdin.take().unwrap();
    input.write_all(manifest.map(Value::to_string).unwrap_or_default().as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    let [printed, told] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    if output.status.success() { Ok(printed) } else { Err(format!("{arguments:?}: {printed}{told}")) }
}

/// An object as the API server has it.
pub async fn stored(namespace: &str, object: &str) -> Value {
    let text = kubectl(&["get", object, "--namespace", namespace, "--output", "json"], None).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The minor version of kubectl itself: what it can do depends on it.
pub async fn minor_version() -> u32 {
    let text = kubectl(&["version", "--client", "--output", "json"], None).await.unwrap();
    let version: Value = serde_json::from_str(&text).unwrap();
    let minor = version["clientVersion"]["minor"].as_str().unwrap();
    minor.trim_end_matches('+').parse().unwrap()
}
