//! What a class decides for one object: names, defaults, and what the role may hold.

mod check;
mod report;
mod selection;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

pub use check::check;
pub use report::{Count, Found, report};
pub use selection::{Namespace, Selection, bound_class, has_place, is_named, select};

use super::{
    Account, Owner, desired, expansion,
    guardrail::{Guardrails, Violation},
};
use crate::{
    api::{
        LambdaExecutionRoleSpec, LambdaRoleClassSpec,
        class::{ClassDefaults, Mode, Naming, OnViolation},
        role::{Adoption, DeletionPolicy, Drift},
        rule,
    },
    lint::{Finding, Home},
    policy::{Placeholders, pattern::Pattern},
};

/// The path of roles where neither object nor class says one.
pub(super) const DEFAULT_PATH: &str = "/";

/// A class as it holds for one object: its placeholders are replaced.
#[derive(Clone, Debug)]
pub struct ObjectClass {
    /// Name of the class; `None` where roles are judged without one.
    pub name: Option<String>,
    /// Whether IAM is written.
    pub mode: Mode,
    /// What becomes of a role that does not comply.
    pub on_violation: OnViolation,
    /// What the role may hold; `None` where no class is known.
    pub guardrails: Option<Guardrails>,
    role_name: String,
    path: String,
    /// `None`: any.
    allowed_role_names: Option<Vec<Pattern>>,
    allowed_paths: Option<Vec<Pattern>>,
    adoptable: Vec<Pattern>,
    /// `None`: any.
    deletion_policies: Option<Vec<DeletionPolicy>>,
    defaults: ClassDefaults,
}

impl ObjectClass {
    /// The class called `name` for the object of `owner`.
    ///
    /// # Errors
    /// Every fault of the class, with its path there.
    pub fn of(
        name: &str,
        class: &LambdaRoleClassSpec,
        spec: &LambdaExecutionRoleSpec,
        owner: &Owner,
        account: &Account,
    ) -> Result<Self, Vec<Finding>> {
        let LambdaRoleClassSpec { account: _, namespaces: _, naming, guardrails, defaults, mode } = class;
        let mut faults = Vec::new();
        let before_name = expansion::placeholders_before_name(owner, account);
        let template = naming.role_name.as_deref().unwrap_or(DEFAULT_ROLE_NAME);
        let role_name = text(template, "spec.naming.roleName", &before_name, &mut faults);
        let actual_name = spec.role_name.as_deref().unwrap_or(&role_name);
        let placeholders = expansion::placeholders(owner, account, actual_name);
        let template = naming.path.as_deref().unwrap_or(DEFAULT_PATH);
        let path = text(template, "spec.naming.path", &placeholders, &mut faults);
        let Naming { path: _, role_name: _, allowed_paths, allowed_role_names, adoptable } = naming;
        let mut patterns = |list: &[String], field: &str| -> Vec<Pattern> {
            let texts = list.iter().enumerate().map(|(index, pattern)| {
                text(pattern, &format!("spec.naming.{field}[{index}]"), &placeholders, &mut faults)
            });
            texts.map(|text| Pattern::new(&text)).collect()
        };
        let allowed_paths = patterns(allowed_paths, "allowedPaths");
        let allowed_role_names = patterns(allowed_role_names, "allowedRoleNames");
        let adoptable = patterns(adoptable, "adoptable");
        let defaults = expanded(defaults, &placeholders, &mut faults);
        let Account { id, partition, region, quotas: _ } = account;
        let guardrails = Guardrails::compile(guardrails, &placeholders, Home { partition, region, account: id })
            .map_err(|mut of_guardrails| faults.append(&mut of_guardrails));
        if let Ok(guardrails) = &guardrails {
            let reserved = defaults.tags.keys().filter(|key| guardrails.reserves_tag(key));
            faults.extend(reserved.map(|key| {
                let message = "is reserved by spec.guardrails.tags.reserved: no role may have it but by spec.guardrails.tags.forced";
                Finding::invalid(format!("spec.defaults.tags[{key}]"), message)
            }));
        }
        match guardrails {
            Ok(guardrails) if faults.is_empty() => Ok(Self {
                name: Some(name.to_owned()),
                mode: *mode,
                on_violation: class.guardrails.on_violation,
                guardrails: Some(guardrails),
                role_name,
                path,
                allowed_role_names: Some(allowed_role_names),
                allowed_paths: Some(allowed_paths),
                adoptable,
                deletion_policies: class.guardrails.deletion_policies.clone(),
                defaults,
            }),
            Ok(_) | Err(()) => Err(faults),
        }
    }

    /// What holds where no class is known: nothing is refused, and nothing is default but what always is.
    #[must_use]
    pub fn unknown(owner: &Owner) -> Self {
        Self {
            name: None,
            mode: Mode::Enforce,
            on_violation: OnViolation::Keep,
            guardrails: None,
            role_name: format!("{}-{}", owner.namespace, owner.name),
            path: DEFAULT_PATH.to_owned(),
            allowed_role_names: None,
            allowed_paths: None,
            adoptable: Vec::new(),
            deletion_policies: None,
            defaults: ClassDefaults::default(),
        }
    }

    /// Name of the role: the spec's, or the class's.
    #[must_use]
    pub fn role_name<'a>(&'a self, spec: &'a LambdaExecutionRoleSpec) -> &'a str {
        spec.role_name.as_deref().unwrap_or(&self.role_name)
    }

    /// Path of the role: the spec's, or the class's.
    #[must_use]
    pub fn path<'a>(&'a self, spec: &'a LambdaExecutionRoleSpec) -> &'a str {
        spec.path.as_deref().unwrap_or(&self.path)
    }

