//! What was last said of roles that have grants. A grant is woken the moment its role's status is written, which is before the watch
//! tells of that status.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::api::LambdaExecutionRoleStatus;

type Key = (String, String);

/// Per role, by namespace and name: its UID, and what was said of it.
#[derive(Debug, Default)]
pub(super) struct SharedRoles {
    said: Mutex<HashMap<Key, (Option<String>, Said)>>,
}

/// What was last said of a role.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// Its status.
    Status(Box<LambdaExecutionRoleStatus>),
    /// It was let go.
    Gone,
}

impl SharedRoles {
    /// What was last said of the role of that UID; `None` if nothing was since the process began.
    pub(super) fn last(&self, namespace: &str, name: &str, uid: Option<&str>) -> Option<Said> {
        let known = self.said();
        let (of, said) = known.get(&(namespace.to_owned(), name.to_owned()))?;
        (of.as_deref() == uid).then(|| said.clone())
    }

    /// Remembers what is said of a role.
    pub(super) fn remember(&self, key: Key, uid: Option<String>, said: Said) {
        self.said().insert(key, (uid, said));
    }

    /// Forgets a role that has no grants any more.
    pub(super) fn forget(&self, key: &Key) {
        self.said().remove(key);
    }

    fn said(&self) -> MutexGuard<'_, HashMap<Key, (Option<String>, Said)>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
