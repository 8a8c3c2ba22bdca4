//! Whether a role is within what its class lets roles hold, and what is taken from one that is not.
//!
//! Judged is what a role may come to allow, not what it allows today: `docs/decisions/0010-guardrails-by-containment.md`.
//!
//! | module | rules about |
//! |---|---|
//! | `permission` | actions on resources |
//! | `scope` | the functions that statements hold for |
//! | `attachment` | managed policies |
//! | `trust` | who may assume the role |
//! | `boundary`, `tag` | the boundary, tags |
//!
//! `compile` reads rules, `grant` the statements that are judged; `revocation` takes away what is refused.

mod attachment;
mod boundary;
mod compile;
mod grant;
mod permission;
mod revocation;
mod scope;
mod tag;
#[cfg(test)]
mod tests;
mod trust;
mod violation;

use std::collections::BTreeMap;

use self::{
    attachment::Attachments,
    boundary::Boundary,
    compile::Compiler,
    grant::Grant,
    permission::Permissions,
    scope::Scopes,
    tag::Tags,
    trust::Trust,
    violation::{Refusal, Report},
};
pub use self::{revocation::revoke_all, violation::Violation};
use crate::{
    api,
    lint::{Finding, Located},
    plan::overflow::OverflowPolicy,
    policy::{Document, Placeholders, function::Home},
};

