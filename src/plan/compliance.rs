//! Whether the class allows the role as it would be, and what is done to one that it does not allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{
    Account, Foreign, Hold, ObjectClass, ObservedRole, Owner, Placed, Step,
    desired::DesiredRole,
    expansion, grant,
    guardrail::{Guardrails, JudgedRole, LocatedDocument, Violation, revoke_all},
    managed_policy::Boundaries,
    overflow::ByNumber,
    permissions::Permissions,
    reference::References,
};
use crate::{
    api::{
        LambdaExecutionRoleSpec, Reason,
        class::{Mode, OnViolation},
        role::Adoption,
    },
    catalog::managed_policy as of_aws,
    lint::{Code, Finding, Located, Severity},
    policy::Document,
};

/// What managed policies say as far as it was asked for, by ARN. For AWS's own that are not among them the catalog stands.
pub type Documents = BTreeMap<String, Document>;

/// ARNs of the managed policies whose documents a role is judged by: those that it would have, and those that it has, but for
/// the role's own, `overflow`, which are known.
#[must_use]
pub fn documents_judged(
    desired: Option<&DesiredRole>,
    observed: Option<&ObservedRole>,
    overflow: &ByNumber,
) -> BTreeSet<String> {
    let wanted = desired.into_iter().flat_map(|desired| &desired.managed_policies);
    let found = observed.into_iter().flat_map(|observed| &observed.managed_policies);
    let is_own = |arn: &&String| overflow.values().any(|policy| policy.arn == **arn);
    wanted.chain(found).filter(|arn| !is_own(arn)).cloned().collect()
}

/// Those among them that have to be asked for: all but AWS's own that the catalog holds.
#[must_use]
pub fn documents_needed(
    desired: Option<&DesiredRole>,
    observed: Option<&ObservedRole>,
    overflow: &ByNumber,
) -> BTreeSet<String> {
    let mut needed = documents_judged(desired, observed, overflow);
    needed.retain(|arn| !is_in_catalog(arn));
    needed
}

/// Those that the catalog holds. What the account has of them may be newer, and goes before the catalog where it is known.
#[must_use]
pub fn documents_in_catalog(desired: Option<&DesiredRole>, observed: Option<&ObservedRole>) -> BTreeSet<String> {
    let mut known = documents_judged(desired, observed, &ByNumber::new());
    known.retain(|arn| is_in_catalog(arn));
    known
}

/// The hold of an object whose name, path or deletion policy for the role its class does not allow, if so. Judged before IAM is asked: what
/// stands under other names is none of the object's business.
#[must_use]
pub fn naming_refusal(class: &ObjectClass, spec: &LambdaExecutionRoleSpec) -> Option<Hold> {
    hold(class, &class.judge_choices(spec))
}

/// The same for a role that is not taken over, but made: the class's consent to an adoption is none to new roles of such
/// names and paths.
#[must_use]
pub fn new_name_refusal(class: &ObjectClass, spec: &LambdaExecutionRoleSpec) -> Option<Hold> {
    let spec = LambdaExecutionRoleSpec { adoption: Adoption::Never, ..spec.clone() };
    hold(class, &class.judge_choices(&spec))
}

/// Stands for documents that have not been read: what says nothing is refused nothing.
#[must_use]
pub fn unread_documents(arns: &BTreeSet<String>) -> Documents {
    arns.iter().map(|arn| (arn.clone(), Document::new(Vec::new()))).collect()
}

/// The hold of a role that its class refuses for what can be told without asking AWS. What stands in IAM under names that
/// the class does not allow, and which policies there are, is not every author's to know. `of_aws` is what AWS's own policies
/// are known to say.
#[must_use]
pub fn unread_refusal(
    class: &ObjectClass,
    desired: &DesiredRole,
    account: &Account,
    of_aws: Documents,
) -> Option<Hold> {
    let mut unread = unread_documents(&documents_needed(Some(desired), None, &ByNumber::new()));
    unread.extend(of_aws);
    refusal(class, desired, &role_arn(desired, account), None, &Placed::default(), &unread)
}

/// What the class refuses of a role that nobody has looked for in IAM, and the policies that would have to be read there.
#[must_use]
pub fn offline(
    class: &ObjectClass,
    spec: &LambdaExecutionRoleSpec,
    desired: &DesiredRole,
    account: &Account,
    known: &Documents,
) -> (Vec<Finding>, Vec<Finding>) {
    let Some(name) = &class.name else { return (Vec::new(), Vec::new()) };
    let mut unread = documents_needed(Some(desired), None, &ByNumber::new());
    unread.retain(|arn| !known.contains_key(arn));
    let mut documents = unread_documents(&unread);
    documents.extend(known.clone());
    let mut violations = class.judge_choices(spec);
    violations.extend(violations_of(class, desired, &role_arn(desired, account), None, &Placed::default(), &documents));
    let refused = violations.into_iter().map(|violation| refused(name, violation));
    let policies = desired.parts.managed_policies.iter().filter(|policy| unread.contains(&policy.arn));
    let unread = policies.map(|policy| Finding {
        severity: Severity::Warning,
        code: Code::PolicyNotRead,
        path: policy.path.clone(),
        message: format!("what {} allows is not known here, and LambdaRoleClass {name} may refuse it", policy.arn),
        fix: Some("The controller reads the policy and judges it".to_owned()),
    });
    (refused.collect(), unread.collect())
}

