//! What is remembered of each object between passes. Losing it costs one look at IAM an object.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kube::ResourceExt;

use crate::{api::LambdaExecutionRole, plan::look::Subject};

/// A wake-up that was meant for a look may come a moment before it is due.
const TIMER_SLACK: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
struct Entry {
    subject: Subject,
    failures: u32,
    due: Instant,
}

/// Per object, by namespace and name: what was looked at, failures in a row, and when the next look is due; and who was given
/// a place where a class limits their number.
#[derive(Debug, Default)]
pub(super) struct Memory {
    entries: Mutex<HashMap<(String, String), Entry>>,
    placed: Mutex<HashSet<(String, String)>>,
}

type Key<'a> = (&'a str, &'a str);

impl Memory {
    /// How long until the next look at `subject` is due; `None` if it is due now.
    pub(super) fn wait(&self, key: Key<'_>, subject: &Subject, now: Instant) -> Option<Duration> {
        let entries = self.entries();
        let entry = entries.get(&owned(key)).filter(|entry| entry.subject == *subject)?;
        entry.due.checked_duration_since(now).filter(|wait| *wait > TIMER_SLACK)
    }

    /// Remembers a look, and returns the failures in a row, this one included.
    pub(super) fn looked(&self, key: Key<'_>, subject: Subject, has_failed: bool) -> u32 {
        let mut entries = self.entries();
        let now = Instant::now();
        let entry = entries.entry(owned(key)).or_insert(Entry { subject: subject.clone(), failures: 0, due: now });
        // A changed spec starts anew: it deserves a prompt attempt.
        if entry.subject != subject || !has_failed {
            entry.failures = 0;
        }
        entry.subject = subject;
        entry.failures += u32::from(has_failed);
        entry.due = now;
        entry.failures
    }

    /// Puts the next look off until `due`.
    pub(super) fn put_off(&self, key: Key<'_>, due: Instant) {
        if let Some(entry) = self.entries().get_mut(&owned(key)) {
            entry.due = due;
        }
    }

    /// For how long the look has been due that has waited longest; nothing if none is due.
    pub(super) fn overdue(&self, now: Instant) -> Duration {
        self.entries().values().map(|entry| now.saturating_duration_since(entry.due)).max().unwrap_or_default()
    }

    /// Forgets an object that is gone.
    pub(super) fn forget(&self, key: Key<'_>) {
        self.entries().remove(&owned(key));
        self.placed.lock().unwrap_or_else(PoisonError::into_inner).remove(&owned(key));
    }

    /// Gives `role` a place if `has_place` says so, which is told who has a role already. One at a time: of two that ask at
    /// once for the last place, one gets it.
    pub(super) fn grant(
        &self,
        role: &LambdaExecutionRole,
        has_place: impl FnOnce(&dyn Fn(&LambdaExecutionRole) -> bool) -> bool,
    ) -> bool {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let key = |role: &LambdaExecutionRole| (role.namespace().unwrap_or_default(), role.name_any());
        let has_role = |role: &LambdaExecutionRole| {
            let id = role.status.as_ref().and_then(|status| status.role_id.as_ref());
            id.is_some() || placed.contains(&key(role))
        };
        let has_place = has_place(&has_role);
        if has_place {
            placed.insert(key(role));
        } else {
            placed.remove(&key(role));
        }
        has_place
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<(String, String), Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owned((namespace, name): Key<'_>) -> (String, String) {
    (namespace.to_owned(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use kube::core::ObjectMeta;

    use super::*;
    use crate::api::LambdaExecutionRoleSpec;

    fn role(name: &str) -> LambdaExecutionRole {
        let metadata =
            ObjectMeta { name: Some(name.to_owned()), namespace: Some("shop".to_owned()), ..ObjectMeta::default() };
        LambdaExecutionRole { metadata, spec: LambdaExecutionRoleSpec::default(), status: None }
    }

    #[test]
    fn the_look_that_has_waited_longest_tells_how_far_behind_the_controller_is() {
        let memory = Memory::default();
        let now = Instant::now();
        assert_eq!(memory.overdue(now), Duration::ZERO);
        let subject = Subject::default();
        for (name, due) in [("late", 40), ("later", 30), ("early", 90)] {
            memory.looked(("shop", name), subject.clone(), false);
            memory.put_off(("shop", name), now + Duration::from_secs(due));
        }
        assert_eq!(memory.overdue(now), Duration::ZERO);
        assert_eq!(memory.overdue(now + Duration::from_mins(1)), Duration::from_secs(30));
    }

    #[test]
    fn a_place_that_was_given_is_known_until_the_object_is_gone() {
        let memory = Memory::default();
        let has_role = |name: &str| memory.grant(&role("asks"), |has_role| has_role(&role(name)));
        assert!(!has_role("a"));
        assert!(memory.grant(&role("a"), |_| true));
        assert!(has_role("a"));
        memory.forget(("shop", "a"));
        assert!(!has_role("a"));
    }

    #[test]
    fn of_many_that_ask_at_once_for_the_last_place_one_gets_it() {
        let memory = Arc::new(Memory::default());
        let roles: Arc<Vec<_>> = Arc::new((0..8).map(|number| role(&number.to_string())).collect());
        let ask = |number: usize| {
            let (memory, roles) = (Arc::clone(&memory), Arc::clone(&roles));
            thread::spawn(move || memory.grant(&roles[number], |has_role| !roles.iter().any(has_role)))
        };
        let asking: Vec<_> = (0..8).map(ask).collect();
        let given = asking.into_iter().map(|asked| asked.join().unwrap()).filter(|is_given| *is_given);
        assert_eq!(given.count(), 1);
    }
}
