//! Managed policies as IAM holds them, and what it means for a role that AWS makes another version of one the default.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use crate::{
    api::{LambdaExecutionRoleStatus, status::AttachedPolicy},
    policy::{Document, change::ActionChanges},
};

/// A managed policy in its default version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// ARN.
    pub arn: String,
    /// The default version, for example `v3`.
    pub version_id: String,
    /// What that version says.
    pub document: Document,
    /// Tags; AWS's own policies have none.
    pub tags: BTreeMap<String, String>,
}

/// One of AWS's policies on a role, as last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedPolicy {
    /// ARN.
    pub arn: String,
    /// The default version.
    pub version_id: String,
    /// What changed since the role's status was written; `None` if nothing did, or the status does not say.
    pub change: Option<PolicyChange>,
}

/// Another default version than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// The default version before.
    pub from: String,
    /// What differs; `None` if the version before cannot be read any more.
    pub actions: Option<ActionChanges>,
}

/// The version of the policy that the owner of a role was told of last.
#[must_use]
pub fn last_told<'a>(status: &'a LambdaExecutionRoleStatus, arn: &str) -> Option<&'a str> {
    status.managed_policies.iter().find(|policy| policy.arn == arn)?.version_id.as_deref()
}

impl TrackedPolicy {
    /// A policy whose default version is the one that the status says, or that is new to it.
    #[must_use]
    pub fn unchanged(current: &ManagedPolicy) -> Self {
        Self { arn: current.arn.clone(), version_id: current.version_id.clone(), change: None }
    }

    /// A policy whose default version was `from`, which says `old`, if that can be read still.
    #[must_use]
    pub fn changed(current: &ManagedPolicy, from: &str, old: Option<&Document>) -> Self {
        let actions = old.map(|old| ActionChanges::between(old, &current.document));
        Self { change: Some(PolicyChange { from: from.to_owned(), actions }), ..Self::unchanged(current) }
    }

    /// What the role's owner is told of the change, if there is one.
    pub(super) fn message(&self) -> Option<String> {
        let Self { arn, version_id, change } = self;
        let PolicyChange { from, actions } = change.as_ref()?;
        let told = match actions {
            Some(changes) => changes_told(changes),
            None => format!(" Version {from} cannot be read any more, so nobody can tell which actions changed."),
        };
        Some(format!("AWS made {version_id} the default version of {arn}, which was {from}.{told}"))
    }
}

/// The entry of a status about a policy that was attached. What could not be read stays as it was.
pub(super) fn shown(arn: &str, before: Option<&AttachedPolicy>, tracked: Option<&TrackedPolicy>) -> AttachedPolicy {
    let before = before.cloned().unwrap_or_default();
    let previous = tracked.and_then(|tracked| tracked.change.as_ref()).map(|change| change.from.clone());
    AttachedPolicy {
        arn: arn.to_owned(),
        version_id: tracked.map(|tracked| tracked.version_id.clone()).or(before.version_id),
        previous_version_id: previous.or(before.previous_version_id),
    }
}

/// Most actions that an event lists in a row.
const LISTED_MAX: usize = 12;

/// A sentence for each list that is not empty.
fn changes_told(changes: &ActionChanges) -> String {
    let ActionChanges { allowed, denied } = changes;
    let lists = [
        ("Allowed now", &allowed.added),
        ("Allowed no longer", &allowed.removed),
        ("Allowed on other resources or under other conditions", &allowed.changed),
        ("Denied now", &denied.added),
        ("Denied no longer", &denied.removed),
        ("Denied on other resources or under other conditions", &denied.changed),
    ];
    let mut told = String::new();
    for (what, actions) in lists.into_iter().filter(|(_, actions)| !actions.is_empty()) {
        let _ = write!(told, " {what}: {}.", Listed(actions));
    }
    if told.is_empty() { " What it allows and denies is the same.".to_owned() } else { told }
}

struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = &self.0[..self.0.len().min(LISTED_MAX)];
        f.write_str(&listed.join(", "))?;
        match self.0.len() - listed.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// One action that differs between two versions, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedAction<'a> {
    /// `allow` or `deny`.
    pub effect: &'static str,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// The action as it is written, or [`OTHER_ACTIONS`].
    pub action: &'a str,
}

/// Stands for the actions of a change beyond the first hundred: a policy that gives up a wildcard for a list would make
/// thousands of time series.
pub const OTHER_ACTIONS: &str = "other";

const COUNTED_MAX: usize = 100;

impl PolicyChange {
    /// What the change means, an entry an action; none if nobody can tell.
    #[must_use]
    pub fn counted(&self) -> Vec<CountedAction<'_>> {
        let Some(ActionChanges { allowed, denied }) = &self.actions else { return Vec::new() };
        let lists = [
            ("allow", "added", &allowed.added),
            ("allow", "removed", &allowed.removed),
            ("allow", "changed", &allowed.changed),
            ("deny", "added", &denied.added),
            ("deny", "removed", &denied.removed),
            ("deny", "changed", &denied.changed),
        ];
        let mut counted = Vec::new();
        for (effect, change, actions) in lists {
            for action in actions {
                let action = if counted.len() < COUNTED_MAX { action.as_str() } else { OTHER_ACTIONS };
                counted.push(CountedAction { effect, change, action });
            }
        }
        counted
    }
}
