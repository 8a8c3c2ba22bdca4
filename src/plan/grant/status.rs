//! What is said of a grant: by what it asks for, and by what the last pass over its role came to.

use super::{GrantKey, Judged, placement::LISTED_MAX};
use crate::{
    api::{ConditionType, LambdaExecutionRoleStatus, LambdaRoleGrantStatus, Reason, status::RoleGrant},
    plan::{
        Hold,
        status::{
            Next, Note, Pass, Report,
            conditions::{Moment, Verdict, accepted, condition, synced},
            notes::news,
            unsettled_for, warnings,
        },
    },
};

/// The role of a grant, and what was last said of it.
#[derive(Clone, Copy, Debug)]
pub struct RoleSeen<'a> {
    /// Namespace of the object.
    pub namespace: &'a str,
    /// Name of the object.
    pub name: &'a str,
    /// Its status; `None` before the first pass over it.
    pub status: Option<&'a LambdaExecutionRoleStatus>,
    /// Whether it is suspended, so that nothing is done about the grant.
    pub is_suspended: bool,
    /// Most characters that it allows the grants of one namespace.
    pub per_namespace: Option<i64>,
}

/// What a pass over a grant found.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// No role that could judge it.
    Unjudged(&'a Hold),
    /// A role, and whether the grant may be.
    Judged {
        /// The verdict.
        judged: &'a Judged,
        /// The role.
        role: RoleSeen<'a>,
    },
    /// It is being deleted, and its policy is still on the role.
    Leaving {
        /// Why.
        hold: &'a Hold,
    },
}

impl RoleSeen<'_> {
    fn entry(&self, key: &GrantKey) -> Option<&RoleGrant> {
        self.status?.grants.iter().find(|entry| key.is_of(entry))
    }

    /// What the role waits for, if it is not ready: in its own words within its namespace, and no more than the reason elsewhere, as the words
    /// may tell of others.
    fn trouble(&self, key: &GrantKey) -> Option<String> {
        let ready = condition(&self.status?.conditions, ConditionType::Ready)?;
        let is_waiting = ready.status == "True" || ready.reason == Reason::PropagationPending.as_str();
        let is_at_home = key.namespace == self.namespace;
        (!is_waiting).then(|| {
            if is_at_home { format!("{}: {}", ready.reason, ready.message) } else { format!("{}.", ready.reason) }
        })
    }

    fn told(&self) -> String {
        format!("LambdaExecutionRole {}/{}", self.namespace, self.name)
    }
}

/// The hold of a grant whose role is not there, as far as a grant of that namespace is told. One that may be elsewhere is not
/// told from one that does not admit the grant.
#[must_use]
pub fn role_not_found((role_namespace, role): (&str, &str), namespace: &str) -> Hold {
    if role_namespace == namespace {
        let message = format!(
            "There is no LambdaExecutionRole {role_namespace}/{role}. The grant waits until it is made; if the name is wrong, make a new grant."
        );
        return Hold::new(Reason::RoleNotFound, message);
    }
    Hold::new(Reason::GrantNotAdmitted, super::admission::not_admitted((role_namespace, role), namespace))
}

/// The hold of a grant that waits for its role; `why` is in whole sentences.
#[must_use]
pub fn role_pending((namespace, name): (&str, &str), why: &str) -> Hold {
    let message = format!("The grant waits for LambdaExecutionRole {namespace}/{name}, which is not ready: {why}");
    Hold::new(Reason::RolePending, message)
}

/// Why a grant that is being deleted has to wait: its policy is on the role. `None` if it may go.
#[must_use]
pub fn leaving(key: &GrantKey, role: Option<&RoleSeen<'_>>) -> Option<Hold> {
    let role = role?;
    let entry = role.entry(key).filter(|entry| entry.characters.is_some())?;
    let (policy, told) = (&entry.policy_name, role.told());
    Some(match (role.is_suspended, role.trouble(key)) {
        (true, _) => Hold::new(
            Reason::Suspended,
            format!(
                "The deletion waits: {told} is suspended, so policy {policy} stays on it. Set spec.suspend of the role to false."
            ),
        ),
        (false, Some(trouble)) => Hold::new(
            Reason::RolePending,
            format!("The deletion waits for {told} to lose policy {policy}, and the role is not ready: {trouble}"),
        ),
        (false, None) => {
            Hold::new(Reason::RolePending, format!("The deletion waits for {told} to lose policy {policy}."))
        }
    })
}

