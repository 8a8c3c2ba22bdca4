//! Whether the class allows the policy as it would be, and what is done to one that it does not allow.

use std::collections::BTreeMap;

use super::{
    desired::{DesiredPolicy, path_and_name},
    diff::new_version,
};
use crate::{
    api::{LambdaManagedPolicySpec, LambdaRoleClassSpec, Reason, class::BoundaryRule},
    lint::Finding,
    plan::{
        Account, DesiredRole, Hold, ObjectClass, ObservedPolicy, Step,
        compliance::{TOLD_MAX, refused, revokes, takes_everything, told},
        guardrail::{JudgedPolicy, Violation},
    },
    policy::{
        ActionPattern, Arn, Document, Placeholders, Statement,
        document::{Conditions, Effect, Matching},
    },
};

/// The policies that classes of an account may make a role's permissions boundary. No object describes one of them: whoever
/// writes his own boundary has none.
#[derive(Clone, Debug, Default)]
pub struct Boundaries(Vec<Boundary>);

#[derive(Clone, Debug)]
struct Boundary {
    class: String,
    field: String,
    arn: String,
}

impl Boundaries {
    /// The boundaries of all classes of `account`, by their names: a policy of one class must not be the boundary of another.
    #[must_use]
    pub fn of<'a>(classes: impl IntoIterator<Item = (&'a str, &'a LambdaRoleClassSpec)>, account: &Account) -> Self {
        let of_account = classes.into_iter().filter(|(_, class)| class.account.id == account.id);
        Self(of_account.flat_map(|(name, class)| boundaries_of(name, class, account)).collect())
    }

    /// What is said of a policy that is a boundary. Names of policies are one in an account without regard to case and path.
    fn violation(&self, arn: &str) -> Option<Violation> {
        let path = "spec.policyName".to_owned();
        self.taking(arn, path, "makes", "Make a new object with another policyName or path")
    }

    /// What is said of a role whose own statements need a policy that is a boundary of any class.
    #[must_use]
    pub fn violation_of_role(&self, role: &DesiredRole) -> Option<Violation> {
        let fix = "Ask for less, or make a new object with another spec.roleName";
        let policies = role.overflow_policies.values();
        policies.into_iter().find_map(|policy| self.taking(&policy.arn, "spec.statements".to_owned(), "need", fix))
    }

    fn taking(&self, arn: &str, path: String, verb: &str, fix: &str) -> Option<Violation> {
        let Boundary { class, field, arn: pattern } = self.0.iter().find(|boundary| boundary.is(arn))?;
        Some(Violation {
            rule: format!("{field} of LambdaRoleClass {class}"),
            path,
            message: format!(
                "{verb} the policy {arn}, which {pattern} takes in: it may be a permissions boundary, and nobody writes his own"
            ),
            fix: fix.to_owned(),
        })
    }
}

/// Placeholders that stand for an object stand for any: a boundary of one namespace is none of another's business.
fn boundaries_of(name: &str, class: &LambdaRoleClassSpec, account: &Account) -> Vec<Boundary> {
    const RULE: &str = "spec.guardrails.permissionsBoundary";
    let Some(BoundaryRule { arn, allowed }) = &class.guardrails.permissions_boundary else { return Vec::new() };
    let known = Placeholders::default()
        .with("partition", &account.partition)
        .with("accountId", &account.id)
        .with("region", class.account.region.as_deref().unwrap_or("*"));
    let any = ["namespace", "name", "roleName"];
    let placeholders = any.into_iter().fold(known, |known, name| known.with(name, "*"));
    let own = arn.iter().map(|arn| (format!("{RULE}.arn"), arn));
    let allowed = allowed.iter().enumerate().map(|(index, arn)| (format!("{RULE}.allowed[{index}]"), arn));
    // One that cannot be expanded is a fault of the class, which then cannot be used at all.
    let boundary = |(field, arn): (String, &String)| {
        Some(Boundary { class: name.to_owned(), field, arn: placeholders.expand(arn).ok()?.into_owned() })
    };
    own.chain(allowed).filter_map(boundary).collect()
}

impl Boundary {
    fn is(&self, arn: &str) -> bool {
        let has_name = || {
            let (own, (_, name)) = (Arn::parse(&self.arn)?, path_and_name(&self.arn)?);
            let is_same_account = Arn::parse(arn)?.account == own.account;
            Some(is_same_account && path_and_name(arn)?.1.eq_ignore_ascii_case(name))
        };
        ActionPattern::new(&self.arn).matches(arn) || has_name().unwrap_or_default()
    }
}

/// A role that refers to the policy, with the class that it has.
#[derive(Clone, Debug)]
pub struct Referrer {
    /// Namespace of the role.
    pub namespace: String,
    /// Name of the role.
    pub name: String,
    /// Its class as it holds for it, or why that cannot be told.
    pub class: Result<ObjectClass, Vec<Finding>>,
}

