//! Arguments, one call, and what went wrong.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use lambdaroles::cli::Arguments;

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(code) => code,
        Err(error) => {
            // If standard error is closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "lambdaroles: {error}");
            error.exit_code()
        }
    }
}
