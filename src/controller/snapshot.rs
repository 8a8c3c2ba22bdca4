//! What the metrics tell of the objects at a scrape.

use std::{collections::HashMap, time::Instant};

use kube::{Resource, ResourceExt, runtime::reflector::Store};

use super::{Context, neighbours::role_of, pipeline::Reconciled};
use crate::{
    api::{LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleClass, LambdaRoleGrant},
    cluster::{Guarded, Kind},
    plan::{class::bound_class, status::State},
    telemetry::Snapshot,
};

/// Classes of roles, by namespace and name of the role.
type ClassOfRole = HashMap<(String, String), String>;

impl Context {
    /// The objects of the classes that this controller serves, and of none, as the watches and their statuses tell of them.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new(self.accounts.credentials());
        self.count_classes(&mut snapshot);
        let mut class_of_role = ClassOfRole::new();
        for object in self.roles.iter().flat_map(Store::state) {
            let class = object.0.as_ref().ok().and_then(bound_class).unwrap_or_default();
            let key = (object.namespace().unwrap_or_default(), object.name_any());
            class_of_role.insert(key, class.to_owned());
            self.count(&object, class, &mut snapshot);
            if let Some(ratio) = object.0.as_ref().ok().and_then(inline_ratio).filter(|_| self.counts(class)) {
                snapshot.inline_ratio(class, ratio);
            }
        }
        for object in self.view.policies() {
            let class = object.0.as_ref().ok().and_then(bound_class).unwrap_or_default();
            self.count(&object, class, &mut snapshot);
        }
        for object in self.view.grants() {
            let of_role = |grant: &LambdaRoleGrant| class_of_role.get(&role_of(grant)).cloned();
            let class = object.0.as_ref().ok().and_then(of_role).unwrap_or_default();
            self.count(&object, &class, &mut snapshot);
        }
        self.overdue::<LambdaExecutionRole>(&mut snapshot);
        self.overdue::<LambdaManagedPolicy>(&mut snapshot);
        self.overdue::<LambdaRoleGrant>(&mut snapshot);
        snapshot
    }

    /// Whether objects of the class are counted here; of those that have none every controller says the same.
    fn counts(&self, class: &str) -> bool {
        class.is_empty() || self.serves(class)
    }

    fn count<K: Kind>(&self, object: &Guarded<K>, class: &str, snapshot: &mut Snapshot) {
        if self.counts(class) {
            let state = match &object.0 {
                Ok(decoded) => State::of(decoded.meta(), decoded.status().map(K::conditions).unwrap_or_default()),
                // Nobody can work with it before it is changed.
                Err(_) => State::Stalled,
            };
            snapshot.count(&K::kind(&()), class, state);
        }
    }

    fn count_classes(&self, snapshot: &mut Snapshot) {
        for object in self.view.classes() {
            let name = object.name_any();
            if self.serves(&name) {
                let state = match &object.0 {
                    Ok(class) => {
                        let conditions = class.status.as_ref().map(|status| status.conditions.as_slice());
                        State::of(class.meta(), conditions.unwrap_or_default())
                    }
                    Err(_) => State::Stalled,
                };
                snapshot.count(&LambdaRoleClass::kind(&()), &name, state);
            }
        }
    }

    fn overdue<K: Reconciled>(&self, snapshot: &mut Snapshot) {
        snapshot.overdue(&K::kind(&()), K::memory(self).overdue(Instant::now()));
    }
}

fn inline_ratio(role: &LambdaExecutionRole) -> Option<f64> {
    let status = role.status.as_ref()?;
    let (used, quota) = (i32::try_from(status.inline_characters?).ok()?, i32::try_from(status.inline_quota?).ok()?);
    (quota > 0).then(|| f64::from(used) / f64::from(quota))
}