/// A violation of what the class called `class` demands, as a finding.
#[must_use]
pub fn refused(class: &str, Violation { rule, path, message, fix }: Violation) -> Finding {
    Finding {
        severity: Severity::Error,
        code: Code::GuardrailViolation,
        path,
        message: format!("{message} (LambdaRoleClass {class}: {rule})"),
        fix: Some(fix),
    }
}

/// ARN of the role.
#[must_use]
pub fn role_arn(desired: &DesiredRole, account: &Account) -> String {
    format!("arn:{}:iam::{}:role{}{}", account.partition, account.id, desired.path, desired.name)
}

/// The hold of a role that its class refuses, if it does: for what the role would hold once IAM equals the spec, with what
/// others put there and `spec.unlisted` keeps.
#[must_use]
pub fn refusal(
    class: &ObjectClass,
    desired: &DesiredRole,
    role_arn: &str,
    observed: Option<&ObservedRole>,
    placed_before: &Placed,
    documents: &Documents,
) -> Option<Hold> {
    hold(class, &violations_of(class, desired, role_arn, observed, placed_before, documents))
}

/// The hold of a role whose own statements need a policy that is a boundary of another class.
#[must_use]
pub fn boundary_refusal(class: &ObjectClass, desired: &DesiredRole, boundaries: &Boundaries) -> Option<Hold> {
    hold(class, boundaries.violation_of_role(desired).as_slice())
}

fn violations_of(
    class: &ObjectClass,
    desired: &DesiredRole,
    role_arn: &str,
    observed: Option<&ObservedRole>,
    placed_before: &Placed,
    documents: &Documents,
) -> Vec<Violation> {
    let Some(guardrails) = &class.guardrails else { return Vec::new() };
    let mut violations = Vec::new();
    let foreign = Foreign::of(desired, observed, placed_before);
    let mut inline_policies = desired.inline_policies.clone();
    // What the class says to the role's own object is another thing than what it says to a grant's.
    inline_policies.retain(|name, _| !grant::is_of_grant(name));
    for (name, json) in foreign.inline_policies {
        match Document::parse(json) {
            Ok(document) => drop(inline_policies.insert(name.to_owned(), document)),
            Err(fault) => violations.push(Violation {
                rule: "what a role holds is judged".to_owned(),
                path: format!("inline policy {name}"),
                message: format!("cannot be read ({fault}), and spec.unlisted keeps it"),
                fix: "Set spec.unlisted.inlinePolicies to Delete, or take the policy away".to_owned(),
            }),
        }
    }
    let of_spec = desired.parts.managed_policies.iter();
    let of_spec = of_spec.map(|policy| located(policy.path.clone(), &policy.arn, policy.is_described, documents));
    let kept = foreign.managed_policies.into_iter();
    let kept =
        kept.map(|arn| located(format!("attached policy {arn}, which spec.unlisted keeps"), arn, false, documents));
    let managed_policies: Vec<_> = of_spec.chain(kept).collect();
    violations.extend(guardrails.judge(&JudgedRole {
        arn: role_arn,
        statements: &desired.parts.statements,
        inline_policies: &inline_policies,
        overflow_policies: &desired.overflow_policies,
        trust: &desired.parts.trust,
        trust_policy: &desired.trust_policy,
        chosen_boundary: desired.parts.chosen_boundary.as_deref(),
        managed_policies: &managed_policies,
        tags: &desired.parts.tags,
    }));
    violations
}

/// Longest list of violations, in bytes: the message has to fit into an event.
pub(super) const TOLD_MAX: usize = 850;

fn hold(class: &ObjectClass, violations: &[Violation]) -> Option<Hold> {
    let class = class.name.as_deref().unwrap_or_default();
    let told = told(violations, TOLD_MAX.saturating_sub(class.len()))?;
    Some(Hold::new(Reason::GuardrailViolation, format!("LambdaRoleClass {class} refuses the role: {told}.")))
}

/// The violations in at most about `room` bytes; `None` if there are none. Each rule is told once for each place where it is
/// broken, as long as there is room.
pub(super) fn told(violations: &[Violation], room: usize) -> Option<String> {
    let mut seen = BTreeSet::new();
    let distinct: Vec<_> =
        violations.iter().filter(|violation| seen.insert((&violation.path, &violation.rule))).collect();
    let (first, rest) = distinct.split_first()?;
    let mut told = first.to_string();
    for (index, violation) in rest.iter().enumerate() {
        let next = violation.to_string();
        if told.len() + next.len() > room {
            let _ = write!(told, "; and {} more, which `lambdaroles lint` shows", rest.len() - index);
            break;
        }
        let _ = write!(told, "; {next}");
    }
    Some(told)
}

