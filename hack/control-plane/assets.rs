//! The programs: fetched or built by the shell script beside this folder, which says where they are.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// Paths of the programs.
pub struct Assets {
    pub etcd: PathBuf,
    pub kube_apiserver: PathBuf,
    pub kubectl: PathBuf,
    pub moto_server: PathBuf,
    pub aws: PathBuf,
}

impl Assets {
    /// Fetches what is missing; the script shows its progress on standard error.
    pub fn fetch() -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hack/fetch-control-plane");
        let output = Command::new(&script)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", script.display()))?;
        ensure!(output.status.success(), "{} failed: see above", script.display());
        let text = String::from_utf8(output.stdout)?;
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
        })
    }
}
