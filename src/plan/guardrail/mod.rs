//! Whether a role is within what its class lets roles hold.

mod violation;

use std::collections::BTreeMap;

pub use self::violation::Violation;
use super::{ObservedRole, Step};
use crate::{
    api,
    lint::{Finding, Located},
    policy::{Document, Placeholders, function::Home},
};

/// The guardrails of a class, with the placeholders of one object replaced.
#[derive(Clone, Debug)]
pub struct Guardrails {
    tags: BTreeMap<String, String>,
}

/// A role that is judged.
#[derive(Clone, Copy, Debug)]
pub struct JudgedRole<'a> {
    /// Its own ARN, for trust in itself.
    pub arn: &'a str,
    /// The rendered statements of its permissions, each with the field that it comes from.
    pub statements: &'a [Located],
    /// The final inline policies, whatever was added to them: merged, and with those that are kept on the role.
    pub inline_policies: &'a BTreeMap<String, Document>,
    /// The spec's own trust statements.
    pub trust: &'a [Located],
    /// The final trust policy.
    pub trust_policy: &'a Document,
    /// The boundary that the spec asks for.
    pub chosen_boundary: Option<&'a str>,
    /// The managed policies that are to be attached.
    pub managed_policies: &'a [LocatedDocument],
    /// The spec's tags and the class's default ones, before the forced ones.
    pub tags: &'a BTreeMap<String, String>,
}

/// A managed policy and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedDocument {
    /// Path of the item: `spec.managedPolicies[0]`.
    pub path: String,
    /// Its ARN.
    pub arn: String,
    /// Its default version, or why that could not be read.
    pub document: Result<Document, String>,
}

impl Guardrails {
    /// The guardrails that `rules` write, for the object that the placeholders are of. `home` is where bare names of
    /// functions are.
    ///
    /// # Errors
    /// Every fault, with its path in the class.
    pub fn compile(
        rules: &api::class::Guardrails,
        placeholders: &Placeholders,
        home: Home<'_>,
    ) -> Result<Self, Vec<Finding>> {
        let _ = (rules, placeholders, home);
        Ok(Self { tags: BTreeMap::new() })
    }

    /// The boundary of a role that asks for `chosen`: that, or the class's own. Whether it may be is the matter of
    /// [`Self::judge`].
    #[must_use]
    pub fn permissions_boundary(&self, chosen: Option<&str>) -> Option<String> {
        chosen.map(str::to_owned)
    }

    /// The tags that every role gets.
    #[must_use]
    pub fn forced_tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    /// Everything that the class refuses, in the order of the spec; none if the role complies.
    #[must_use]
    pub fn judge(&self, role: &JudgedRole<'_>) -> Vec<Violation> {
        let _ = role;
        Vec::new()
    }

    /// The steps that take from a role in IAM what the class refuses of it, and nothing else. `managed` is what is attached
    /// to it; what is attached and not among it was not read, and goes.
    #[must_use]
    pub fn revocation(&self, role: &ObservedRole, managed: &[LocatedDocument]) -> Vec<Step> {
        let _ = (role, managed);
        Vec::new()
    }

    /// Puts the class's boundary on a role that has another or none where it must have one: the one step that is made even
    /// for a role that is refused.
    #[must_use]
    pub fn boundary_step(&self, role: &ObservedRole) -> Option<Step> {
        let _ = role;
        None
    }
}

/// The steps that take every right from a role: for one that may not use the class at all.
#[must_use]
pub fn revoke_all(role: &ObservedRole) -> Vec<Step> {
    let _ = role;
    Vec::new()
}
