//! What the subcommands do.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    assets::Assets,
    install,
    process::{Server, free_port},
    servers::{ControlPlane, client},
};

/// How long `up` waits for what it started, and `down` for its end.
const TIMEOUT: Duration = Duration::from_mins(3);

/// The running control plane, and what a command needs to find it.
struct Session {
    control_plane: ControlPlane,
    environment: BTreeMap<&'static str, String>,
}

impl Session {
    async fn start() -> Result<Self> {
        let cluster = match env::var("LAMBDAROLES_TEST_CLUSTER").as_deref() {
            Ok("1") => Some(PathBuf::from(
                env::var("KUBECONFIG").context("LAMBDAROLES_TEST_CLUSTER is 1, but KUBECONFIG names no cluster")?,
            )),
            _ => None,
        };
        let assets = Assets::fetch()?;
        let control_plane = ControlPlane::start(&assets, cluster).await?;
        let client = client(&control_plane.kubeconfig).await?;
        install::install(&client).await?;
        let folder = control_plane.folder.path();
        let controller = install::controller_kubeconfig(&client, &control_plane.kubeconfig, folder).await?;
        let programs = programs(&assets, folder)?;
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(programs).chain(env::split_paths(&path)))?;
        let environment = BTreeMap::from([
            ("KUBECONFIG", control_plane.kubeconfig.display().to_string()),
            ("LAMBDAROLES_TEST_CLUSTER", "1".to_owned()),
            ("CONTROLLER_KUBECONFIG", controller.display().to_string()),
            ("AWS_ENDPOINT_URL", control_plane.aws_endpoint_url.clone()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_PAGER", String::new()),
            ("PATH", path.to_string_lossy().into_owned()),
        ]);
        Ok(Self { control_plane, environment })
    }
}

/// A folder with kubectl and aws under these names: where they come from they may be called otherwise.
fn programs(assets: &Assets, folder: &Path) -> Result<PathBuf> {
    let programs = folder.join("bin");
    fs::create_dir(&programs)?;
    symlink(&assets.kubectl, programs.join("kubectl"))?;
    symlink(&assets.aws, programs.join("aws"))?;
    Ok(programs)
}

/// Everything up, the command, everything down. The command's exit status becomes ours.
pub async fn exec(command: &[String]) -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let session = tokio::select! {
        session = Session::start() => session?,
        _ = terminate.recv() => return Ok(ExitCode::from(143)),
        _ = interrupt.recv() => return Ok(ExitCode::from(130)),
    };
    let [program, arguments @ ..] = command else { bail!("there is no command to run") };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .envs(&session.environment)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            // Ctrl-C reaches the command by itself; a SIGTERM is passed on.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => if let Some(pid) = pid {
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
    };
    drop(session.control_plane);
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Starts `serve` in the background and waits until it is ready.
pub async fn up() -> Result<ExitCode> {
    let state = State::here()?;
    if let Some(pid) = state.running() {
        println!("It is running already (process {pid}).\n\n{}", fs::read_to_string(&state.environment)?);
        return Ok(ExitCode::SUCCESS);
    }
    let _ = fs::remove_file(&state.environment);
    let log = fs::File::create(&state.log)?;
    let mut child = Command::new("setsid")
        .arg(env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    eprintln!("control-plane: starting; log in {}", state.log.display());
    let started = Instant::now();
    while !state.environment.exists() {
        if let Some(status) = child.try_wait()? {
            bail!("it did not start ({status}):\n{}", fs::read_to_string(&state.log)?);
        }
        sleep(Duration::from_millis(200)).await;
        if started.elapsed() > Duration::from_hours(1) {
            bail!("it has not started after an hour: see {}", state.log.display());
        }
    }
    println!("Ready. In your shell:\n\n{}", fs::read_to_string(&state.environment)?);
    println!("Then, for example: kubectl apply -f examples/lambda-ex.yaml; kubectl get ler -w. End it with: make down");
    Ok(ExitCode::SUCCESS)
}

/// Ends what `up` started.
pub async fn down() -> Result<ExitCode> {
    let state = State::here()?;
    let Some(pid) = state.running() else {
        println!("Nothing is running.");
        return Ok(ExitCode::SUCCESS);
    };
    kill(Pid::from_raw(pid), Signal::SIGTERM)?;
    let started = Instant::now();
    while state.running().is_some() {
        ensure!(started.elapsed() < TIMEOUT, "process {pid} does not end");
        sleep(Duration::from_millis(100)).await;
    }
    println!("Ended.");
    Ok(ExitCode::SUCCESS)
}

/// Control plane and controller, until SIGTERM.
pub async fn serve() -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let state = State::here()?;
    fs::write(&state.pid, std::process::id().to_string())?;
    let session = tokio::select! {
        session = Session::start() => session?,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
    };
    let mut controller = controller(&session)?;
    let lines = session.environment.iter().map(|(key, value)| format!("export {key}='{value}'\n"));
    fs::write(&state.environment, lines.collect::<String>())?;
    let ended = loop {
        tokio::select! {
            _ = terminate.recv() => break Ok(ExitCode::SUCCESS),
            () = sleep(Duration::from_secs(1)) => if let Err(error) = controller.check() { break Err(error) },
        }
    };
    drop(controller);
    drop(session);
    let _ = fs::remove_file(&state.environment);
    let _ = fs::remove_file(&state.pid);
    ended
}

/// The controller, with its own service account; its binary lies one folder above this one's.
fn controller(session: &Session) -> Result<Server> {
    let binary = env::current_exe()?;
    let binary = binary.parent().and_then(Path::parent).context("this binary lies nowhere")?.join("lambdaroles");
    let mut command = Command::new(binary);
    command
        .args(["controller", "--kubeconfig", &session.environment["CONTROLLER_KUBECONFIG"]])
        .args(["--aws-endpoint-url", &session.control_plane.aws_endpoint_url])
        .args(["--listen", &format!("127.0.0.1:{}", free_port()?)])
        .envs(&session.environment);
    Server::start("controller", command, session.control_plane.folder.path())
}

/// Where a background run leaves its traces.
struct State {
    pid: PathBuf,
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
        Ok(Self { pid: folder.join("pid"), environment: folder.join("environment"), log: folder.join("log") })
    }

    /// The process, if it is there and is ours.
    fn running(&self) -> Option<i32> {
        let pid: i32 = fs::read_to_string(&self.pid).ok()?.trim().parse().ok()?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        String::from_utf8_lossy(&command).contains("control-plane").then_some(pid)
    }
}
