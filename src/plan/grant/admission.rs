//! Whether a grant may be: whether the role admits it, and whether the class allows what it adds.

use super::{Applicant, Judged, Keeping, SharedRole, content::content};
use crate::{
    api::{
        LambdaRoleClass, Reason,
        class::{Mode, OnViolation},
        role::{Grants, GrantsFrom},
    },
    lint::{Finding, Located, Severity},
    plan::{
        Hold, ObjectClass, Owner,
        class::{ChosenName, Namespace, has_labels, is_named, may_use},
        compliance,
        guardrail::Guardrails,
    },
    policy::{Document, document::Effect},
};

/// The hold of a grant from `namespace` that the role `role`, in `role_namespace`, does not admit; or of which nobody can tell.
#[must_use]
pub fn admits(grants: &Grants, (role_namespace, role): (&str, &str), namespace: &Namespace) -> Option<Hold> {
    let name = &namespace.name;
    let refused = || {
        let message = if name == role_namespace {
            format!(
                "LambdaExecutionRole {role_namespace}/{role} does not admit grants of its namespace. Set spec.grants.from of the role to SameNamespace."
            )
        } else {
            not_admitted((role_namespace, role), name)
        };
        Some(Hold::new(Reason::GrantNotAdmitted, message))
    };
    match (grants.from, &grants.selector) {
        (GrantsFrom::SameNamespace, _) if name == role_namespace => None,
        (GrantsFrom::Selector, Some(_)) if namespace.labels.is_none() => Some(Hold::new(
            Reason::NamespaceUnknown,
            format!(
                "LambdaExecutionRole {role_namespace}/{role} admits grants by the labels of their namespace, and the controller cannot read those of namespace {name}. Let it list and watch namespaces."
            ),
        )),
        (GrantsFrom::Selector, Some(selector)) if has_labels(namespace, selector) => None,
        (GrantsFrom::None | GrantsFrom::SameNamespace | GrantsFrom::Selector, _) => refused(),
    }
}

/// Who may not add to a role is not told whether it is there.
pub(super) fn not_admitted((role_namespace, role): (&str, &str), namespace: &str) -> String {
    format!(
        "There is no LambdaExecutionRole {role_namespace}/{role} that admits grants of namespace {namespace}. Ask whoever owns the role to admit the namespace in spec.grants, or make a new grant for another role."
    )
}

/// Judges a grant by itself: by the role, by its class as that holds for the grant's own object, and by what makes sense. Whether
/// there is room for it is another matter.
#[must_use]
pub fn judge(applicant: &Applicant, role: &SharedRole<'_>) -> Judged {
    let Applicant { key, uid: _, generation, created, namespace: _, spec, is_deleting: _ } = applicant;
    let Verdict { content, keeps, faults, warnings } = verdict(applicant, role);
    let (key, generation, created) = (key.clone(), *generation, *created);
    Judged { key, generation, created, content, keeps, faults, warnings, is_decoded: spec.is_some() }
}

