//! What is said of an object after a pass: conditions, events, and when to look again.

pub(super) mod conditions;
pub(super) mod notes;
mod state;

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::{SignedDuration, Timestamp},
};

use self::conditions::{Moment, Verdict, condition, failed, held, rejected, settled, synced};
pub use self::{
    notes::{Note, farewell},
    state::State,
};
use super::{Class, DesiredRole, Failure, Hold, Step, TrackedPolicy, grant, tracking::shown};
use crate::{
    api::{
        ConditionType, INLINE_POLICY_NAME, LambdaExecutionRoleStatus, Reason,
        role::{UnlistedInlinePolicies, UnlistedManagedPolicies},
        status::{AttachedPolicy, ForeignPolicies, OverflowPolicy, RoleGrant, StoredPolicy},
    },
    lint::{Finding, Severity},
    policy::Document,
};

/// What came of a pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// The spec cannot be.
    Rejected {
        /// The findings, of which at least one is an error.
        findings: &'a [Finding],
        /// What the class's guardrails had done all the same.
        enforced: &'a [Step],
    },
    /// IAM was left as it was.
    Held {
        /// Why.
        hold: &'a Hold,
        /// Whether the object is being deleted.
        is_deleting: bool,
        /// What the class's guardrails had done all the same.
        enforced: &'a [Step],
    },
    /// A call failed.
    Failed {
        /// What follows from it.
        failure: &'a Failure,
        /// The role as the spec asks for it, if the pass came so far.
        desired: Option<&'a DesiredRole>,
        /// What was done before.
        applied: &'a [Step],
        /// The step that failed, which may have been done all the same: its answer may be what failed.
        attempted: Option<&'a Step>,
        /// Whether it was known that something had to be done.
        is_behind: bool,
    },
    /// IAM equals the spec.
    Synced {
        /// The role.
        desired: &'a DesiredRole,
        /// Its ARN, id and account.
        identity: &'a Identity,
        /// What was done; nothing if nothing had to be.
        applied: &'a [Step],
        /// What others put on the role and `spec.unlisted` keeps.
        foreign: Option<&'a ForeignPolicies>,
        /// The versions of AWS's policies on the role, as far as they are known.
        tracked: &'a [TrackedPolicy],
    },
}

/// What AWS calls the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// ARN.
    pub arn: String,
    /// Unique id, `AROA…`.
    pub id: String,
    /// Account.
    pub account_id: String,
}

/// The circumstances of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a, S = LambdaExecutionRoleStatus> {
    /// The status as it was.
    pub previous: &'a S,
    /// Generation of the spec that the pass read.
    pub generation: Option<i64>,
    /// Value of the annotation that forces a look.
    pub reconcile_at: Option<&'a str>,
    /// The class of the object, if it has one.
    pub class_name: Option<&'a str>,
    /// When the pass ended.
    pub now: Timestamp,
    /// How long after the last write a role counts as propagated.
    pub settle: Duration,
}

impl Pass<'_> {
    pub(super) fn moment(&self) -> Moment<'_> {
        Moment { previous: &self.previous.conditions, generation: self.generation, now: self.now }
    }
}

/// When the object is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When the settle window has passed; IAM need not be read for it.
    Settled(Duration),
    /// When the settle window has passed, with a look at IAM: the last one came so soon after a change that it may not
    /// have seen it.
    Verify(Duration),
    /// At the resync interval.
    Resync,
    /// After a backoff that fits the class.
    Backoff(Class),
}

/// What is said of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<S = LambdaExecutionRoleStatus> {
    /// The whole new status.
    pub status: S,
    /// The events.
    pub notes: Vec<Note>,
    /// When to look again.
    pub next: Next,
}

/// Whether `status` says that IAM equalled this generation of the spec at the last look, or differed by drift alone.
#[must_use]
pub fn is_settled(status: &LambdaExecutionRoleStatus, generation: Option<i64>) -> bool {
    Moment { previous: &status.conditions, generation, now: Timestamp::UNIX_EPOCH }.is_settled()
}

/// Whether IAM equalled what `desired` asks of it before, so that a difference now is somebody else's doing: drift. Unlike
/// [`is_settled`] it outlasts holds, suspension, and changes of the spec that are not about IAM.
///
/// It does not outlast a generation that left no trace in the status: a pass over that one may have been killed halfway,
/// and what it did would be taken for somebody else's.
#[must_use]
pub fn has_synced(status: &LambdaExecutionRoleStatus, generation: Option<i64>, desired: &DesiredRole) -> bool {
    let is_next = status.observed_generation.zip(generation).is_some_and(|(before, now)| now <= before + 1);
    is_next && status.synced_fingerprint == Some(desired.fingerprint())
}

