//! Processes that end with this one, however it ends.

use std::{
    collections::HashSet,
    env,
    fs::{self, File},
    io,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::{
        prctl::set_child_subreaper,
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use tokio::signal::unix::{self, SignalKind, signal};

/// How long a process may take to end before it is killed. The shell script that builds has a lot to remove.
const END_GRACE: Duration = Duration::from_secs(30);

/// How often a process is looked at that should end.
const END_POLL: Duration = Duration::from_millis(20);

/// The signals that ask for an end: caught from the moment this is made, so that everything is torn down before we go.
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    pub fn catch() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next of them.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hangup.recv() => Signal::SIGHUP,
        }
    }
}

/// A child process, ended and waited for when dropped.
pub struct Process(Child);

impl Process {
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.spawn().map(Self)
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Lets the process outlive us.
    pub fn leave(self) {
        std::mem::forget(self);
    }

    /// Sends a signal. That the process is gone already is no matter.
    pub fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Its exit status, once it has ended. The runtime's one thread stays free for signals meanwhile.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(END_POLL).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        self.signal(Signal::SIGTERM);
        if !within_grace(|| !matches!(self.0.try_wait(), Ok(None))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// A running server, ended when dropped.
pub struct Server {
    name: &'static str,
    process: Process,
    pub log: PathBuf,
}

impl Server {
    /// Starts `command` in the background, its output in `<folder>/<name>.log`.
    ///
    /// The process is in a group of its own, so that Ctrl-C reaches it only through us, after the tests have ended; and
    /// the kernel ends it should we be killed.
    pub fn start(name: &'static str, command: &Command, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        Self::start_logging(name, command, folder, (File::create(&log)?, log))
    }

    /// The same with its output in an open file, of which the path is told.
    pub fn start_logging(
        name: &'static str,
        command: &Command,
        folder: &Path,
        (output, log): (File, PathBuf),
    ) -> Result<Self> {
        let mut wrapped = Command::new("setpriv");
        wrapped.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
        for name in foreign_variables() {
            wrapped.env_remove(name);
        }
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        wrapped.current_dir(folder).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let process = Process::spawn(&mut wrapped)
            .with_context(|| format!("cannot start {name} (setpriv of util-linux is needed)"))?;
        Ok(Self { name, process, log })
    }

    /// An error with the end of the log if the process has ended.
    pub fn check(&mut self) -> Result<()> {
        let Some(status) = self.process.child().try_wait()? else { return Ok(()) };
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(20)..].join("\n");
        bail!("{} ended with {status}; the end of its log:\n{end}", self.name)
    }
}

/// Ends, when dropped, whatever a command has left running: it becomes our own child once its parent has ended. An
/// interrupted cargo, for example, does not take the tests with it that it runs.
pub struct Orphanage {
    /// The children from before, which are not the command's.
    servers: HashSet<Pid>,
}

impl Orphanage {
    /// Takes in the orphans of commands that are started from here on.
    pub fn open() -> Result<Self> {
        set_child_subreaper(true)?;
        Ok(Self { servers: children() })
    }

    /// The orphans that still run. Those that have ended leave the process table by being asked about.
    fn running(&self) -> Vec<Pid> {
        let mut orphans = children();
        orphans.retain(|child| !self.servers.contains(child));
        orphans
            .into_iter()
            .filter(|orphan| matches!(waitpid(*orphan, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive)))
            .collect()
    }
}

impl Drop for Orphanage {
    fn drop(&mut self) {
        let mut told = HashSet::new();
        let is_empty = within_grace(|| {
            let orphans = self.running();
            for orphan in orphans.iter().filter(|orphan| told.insert(**orphan)) {
                let _ = kill(*orphan, Signal::SIGTERM);
            }
            orphans.is_empty()
        });
        // The end of one may bring its own children to light.
        let _ = is_empty
            || within_grace(|| {
                let orphans = self.running();
                for orphan in &orphans {
                    let _ = kill(*orphan, Signal::SIGKILL);
                }
                orphans.is_empty()
            });
    }
}

/// Our children, by what the kernel says of every process.
fn children() -> HashSet<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent(*pid) == Some(Pid::this())).map(Pid::from_raw).collect()
}

fn parent(pid: i32) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; state and parent follow it.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok().map(Pid::from_raw)
}

/// Whether `is_done` came true before [`END_GRACE`] had passed. It blocks: the ends of things are waited for in `drop`.
fn within_grace(mut is_done: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !is_done() {
        if started.elapsed() > END_GRACE {
            return false;
        }
        thread::sleep(END_POLL);
    }
    true
}

/// Variables that would lead a program elsewhere: to a real AWS account, or over a proxy to this very machine.
pub fn foreign_variables() -> Vec<String> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names
        .filter(|name| {
            let is_proxy = ["http_proxy", "https_proxy", "all_proxy"].contains(&name.to_lowercase().as_str());
            is_proxy || name.starts_with("AWS_")
        })
        .collect()
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
