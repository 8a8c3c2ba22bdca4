//! A control plane that outlives the command that started it, with the controllers that run in it.

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
    folder::remove_abandoned,
    node,
    process::{Process, Signals, foreign_variables},
    servers::client,
    session::{Chart, Session, ended_by, quoted},
};

/// What is in the cluster.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Arguments {
    /// Leave the cluster empty, to install the chart by hand.
    #[arg(long)]
    empty: bool,
}

/// How long `down` waits.
const DOWN_TIMEOUT: Duration = Duration::from_mins(2);

/// How often something in the background is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Starts `serve` in the background and waits until it is ready.
pub async fn up(arguments: Arguments) -> Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let state = State::here()?;
    if let Some(pid) = state.running()? {
        ensure!(state.is_ready(pid), "process {pid} is starting it already; its log is {}", state.log.display());
        state.explain("ran already, with the chart and the controller as they were then");
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        biased;
        signal = signals.next() => Ok(ended_by(signal)),
        started = start(&state, arguments) => {
            started?;
            if arguments.empty { state.explain_empty() } else { state.explain("are running") }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// If this is dropped before its end, what it started ends too.
async fn start(state: &State, arguments: Arguments) -> Result<()> {
    // Here, where its progress is seen; what runs in the background then finds everything in place.
    Assets::fetch().await?;
    let log = File::create(&state.log)?;
    let mut command = Command::new(env::current_exe()?);
    command
        .arg("serve")
        .args(arguments.empty.then_some("--empty"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let mut process = Process::spawn(&mut command)?;
    while !state.is_ready(i32::try_from(process.child().id())?) {
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
        // One that was killed leaves its files.
        let _ = fs::remove_file(&state.environment);
        remove_abandoned();
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

/// Control plane and controllers, until a signal comes.
pub async fn serve(arguments: Arguments) -> Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let state = State::here()?;
    let _lock = state.lock()?;
    let served = tokio::select! {
        biased;
        _ = signals.next() => Ok(()),
        served = run(&state, arguments) => served,
    };
    let _ = fs::remove_file(&state.environment);
    served.map(|()| ExitCode::SUCCESS)
}

async fn run(state: &State, arguments: Arguments) -> Result<()> {
    // Away from the terminal that may be closed.
    setsid()?;
    let chart = if arguments.empty { Chart::Absent } else { Chart::Installed { replicas: 1 } };
    let session = Session::start(chart).await?;

    let of = format!("{}\n", environment_of(i32::try_from(std::process::id())?));
    let unset = foreign_variables().into_iter().map(|name| format!("unset {name}\n"));
    let export = session.environment.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
    let log = format!("export CONTROLLER_LOG={}\n", quoted(&node::log(&session).to_string_lossy()));
    // It gets its name when it is whole: `up` waits for that.
    let part = state.environment.with_extension("part");
    fs::write(&part, [of].into_iter().chain(unset).chain(export).chain([log]).collect::<String>())?;
    fs::rename(part, &state.environment)?;
    node::run(&client(&session.control_plane.kubeconfig).await?, &session).await;
}

/// The first line of the environment of a process: one that was killed leaves its own behind.
fn environment_of(pid: i32) -> String {
    format!("# Of process {pid}, until: make down")
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

    /// Whether the environment of that process is there.
    fn is_ready(&self, pid: i32) -> bool {
        let environment = fs::read_to_string(&self.environment).unwrap_or_default();
        environment.lines().next() == Some(&environment_of(pid))
    }

    fn explain(&self, what: &str) {
        // Whoever closed the pipe does not care.
        let _ = writeln!(
            std::io::stdout(),
            "A Kubernetes API server, an AWS emulator and the controller, installed with the chart, {what}. In a shell of yours:

  . {}
  kubectl apply -f examples/class.yaml -f examples/lambda-ex.yaml
  kubectl get ler --watch
  aws iam get-role --role-name lambda-ex
  tail -f $CONTROLLER_LOG

They run until: make down",
            quoted(&self.environment.to_string_lossy())
        );
    }

    fn explain_empty(&self) {
        let _ = writeln!(
            std::io::stdout(),
            "A Kubernetes API server and an AWS emulator are running. In a shell of yours:

  . {}
  helm install lambdaroles charts/lambdaroles --namespace lambdaroles-system --create-namespace \\
    --set controller.awsEndpointUrl=$AWS_ENDPOINT_URL
  kubectl --namespace lambdaroles-system rollout status deployment/lambdaroles

What Deployments of the chart ask for runs as processes here; their log is $CONTROLLER_LOG. Until: make down",
            quoted(&self.environment.to_string_lossy())
        );
    }
}