/// Whether conditions say that the class does not let the object have the role that it asks for.
#[must_use]
pub fn is_refused(conditions: &[Condition]) -> bool {
    const REASONS: [Reason; 3] = [Reason::GuardrailViolation, Reason::RoleLimitReached, Reason::ClassNotAllowed];
    condition(conditions, ConditionType::Accepted).is_some_and(|accepted| {
        accepted.status == "False" && REASONS.iter().any(|reason| accepted.reason == reason.as_str())
    })
}

/// Whether drift is reported that was not before.
#[must_use]
pub fn is_newly_drifted(before: &[Condition], now: &[Condition]) -> bool {
    let is_drifted = |conditions| condition(conditions, ConditionType::Drifted).is_some();
    is_drifted(now) && !is_drifted(before)
}

/// What is said after a pass.
#[must_use]
pub fn report(pass: &Pass<'_>, outcome: &Outcome<'_>) -> Report {
    let mut status = LambdaExecutionRoleStatus {
        observed_generation: pass.generation,
        last_handled_reconcile_at: pass.reconcile_at.map(str::to_owned),
        conditions: Vec::new(),
        plan: Vec::new(),
        class_name: pass.class_name.map(str::to_owned).or_else(|| pass.previous.class_name.clone()),
        ..pass.previous.clone()
    };
    let (verdicts, next) = match outcome {
        Outcome::Rejected { findings, enforced } => {
            status.warnings = warnings(findings);
            note_enforced(&mut status, pass, enforced);
            (rejected(findings, !enforced.is_empty()), Next::Resync)
        }
        Outcome::Held { hold, is_deleting, enforced } => {
            let synced = status.synced_fingerprint.take();
            note_enforced(&mut status, pass, enforced);
            // Drift that is only reported has to be known for drift also once the boundary is back.
            if enforced.is_empty() || hold.reason == Reason::Drifted {
                status.synced_fingerprint = synced;
            }
            status.plan = hold.plan.iter().take(PLAN_MAX).cloned().collect();
            // What stands in the way of a deletion goes without a sign; what suspends it does not.
            let is_watched = !*is_deleting || hold.reason == Reason::Suspended;
            let next = if is_watched { Next::Resync } else { Next::Backoff(Class::Waiting) };
            (held(&pass.moment(), hold, *is_deleting), next)
        }
        Outcome::Failed { failure, desired, applied, attempted, is_behind } => {
            if !applied.is_empty() {
                status.last_change_time = Some(whole_seconds(pass.now));
                // From now on the object has a role, which cannot be renamed.
                status.role_name = desired.map(|desired| desired.name.clone()).or(status.role_name);
                // What was done is ours, also if the spec goes back to what it was.
                let is_drift = desired.is_some_and(|desired| has_synced(pass.previous, pass.generation, desired));
                status.synced_fingerprint = status.synced_fingerprint.filter(|_| is_drift);
            }
            note_placed(&mut status, applied, desired.map_or(&[], |desired| desired.grants.as_slice()));
            if let Some(desired) = desired {
                status = announcement(&status, desired, *attempted).unwrap_or(status);
                status.warnings = warnings(&desired.warnings);
            }
            let next = match failure.class {
                Class::Terminal => Next::Resync,
                class @ (Class::Waiting | Class::Transient | Class::Throttled | Class::Conflict) => {
                    Next::Backoff(class)
                }
            };
            (failed(&pass.moment(), failure, desired.is_some(), *is_behind), next)
        }
        Outcome::Synced { desired, identity, applied, foreign, tracked } => {
            describe_role(&mut status, desired, identity, tracked);
            status.foreign_policies = foreign.cloned();
            // A change may have been made that this status does not know of, by a pass that could not write it.
            if !applied.is_empty() || !has_synced(pass.previous, pass.generation, desired) {
                status.last_change_time = Some(whole_seconds(pass.now));
            }
            let wait = unsettled_for(status.last_change_time.as_ref(), pass.now, pass.settle);
            let was_settled = unsettled_for(pass.previous.last_change_time.as_ref(), pass.now, pass.settle).is_none();
            let next = match wait {
                None => Next::Resync,
                Some(wait) if was_settled => Next::Settled(wait),
                Some(wait) => Next::Verify(wait),
            };
            (synced(&format!("Role {}", desired.name), wait), next)
        }
    };
    status.conditions = conditions_of(pass, verdicts);
    let notes = notes::notes(pass, outcome, &status);
    Report { status, notes, next }
}

