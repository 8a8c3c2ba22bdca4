//! The tests that need more than the library's own: a control plane, an emulator of AWS, a model of IAM.
//!
//! `make test` starts what they need. By hand: `cargo run --example control-plane -- exec cargo test --test it`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the tests are the controller's surroundings")]
#![allow(missing_docs, missing_debug_implementations, clippy::missing_panics_doc, reason = "tests")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that panics has failed, and says why"
)]
#![allow(clippy::needless_pass_by_value, reason = "JSON literals are handed over as they stand")]

mod accounts;
mod chart;
mod cli;
mod docs;
mod e2e;
mod gitops;
mod harness;
mod monitoring;
mod properties;
mod rewrite;
mod rights;
