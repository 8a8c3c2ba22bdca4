//! A control plane with a controller that outlives the command that started it.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::Write,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, setsid},
};
use tokio::time::sleep;

use crate::{
    assets::Assets,
    process::{Process, Server, Signals, free_port},
    session::{Session, controller_binary, ended_by, foreign_variables, quoted},
};

/// How long `down` waits.
const DOWN_TIMEOUT: Duration = Duration::from_mins(2);

/// How often something in the background is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Starts `serve` in the background and waits until it is ready.
pub async fn up() -> Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let state = State::here()?;
    if let Some(pid) = state.running()? {
        ensure!(state.environment.exists(), "process {pid} is starting it already; its log is {}", state.log.display());
        println!("It runs already, with the controller as it was built then.");
        state.explain();
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        biased;
        signal = signals.next() => Ok(ended_by(signal)),
        started = start(&state) => {
            started?;
            state.explain();
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// If this is dropped before its end, what it started ends too.
async fn start(state: &State) -> Result<()> {
    // Here, where its progress is seen; what runs in the background then finds everything in place.
    Assets::fetch().await?;
    let log = File::create(&state.log)?;
    let mut command = Command::new(env::current_exe()?);
    command.arg("serve").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut process = Process::spawn(&mut command)?;
    while !state.environment.exists() {
        if let Some(status) = process.child().try_wait()? {
            bail!("it did not start ({status}):\n{}", fs::read_to_string(&state.log)?);
        }
        sleep(POLL).await;
    }
    process.leave();
    Ok(())
}

/// Ends what `up` started.
pub async fn down() -> Result<ExitCode> {
    let state = State::here()?;
    let Some(pid) = state.running()? else {
        println!("Nothing is running.");
        return Ok(ExitCode::SUCCESS);
    };
    kill(Pid::from_raw(pid), Signal::SIGTERM)?;
    let started = Instant::now();
    while state.running()?.is_some() {
        ensure!(started.elapsed() < DOWN_TIMEOUT, "process {pid} does not end");
        sleep(POLL).await;
    }
    println!("Ended.");
    Ok(ExitCode::SUCCESS)
}

/// Control plane and controller, until a signal comes.
pub async fn serve() -> Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let state = State::here()?;
    let _lock = state.lock()?;
    let served = tokio::select! {
        biased;
        _ = signals.next() => Ok(()),
        served = run(&state) => served,
    };
    let _ = fs::remove_file(&state.environment);
    served.map(|()| ExitCode::SUCCESS)
}

/// Runs until the controller ends, which it should not.
async fn run(state: &State) -> Result<()> {
    // Away from the terminal that may be closed.
    setsid()?;
    let session = Session::start().await?;
    let folder = session.control_plane.folder.path();
    let mut command = session.command(controller_binary()?);
    command
        .args(["controller", "--kubeconfig", &session.environment["CONTROLLER_KUBECONFIG"]])
        .args(["--aws-endpoint-url", &session.control_plane.aws_endpoint_url])
        .args(["--listen", &format!("127.0.0.1:{}", free_port()?)]);
    let mut controller = Server::start("controller", &command, folder)?;

    let unset = foreign_variables().into_iter().map(|name| format!("unset {name}\n"));
    let export = session.environment.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
    let log = format!("export CONTROLLER_LOG={}\n", quoted(&controller.log.to_string_lossy()));
    // It gets its name when it is whole: `up` waits for that.
    let part = state.environment.with_extension("part");
    fs::write(&part, unset.chain(export).chain([log]).collect::<String>())?;
    fs::rename(part, &state.environment)?;
    loop {
        controller.check()?;
        sleep(POLL).await;
    }
}

/// Where a background run leaves its traces.
struct State {
    /// Holds its process id, and is locked by it.
    process: PathBuf,
    /// What a shell needs to find it; there when everything is ready.
    environment: PathBuf,
    log: PathBuf,
}

impl State {
    fn here() -> Result<Self> {
        let cache = match env::var_os("XDG_CACHE_HOME") {
            Some(cache) => PathBuf::from(cache),
            None => {
                PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache")
            }
        };
        let folder = cache.join("lambdaroles").join("up");
        fs::create_dir_all(&folder)?;
        Ok(Self { process: folder.join("process"), environment: folder.join("environment"), log: folder.join("log") })
    }

    fn open(&self) -> Result<File> {
        Ok(File::options().create(true).truncate(false).read(true).write(true).open(&self.process)?)
    }

    /// Makes this process the one that runs.
    fn lock(&self) -> Result<File> {
        let mut file = self.open()?;
        file.try_lock().context("another process runs already")?;
        // What one that was killed left behind.
        let _ = fs::remove_file(&self.environment);
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        Ok(file)
    }

    /// The process that runs, if one does.
    fn running(&self) -> Result<Option<i32>> {
        match self.open()?.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(fs::read_to_string(&self.process)?.parse()?)),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    fn explain(&self) {
        println!(
            "A Kubernetes API server, an AWS emulator and the controller are running. In a shell of yours:

  . {}
  kubectl apply -f examples/lambda-ex.yaml
  kubectl get ler --watch
  aws iam get-role --role-name lambda-ex
  tail -f $CONTROLLER_LOG

They run until: make down",
            quoted(&self.environment.to_string_lossy())
        );
    }
}
