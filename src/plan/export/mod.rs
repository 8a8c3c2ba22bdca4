//! What becomes of `spec.export`: what workloads shall read, what is done about the ConfigMap, and what is said of it.
//!
//! A ConfigMap is the object's if its controlling owner reference names the object's UID; the status is no evidence of that.
//! It is made once the role is ready, and from then on kept equal as long as IAM equals the spec.

use std::collections::{BTreeMap, BTreeSet};

use super::status::conditions::condition;
use crate::api::{
    ConditionType, LambdaExecutionRole, LambdaExecutionRoleStatus, MANAGED_BY_LABEL, ROLE_LABEL, Reason,
    export::{Export, ExportKeys},
    rule,
    status::ExportStatus,
};

mod check;
mod report;

pub(super) use self::check::check;
pub use self::report::told;

/// Longest value of a label, in characters.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
const LABEL_VALUE_MAX: usize = 63;

/// A ConfigMap as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredConfigMap {
    /// Its name.
    pub name: String,
    /// Its labels, beside those of others.
    pub labels: BTreeMap<String, String>,
    /// What workloads read, beside what others put there.
    pub data: BTreeMap<String, String>,
}

/// A ConfigMap as the API server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedConfigMap {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its version, which changes with every write.
    pub resource_version: String,
    /// The owner that controls it.
    pub controller: Option<ControllingOwner>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its data.
    pub data: BTreeMap<String, String>,
    /// The keys that the controller set, and nobody beside it.
    pub own_keys: BTreeSet<String>,
}

/// The owner that controls an object in the cluster, as its owner reference says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControllingOwner {
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// UID of the owner.
    pub uid: String,
}

impl ObservedConfigMap {
    /// Whether the object of that UID controls it.
    #[must_use]
    pub fn is_owned_by(&self, uid: &str) -> bool {
        self.controller.as_ref().is_some_and(|owner| !uid.is_empty() && owner.uid == uid)
    }

    fn equals(&self, desired: &DesiredConfigMap) -> bool {
        let holds = |found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>| {
            wanted.iter().all(|(key, value)| found.get(key) == Some(value))
        };
        holds(&self.data, &desired.data)
            && holds(&self.labels, &desired.labels)
            && self.own_keys.iter().all(|key| desired.data.contains_key(key))
    }
}

/// What is done about a ConfigMap. What was looked at must not have changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is removed.
    Remove(ObservedConfigMap),
    /// There is none of that name, and it is made.
    Create(DesiredConfigMap),
    /// It is made equal.
    Update(DesiredConfigMap, ObservedConfigMap),
}

/// What came of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// None is asked for.
    Nothing,
    /// None is asked for any more, and nothing is left of the one before.
    Withdrawn,
    /// The ConfigMap is as it shall be.
    Exported,
    /// It waits for the role.
    Waiting,
    /// It stays as it is, as the object is suspended.
    Suspended,
    /// The controller runs without exports.
    Disabled,
    /// None is asked for any more, and the controller runs without exports, so what these names were written to stays.
    Left(BTreeSet<String>),
    /// The ConfigMap of that name is not the object's: in words.
    Conflict(String),
    /// The API server refuses, and a retry alone does not help: in words.
    Refused(String),
    /// The API server failed, or the ConfigMap changed meanwhile: in words.
    Failing(String),
}

/// What has to be looked at before more is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing.
    Settled(Outcome),
    /// The ConfigMap that is wanted, and those of other names which were written before and shall go.
    Look {
        /// The one that is wanted; `None` if none is.
        wanted: Option<DesiredConfigMap>,
        /// Names of those that shall go.
        left: BTreeSet<String>,
    },
}

/// What has to be looked at, after a pass that came to `status`.
#[must_use]
pub fn ask(role: &LambdaExecutionRole, status: &LambdaExecutionRoleStatus, is_enabled: bool) -> Ask {
    let before: BTreeSet<String> = status.export.iter().flat_map(written).cloned().collect();
    let Some(export) = &role.spec.export else {
        return match before {
            before if before.is_empty() => Ask::Settled(Outcome::Nothing),
            // The controller has no right to remove them.
            before if !is_enabled => Ask::Settled(Outcome::Left(before)),
            _ if role.spec.suspend => Ask::Settled(Outcome::Nothing),
            before => Ask::Look { wanted: None, left: before },
        };
    };
    if !is_enabled {
        return Ask::Settled(Outcome::Disabled);
    }
    if role.spec.suspend {
        return Ask::Settled(Outcome::Suspended);
    }
    if !check::faults(export).is_empty() {
        return Ask::Settled(Outcome::Waiting);
    }
    match desired(role, export, status) {
        Some(wanted) => {
            let left = before.into_iter().filter(|name| *name != wanted.name).collect();
            Ask::Look { wanted: Some(wanted), left }
        }
        None => Ask::Settled(Outcome::Waiting),
    }
}

