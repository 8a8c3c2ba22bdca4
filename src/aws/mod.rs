//! The only importer of `aws_sdk_*`: reads what IAM and Lambda hold, and carries out steps. It decides nothing.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the layer that talks to AWS")]

mod account;
mod accounts;
mod apply;
mod calls;
mod client;
mod credentials;
mod error;
mod gate;
mod limits;
mod managed_policy;
mod observe;
mod policy;

pub use account::Identity;
pub use accounts::{Accounts, CredentialState};
pub use apply::{Applied, Written, apply};
pub use calls::{Call, CallObserver, CallOutcome};
pub use client::{Aws, Settings};
pub use error::{About, Error, Kind};
pub use gate::WriteGate;
