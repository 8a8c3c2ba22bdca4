//! What is taken from a role in IAM that does not comply. Whatever is done narrows.

use super::{Guardrails, LocatedDocument, grant::Grant, trust::Trust};
use crate::{
    lint::Located,
    plan::{
        ObservedPolicy, ObservedRole, Step, diff, grant,
        overflow::{self, ByNumber},
    },
    policy::{Document, Statement},
};

/// What is left of a stored document.
enum Narrowed {
    /// All of it: nothing is refused.
    Unchanged,
    /// This.
    To(Document),
    /// Nothing: all of it is refused, or it does not parse.
    ToNothing,
}

impl Guardrails {
    /// The steps that take from a role in IAM what the class refuses of it, and nothing else. `managed` is what is attached
    /// to it; what is attached and not among it was read by nobody, and goes, but for the policies of its own, `overflow`, which
    /// lose what is refused as inline policies do. What does not parse goes whole.
    ///
    /// A stored document does not say which statements were made for Lambda itself: `made` are those that the spec leads to.
    /// Where scopes are required, what code calls as often as Lambda goes if it has none and is not among them.
    /// Policies of grants are left to [`grant::narrowing`].
    #[must_use]
    pub fn revocation(
        &self,
        role: &ObservedRole,
        managed: &[LocatedDocument],
        overflow: &ByNumber,
        made: &[Located],
    ) -> Vec<Step> {
        let made: Vec<Grant<'_>> = made.iter().filter_map(Grant::of).filter(|grant| grant.is_for_lambda).collect();
        let for_lambda: Vec<&Grant<'_>> = made.iter().collect();
        let narrowed = |(name, stored): (&String, &String)| self.narrowed_inline(name, stored, &for_lambda);
        let mut steps = Vec::new();
        // A grant is judged by what the class says to its own object.
        let own = role.inline_policies.iter().filter(|(name, _)| !grant::is_of_grant(name));
        steps.extend(own.filter_map(narrowed));
        let is_permitted = |arn: &String| {
            managed.iter().any(|policy| policy.arn == *arn && self.attachment_refusals(policy).is_empty())
        };
        let own = overflow.values().filter(|policy| role.managed_policies.contains(&policy.arn));
        steps.extend(own.flat_map(|policy| self.narrowed_policy(policy, &for_lambda)));
        let is_own = |arn: &String| overflow.values().any(|policy| policy.arn == *arn);
        let refused = role.managed_policies.iter().filter(|arn| !is_own(arn) && !is_permitted(arn));
        steps.extend(refused.cloned().map(Step::DetachManagedPolicy));
        steps.extend(self.trust.narrowed(&role.trust_policy, &role.arn).map(Step::UpdateTrustPolicy));
        steps
    }

    /// Puts a boundary on a role that has none that the class permits: the one that the spec chose, if the class permits that,
    /// or the class's own. The one step that is made even for a role that is refused.
    #[must_use]
    pub fn boundary_step(&self, role: &ObservedRole, chosen: Option<&str>) -> Option<Step> {
        let boundary = self.boundary.as_ref()?;
        if role.permissions_boundary.as_deref().is_some_and(|found| boundary.permits(found)) {
            return None;
        }
        let chosen = chosen.filter(|chosen| boundary.permits(chosen));
        chosen.or(boundary.arn()).map(|arn| Step::PutPermissionsBoundary(arn.to_owned()))
    }

    /// Whether roles must have a boundary.
    #[must_use]
    pub fn demands_boundary(&self) -> bool {
        self.boundary.is_some()
    }

    /// The step that takes from an inline policy the statements that are refused.
    fn narrowed_inline(&self, name: &str, stored: &str, for_lambda: &[&Grant<'_>]) -> Option<Step> {
        match self.narrowed(name, stored, for_lambda) {
            Narrowed::Unchanged => None,
            Narrowed::To(document) => Some(Step::PutInlinePolicy { name: name.to_owned(), document }),
            Narrowed::ToNothing => Some(Step::DeleteInlinePolicy(name.to_owned())),
        }
    }

    /// The steps that take from a managed policy of the role's own the statements that are refused.
    fn narrowed_policy(&self, policy: &ObservedPolicy, for_lambda: &[&Grant<'_>]) -> Vec<Step> {
        match self.narrowed(&policy.name, &policy.document, for_lambda) {
            Narrowed::Unchanged => Vec::new(),
            Narrowed::To(document) => overflow::rewrite(policy, &document),
            Narrowed::ToNothing => vec![Step::DetachManagedPolicy(policy.arn.clone())],
        }
    }

    /// What is left of a stored document without the statements that are refused.
    fn narrowed(&self, name: &str, stored: &str, for_lambda: &[&Grant<'_>]) -> Narrowed {
        let Ok(document) = Document::parse(stored) else { return Narrowed::ToNothing };
        match self.permitted(&document, name, for_lambda) {
            None => Narrowed::Unchanged,
            Some(statements) if statements.is_empty() => Narrowed::ToNothing,
            Some(statements) => Narrowed::To(Document { statements, ..document.clone() }),
        }
    }

    /// The statements of a stored document that are not refused; `None` if none is.
    fn permitted(&self, document: &Document, name: &str, for_lambda: &[&Grant<'_>]) -> Option<Vec<Statement>> {
        let refused: Vec<&Statement> = Grant::all(document, name)
            .into_iter()
            .filter(|grant| !self.permission_refusals(grant, for_lambda).is_empty())
            .map(|grant| grant.statement)
            .collect();
        let kept = document.statements.iter().filter(|statement| !refused.contains(statement));
        (!refused.is_empty()).then(|| kept.cloned().collect())
    }

    /// The statements of a stored managed policy that the class does not refuse; `None` if it refuses none.
    #[must_use]
    pub fn permitted_of_policy(&self, document: &Document) -> Option<Vec<Statement>> {
        self.permitted(document, "", &[])
    }
}

/// The steps that take every right from a role: for one that may not use the class at all. Lambda may still assume it, but
/// nobody else.
#[must_use]
pub fn revoke_all(role: &ObservedRole, overflow: &ByNumber) -> Vec<Step> {
    let takes = |step: &Step| matches!(step, Step::DetachManagedPolicy(_) | Step::DeleteInlinePolicy(_));
    let permissions = diff::deletion(role, overflow).into_iter().filter(takes);
    permissions.chain(Trust::default().narrowed(&role.trust_policy, &role.arn).map(Step::UpdateTrustPolicy)).collect()
}