/// The status once the settle window has passed, for an object that nothing else changed; or how long it still takes.
/// `None` if the object does not wait for that. What a look since then found amiss stays said.
#[must_use]
pub fn settle(pass: &Pass<'_>) -> Option<Report> {
    let wait = unsettled_for(pass.previous.last_change_time.as_ref(), pass.now, pass.settle);
    let name = pass.previous.role_name.as_deref().unwrap_or_default();
    let verdicts = settled(&pass.previous.conditions, &format!("Role {name}"), wait)?;
    let mut status = pass.previous.clone();
    status.conditions = conditions_of(pass, verdicts);
    Some(Report { status, notes: Vec::new(), next: wait.map_or(Next::Resync, Next::Settled) })
}

/// The conditions, with that of an export as it was: what came of it this time is told by [`super::export`], if the pass gets so
/// far.
fn conditions_of(pass: &Pass<'_>, mut verdicts: Vec<Verdict>) -> Vec<Condition> {
    if let Some(before) = condition(&pass.previous.conditions, ConditionType::Exported) {
        let place = verdicts.iter().position(|verdict| verdict.kind == ConditionType::Synced);
        let kept = Verdict::kept(before, ConditionType::Exported);
        verdicts.insert(place.map_or(verdicts.len(), |place| place + 1), kept);
    }
    verdicts.into_iter().map(|verdict| verdict.condition(&pass.moment())).collect()
}

fn describe_role(
    status: &mut LambdaExecutionRoleStatus,
    desired: &DesiredRole,
    identity: &Identity,
    tracked: &[TrackedPolicy],
) {
    status.role_arn = Some(identity.arn.clone());
    status.role_name = Some(desired.name.clone());
    status.role_id = Some(identity.id.clone());
    status.account_id = Some(identity.account_id.clone());
    let attached = desired.managed_policies.iter().map(|arn| {
        let before = status.managed_policies.iter().find(|policy| policy.arn == *arn);
        shown(arn, before, tracked.iter().find(|policy| policy.arn == *arn))
    });
    status.managed_policies = attached.collect();
    status.inline_characters = i64::try_from(desired.inline_characters()).ok();
    status.inline_quota = i64::try_from(desired.quotas.inline_policies).ok();
    let own = desired.inline_policies.iter().filter(|(name, _)| !grant::is_of_grant(name));
    status.inline_policies = own.map(|(name, document)| stored_policy(name, document)).collect();
    status.grants.clone_from(&desired.grants);
    let overflow = desired.overflow_policies.values();
    status.overflow_policies =
        overflow.map(|policy| overflow_policy(&policy.name, &policy.arn, &policy.document)).collect();
    status.synced_fingerprint = Some(desired.fingerprint());
    status.warnings = warnings(&desired.warnings);
}

/// The status that has to be written before `steps` are carried out, if one has: under `unlisted: Keep` only what it lists is
/// ever taken away again. A process that is killed between the two leaves what it put there, and the spec may not list it any
/// more when the next one starts.
#[must_use]
pub fn announcement<'a>(
    previous: &LambdaExecutionRoleStatus,
    desired: &DesiredRole,
    steps: impl IntoIterator<Item = &'a Step>,
) -> Option<LambdaExecutionRoleStatus> {
    let mut status = previous.clone();
    for step in steps {
        match step {
            Step::AttachManagedPolicy(arn)
                if desired.unlisted.managed_policies == UnlistedManagedPolicies::Keep
                    && desired.overflow_policies.values().all(|policy| policy.arn != *arn) =>
            {
                note_attached(&mut status, arn);
            }
            Step::PutInlinePolicy { name, document }
                if desired.unlisted.inline_policies == UnlistedInlinePolicies::Keep
                    && *name != INLINE_POLICY_NAME
                    && !grant::is_of_grant(name)
                    && status.inline_policies.iter().all(|policy| policy.name != *name) =>
            {
                status.inline_policies.push(stored_policy(name, document));
            }
            _ => {}
        }
    }
    (status != *previous).then_some(status)
}

