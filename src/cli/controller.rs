//! `lambdaroles controller`.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    api::rule,
    aws::{Settings, WriteGate},
    cluster::{self, lease::Timing},
    controller::{self, Admin, Leadership, Options},
    telemetry::{self, Endpoint, FilterError, LogFormat, LogLevel, check_filter},
};

/// Run the controller.
///
/// AWS credentials come from the SDK's chain: environment, profile, web identity (IRSA), container (Pod Identity),
/// instance; a LambdaRoleClass may have roles assumed with them. Kubernetes credentials come from the kubeconfig, or from the Pod's service account.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Kubeconfig file. Default: $KUBECONFIG, ~/.kube/config, or the Pod's service account.
    #[arg(long, value_name = "FILE", env = "LAMBDAROLES_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig. Default: its current one.
    #[arg(long, value_name = "CONTEXT", env = "LAMBDAROLES_CONTEXT")]
    context: Option<String>,

    /// Namespace to watch; repeat it, or separate several by commas. Default: all.
    #[arg(long = "namespace", value_name = "NAMESPACE", env = "LAMBDAROLES_NAMESPACES", value_delimiter = ',')]
    namespaces: Vec<String>,

    /// Name of a LambdaRoleClass to serve; repeat it, or separate several by commas. Objects of other classes are left to
    /// other controllers. Default: all.
    #[arg(long = "class", value_name = "NAME", env = "LAMBDAROLES_CLASSES", value_delimiter = ',')]
    classes: Vec<String>,

    /// Name of this cluster in the tags that say whose a role is. Keep it when the cluster is rebuilt, and the new one
    /// takes its roles back. Default: the UID of the namespace kube-system.
    #[arg(long, value_name = "NAME", env = "LAMBDAROLES_CLUSTER_NAME", value_parser = cluster_name)]
    cluster_name: Option<String>,

    /// AWS region of classes that name none, for bare function names. Default: the SDK's chain, then us-east-1.
    #[arg(long, value_name = "REGION", env = "LAMBDAROLES_REGION")]
    region: Option<String>,

    /// Region whose functions are asked for before a role is deleted; repeat it, or separate several by commas.
    /// Default: the class's region.
    #[arg(
        long = "function-region",
        value_name = "REGION",
        env = "LAMBDAROLES_FUNCTION_REGIONS",
        value_delimiter = ','
    )]
    function_regions: Vec<String>,

    /// URL of an AWS emulator, for every service; spec.account.endpointUrl of a class goes before it.
    #[arg(long, value_name = "URL", env = "LAMBDAROLES_AWS_ENDPOINT_URL")]
    aws_endpoint_url: Option<String>,

    /// Objects that are worked on at the same time, in each AWS account.
    #[arg(long, value_name = "NUMBER", env = "LAMBDAROLES_CONCURRENCY", default_value = "8", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,

    /// How often IAM is looked at when nothing changes, 10 % more or less; the spec of an object or of its class goes before it.
    #[arg(long, value_name = "DURATION", env = "LAMBDAROLES_RESYNC", default_value = "10m", value_parser = interval)]
    resync: Duration,

    /// How long after the last change in IAM a role counts as ready; spec.defaults.settleWindow of a class goes before it.
    #[arg(long, value_name = "DURATION", env = "LAMBDAROLES_SETTLE", default_value = "15s", value_parser = duration)]
    settle: Duration,

    /// How often the default versions of AWS's own managed policies are read: once for each policy on a role, and for all roles
    /// of an account together.
    #[arg(long, value_name = "DURATION", env = "LAMBDAROLES_AWS_POLICY_INTERVAL", default_value = "24h", value_parser = interval)]
    aws_policy_interval: Duration,

    /// Whether replicas agree by a Lease on the one of them that works.
    #[arg(long, value_name = "BOOLEAN", env = "LAMBDAROLES_LEADER_ELECT", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    leader_elect: bool,

    /// Whether roles are handed over to workloads where their specs ask for it (spec.export), which needs rights on ConfigMaps.
    #[arg(long, value_name = "BOOLEAN", env = "LAMBDAROLES_EXPORT", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    export: bool,

    /// Namespace of the Lease. Default: the Pod's, or that of the kubeconfig's context.
    #[arg(long, value_name = "NAMESPACE", env = "LAMBDAROLES_LEASE_NAMESPACE")]
    lease_namespace: Option<String>,

    /// Name of the Lease. Controllers that serve other classes or namespaces than each other need other names.
    #[arg(long, value_name = "NAME", env = "LAMBDAROLES_LEASE_NAME", default_value = "lambdaroles")]
    lease_name: String,

    /// What this replica calls itself in the Lease, before a part that is made up at each start.
    #[arg(long, value_name = "NAME", env = "HOSTNAME", default_value = "lambdaroles")]
    replica: String,

    /// How long the others see no renewal of the Lease before one of them takes it.
    #[arg(long, value_name = "DURATION", env = "LAMBDAROLES_LEASE_DURATION", default_value = "15s", value_parser = interval)]
    lease_duration: Duration,

    /// How long the one that works goes on without a renewal that succeeded.
    #[arg(long, value_name = "DURATION", env = "LAMBDAROLES_LEASE_RENEW_DEADLINE", default_value = "10s", value_parser = interval)]
    lease_renew_deadline: Duration,

    /// How often the Lease is renewed, and looked at by the others.
    #[arg(long, value_name = "DURATION", env = "LAMBDAROLES_LEASE_RETRY_PERIOD", default_value = "2s", value_parser = interval)]
    lease_retry_period: Duration,

    /// Address of /livez, /readyz and /metrics. The default is every address of the machine; without IPv6, every one of IPv4.
    #[arg(long, value_name = "ADDRESS", env = "LAMBDAROLES_LISTEN", default_value = "[::]:8080")]
    listen: SocketAddr,

    /// Address of /loglevel, where --log is read (GET), changed (PUT) and restored (DELETE) while the controller runs. Empty: nowhere.
    #[arg(long, value_name = "ADDRESS", env = "LAMBDAROLES_ADMIN_LISTEN", default_value = "127.0.0.1:8081", value_parser = address_if_any)]
    admin_listen: AddressIfAny,

    /// URL of an OpenTelemetry collector that takes traces by OTLP over HTTP, for example http://collector:4318. Empty: no traces.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, default_value = "", hide_default_value = true, value_parser = endpoint_if_any)]
    otlp_endpoint: EndpointIfAny,

    /// How log lines look.
    #[arg(long, value_enum, env = "LAMBDAROLES_LOG_FORMAT", default_value_t)]
    log_format: LogFormat,

    /// What is logged, for example debug, or lambdaroles=debug,info.
    #[arg(long, value_name = "FILTER", env = "LAMBDAROLES_LOG", default_value = "info", value_parser = filter)]
    log: String,
}

