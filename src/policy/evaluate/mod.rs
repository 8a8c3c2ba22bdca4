//! What IAM would answer: whether a role may perform an action on a resource.
//!
//! Knows identity policies, the boundary and service control policies, for a role in its own account: no
//! resource-based policies, session policies or resource control policies, and no policies of VPC endpoints.
//! Why not by a crate: `docs/decisions/0007-own-evaluator.md`.

mod condition;
mod context;
mod variable;

use std::fmt;

pub use context::Context;

use self::variable::Written;
use super::{
    document::{Document, Effect, Matching, Statement, VERSION},
    pattern,
};

/// Everything that has a say in what a role may do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Inline and attached policies: one of them must allow.
    pub identity: &'a [Document],
    /// The boundary, which must allow as well if there is one.
    pub boundary: Option<&'a Document>,
    /// Service control policies by level, from the organization's root to the account: at each level one must allow.
    /// Empty if none are in force.
    pub service_control: &'a [Vec<Document>],
}

/// What the role asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// For example `s3:GetObject`.
    pub action: &'a str,
    /// The ARN, or `*` for actions that are about no resource.
    pub resource: &'a str,
    /// All else.
    pub context: &'a Context,
}

/// The answer and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Allowed, by this statement of an identity policy.
    Allowed(Origin<'a>),
    /// Denied by this statement.
    ExplicitDeny(Origin<'a>),
    /// Not denied, but this layer does not allow it. Of several it is the first that IAM would look at.
    ImplicitDeny(Layer),
}

/// A statement and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// In which layer.
    pub layer: Layer,
    /// The index of its document in that layer.
    pub document: usize,
    /// Its index in that document.
    pub index: usize,
    /// The statement.
    pub statement: &'a Statement,
}

/// The policies that must allow together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The service control policies of a level, the organization's root being 0.
    ServiceControl(usize),
    /// The identity policies.
    Identity,
    /// The boundary.
    Boundary,
}

impl Verdict<'_> {
    /// Whether the request is allowed.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// Answers `request`: a deny anywhere wins, and then every layer must allow.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
#[must_use]
pub fn evaluate<'a>(policies: &Policies<'a>, request: &Request<'_>) -> Verdict<'a> {
    let levels = policies.service_control.iter().enumerate();
    let levels: Vec<Answer<'a>> =
        levels.map(|(level, documents)| answer(Layer::ServiceControl(level), documents, request)).collect();
    let identity = answer(Layer::Identity, policies.identity, request);
    let boundary = policies.boundary.map(|document| answer(Layer::Boundary, std::slice::from_ref(document), request));

    if let Some(origin) = levels.iter().chain([&identity]).chain(&boundary).find_map(|answer| answer.deny) {
        return Verdict::ExplicitDeny(origin);
    }
    if let Some(level) = levels.iter().position(|answer| answer.allow.is_none()) {
        return Verdict::ImplicitDeny(Layer::ServiceControl(level));
    }
    match (identity.allow, boundary) {
        (None, _) => Verdict::ImplicitDeny(Layer::Identity),
        (Some(_), Some(Answer { allow: None, .. })) => Verdict::ImplicitDeny(Layer::Boundary),
        (Some(origin), Some(Answer { allow: Some(_), .. }) | None) => Verdict::Allowed(origin),
    }
}

/// The first statement of a layer that allows, and the first that denies.
struct Answer<'a> {
    allow: Option<Origin<'a>>,
    deny: Option<Origin<'a>>,
}

fn answer<'a>(layer: Layer, documents: &'a [Document], request: &Request<'_>) -> Answer<'a> {
    let mut answer = Answer { allow: None, deny: None };
    for (document, Document { version, statements }) in documents.iter().enumerate() {
        let variables = (version == VERSION).then_some(request.context);
        for (index, statement) in statements.iter().enumerate() {
            let first = match statement.effect {
                Effect::Allow => &mut answer.allow,
                Effect::Deny => &mut answer.deny,
            };
            if first.is_none() && applies(statement, request, variables) {
                *first = Some(Origin { layer, document, index, statement });
            }
        }
    }
    answer
}

/// Whether a statement is about the request. Documents of these layers name no principals.
fn applies(statement: &Statement, request: &Request<'_>, variables: Option<&Context>) -> bool {
    let Statement { sid: _, effect: _, principal: _, not_principal: _, actions, resources, conditions } = statement;
    is_about(actions, |action| pattern::matches_action(action, request.action))
        && resources.as_ref().is_some_and(|resources| {
            is_about(resources, |resource| Written::new(resource, variables).is_like(request.resource))
        })
        && condition::hold(conditions, request.context, variables)
}

fn is_about(matching: &Matching, matches: impl Fn(&String) -> bool) -> bool {
    match matching {
        Matching::In(list) => list.iter().any(matches),
        Matching::NotIn(list) => !list.iter().any(matches),
    }
}

/// For example `identity policy 0, statement 2 (WriteOrders)`.
impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, document, index, statement } = self;
        match layer {
            Layer::ServiceControl(level) => write!(f, "service control policy {document} of level {level}"),
            Layer::Identity => write!(f, "identity policy {document}"),
            Layer::Boundary => f.write_str("boundary"),
        }?;
        write!(f, ", statement {index}")?;
        match &statement.sid {
            Some(sid) => write!(f, " ({sid})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceControl(level) => write!(f, "service control policies of level {level}"),
            Self::Identity => f.write_str("identity policies"),
            Self::Boundary => f.write_str("boundary"),
        }
    }
}

#[cfg(test)]
mod tests;