/// The hold of a policy that its class refuses, if it does. All of it can be told without asking AWS.
#[must_use]
pub fn refusal(
    class: &ObjectClass,
    spec: &LambdaManagedPolicySpec,
    desired: &DesiredPolicy,
    boundaries: &Boundaries,
) -> Option<Hold> {
    let name = class.name.as_deref().unwrap_or_default();
    let told = told(&violations(class, spec, desired, boundaries), TOLD_MAX.saturating_sub(name.len()))?;
    Some(Hold::new(Reason::GuardrailViolation, format!("LambdaRoleClass {name} refuses the policy: {told}.")))
}

/// The same as findings.
#[must_use]
pub fn offline(
    class: &ObjectClass,
    spec: &LambdaManagedPolicySpec,
    desired: &DesiredPolicy,
    boundaries: &Boundaries,
) -> Vec<Finding> {
    let Some(name) = &class.name else { return Vec::new() };
    violations(class, spec, desired, boundaries).into_iter().map(|violation| refused(name, violation)).collect()
}

fn violations(
    class: &ObjectClass,
    spec: &LambdaManagedPolicySpec,
    desired: &DesiredPolicy,
    boundaries: &Boundaries,
) -> Vec<Violation> {
    let mut violations = class.judge_choices_of_policy(spec);
    violations.extend(boundaries.violation(&desired.arn));
    if let Some(guardrails) = &class.guardrails {
        violations.extend(guardrails.judge_policy(&JudgedPolicy {
            statements: &desired.statements,
            document: &desired.document,
            tags: &desired.own_tags,
        }));
    }
    violations
}

/// The hold of a policy whose new document the class of a role that refers to it refuses, if one does: patterns with
/// `$(namespace)`, `$(name)` or `$(roleName)` mean something else there, and a new version reaches every role at once.
#[must_use]
pub fn refusal_for_roles(desired: &DesiredPolicy, referrers: &[Referrer]) -> Option<Hold> {
    referrers.iter().find_map(|referrer| {
        let Referrer { namespace, name, class } = referrer;
        let hold = |reason, class: &str, told: String| {
            let message = format!(
                "No new version is written, as LambdaExecutionRole {namespace}/{name} refers to the policy, and {class} {told}. Change the statements, or have the role let go of the policy."
            );
            Hold::new(reason, message)
        };
        let class = match class {
            Ok(class) => class,
            Err(faults) => {
                let faults = faults.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("; ");
                return Some(hold(Reason::InvalidClass, "its class", format!("cannot be used: {faults}")));
            }
        };
        let guardrails = class.guardrails.as_ref()?;
        let violations = guardrails.judge_attached(&desired.document, "spec.statements", &desired.arn);
        let told = told(&violations, TOLD_MAX / 2)?;
        let class = format!("LambdaRoleClass {}", class.name.as_deref().unwrap_or_default());
        Some(hold(Reason::GuardrailViolation, &class, format!("refuses it there: {told}")))
    })
}

/// Whether the class has anything done to policies that are held or refused, so that IAM is worth a look.
#[must_use]
pub fn enforces(class: &ObjectClass) -> bool {
    revokes(class)
}

/// What is taken from an owned policy that is held or refused, if the class says so: a version takes its place that holds what
/// the class does not refuse. A policy has no version without a statement, so where nothing is left it is one that never
/// holds.
///
/// `hold` is why IAM is not made equal to the spec, if that is for the class. Judged is what IAM holds, not the spec.
#[must_use]
pub fn revocation(class: &ObjectClass, observed: &ObservedPolicy, hold: Option<&Hold>) -> Vec<Step> {
    match narrowed(class, &observed.document, hold) {
        Some(document) => new_version(observed, document),
        None => Vec::new(),
    }
}

/// Whether [`revocation`] writes a version, for which the versions in IAM must be known.
#[must_use]
pub fn is_revoked(class: &ObjectClass, observed: &ObservedPolicy, hold: Option<&Hold>) -> bool {
    narrowed(class, &observed.document, hold).is_some()
}

fn narrowed(class: &ObjectClass, stored: &str, hold: Option<&Hold>) -> Option<Document> {
    let guardrails = class.guardrails.as_ref().filter(|_| revokes(class))?;
    let Ok(document) = Document::parse(stored) else { return Some(nothing()) };
    let kept = if takes_everything(hold) {
        let denials: Vec<Statement> =
            document.statements.iter().filter(|statement| statement.effect == Effect::Deny).cloned().collect();
        (denials.len() < document.statements.len()).then_some(denials)?
    } else {
        guardrails.permitted_of_policy(&document)?
    };
    Some(if kept.is_empty() { nothing() } else { Document { statements: kept, ..document } })
}

/// A document that allows nothing and denies nothing: its one statement denies all requests of an account that there is not,
/// and a policy is about requests of its own account alone. If IAM took it for anything else, it would deny.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalaccount>
#[must_use]
pub fn nothing() -> Document {
    let account = BTreeMap::from([("aws:PrincipalAccount".to_owned(), vec!["000000000000".to_owned()])]);
    Document::new(vec![Statement {
        sid: Some("RevokedByLambdaroles".to_owned()),
        effect: Effect::Deny,
        principal: None,
        not_principal: None,
        actions: Matching::In(vec!["*".to_owned()]),
        resources: Some(Matching::In(vec!["*".to_owned()])),
        conditions: Conditions::from([("StringEquals".to_owned(), account)]),
    }])
}
