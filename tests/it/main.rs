//! The tests that need more than the library's own: a control plane, an emulator of AWS, a model of IAM.
//!
//! `make test` starts what they need. By hand: `cargo run --example control-plane -- exec cargo test --test it`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the tests are the controller's surroundings")]
#![allow(missing_docs, clippy::missing_panics_doc, reason = "tests")]

mod e2e;
mod harness;