/// The ConfigMap that the spec asks for; `None` as long as IAM has not told what the role is called.
fn desired(
    role: &LambdaExecutionRole,
    export: &Export,
    status: &LambdaExecutionRoleStatus,
) -> Option<DesiredConfigMap> {
    let all = ExportKeys {
        role_arn: Some("roleArn".to_owned()),
        role_name: Some("roleName".to_owned()),
        role_id: Some("roleId".to_owned()),
        account_id: Some("accountId".to_owned()),
    };
    let ExportKeys { role_arn, role_name, role_id, account_id } = export.config_map.keys.as_ref().unwrap_or(&all);
    let values = [
        (role_arn, status.role_arn.as_ref()?),
        (role_name, status.role_name.as_ref()?),
        (role_id, status.role_id.as_ref()?),
        (account_id, status.account_id.as_ref()?),
    ];
    let data = values.into_iter().filter_map(|(key, value)| Some((key.clone()?, value.clone())));
    let mut labels = BTreeMap::from([(MANAGED_BY_LABEL.to_owned(), "lambdaroles".to_owned())]);
    labels.extend(
        role.metadata
            .name
            .clone()
            .filter(|name| name.len() <= LABEL_VALUE_MAX)
            .map(|name| (ROLE_LABEL.to_owned(), name)),
    );
    Some(DesiredConfigMap { name: export.config_map.name.clone(), labels, data: data.collect() })
}

/// Names of the ConfigMaps that may be the object's, for one that goes.
#[must_use]
pub fn names(role: &LambdaExecutionRole) -> BTreeSet<String> {
    let of_spec = role.spec.export.as_ref().map(|export| export.config_map.name.clone());
    let of_status = role.status.as_ref().and_then(|status| status.export.as_ref());
    of_spec.into_iter().chain(of_status.into_iter().flat_map(written).cloned()).collect()
}

fn written(export: &ExportStatus) -> impl Iterator<Item = &String> {
    std::iter::once(&export.config_map).chain(&export.previous)
}

/// What is done, in order, given the ConfigMaps that were looked at; or why nothing is. What was written before goes last, so that
/// workloads have the one or the other. `role_uid` is the object's UID.
///
/// # Errors
/// Why the ConfigMap is not as it shall be.
pub fn judge(
    role_uid: &str,
    status: &LambdaExecutionRoleStatus,
    wanted: Option<&DesiredConfigMap>,
    found: Option<&ObservedConfigMap>,
    left: &[ObservedConfigMap],
) -> Result<Vec<Step>, Outcome> {
    let removals = left.iter().filter(|left| left.is_owned_by(role_uid)).cloned().map(Step::Remove);
    let Some(wanted) = wanted else { return Ok(removals.collect()) };
    let write = match found {
        Some(found) if !found.is_owned_by(role_uid) => return Err(Outcome::Conflict(conflict(found))),
        Some(found) if found.equals(wanted) => None,
        Some(found) if is_synced(status) => Some(Step::Update(wanted.clone(), found.clone())),
        None if is_ready(status) => Some(Step::Create(wanted.clone())),
        Some(_) | None => return Err(Outcome::Waiting),
    };
    Ok(write.into_iter().chain(removals).collect())
}

/// What the status names from the moment on that the steps are begun: the ConfigMap that is wanted, and those that are there until
/// then.
#[must_use]
pub fn remembered(wanted: &DesiredConfigMap, steps: &[Step]) -> ExportStatus {
    let goes = steps.iter().filter_map(|step| match step {
        Step::Remove(gone) => Some(gone.name.clone()),
        Step::Create(_) | Step::Update(..) => None,
    });
    ExportStatus { config_map: wanted.name.clone(), previous: goes.take(rule::PREVIOUS_EXPORTS_MAX).collect() }
}

/// The status that names a ConfigMap before it is made, in a pass over IAM that came to `status`: what IAM was changed to, but
/// nothing of how the object stands, which is not known yet.
#[must_use]
pub fn announcement(
    previous: &LambdaExecutionRoleStatus,
    status: &LambdaExecutionRoleStatus,
) -> LambdaExecutionRoleStatus {
    LambdaExecutionRoleStatus {
        observed_generation: previous.observed_generation,
        conditions: previous.conditions.clone(),
        last_handled_reconcile_at: previous.last_handled_reconcile_at.clone(),
        ..status.clone()
    }
}

fn is_synced(status: &LambdaExecutionRoleStatus) -> bool {
    condition(&status.conditions, ConditionType::Synced).is_some_and(|synced| synced.status == "True")
}

/// Whether the role is ready but for its export.
fn is_ready(status: &LambdaExecutionRoleStatus) -> bool {
    let ready = condition(&status.conditions, ConditionType::Ready);
    ready.is_some_and(|ready| ready.status == "True" || is_for_export(&ready.reason))
}

/// Whether a condition has its status for the sake of the export alone.
fn is_for_export(reason: &str) -> bool {
    const REASONS: [Reason; 3] = [Reason::ConfigMapConflict, Reason::ExportDisabled, Reason::ExportFailed];
    REASONS.iter().any(|own| own.as_str() == reason)
}

fn conflict(found: &ObservedConfigMap) -> String {
    let name = &found.name;
    let whose = match &found.controller {
        Some(ControllingOwner { kind, name, uid }) => format!("belongs to {kind} {name} (UID {uid})"),
        None => "has no owner that controls it, so it is not this controller's".to_owned(),
    };
    format!(
        "ConfigMap {name} exists already and {whose}. It was not touched. Choose another spec.export.configMap.name, or remove the ConfigMap."
    )
}
