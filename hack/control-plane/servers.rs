//! etcd, kube-apiserver and moto.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    assets::Assets,
    certificates,
    folder::Folder,
    process::{Server, free_port},
};

/// How long a server may take to answer.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// The running servers. Dropped, they end in the opposite order of their start, and then their files go: the order of
/// the fields.
pub struct ControlPlane {
    pub kubeconfig: PathBuf,
    pub aws_endpoint_url: String,
    _moto: Server,
    _kube_apiserver: Option<Server>,
    _etcd: Option<Server>,
    pub folder: Folder,
}

impl ControlPlane {
    /// Starts everything; with `cluster`, the kubeconfig of one that is there, only the emulator.
    pub async fn start(assets: &Assets, cluster: Option<PathBuf>) -> Result<Self> {
        let folder = Folder::create()?;
        let started = Instant::now();
        let moto_port = free_port()?;
        let mut moto = moto(assets, moto_port, folder.path())?;
        let (kubeconfig, etcd, kube_apiserver) = if let Some(kubeconfig) = cluster {
            (kubeconfig, None, None)
        } else {
            let (kubeconfig, etcd, kube_apiserver) = kubernetes(assets, folder.path()).await?;
            (kubeconfig, Some(etcd), Some(kube_apiserver))
        };
        answering(&mut moto, moto_port).await?;
        eprintln!("control-plane: started in {:.1} s", started.elapsed().as_secs_f32());
        Ok(Self {
            kubeconfig,
            aws_endpoint_url: format!("http://127.0.0.1:{moto_port}"),
            _moto: moto,
            _kube_apiserver: kube_apiserver,
            _etcd: etcd,
            folder,
        })
    }
}

fn moto(assets: &Assets, port: u16, folder: &Path) -> Result<Server> {
    let mut command = Command::new(&assets.moto_server);
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        // It would stand for every account, whatever role was assumed. Without it the emulator's own is 123456789012.
        .env_remove("MOTO_ACCOUNT_ID");
    Server::start("moto", &command, folder)
}

async fn kubernetes(assets: &Assets, folder: &Path) -> Result<(PathBuf, Server, Server)> {
    let (client_port, peer_port, port) = (free_port()?, free_port()?, free_port()?);
    let etcd_url = format!("http://127.0.0.1:{client_port}");
    let peer_url = format!("http://127.0.0.1:{peer_port}");
    let mut command = Command::new(&assets.etcd);
    command
        .args(["--name", "local", "--data-dir", "etcd", "--unsafe-no-fsync"])
        .args(["--listen-client-urls", &etcd_url, "--advertise-client-urls", &etcd_url])
        .args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url])
        .args(["--initial-cluster", &format!("local={peer_url}")]);
    let mut etcd = Server::start("etcd", &command, folder)?;

    let certificates = certificates::write(folder)?;
    let mut command = Command::new(&assets.kube_apiserver);
    command
        .args([
            "--etcd-servers",
            &etcd_url,
            "--bind-address",
            "127.0.0.1",
            "--advertise-address",
            "127.0.0.1",
            "--secure-port",
            &port.to_string(),
        ])
        .args(["--tls-cert-file", "server.crt", "--tls-private-key-file", "server.key", "--cert-dir", "."])
        .args(["--client-ca-file", "ca.crt", "--authorization-mode", "RBAC"])
        .args(["--service-account-issuer", "https://kubernetes.default.svc"])
        .args(["--service-account-signing-key-file", "service-account.key"])
        .args(["--service-account-key-file", "service-account.pub"])
        // No controller makes the service accounts that this plugin would wait for.
        .args(["--disable-admission-plugins", "ServiceAccount"])
        .args(["--service-cluster-ip-range", "10.0.0.0/24"])
        // A loopback address may not stand in the endpoints of the service `kubernetes`, which nobody needs here.
        .args(["--endpoint-reconciler-type", "none"]);
    answering(&mut etcd, client_port).await?;
    let mut kube_apiserver = Server::start("kube-apiserver", &command, folder)?;

    let kubeconfig = folder.join("kubeconfig");
    let document = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "local",
        "clusters": [{"name": "local", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "certificate-authority": folder.join("ca.crt"),
        }}],
        "users": [{"name": "administrator", "user": {
            "client-certificate": written(folder, "client.crt", &certificates.client)?,
            "client-key": written(folder, "client.key", &certificates.client_key)?,
        }}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "administrator"}}],
    });
    fs::write(&kubeconfig, serde_json::to_vec_pretty(&document)?)?;
    answering(&mut kube_apiserver, port).await?;
    let client = client(&kubeconfig).await?;
    let started = Instant::now();
    // The namespaces that a cluster has from its beginning come a moment after the first answer.
    while !crate::install::is_ready(&client).await {
        kube_apiserver.check()?;
        if started.elapsed() > START_TIMEOUT {
            bail!("kube-apiserver is not ready after {START_TIMEOUT:?}");
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok((kubeconfig, etcd, kube_apiserver))
}

/// A client for the cluster of a kubeconfig, without the proxy that the environment may name for the world outside.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).context("cannot read the kubeconfig")?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.proxy_url = None;
    Ok(Client::try_from(config)?)
}

/// Waits until somebody listens on `port`.
async fn answering(server: &mut Server, port: u16) -> Result<()> {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        server.check()?;
        if started.elapsed() > START_TIMEOUT {
            bail!("nothing listens on port {port} after {START_TIMEOUT:?}");
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path)
}
