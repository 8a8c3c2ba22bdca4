//! The controller as users run it: a process of its own, with its own service account.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::Result;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};

static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A running controller; killed when dropped.
#[derive(Debug)]
pub struct ControllerProcess {
    child: Child,
    log: PathBuf,
}

impl ControllerProcess {
    pub fn start(namespace: &str, aws_endpoint_url: &str, arguments: &[&str]) -> Result<Self> {
        let given = ["--namespace", namespace, "--aws-endpoint-url", aws_endpoint_url];
        let arguments = [&["controller"], &given[..], arguments].concat();
        // Not as an argument: a test may give another.
        Self::spawn(&arguments, &super::world::setting("CONTROLLER_KUBECONFIG"))
    }

    /// One with exactly these arguments but for its address, which is its own, as that of a Pod.
    pub fn start_as(arguments: &[&str], kubeconfig: &str) -> Result<Self> {
        Self::spawn(&[arguments, &["--listen", "127.0.0.1:0", "--admin-listen", ""]].concat(), kubeconfig)
    }

    fn spawn(arguments: &[&str], kubeconfig: &str) -> Result<Self> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = std::env::temp_dir().join(format!("lambdaroles-it-{}-{number}.log", std::process::id()));
        let child = Command::new(env!("CARGO_BIN_EXE_lambdaroles"))
            .env("LAMBDAROLES_KUBECONFIG", kubeconfig)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// Waits until it has ended; returns how.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Waits until its log holds `text`.
    pub async fn logged(&self, text: &str) {
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        while !self.log().contains(text) {
            interval.tick().await;
        }
    }

    /// Address of its endpoints, which it logs when it has one.
    pub fn address(&self) -> String {
        self.address_behind("listening")
    }

    /// Address that it logs behind `message`.
    pub fn address_behind(&self, message: &str) -> String {
        let log = self.log();
        let behind = log.split(&format!("{message} address=")).nth(1);
        behind.and_then(|rest| rest.split_whitespace().next()).unwrap().to_owned()
    }

    /// SIGKILL: no farewell.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        Ok(kill(Pid::from_raw(pid.unwrap_or_default()), signal)?)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for ControllerProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the controller ---\n{}", self.log());
        }
        let _ = fs::remove_file(&self.log);
    }
}