/// What is said of a grant after a pass.
#[must_use]
pub fn report(pass: &Pass<'_, LambdaRoleGrantStatus>, found: &Found<'_>) -> Report<LambdaRoleGrantStatus> {
    let moment = Moment { previous: &pass.previous.conditions, generation: pass.generation, now: pass.now };
    let mut status = LambdaRoleGrantStatus {
        observed_generation: pass.generation,
        conditions: Vec::new(),
        role_arn: None,
        policy_name: None,
        characters: None,
        warnings: Vec::new(),
    };
    let (verdicts, next, reason) = match found {
        Found::Unjudged(hold) => {
            let on_role = unjudged(&mut status, pass.previous, hold);
            (refused(hold, &on_role), Next::Resync, hold.reason)
        }
        Found::Leaving { hold } => {
            status = LambdaRoleGrantStatus { conditions: Vec::new(), ..pass.previous.clone() };
            status.observed_generation = pass.generation;
            (deleting(&moment, hold), Next::Resync, hold.reason)
        }
        Found::Judged { judged, role } => {
            let entry = role.entry(&judged.key);
            if judged.is_of_role() {
                status.role_arn = role.status.and_then(|status| status.role_arn.clone());
                status.policy_name = Some(judged.key.policy_name());
            }
            status.characters = entry.and_then(|entry| entry.characters);
            status.warnings = warnings(&judged.warnings);
            judgement(pass, &moment, judged, role)
        }
    };
    status.conditions = verdicts.into_iter().map(|verdict| verdict.condition(&moment)).collect();
    let notes = notes(&moment, &status, reason);
    Report { status, notes, next }
}

/// What is on the role of a grant that nobody judges, as far as it can be told; what is known of it stays in the status.
fn unjudged(status: &mut LambdaRoleGrantStatus, previous: &LambdaRoleGrantStatus, hold: &Hold) -> String {
    let (Some(role), Some(policy)) = (&previous.role_arn, &previous.policy_name) else { return NOTHING.to_owned() };
    status.role_arn = Some(role.clone());
    status.policy_name = Some(policy.clone());
    if matches!(hold.reason, Reason::RoleNotFound | Reason::GrantNotAdmitted) {
        return format!(
            "Nothing of the grant is on a role of an object. If {role} was retained when its object went, policy {policy} stays on it as it was, until an object takes that role up again."
        );
    }
    status.characters = previous.characters;
    match previous.characters {
        Some(_) => as_before(policy),
        None => NOTHING.to_owned(),
    }
}

fn as_before(policy: &str) -> String {
    format!("Policy {policy} is on the role as it was before.")
}

const NOTHING: &str = "Nothing of the grant is on the role.";

fn judgement(
    pass: &Pass<'_, LambdaRoleGrantStatus>,
    moment: &Moment<'_>,
    judged: &Judged,
    role: &RoleSeen<'_>,
) -> (Vec<Verdict>, Next, Reason) {
    let entry = role.entry(&judged.key);
    let policy = judged.key.policy_name();
    let on_role = match entry.and_then(|entry| entry.characters) {
        Some(_) => as_before(&policy),
        None => NOTHING.to_owned(),
    };
    let document = match &judged.content {
        Ok(document) => document,
        Err(hold) => return (refused(hold, &on_role), Next::Resync, hold.reason),
    };
    match entry.filter(|entry| entry.generation == judged.generation) {
        Some(RoleGrant { reason: None, .. }) => {
            let name = role.status.and_then(|status| status.role_name.as_deref()).unwrap_or_default();
            let changed = role.status.and_then(|status| status.last_change_time.as_ref());
            // The role may have been changed since for somebody else.
            let wait = unsettled_for(changed, pass.now, pass.settle).filter(|_| !is_ready(moment));
            let verdicts = synced(&format!("Policy {policy} of role {name}"), wait);
            (verdicts, wait.map_or(Next::Resync, Next::Verify), Reason::Synced)
        }
        Some(RoleGrant { reason: Some(reason), .. }) if *reason == Reason::NoRoomForGrant.as_str() => {
            let hold = no_room(document.characters(), entry.and_then(|entry| entry.characters), role);
            (refused(&hold, &on_role), Next::Resync, hold.reason)
        }
        // Those that are on the role are listed before others, and a role has room for fewer than a status lists.
        None if entry.is_none() && role.status.is_some_and(|status| status.grants.len() >= LISTED_MAX) => {
            let hold = no_room(document.characters(), None, role);
            (refused(&hold, &on_role), Next::Resync, hold.reason)
        }
        Some(_) | None => {
            let waits = match (role.is_suspended, role.trouble(&judged.key)) {
                (true, _) => format!("{} is suspended, so nothing is done about the grant.", role.told()),
                (false, Some(trouble)) => format!("The grant waits for {}, which is not ready: {trouble}", role.told()),
                (false, None) => format!("The grant waits for the next pass over {}.", role.told()),
            };
            (pending(&waits, true), Next::Resync, Reason::RolePending)
        }
    }
}

