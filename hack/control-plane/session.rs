//! A running control plane, what a command needs to find it, and running one with it.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus},
};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::{
    assets::Assets,
    install,
    process::{Orphanage, Process, Signals, foreign_variables},
    servers::{ControlPlane, client},
};

/// What a shell answers if there is no such program.
const NOT_FOUND: u8 = 127;

/// Whether the chart is installed from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chart {
    /// With that many replicas.
    Installed {
        /// None where tests start controllers of their own.
        replicas: u8,
    },
    /// Left to whoever uses the cluster.
    Absent,
}

/// The running control plane, and what a command needs to find it.
pub struct Session {
    pub control_plane: ControlPlane,
    pub environment: BTreeMap<&'static str, String>,
}

impl Session {
    /// Starts everything that runs. What did is ended if this is dropped.
    pub async fn start(chart: Chart) -> Result<Self> {
        let cluster = match env::var("LAMBDAROLES_TEST_CLUSTER").as_deref() {
            Ok("1") => Some(PathBuf::from(
                env::var("KUBECONFIG").context("LAMBDAROLES_TEST_CLUSTER is 1, but KUBECONFIG names no cluster")?,
            )),
            _ => None,
        };
        let assets = Assets::fetch().await?;
        let control_plane = ControlPlane::start(&assets, cluster).await?;
        let folder = control_plane.folder.path();
        let mut controller = None;
        if let Chart::Installed { replicas } = chart {
            let client = client(&control_plane.kubeconfig).await?;
            let values = json!({
                "replicaCount": replicas,
                "controller": {"awsEndpointUrl": control_plane.aws_endpoint_url, "log": {"format": "text"}},
            });
            install::install(&assets, &client, &control_plane.kubeconfig, &values).await?;
            let account = (install::NAMESPACE, install::NAME);
            controller = Some(install::kubeconfig_of(&client, &control_plane.kubeconfig, folder, account).await?);
        }
        let programs = programs(&assets, folder)?;
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(programs).chain(env::split_paths(&path)))?;
        let mut environment = BTreeMap::from([
            ("KUBECONFIG", control_plane.kubeconfig.display().to_string()),
            ("HELM", assets.helm.display().to_string()),
            ("PROMTOOL", assets.promtool.display().to_string()),
            ("AWS_ENDPOINT_URL", control_plane.aws_endpoint_url.clone()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_PAGER", String::new()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("PATH", path.to_string_lossy().into_owned()),
        ]);
        environment.extend(controller.map(|file| ("CONTROLLER_KUBECONFIG", file.display().to_string())));
        Ok(Self { control_plane, environment })
    }

    /// `program`, with an environment in which it finds the control plane.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for name in foreign_variables() {
            command.env_remove(name);
        }
        command.envs(&self.environment);
        command
    }
}

/// The controller as it was built with this program; it lies one folder above.
pub fn controller_binary() -> Result<PathBuf> {
    let binary = env::current_exe()?;
    Ok(binary.parent().and_then(Path::parent).context("this program lies nowhere")?.join("lambdaroles"))
}

/// `text` as one word of a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A folder with kubectl, helm, aws and lambdaroles under these names: where they come from they may be called otherwise.
fn programs(assets: &Assets, folder: &Path) -> Result<PathBuf> {
    let programs = folder.join("bin");
    fs::create_dir(&programs)?;
    symlink(&assets.aws, programs.join("aws"))?;
    symlink(&assets.helm, programs.join("helm"))?;
    symlink(controller_binary()?, programs.join("lambdaroles"))?;
    // kubectl would leave what it remembers of this API server in the home folder.
    let cache = folder.join("kubectl-cache");
    let [kubectl, cache] = [&assets.kubectl, &cache].map(|path| quoted(&path.to_string_lossy()));
    let script = format!("#!/bin/sh\nexec {kubectl} --cache-dir {cache} \"$@\"\n");
    fs::write(programs.join("kubectl"), script)?;
    fs::set_permissions(programs.join("kubectl"), fs::Permissions::from_mode(0o755))?;
    Ok(programs)
}

/// Everything up, the command, everything down. The command's exit status becomes ours.
pub async fn exec(program: &str, arguments: &[String]) -> Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let session = tokio::select! {
        biased;
        signal = signals.next() => return Ok(ended_by(signal)),
        session = Session::start(Chart::Installed { replicas: 0 }) => session?,
    };
    let _orphanage = Orphanage::open()?;
    let mut command = session.command(program);
    // What an interrupted command leaves behind goes with our own files.
    command.args(arguments).env("LAMBDAROLES_TEST_CLUSTER", "1").env("TMPDIR", session.control_plane.folder.path());
    let mut process = match Process::spawn(&mut command) {
        Ok(process) => process,
        Err(error) => {
            eprintln!("control-plane: cannot run {program}: {error}");
            return Ok(ExitCode::from(NOT_FOUND));
        }
    };
    let status = loop {
        tokio::select! {
            biased;
            status = process.ended() => break status?,
            // Ctrl-C reached the command by itself, but not if it came just before the start.
            signal = signals.next() => process.signal(signal),
        }
    };
    Ok(exit_code(status))
}

/// The exit code of a process that a signal ended, as shells have it.
pub fn ended_by(signal: Signal) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal as i32).unwrap_or(u8::MAX))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