    /// What becomes of changes that somebody else makes: the spec's word, or the class's.
    #[must_use]
    pub fn drift(&self, spec: &LambdaExecutionRoleSpec) -> Drift {
        spec.drift.or(self.defaults.drift).unwrap_or_default()
    }

    /// What becomes of the role when the object goes: the spec's word; else a role that was adopted stays; else the class's word.
    /// A role that was not adopted has no other policy than the class allows.
    #[must_use]
    pub fn deletion_policy(&self, spec: &LambdaExecutionRoleSpec, is_adopted: bool) -> DeletionPolicy {
        let for_adopted = (is_adopted || spec.adoption == Adoption::ExistingRole).then_some(DeletionPolicy::Retain);
        let wanted = spec.deletion_policy.or(for_adopted).or(self.defaults.deletion_policy).unwrap_or_default();
        match self.deletion_policies.as_deref() {
            Some([first, ..]) if !is_adopted && !self.allows_deletion_policy(wanted) => *first,
            Some(_) | None => wanted,
        }
    }

    fn allows_deletion_policy(&self, policy: DeletionPolicy) -> bool {
        self.deletion_policies.as_ref().is_none_or(|allowed| allowed.contains(&policy))
    }

    /// How often IAM is looked at: the spec's word, or the class's.
    #[must_use]
    pub fn resync_interval(&self, spec: &LambdaExecutionRoleSpec) -> Option<Duration> {
        let text = spec.resync_interval.as_deref().or(self.defaults.resync_interval.as_deref())?;
        desired::resync_interval(text)
    }

    /// How long after a change a role counts as ready.
    #[must_use]
    pub fn settle_window(&self) -> Option<Duration> {
        desired::duration(self.defaults.settle_window.as_deref()?)
    }

    /// Tags that the role gets where the spec says nothing of the key, before the forced ones.
    #[must_use]
    pub fn with_default_tags(&self, tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let is_said = |key: &str| tags.keys().any(|said| said.eq_ignore_ascii_case(key));
        let defaults = self.defaults.tags.iter().filter(|(key, _)| !is_said(key));
        defaults.chain(tags).map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether the class consents to the adoption of the role of that name.
    #[must_use]
    pub fn may_adopt(&self, role_name: &str) -> bool {
        self.adoptable.iter().any(|pattern| pattern.matches(role_name))
    }

    /// What the class says to the name, the path and the deletion policy that `spec` chooses.
    #[must_use]
    pub fn judge_choices(&self, spec: &LambdaExecutionRoleSpec) -> Vec<Violation> {
        let name = self.role_name(spec);
        let may_adopt = spec.adoption != Adoption::Never && self.may_adopt(name);
        let chosen = [
            (
                spec.role_name.as_deref().filter(|_| !may_adopt),
                &self.role_name,
                &self.allowed_role_names,
                "roleName",
                "RoleNames",
            ),
            (spec.path.as_deref(), &self.path, &self.allowed_paths, "path", "Paths"),
        ];
        let mut violations = Vec::new();
        let refused = spec.deletion_policy.filter(|policy| !self.allows_deletion_policy(*policy));
        if let Some(policy) = refused.filter(|_| spec.adoption == Adoption::Never) {
            violations.push(Violation {
                rule: "spec.guardrails.deletionPolicies".to_owned(),
                path: "spec.deletionPolicy".to_owned(),
                message: format!("is {policy:?}, which the class does not allow"),
                fix: "Leave it out".to_owned(),
            });
        }
        for (chosen, default, allowed, field, list) in chosen {
            let (Some(chosen), Some(allowed)) = (chosen, allowed) else { continue };
            if chosen == default || allowed.iter().any(|pattern| pattern.matches(chosen)) {
                continue;
            }
            let others = match allowed.as_slice() {
                [] => String::new(),
                patterns => {
                    let patterns = patterns.iter().take(5).map(ToString::to_string).collect::<Vec<_>>();
                    format!(", or one that matches {}", patterns.join(", "))
                }
            };
            violations.push(Violation {
                rule: format!("spec.naming.allowed{list}"),
                path: format!("spec.{field}"),
                message: format!("is {chosen}, which the class does not allow"),
                fix: format!("Leave it out, which makes it {default}{others}"),
            });
        }
        violations
    }
}

/// The name of roles where neither object nor class says one.
pub(super) const DEFAULT_ROLE_NAME: &str = "$(namespace)-$(name)";

fn text(template: &str, path: &str, placeholders: &Placeholders, faults: &mut Vec<Finding>) -> String {
    match placeholders.expand(template) {
        Ok(text) => text.into_owned(),
        Err(unknown) => {
            faults.push(Finding::invalid(path, unknown.to_string()));
            String::new()
        }
    }
}

fn expanded(defaults: &ClassDefaults, placeholders: &Placeholders, faults: &mut Vec<Finding>) -> ClassDefaults {
    let tags = defaults
        .tags
        .iter()
        .map(|(key, value)| (key.clone(), text(value, &format!("spec.defaults.tags[{key}]"), placeholders, faults)));
    let expanded = ClassDefaults { tags: tags.collect(), ..defaults.clone() };
    if defaults.resync_interval.as_deref().is_some_and(|text| desired::resync_interval(text).is_none()) {
        faults.push(Finding::invalid("spec.defaults.resyncInterval", rule::RESYNC_INTERVAL));
    }
    let is_window =
        |text: &str| desired::duration(text).is_some_and(|window| window.as_secs() <= rule::SETTLE_SECONDS_MAX);
    if defaults.settle_window.as_deref().is_some_and(|text| !is_window(text)) {
        faults.push(Finding::invalid("spec.defaults.settleWindow", rule::SETTLE_WINDOW));
    }
    expanded
}