/// The guardrails of a class, with the placeholders of one object replaced.
#[derive(Clone, Debug)]
pub struct Guardrails {
    boundary: Option<Boundary>,
    permissions: Permissions,
    attachments: Attachments,
    trust: Trust,
    scopes: Scopes,
    tags: Tags,
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
    /// The managed policies of its own, as they shall be.
    pub overflow_policies: &'a BTreeMap<u32, OverflowPolicy>,
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

/// A managed policy that is judged, which an object describes.
#[derive(Clone, Copy, Debug)]
pub struct JudgedPolicy<'a> {
    /// The rendered statements, each with the field that it comes from.
    pub statements: &'a [Located],
    /// The final document, whatever was merged in it.
    pub document: &'a Document,
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
    /// Whether an object describes it, which is judged by what it allows: such a policy needs no listing.
    pub is_described: bool,
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
        let api::class::Guardrails {
            permissions_boundary,
            permissions,
            managed_policies,
            trust,
            source_functions: _,
            require_source_function_scope: _,
            tags,
            max_roles_per_namespace: _,
            deletion_policies: _,
            on_violation: _,
        } = rules;
        let mut compiler = Compiler::new(placeholders, home);
        let guardrails = Self {
            boundary: permissions_boundary.as_ref().map(|rules| Boundary::compile(rules, &mut compiler)),
            permissions: Permissions::compile(permissions, &mut compiler),
            attachments: Attachments::compile(managed_policies, &mut compiler),
            trust: Trust::compile(trust, &mut compiler),
            scopes: Scopes::compile(rules, &mut compiler),
            tags: Tags::compile(tags, &mut compiler),
        };
        let faults = compiler.into_faults();
        if faults.is_empty() { Ok(guardrails) } else { Err(faults) }
    }

    /// The boundary of a role that asks for `chosen`: that, or the class's own. Whether it may be is the matter of
    /// [`Self::judge`].
    #[must_use]
    pub fn permissions_boundary(&self, chosen: Option<&str>) -> Option<String> {
        chosen.or_else(|| self.boundary.as_ref()?.arn()).map(str::to_owned)
    }

    /// The tags that every role gets.
    #[must_use]
    pub fn forced_tags(&self) -> &BTreeMap<String, String> {
        self.tags.forced()
    }

    /// Whether roles may not set a tag of that key.
    #[must_use]
    pub fn reserves_tag(&self, key: &str) -> bool {
        self.tags.reserves(key)
    }

    /// Everything that the class refuses, in the order of the spec; none if the role complies.
    ///
    /// The fields of the spec come first, since people can mend those; then what the final documents hold beyond them.
    #[must_use]
    pub fn judge(&self, role: &JudgedRole<'_>) -> Vec<Violation> {
        let JudgedRole {
            arn,
            statements,
            inline_policies,
            overflow_policies,
            trust,
            trust_policy,
            chosen_boundary,
            managed_policies,
            tags,
        } = role;
        let mut report = Report::default();
        report.add(self.tags.refusals(tags));
        report.add(self.boundary.as_ref().and_then(|boundary| boundary.refusal(*chosen_boundary)));
        for grant in trust.iter().filter_map(Grant::of) {
            report.add(self.trust.refusals(&grant, arn));
        }
        for grant in Grant::all(trust_policy, "trust policy") {
            report.add_untold(self.trust.final_refusals(&grant, arn));
        }
        for policy in *managed_policies {
            report.add(self.attachment_refusals(policy));
        }
        let grants: Vec<Grant<'_>> = statements.iter().filter_map(Grant::of).collect();
        for grant in &grants {
            report.add(self.permission_refusals(grant, &[]));
        }
        let for_lambda: Vec<&Grant<'_>> = grants.iter().filter(|grant| grant.is_for_lambda).collect();
        let policies = overflow_policies.values();
        let own_boundary = |policy: &OverflowPolicy| self.boundary.as_ref()?.own_refusal(&policy.arn);
        report.add(policies.clone().filter_map(own_boundary));
        let inline = inline_policies.iter().map(|(name, document)| (format!("inline policy {name}"), document));
        let overflow = policies.map(|policy| (format!("managed policy {}", policy.name), &policy.document));
        for (name, document) in inline.chain(overflow) {
            for grant in Grant::all(document, &name) {
                if report.is_full() {
                    return report.into_violations();
                }
                report.add_untold(self.permission_refusals(&grant, &for_lambda));
            }
        }
        report.into_violations()
    }

    /// Everything that the class refuses of a grant: of `statements`, and of what `document`, the policy called `name`, holds
    /// beyond them. What a grant denies is judged, too: it may deny nothing to functions of others.
    #[must_use]
    pub fn judge_grant(&self, statements: &[Located], name: &str, document: &Document) -> Vec<Violation> {
        let mut report = Report::default();
        for grant in statements.iter().filter_map(Grant::of) {
            report.add(self.permission_refusals(&grant, &[]));
        }
        for denial in statements.iter().filter_map(Grant::of_denial) {
            report.add(self.scopes.refusals(&denial, &[]));
        }
        let path = format!("inline policy {name}");
        for grant in Grant::all(document, &path) {
            report.add_untold(self.permission_refusals(&grant, &[]));
        }
        for denial in Grant::all_denials(document, &path) {
            report.add_untold(self.scopes.refusals(&denial, &[]));
        }
        report.into_violations()
    }

    /// Everything that the class refuses of a managed policy: its statements are judged like a role's.
    #[must_use]
    pub fn judge_policy(&self, policy: &JudgedPolicy<'_>) -> Vec<Violation> {
        let JudgedPolicy { statements, document, tags } = policy;
        let mut report = Report::default();
        report.add(self.tags.refusals(tags));
        for grant in statements.iter().filter_map(Grant::of) {
            report.add(self.permission_refusals(&grant, &[]));
        }
        for grant in Grant::all(document, "policy document") {
            if report.is_full() {
                break;
            }
            report.add_untold(self.permission_refusals(&grant, &[]));
        }
        report.into_violations()
    }

    /// What a role that has the managed policy `arn` is refused for by what that says, whatever it is called. `path` is how the
    /// paths of the violations begin.
    #[must_use]
    pub fn judge_attached(&self, document: &Document, path: &str, arn: &str) -> Vec<Violation> {
        let mut report = Report::default();
        for grant in Grant::all_attached(document, path, arn) {
            report.add(self.permission_refusals(&grant, &[]));
        }
        report.into_violations()
    }

    /// What a statement of permissions is refused for. `for_lambda` are those that were made for Lambda itself.
    fn permission_refusals(&self, grant: &Grant<'_>, for_lambda: &[&Grant<'_>]) -> Vec<Refusal> {
        let mut refusals = self.permissions.refusals(grant);
        refusals.extend(self.scopes.refusals(grant, for_lambda));
        refusals
    }

    /// What an attached policy is refused for: its name, and what it allows.
    fn attachment_refusals(&self, policy: &LocatedDocument) -> Vec<Refusal> {
        let mut refusals = self.attachments.refusals(policy);
        if let Ok(document) = &policy.document {
            let grants = Grant::all_attached(document, &policy.path, &policy.arn);
            refusals.extend(grants.iter().flat_map(|grant| self.permission_refusals(grant, &[])));
        }
        refusals
    }
}
