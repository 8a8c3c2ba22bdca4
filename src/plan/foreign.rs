//! Which policies on a role are others', and stay because `spec.unlisted` keeps them.

use std::collections::{BTreeMap, BTreeSet};

use super::{DesiredRole, ObservedRole, Placed};
use crate::api::{
    role::{UnlistedInlinePolicies, UnlistedManagedPolicies},
    status::ForeignPolicies,
};

/// What is on a role, and would be once IAM equals the spec, though the object neither lists it nor put it there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign<'a> {
    /// ARNs of managed policies.
    pub managed_policies: BTreeSet<&'a str>,
    /// Inline policies, JSON by name.
    pub inline_policies: BTreeMap<&'a str, &'a str>,
}

impl<'a> Foreign<'a> {
    /// Those of a role that was seen. Where `spec.unlisted` says `Detach` and `Delete` there are none, as they go.
    ///
    /// What others put and the spec lists is the object's from then on, and goes when it leaves the spec.
    #[must_use]
    pub fn of(desired: &DesiredRole, observed: Option<&'a ObservedRole>, placed_before: &Placed) -> Self {
        let Some(observed) = observed else { return Self::default() };
        let managed = observed.managed_policies.iter().filter(|arn| {
            desired.unlisted.managed_policies == UnlistedManagedPolicies::Keep
                && !desired.managed_policies.contains(*arn)
                && desired.overflow_policies.values().all(|policy| policy.arn != **arn)
                && !placed_before.has_overflow_policy(arn)
                && !placed_before.managed_policies.contains(*arn)
        });
        let inline = observed.inline_policies.iter().filter(|(name, _)| {
            desired.unlisted.inline_policies == UnlistedInlinePolicies::Keep
                && !desired.inline_policies.contains_key(*name)
                && !placed_before.has_inline_policy(name)
        });
        Self {
            managed_policies: managed.map(String::as_str).collect(),
            inline_policies: inline.map(|(name, json)| (name.as_str(), json.as_str())).collect(),
        }
    }

    /// As the status shows them; `None` if there are none.
    #[must_use]
    pub fn shown(&self) -> Option<ForeignPolicies> {
        let managed = self.managed_policies.iter().take(MANAGED_MAX);
        let inline = self.inline_policies.keys().take(INLINE_MAX);
        let shown = ForeignPolicies {
            managed_policies: managed.map(|&arn| arn.to_owned()).collect(),
            inline_policies: inline.map(|&name| name.to_owned()).collect(),
        };
        (shown != ForeignPolicies::default()).then_some(shown)
    }
}

/// Most managed policies that a status shows; AWS attaches no more than 25.
const MANAGED_MAX: usize = 50;

/// Most inline policies that a status shows.
const INLINE_MAX: usize = 100;
