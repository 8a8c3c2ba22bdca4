//! What a class decides for one object: names, defaults, and what the role may hold.

mod check;
mod report;
mod selection;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

pub use check::check;
pub(super) use check::{check_namespaces, check_selector};
pub use report::{Count, Found, report};
pub use selection::{
    Classed, Namespace, Selection, bound_class, has_labels, has_place, is_named, may_use, select, selects,
};

use super::{
    Account, Owner, desired, expansion,
    guardrail::{Guardrails, Violation},
};
use crate::{
    api::{
        LambdaExecutionRoleSpec, LambdaManagedPolicySpec, LambdaRoleClassSpec,
        class::{ClassDefaults, Mode, OnViolation},
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
    name_in_iam: NameInIam,
    path: String,
    allowed_paths: Option<Vec<Pattern>>,
    adoptable: Vec<Pattern>,
    /// `None`: any.
    deletion_policies: Option<Vec<DeletionPolicy>>,
    defaults: ClassDefaults,
}

/// The name that an object chooses for what it describes, `None` where it leaves that to its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenName<'a> {
    /// Of a role.
    Role(Option<&'a str>),
    /// Of a managed policy. `$(roleName)` stands for it.
    Policy(Option<&'a str>),
}

impl<'a> From<&'a LambdaExecutionRoleSpec> for ChosenName<'a> {
    fn from(spec: &'a LambdaExecutionRoleSpec) -> Self {
        Self::Role(spec.role_name.as_deref())
    }
}

impl<'a> From<&'a LambdaManagedPolicySpec> for ChosenName<'a> {
    fn from(spec: &'a LambdaManagedPolicySpec) -> Self {
        Self::Policy(spec.policy_name.as_deref())
    }
}

/// What a class says of names.
#[derive(Clone, Debug)]
struct NameInIam {
    /// Where the object says nothing.
    default: String,
    /// Among which it may choose; `None`: any.
    allowed: Option<Vec<Pattern>>,
}

