//! Every decision about a managed policy that an object describes: what the spec asks for ([`desired`]), what differs
//! ([`diff`]), what may be done about it ([`guard`], [`compliance`], [`removal`]) and what is said of it ([`status`]).
//!
//! It is the pipeline of roles with a policy in the place of the role. `docs/decisions/0015-managed-policies.md` says what is
//! decided differently, and why.

pub mod compliance;
pub mod desired;
pub mod diff;
pub mod guard;
pub mod referral;
pub mod removal;
pub mod status;

#[cfg(test)]
mod tests;

pub use compliance::{Boundaries, Referrer};
pub use desired::{DesiredPolicy, desired_policy};
pub use referral::Referral;