/// What of a spec counts for what is demanded of its role, as far as the spec is valid.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    statements: Vec<Located>,
    boundary: Option<String>,
    /// ARNs of the managed policies that objects describe.
    described: BTreeSet<String>,
}

impl Wanted {
    /// What `spec` leads to.
    #[must_use]
    pub fn by(
        spec: &LambdaExecutionRoleSpec,
        owner: &Owner,
        account: &Account,
        references: &References,
        role_name: &str,
    ) -> Self {
        let mut faults = Vec::new();
        let placeholders = expansion::placeholders(owner, account, role_name);
        let spec = expansion::expanded(spec, &placeholders, &mut faults);
        let Permissions { own, managed, .. } = Permissions::of(&spec, account, &placeholders, references, &mut faults);
        Self {
            statements: own,
            boundary: spec.permissions_boundary.map(|boundary| boundary.arn),
            described: managed.into_iter().filter(|policy| policy.is_described).map(|policy| policy.arn).collect(),
        }
    }
}

/// The boundary that is put back on an owned role whatever else is the matter: neither a suspension nor an invalid spec is a
/// way round it. It depends on no document that somebody would have to read.
#[must_use]
pub fn boundary(class: &ObjectClass, observed: &ObservedRole, wanted: &Wanted) -> Vec<Step> {
    let guardrails = class.guardrails.as_ref().filter(|_| class.mode == Mode::Enforce);
    let step = guardrails.and_then(|guardrails| guardrails.boundary_step(observed, wanted.boundary.as_deref()));
    step.into_iter().collect()
}

/// ARNs of the managed policies whose documents [`revocation`] goes by: none where it takes nothing, or everything.
#[must_use]
pub fn documents_for_revocation(
    class: &ObjectClass,
    observed: &ObservedRole,
    hold: Option<&Hold>,
    overflow: &ByNumber,
) -> BTreeSet<String> {
    if revokes(class) && !takes_everything(hold) {
        documents_judged(None, Some(observed), overflow)
    } else {
        BTreeSet::new()
    }
}

/// Whether [`revocation`] goes by what the managed policies of the role's own hold.
#[must_use]
pub fn reads_overflow(class: &ObjectClass, hold: Option<&Hold>) -> bool {
    revokes(class) && !takes_everything(hold)
}

pub(super) fn revokes(class: &ObjectClass) -> bool {
    class.mode == Mode::Enforce && class.on_violation == OnViolation::Revoke
}

/// Who may not use the class at all loses every right.
pub(super) fn takes_everything(hold: Option<&Hold>) -> bool {
    hold.is_some_and(|hold| matches!(hold.reason, Reason::ClassNotAllowed | Reason::RoleLimitReached))
}

/// What is taken from an owned role that is held or refused, if the class says so.
///
/// `hold` is why, if it is for the class. Judged is what IAM holds, not the spec.
#[must_use]
pub fn revocation(
    class: &ObjectClass,
    observed: &ObservedRole,
    hold: Option<&Hold>,
    overflow: &ByNumber,
    documents: &Documents,
    wanted: &Wanted,
) -> Vec<Step> {
    let Some(guardrails) = class.guardrails.as_ref().filter(|_| revokes(class)) else { return Vec::new() };
    if takes_everything(hold) {
        return revoke_all(observed, overflow);
    }
    let is_own = |arn: &&String| overflow.values().any(|policy| policy.arn == **arn);
    let attached = observed.managed_policies.iter().filter(|arn| !is_own(arn));
    let attached: Vec<_> = attached
        .map(|arn| located(format!("attached policy {arn}"), arn, wanted.described.contains(arn), documents))
        .collect();
    guardrails.revocation(observed, &attached, overflow, &wanted.statements)
}

/// Whether the class has anything done to roles that are held or refused, so that IAM is worth a look.
#[must_use]
pub fn enforces(class: &ObjectClass) -> bool {
    let has_boundary = class.guardrails.as_ref().is_some_and(Guardrails::demands_boundary);
    class.mode == Mode::Enforce && (has_boundary || revokes(class))
}

fn located(path: String, arn: &str, is_described: bool, documents: &Documents) -> LocatedDocument {
    let in_catalog = || of_aws::find_by_arn(arn).map(|known| &known.document);
    let document = documents.get(arn).or_else(in_catalog).cloned();
    let document = document.ok_or_else(|| "its document has not been read".to_owned());
    LocatedDocument { path, arn: arn.to_owned(), is_described, document }
}

/// Whether what the policy says is known without asking.
#[must_use]
pub fn is_in_catalog(arn: &str) -> bool {
    of_aws::find_by_arn(arn).is_some()
}
