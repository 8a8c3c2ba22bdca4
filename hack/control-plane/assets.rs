//! The programs: fetched or built by the shell script beside this folder, which says where they are.

use std::{
    collections::HashMap,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::process::Process;

/// Paths of the programs.
pub struct Assets {
    pub etcd: PathBuf,
    pub kube_apiserver: PathBuf,
    pub kubectl: PathBuf,
    pub moto_server: PathBuf,
    pub aws: PathBuf,
    pub helm: PathBuf,
    /// Empty where there is none.
    pub promtool: PathBuf,
}

impl Assets {
    /// Fetches what is missing; the script shows its progress on standard error. It is ended if this is dropped.
    pub async fn fetch() -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hack/fetch-control-plane");
        let mut process = Process::spawn(Command::new(&script).stdout(Stdio::piped()))
            .with_context(|| format!("cannot run {}", script.display()))?;
        let status = process.ended().await?;
        ensure!(status.success(), "{} failed: see above", script.display());
        let mut text = String::new();
        process.child().stdout.take().context("the script has no output")?.read_to_string(&mut text)?;
        let paths: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let path = |name: &str| {
            let path = paths.get(name).with_context(|| format!("{} did not name {name}", script.display()))?;
            Ok::<_, anyhow::Error>(PathBuf::from(path))
        };
        Ok(Self {
            etcd: path("ETCD")?,
            kube_apiserver: path("KUBE_APISERVER")?,
            kubectl: path("KUBECTL")?,
            moto_server: path("MOTO_SERVER")?,
            aws: path("AWS_CLI")?,
            helm: path("HELM")?,
            promtool: path("PROMTOOL")?,
        })
    }
}
