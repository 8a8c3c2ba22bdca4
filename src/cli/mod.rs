//! The command line: one file a subcommand.

#![allow(clippy::disallowed_types, reason = "wires the clients up")]
#![allow(clippy::doc_markdown, reason = "doc comments of arguments are the text of --help")]

mod classes;
mod controller;
mod controller_policy;
mod crds;
mod generate;
mod grants;
mod lint;
mod manifest;
mod references;
mod render;
mod schema;

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// What ends a command early.
#[derive(Debug)]
pub enum Error {
    /// What the user gave cannot be used.
    Usage(String),
    /// Something failed on the way.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The process's exit status: 2 for usage, as clap has it, else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

/// A sentence for the terminal.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// How what a command tells is written.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

type Result = std::result::Result<ExitCode, Error>;

/// Writes to standard output. Who reads it may stop before its end, as `head` does: that is no failure.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Kubernetes controller for the IAM execution roles of AWS Lambda functions.
///
/// A LambdaExecutionRole describes the role; the controller makes IAM equal to it and keeps it so.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Controller(Box<controller::Arguments>),
    Crds(crds::Arguments),
    #[command(hide = true)]
    Generate(generate::Arguments),
    Render(render::Arguments),
    Lint(lint::Arguments),
    ControllerPolicy(controller_policy::Arguments),
}

impl Arguments {
    /// Carries the command out.
    ///
    /// # Errors
    /// Whatever ends the command early.
    pub fn run(self) -> std::result::Result<ExitCode, Error> {
        match self.command {
            Command::Controller(arguments) => controller::run(*arguments),
            Command::Crds(arguments) => crds::run(&arguments),
            Command::Generate(arguments) => generate::run(&arguments),
            Command::Render(arguments) => render::run(&arguments),
            Command::Lint(arguments) => lint::run(&arguments),
            Command::ControllerPolicy(arguments) => controller_policy::run(&arguments),
        }
    }
}
