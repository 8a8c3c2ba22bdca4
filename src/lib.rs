//! Kubernetes controller for the IAM execution roles of AWS Lambda functions.
//!
//! `main → cli → controller → {cluster, aws, telemetry} → plan → lint → catalog → policy`, with `api` beside `plan`; nothing
//! imports upward. `policy`, `catalog`, `lint` and `plan` are pure. See `docs/architecture.md`.

pub mod admin;
pub mod api;
pub mod aws;
pub mod catalog;
pub mod cli;
pub mod cluster;
pub mod controller;
pub mod lint;
pub mod plan;
pub mod policy;
pub mod server;
pub mod telemetry;
