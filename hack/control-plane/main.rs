//! A Kubernetes control plane and an AWS emulator on this machine: real etcd, real kube-apiserver with RBAC, moto.
//! `make demo`, `make test`, `make up` and CI share it.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a command line tool")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "starts what the controller talks to")]
#![allow(clippy::doc_markdown, reason = "doc comments of arguments are the text of --help")]

mod assets;
mod background;
mod certificates;
mod environment;
mod folder;
mod install;
mod node;
mod process;
mod servers;
mod session;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A Kubernetes control plane and an AWS emulator on this machine, on loopback and free ports.
#[derive(Parser)]
#[command(name = "control-plane", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything, run a command with it, and tear everything down again.
    ///
    /// The command finds KUBECONFIG (administrator), LAMBDAROLES_TEST_CLUSTER=1, CONTROLLER_KUBECONFIG (the
    /// controller's own service account), AWS_ENDPOINT_URL, AWS credentials that the emulator takes, HELM, PROMTOOL, and on PATH a
    /// folder with kubectl, helm, aws and, if it was built, lambdaroles. The chart is installed, without replicas. What it leaves running is ended. If KUBECONFIG is
    /// set and LAMBDAROLES_TEST_CLUSTER is 1, that cluster is used instead of a local one.
    Exec {
        /// The command.
        program: String,
        /// Its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Start everything in the background, install the chart, and leave it running until `down`.
    ///
    /// What the chart's Deployment asks for runs as processes on this machine, each with a token of its service account; when the
    /// Deployment changes they are started anew.
    Up(background::Arguments),
    /// End what `up` started.
    Down,
    /// What `up` runs in the background.
    #[command(hide = true)]
    Serve(background::Arguments),
}

// One thread: the servers die with the thread that started them, which must be the process's own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Exec { program, arguments } => session::exec(&program, &arguments).await,
        Command::Up(arguments) => background::up(arguments).await,
        Command::Down => background::down().await,
        Command::Serve(arguments) => background::serve(arguments).await,
    };
    result.unwrap_or_else(|error| {
        eprintln!("control-plane: {error:#}");
        ExitCode::FAILURE
    })
}