pub(super) fn run(arguments: Arguments) -> super::Result {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let telemetry = telemetry::init(arguments.log_format, &arguments.log, arguments.otlp_endpoint.0.as_ref())?;
        let ended = Box::pin(control(arguments, telemetry.log_level)).await;
        if let Some(traces) = telemetry.traces {
            traces.flush().await;
        }
        ended
    })
}

async fn control(arguments: Arguments, log_level: LogLevel) -> super::Result {
    let config = kubernetes(&arguments).await?;
    let leadership = leadership(&arguments, &config.default_namespace)?;
    let client = cluster::connect(config)?;
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone()));
    let options = Options {
        namespaces: distinct(arguments.namespaces),
        cluster_name: arguments.cluster_name.filter(|name| !name.is_empty()),
        classes: distinct(arguments.classes),
        resync: arguments.resync,
        settle: arguments.settle,
        listen: arguments.listen,
        admin: arguments.admin_listen.0.map(|listen| Admin { listen, log_level }),
        leadership,
        export: arguments.export,
        aws: Settings {
            region: arguments.region.filter(|region| !region.is_empty()),
            endpoint_url: arguments.aws_endpoint_url.filter(|url| !url.is_empty()),
            function_regions: distinct(arguments.function_regions),
            concurrency: arguments.concurrency,
            aws_policy_interval: Some(arguments.aws_policy_interval),
            write_gate: WriteGate::default(),
        },
    };
    controller::run(client, options, stop).await?;
    Ok(ExitCode::SUCCESS)
}

fn leadership(arguments: &Arguments, namespace: &str) -> Result<Option<Leadership>, String> {
    if !arguments.leader_elect {
        return Ok(None);
    }
    let timing = Timing {
        duration: arguments.lease_duration,
        renew_deadline: arguments.lease_renew_deadline,
        retry_period: arguments.lease_retry_period,
    };
    let namespace = arguments.lease_namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or(namespace);
    Ok(Some(Leadership {
        namespace: namespace.to_owned(),
        lease_name: arguments.lease_name.clone(),
        // With what tells a Pod from its own earlier life.
        identity: format!("{}_{:016x}", arguments.replica, fastrand::u64(..)),
        timing: timing.check()?,
    }))
}

async fn kubernetes(arguments: &Arguments) -> Result<Config, Box<dyn std::error::Error + Send + Sync>> {
    let options = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
    match &arguments.kubeconfig {
        Some(file) => Ok(Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?),
        None if options.context.is_some() => Ok(Config::from_kubeconfig(&options).await?),
        None => Ok(Config::infer().await?),
    }
}

async fn cancel_on_signal(stop: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
}

fn duration(text: &str) -> Result<Duration, String> {
    match text.parse::<kube::core::Duration>() {
        Ok(duration) if !duration.is_negative() => Ok(duration.into()),
        Ok(_) => Err("must not be negative".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// An address, or none.
#[derive(Clone, Debug)]
struct AddressIfAny(Option<SocketAddr>);

fn address_if_any(text: &str) -> Result<AddressIfAny, String> {
    let address = (!text.is_empty()).then(|| text.parse()).transpose();
    address.map(AddressIfAny).map_err(|error: std::net::AddrParseError| error.to_string())
}

/// A collector, or none.
#[derive(Clone, Debug)]
struct EndpointIfAny(Option<Endpoint>);

fn endpoint_if_any(text: &str) -> Result<EndpointIfAny, String> {
    (!text.is_empty()).then(|| text.parse()).transpose().map(EndpointIfAny)
}

fn filter(text: &str) -> Result<String, FilterError> {
    check_filter(text).map(|_| text.to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval.is_zero() { Err("must be more than nothing".to_owned()) } else { Ok(interval) }
}

/// Each once, and no empty one: that is how an unset variable of a manifest looks.
fn distinct(list: Vec<String>) -> Vec<String> {
    list.into_iter().filter(|entry| !entry.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The name becomes the value of a tag. Empty stands for none.
fn cluster_name(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_alphanumeric() || "_.:/=+-@".contains(c);
    if text.chars().count() <= rule::TAG_VALUE_MAX && text.chars().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must have up to 256 letters, digits and _.:/=+-@".to_owned())
    }
}