impl ObjectClass {
    /// The class called `name` for the object of `owner`.
    ///
    /// # Errors
    /// Every fault of the class, with its path there.
    pub fn of<'a>(
        name: &str,
        class: &LambdaRoleClassSpec,
        chosen: impl Into<ChosenName<'a>>,
        owner: &Owner,
        account: &Account,
    ) -> Result<Self, Vec<Finding>> {
        let LambdaRoleClassSpec { account: _, namespaces: _, naming, guardrails, defaults, mode } = class;
        let mut faults = Vec::new();
        let before_name = expansion::placeholders_before_name(owner, account);
        let (chosen, template, allowed, fields) = match chosen.into() {
            ChosenName::Role(chosen) => {
                (chosen, &naming.role_name, &naming.allowed_role_names, ["roleName", "allowedRoleNames"])
            }
            ChosenName::Policy(chosen) => {
                (chosen, &naming.policy_name, &naming.allowed_policy_names, ["policyName", "allowedPolicyNames"])
            }
        };
        let template = template.as_deref().unwrap_or(DEFAULT_NAME);
        let default = text(template, &format!("spec.naming.{}", fields[0]), &before_name, &mut faults);
        let placeholders = expansion::placeholders(owner, account, chosen.unwrap_or(&default));
        let template = naming.path.as_deref().unwrap_or(DEFAULT_PATH);
        let path = text(template, "spec.naming.path", &placeholders, &mut faults);
        let mut patterns = |list: &[String], field: &str| -> Vec<Pattern> {
            let texts = list.iter().enumerate().map(|(index, pattern)| {
                text(pattern, &format!("spec.naming.{field}[{index}]"), &placeholders, &mut faults)
            });
            texts.map(|text| Pattern::new(&text)).collect()
        };
        let allowed_paths = patterns(&naming.allowed_paths, "allowedPaths");
        let allowed = patterns(allowed, fields[1]);
        let adoptable = patterns(&naming.adoptable, "adoptable");
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
                name_in_iam: NameInIam { default, allowed: Some(allowed) },
                path,
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
            name_in_iam: NameInIam { default: format!("{}-{}", owner.namespace, owner.name), allowed: None },
            path: DEFAULT_PATH.to_owned(),
            allowed_paths: None,
            adoptable: Vec::new(),
            deletion_policies: None,
            defaults: ClassDefaults::default(),
        }
    }

    /// Name of the role: the spec's, or the class's.
    #[must_use]
    pub fn role_name<'a>(&'a self, spec: &'a LambdaExecutionRoleSpec) -> &'a str {
        spec.role_name.as_deref().unwrap_or(&self.name_in_iam.default)
    }

    /// Name of the managed policy: the spec's, or the class's.
    #[must_use]
    pub fn policy_name<'a>(&'a self, spec: &'a LambdaManagedPolicySpec) -> &'a str {
        spec.policy_name.as_deref().unwrap_or(&self.name_in_iam.default)
    }

    /// Path of the role or policy: the one that its spec chooses, or the class's.
    #[must_use]
    pub fn path<'a>(&'a self, chosen: Option<&'a str>) -> &'a str {
        chosen.unwrap_or(&self.path)
    }

    /// What becomes of changes that somebody else makes: the spec's word, or the class's.
    #[must_use]
    pub fn drift(&self, chosen: Option<Drift>) -> Drift {
        chosen.or(self.defaults.drift).unwrap_or_default()
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

    /// The same for a managed policy, which is never adopted.
    #[must_use]
    pub fn deletion_policy_of_policy(&self, spec: &LambdaManagedPolicySpec) -> DeletionPolicy {
        let wanted = spec.deletion_policy.or(self.defaults.deletion_policy).unwrap_or_default();
        match self.deletion_policies.as_deref() {
            Some([first, ..]) if !self.allows_deletion_policy(wanted) => *first,
            Some(_) | None => wanted,
        }
    }

    fn allows_deletion_policy(&self, policy: DeletionPolicy) -> bool {
        self.deletion_policies.as_ref().is_none_or(|allowed| allowed.contains(&policy))
    }

    /// How often IAM is looked at: the spec's word, or the class's.
    #[must_use]
    pub fn resync_interval(&self, chosen: Option<&str>) -> Option<Duration> {
        desired::resync_interval(chosen.or(self.defaults.resync_interval.as_deref())?)
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
        let may_adopt = spec.adoption != Adoption::Never && self.may_adopt(self.role_name(spec));
        let deletion_policy = spec.deletion_policy.filter(|_| spec.adoption == Adoption::Never);
        let mut violations: Vec<_> = self.judge_deletion_policy(deletion_policy).into_iter().collect();
        violations.extend(self.judge_name(
            spec.role_name.as_deref().filter(|_| !may_adopt),
            "roleName",
            "allowedRoleNames",
        ));
        violations.extend(self.judge_path(spec.path.as_deref()));
        violations
    }

    /// The same for a managed policy.
    #[must_use]
    pub fn judge_choices_of_policy(&self, spec: &LambdaManagedPolicySpec) -> Vec<Violation> {
        let mut violations: Vec<_> = self.judge_deletion_policy(spec.deletion_policy).into_iter().collect();
        violations.extend(self.judge_name(spec.policy_name.as_deref(), "policyName", "allowedPolicyNames"));
        violations.extend(self.judge_path(spec.path.as_deref()));
        violations
    }

    fn judge_deletion_policy(&self, chosen: Option<DeletionPolicy>) -> Option<Violation> {
        let policy = chosen.filter(|policy| !self.allows_deletion_policy(*policy))?;
        Some(Violation {
            rule: "spec.guardrails.deletionPolicies".to_owned(),
            path: "spec.deletionPolicy".to_owned(),
            message: format!("is {policy:?}, which the class does not allow"),
            fix: "Leave it out".to_owned(),
        })
    }

    fn judge_name(&self, chosen: Option<&str>, field: &str, list: &str) -> Option<Violation> {
        let NameInIam { default, allowed } = &self.name_in_iam;
        judge_choice(chosen?, default, allowed.as_deref()?, field, list)
    }

    fn judge_path(&self, chosen: Option<&str>) -> Option<Violation> {
        judge_choice(chosen?, &self.path, self.allowed_paths.as_deref()?, "path", "allowedPaths")
    }
}

fn judge_choice(chosen: &str, default: &str, allowed: &[Pattern], field: &str, list: &str) -> Option<Violation> {
    if chosen == default || allowed.iter().any(|pattern| pattern.matches(chosen)) {
        return None;
    }
    let others = match allowed {
        [] => String::new(),
        patterns => {
            let patterns = patterns.iter().take(5).map(ToString::to_string).collect::<Vec<_>>();
            format!(", or one that matches {}", patterns.join(", "))
        }
    };
    Some(Violation {
        rule: format!("spec.naming.{list}"),
        path: format!("spec.{field}"),
        message: format!("is {chosen}, which the class does not allow"),
        fix: format!("Leave it out, which makes it {default}{others}"),
    })
}

/// The name of roles and managed policies where neither object nor class says one.
pub(super) const DEFAULT_NAME: &str = "$(namespace)-$(name)";

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
