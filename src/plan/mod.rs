//! Every decision about a role, as synchronous functions over values: what the spec asks for ([`desired`]), what differs
//! ([`diff`]), what may be done about it ([`guard`]) and what is said of it ([`status`]).
//!
//! Pure: the time is an argument, and nothing here knows a client. After [`guard`] no choice is left to whoever carries
//! the steps out.

pub mod account;
pub mod class;
pub mod compliance;
pub mod controller_policy;
pub mod desired;
pub mod diff;
pub mod export;
pub mod failure;
pub mod foreign;
pub mod grant;
pub mod guard;
pub mod guardrail;
pub mod look;
pub mod managed_policy;
pub mod observed;
pub mod overflow;
pub mod owner;
pub mod placed;
pub mod placement;
pub mod reference;
pub mod status;
pub mod step;
pub mod tracking;

mod expansion;
mod needs;
mod permissions;
mod raw;
mod rewriting;
mod statement;
mod tag;
#[cfg(test)]
mod tests;
mod trust;

pub use account::{Account, Quotas};
pub use class::ObjectClass;
pub use desired::DesiredRole;
pub use failure::{Class, Failure};
pub use foreign::Foreign;
pub use guard::{Hold, Verdict};
pub use observed::{HolderRole, ObservedPolicy, ObservedRole, PolicyUsage, PolicyVersion, Usage};
pub use owner::{Owner, PolicyOwner};
pub use placed::Placed;
pub use reference::References;
pub use step::Step;
pub use tracking::{ManagedPolicy, PolicyChange, TrackedPolicy};