/// The numbers are those of the role's last pass.
fn no_room(characters: usize, held: Option<i64>, role: &RoleSeen<'_>) -> Hold {
    let status = role.status;
    let quota = status.and_then(|status| status.inline_quota).unwrap_or_default();
    let taken = status.and_then(|status| status.inline_characters).unwrap_or_default();
    let by_grants: i64 = status.iter().flat_map(|status| &status.grants).filter_map(|entry| entry.characters).sum();
    let free = (quota - taken).max(0) + held.unwrap_or_default();
    let limit = role.per_namespace.map(|most| {
        format!(" It allows the grants of one namespace {most} together (spec.grants.maxCharactersPerNamespace).")
    });
    let message = format!(
        "The grant's policy makes {characters} characters, and {} has room for {free}: of the {quota} that IAM allows for the inline policies of a role its own take {} and those of grants {by_grants}.{} The grant goes in by itself when there is room. Make it shorter, or ask whoever owns the role.",
        role.told(),
        (taken - by_grants).max(0),
        limit.unwrap_or_default(),
    );
    Hold::new(Reason::NoRoomForGrant, message)
}

/// Whether the grant, as it stands, was ready at the last look.
fn is_ready(moment: &Moment<'_>) -> bool {
    condition(moment.previous, ConditionType::Ready)
        .is_some_and(|ready| ready.status == "True" && ready.observed_generation == moment.generation)
}

/// A grant that is not on the role as it stands. What it waits for may come by itself, or needs somebody.
fn refused(hold: &Hold, on_role: &str) -> Vec<Verdict> {
    let Hold { reason, message, plan: _ } = hold;
    if *reason == Reason::RolePending {
        return pending(message, false);
    }
    let abnormal = match reason {
        Reason::RoleNotFound
        | Reason::NoRoomForGrant
        | Reason::ClassNotFound
        | Reason::NoDefaultClass
        | Reason::NamespaceUnknown => ConditionType::Reconciling,
        _ => ConditionType::Stalled,
    };
    vec![
        Verdict::new(ConditionType::Ready, false, *reason, message),
        Verdict::new(ConditionType::Accepted, false, *reason, message),
        Verdict::new(ConditionType::Synced, false, *reason, on_role),
        Verdict::new(abnormal, true, *reason, message),
    ]
}

fn pending(message: &str, is_judged: bool) -> Vec<Verdict> {
    let accepted = if is_judged {
        accepted()
    } else {
        Verdict::new(ConditionType::Accepted, None, Reason::RolePending, "The grant has not been judged yet.")
    };
    vec![
        Verdict::new(ConditionType::Ready, false, Reason::RolePending, message),
        accepted,
        Verdict::new(ConditionType::Synced, false, Reason::RolePending, message),
        Verdict::new(ConditionType::Reconciling, true, Reason::RolePending, message),
    ]
}

fn deleting(moment: &Moment<'_>, hold: &Hold) -> Vec<Verdict> {
    let Hold { reason, message, plan: _ } = hold;
    let mut verdicts = vec![Verdict::new(ConditionType::Ready, false, Reason::Deleting, message)];
    let accepted = condition(moment.previous, ConditionType::Accepted);
    verdicts.extend(accepted.map(|before| Verdict::kept(before, ConditionType::Accepted)));
    verdicts.push(Verdict::new(ConditionType::Synced, false, Reason::Deleting, message));
    verdicts.push(Verdict::new(ConditionType::DeletionBlocked, true, *reason, message));
    verdicts
}

/// Events: what has to be seen to, and when the grant is on the role. A state that goes on is told once.
fn notes(moment: &Moment<'_>, status: &LambdaRoleGrantStatus, reason: Reason) -> Vec<Note> {
    let kind = match reason {
        Reason::RolePending => return Vec::new(),
        Reason::Synced => ConditionType::Synced,
        _ => ConditionType::Ready,
    };
    let note = news(moment.previous, &status.conditions, kind, reason);
    note.into_iter().map(|note| Note { is_warning: reason != Reason::Synced, ..note }).collect()
}
