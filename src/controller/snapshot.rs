//! What the metrics tell of the objects at a scrape.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Instant, SystemTime},
};

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};
use kube::{Resource, ResourceExt, core::ObjectMeta, runtime::reflector::Store};

use super::{Context, neighbours::role_of, pipeline::Reconciled};
use crate::{
    api::{LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleClass, LambdaRoleGrant},
    cluster::{Guarded, Kind},
    plan::{class::bound_class, status::State},
    telemetry::Snapshot,
};

/// Classes of roles, by namespace and name of the role.
type ClassOfRole = HashMap<(String, String), String>;

/// The objects as they are counted.
struct Census<'a> {
    context: &'a Context,
    /// Names of the classes that there are: what else a manifest names is no label of a metric.
    classes: BTreeSet<String>,
    now: Timestamp,
    snapshot: Snapshot,
}

impl Context {
    /// The objects of the classes that this controller serves, and of none, as the watches and their statuses tell of them.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut census = Census {
            context: self,
            classes: self.view.classes().iter().map(|class| class.name_any()).collect(),
            now: Timestamp::now(),
            snapshot: Snapshot::new(self.accounts.credentials(SystemTime::now())),
        };
        census.count_classes();
        let class_of_role = census.count_roles();
        for object in self.view.policies() {
            let class = object.0.as_ref().ok().and_then(bound_class).unwrap_or_default();
            census.count(&object, class);
        }
        for object in self.view.grants() {
            let of_role = |grant: &LambdaRoleGrant| class_of_role.get(&role_of(grant)).cloned();
            let class = object.0.as_ref().ok().and_then(of_role).unwrap_or_default();
            census.count(&object, &class);
        }
        census.note_overdue::<LambdaExecutionRole>();
        census.note_overdue::<LambdaManagedPolicy>();
        census.note_overdue::<LambdaRoleGrant>();
        census.snapshot
    }
}

impl Census<'_> {
    fn count_classes(&mut self) {
        let kind = LambdaRoleClass::kind(&());
        for object in self.context.view.classes() {
            let name = object.name_any();
            if self.context.serves(&name) {
                let status = object.0.as_ref().map(|class| class.status.as_ref());
                let conditions = status.map(|status| status.map(|status| status.conditions.as_slice()));
                self.add(&kind, &name, object.meta(), conditions.ok().map(Option::unwrap_or_default));
            }
        }
    }

    fn count_roles(&mut self) -> ClassOfRole {
        let mut class_of_role = ClassOfRole::new();
        for object in self.context.roles.iter().flat_map(Store::state) {
            let class = object.0.as_ref().ok().and_then(bound_class).unwrap_or_default();
            let key = (object.namespace().unwrap_or_default(), object.name_any());
            class_of_role.insert(key, class.to_owned());
            self.count(&object, class);
            let ratio = object.0.as_ref().ok().and_then(inline_ratio);
            if let (Some(ratio), Some(class)) = (ratio, self.label(class)) {
                self.snapshot.inline_ratio(class, ratio);
            }
        }
        class_of_role
    }

    fn count<K: Kind>(&mut self, object: &Guarded<K>, class: &str) {
        if let Some(class) = self.label(class) {
            let conditions = object.0.as_ref().map(|object| object.status().map(K::conditions).unwrap_or_default());
            self.add(&K::kind(&()), class, object.meta(), conditions.ok());
        }
    }

    /// What the class is called in metrics; `None` if another controller counts its objects. Of those that have none, or one that
    /// is not there, every controller says the same.
    fn label<'c>(&self, class: &'c str) -> Option<&'c str> {
        let class = if self.classes.contains(class) { class } else { "" };
        (class.is_empty() || self.context.serves(class)).then_some(class)
    }

    /// Without conditions the object cannot be decoded, and nobody can work with it before it is changed.
    fn add(&mut self, kind: &str, class: &str, meta: &ObjectMeta, conditions: Option<&[Condition]>) {
        let state = conditions.map_or(State::Stalled, |conditions| State::of(meta, conditions));
        let since = conditions.and_then(|conditions| state.since(meta, conditions));
        let age = since.map(|since| self.now.duration_since(since).unsigned_abs());
        self.snapshot.count(kind, class, state, age);
    }

    fn note_overdue<K: Reconciled>(&mut self) {
        let kind = K::kind(&());
        let overdue = K::memory(self.context).overdue(Instant::now());
        self.snapshot.overdue(&kind, overdue.max(self.context.metrics.longest_wait(&kind)));
    }
}

/// Of a role whose statements have gone over into managed policies the inline ones are full, and no worse for it.
fn inline_ratio(role: &LambdaExecutionRole) -> Option<f64> {
    let status = role.status.as_ref().filter(|status| status.overflow_policies.is_empty())?;
    let (used, quota) = (i32::try_from(status.inline_characters?).ok()?, i32::try_from(status.inline_quota?).ok()?);
    (quota > 0).then(|| f64::from(used) / f64::from(quota))
}