/// Under `unlisted: Keep` only what these lists name is ever taken away again, so they must not lose what a failed pass did.
/// `grants` are those that the pass judged.
fn note_placed(status: &mut LambdaExecutionRoleStatus, applied: &[Step], grants: &[RoleGrant]) {
    for step in applied {
        let stored = &mut status.inline_policies;
        match step {
            Step::CreatePolicy(new) => {
                status.overflow_policies.retain(|policy| policy.arn != new.arn);
                status.overflow_policies.push(overflow_policy(&new.name, &new.arn, &new.document));
            }
            Step::CreatePolicyVersion { arn, document } => {
                for policy in status.overflow_policies.iter_mut().filter(|policy| policy.arn == *arn) {
                    policy.characters = characters(document);
                }
            }
            Step::DeletePolicy(arn) => status.overflow_policies.retain(|policy| policy.arn != *arn),
            Step::AttachManagedPolicy(arn) if status.overflow_policies.iter().all(|policy| policy.arn != *arn) => {
                note_attached(status, arn);
            }
            Step::DetachManagedPolicy(arn) => {
                status.managed_policies.retain(|policy| policy.arn != *arn);
                note_gone(status, |foreign| foreign.managed_policies.retain(|known| known != arn));
            }
            Step::PutInlinePolicy { name, .. } if grant::is_of_grant(name) => {
                if let Some(now) = grants.iter().find(|entry| entry.policy_name == *name) {
                    status.grants.retain(|entry| entry.policy_name != *name);
                    status.grants.push(now.clone());
                }
            }
            Step::PutInlinePolicy { name, document } => {
                stored.retain(|policy| policy.name != *name);
                stored.push(stored_policy(name, document));
            }
            Step::DeleteInlinePolicy(name) => {
                stored.retain(|policy| policy.name != *name);
                status.grants.retain(|entry| entry.policy_name != *name);
                note_gone(status, |foreign| foreign.inline_policies.retain(|known| known != name));
            }
            _ => {}
        }
    }
}

fn note_attached(status: &mut LambdaExecutionRoleStatus, arn: &str) {
    if status.managed_policies.iter().all(|policy| policy.arn != arn) {
        status.managed_policies.push(AttachedPolicy { arn: arn.to_owned(), ..AttachedPolicy::default() });
    }
}

/// What others put on the role goes, too, where the class refuses it.
fn note_gone(status: &mut LambdaExecutionRoleStatus, take: impl FnOnce(&mut ForeignPolicies)) {
    if let Some(foreign) = &mut status.foreign_policies {
        take(foreign);
    }
    status.foreign_policies = status.foreign_policies.take().filter(|foreign| *foreign != ForeignPolicies::default());
}

/// What was taken away is IAM's state now, and no longer what the spec asked for when IAM equalled it.
fn note_enforced(status: &mut LambdaExecutionRoleStatus, pass: &Pass<'_>, enforced: &[Step]) {
    if !enforced.is_empty() {
        status.last_change_time = Some(whole_seconds(pass.now));
        status.synced_fingerprint = None;
        note_placed(status, enforced, &[]);
    }
}

fn stored_policy(name: &str, document: &Document) -> StoredPolicy {
    StoredPolicy { name: name.to_owned(), characters: characters(document) }
}

fn overflow_policy(name: &str, arn: &str, document: &Document) -> OverflowPolicy {
    OverflowPolicy { name: name.to_owned(), arn: arn.to_owned(), characters: characters(document) }
}

fn characters(document: &Document) -> i64 {
    i64::try_from(document.characters()).unwrap_or(i64::MAX)
}

/// Most steps that a status shows.
pub(super) const PLAN_MAX: usize = 100;

/// Most warnings that a status shows; `lambdaroles lint` shows all.
const WARNINGS_MAX: usize = 20;

/// The warnings among `findings`, as the status shows them.
pub(super) fn warnings(findings: &[Finding]) -> Vec<String> {
    let warnings: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Warning).collect();
    let mut shown: Vec<String> =
        warnings.iter().take(WARNINGS_MAX).map(|finding| clipped(&format!("{}: {finding}", finding.code))).collect();
    if let Some(more @ 1..) = warnings.len().checked_sub(WARNINGS_MAX) {
        shown.push(format!("{more} more; `lambdaroles lint` shows all."));
    }
    shown
}

/// How long until the last change counts as propagated: the whole window at most, also on a clock that is behind.
pub(super) fn unsettled_for(changed: Option<&Time>, now: Timestamp, settle: Duration) -> Option<Duration> {
    let since = now.duration_since(changed?.0).max(SignedDuration::ZERO);
    let left = SignedDuration::try_from(settle).ok()?.checked_sub(since)?;
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

/// Kubernetes keeps times to the second.
pub(super) fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// Longest message in bytes: events take no more than 1024, and conditions should read the same.
const MESSAGE_MAX: usize = 1000;

pub(super) fn clipped(message: &str) -> String {
    if message.len() <= MESSAGE_MAX {
        return message.to_owned();
    }
    let end = (0..=MESSAGE_MAX).rev().find(|index| message.is_char_boundary(*index)).unwrap_or_default();
    format!("{}…", &message[..end])
}