struct Verdict {
    content: Result<Document, Hold>,
    keeps: Keeping,
    faults: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Verdict {
    fn refused(hold: Hold, keeps: Keeping) -> Self {
        Self { content: Err(hold), keeps, faults: Vec::new(), warnings: Vec::new() }
    }
}

fn verdict(applicant: &Applicant, role: &SharedRole<'_>) -> Verdict {
    if applicant.is_deleting {
        let hold = Hold::new(Reason::Deleting, "The grant is being deleted.");
        return Verdict::refused(hold, Keeping::Nothing);
    }
    let metadata = &role.object.metadata;
    let place = (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default());
    if let Some(hold) = admits(&role.object.spec.grants, place, &applicant.namespace) {
        // Nothing is taken away on a guess.
        let is_known = hold.reason != Reason::NamespaceUnknown;
        return Verdict::refused(hold, if is_known { Keeping::Nothing } else { Keeping::Everything });
    }
    if let Some((hold, keeps)) = role.class.and_then(|class| forbidden(&applicant.namespace, class)) {
        return Verdict::refused(hold, keeps);
    }
    let owner = Owner {
        cluster: role.cluster.to_owned(),
        namespace: applicant.key.namespace.clone(),
        name: applicant.key.name.clone(),
    };
    match class_of(role, &owner) {
        Ok(class) => judged_by(&class, applicant, &owner, role),
        Err(hold) => Verdict::refused(hold, Keeping::Everything),
    }
}

/// The role's class, as it holds for the grant's own object.
fn class_of(role: &SharedRole<'_>, owner: &Owner) -> Result<ObjectClass, Hold> {
    let Some(class) = role.class else { return Ok(ObjectClass::unknown(owner)) };
    let name = class.metadata.name.as_deref().unwrap_or_default();
    let chosen = ChosenName::Role(Some(role.role_name));
    ObjectClass::of(name, &class.spec, chosen, owner, role.account).map_err(|faults| Hold::invalid_class(name, &faults))
}

fn judged_by(class: &ObjectClass, applicant: &Applicant, owner: &Owner, role: &SharedRole<'_>) -> Verdict {
    let keeps = Keeping::under(class);
    let Some(spec) = &applicant.spec else {
        // What cannot be read keeps what it has.
        return Verdict::refused(Hold::new(Reason::InvalidSpec, "spec: cannot be read. Correct it."), keeps);
    };
    let content = match content(spec, owner, role.account, role.role_name) {
        Ok(content) => content,
        Err(findings) => {
            let (faults, warnings): (Vec<_>, Vec<_>) =
                findings.into_iter().partition(|finding| finding.severity == Severity::Error);
            let message = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Verdict { content: Err(Hold::new(Reason::InvalidSpec, message)), keeps, faults, warnings };
        }
    };
    let unlimited = unlimited_denials(applicant, role, &content.statements);
    if !unlimited.is_empty() {
        let message = unlimited.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let content = Err(Hold::new(Reason::GuardrailViolation, message));
        return Verdict { content, keeps, faults: unlimited, warnings: Vec::new() };
    }
    let policy = applicant.key.policy_name();
    let judge = |guardrails: &Guardrails| guardrails.judge_grant(&content.statements, &policy, &content.document);
    let violations = class.guardrails.as_ref().map(judge).unwrap_or_default();
    let name = class.name.as_deref().unwrap_or_default();
    let told = compliance::told(&violations, compliance::TOLD_MAX.saturating_sub(name.len()));
    let refusal = told.map(|told| {
        Hold::new(Reason::GuardrailViolation, format!("LambdaRoleClass {name} refuses the grant: {told}."))
    });
    Verdict {
        content: refusal.map_or(Ok(content.document), Err),
        keeps,
        faults: violations.into_iter().map(|violation| compliance::refused(name, violation)).collect(),
        warnings: content.warnings,
    }
}

/// The statements by which a grant of another namespace denies, where the class limits nobody's functions: they could deny whatever
/// other teams' functions do with the role.
fn unlimited_denials(applicant: &Applicant, role: &SharedRole<'_>, statements: &[Located]) -> Vec<Finding> {
    let is_at_home = role.object.metadata.namespace.as_deref() == Some(&applicant.key.namespace);
    let limits = |class: &LambdaRoleClass| class.spec.guardrails.source_functions.is_some();
    if is_at_home || role.class.is_none_or(limits) {
        return Vec::new();
    }
    let denials = statements.iter().filter(|located| located.statement.effect == Effect::Deny);
    let told = |located: &Located| {
        let message = "denies, and guardrails.sourceFunctions of the class does not say whose functions grants of other namespaces may name: it could deny something to the functions of other teams";
        Finding::invalid(format!("{}.effect", located.path), message)
    };
    denials.map(told).collect()
}

/// Why objects of the grant's namespace may have nothing by the role's class, and what it keeps then.
fn forbidden(namespace: &Namespace, class: &LambdaRoleClass) -> Option<(Hold, Keeping)> {
    let (name, of) = (class.metadata.name.as_deref().unwrap_or_default(), &namespace.name);
    if may_use(namespace, class) {
        return None;
    }
    if namespace.labels.is_none() && class.spec.namespaces.selector.is_some() && !is_named(of, class) {
        let message = format!(
            "LambdaRoleClass {name}, which the role is of, selects namespaces by label, and the controller cannot read those of namespace {of}. Let it list and watch namespaces, or list the namespace in spec.namespaces.names of the class."
        );
        return Some((Hold::new(Reason::NamespaceUnknown, message), Keeping::Everything));
    }
    let message = format!(
        "Namespace {of} may not use LambdaRoleClass {name}, which the role is of: spec.namespaces of the class does not select it. Ask whoever runs the class, or make a new grant for another role."
    );
    let is_revoked = class.spec.mode == Mode::Enforce && class.spec.guardrails.on_violation == OnViolation::Revoke;
    let keeps = if is_revoked { Keeping::Nothing } else { Keeping::Everything };
    Some((Hold::new(Reason::ClassNotAllowed, message), keeps))
}
