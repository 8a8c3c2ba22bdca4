//! The command line: one file a subcommand.

#![allow(clippy::disallowed_types, reason = "wires the clients up")]
#![allow(clippy::doc_markdown, reason = "doc comments of arguments are the text of --help")]

mod controller;
mod crds;

use clap::{Parser, Subcommand};

type Result = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

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
}

impl Arguments {
    /// Carries the command out.
    ///
    /// # Errors
    /// Whatever ends the command early, as a sentence for the terminal.
    pub fn run(self) -> Result {
        match self.command {
            Command::Controller(arguments) => controller::run(*arguments),
            Command::Crds(arguments) => crds::run(&arguments),
        }
    }
}
