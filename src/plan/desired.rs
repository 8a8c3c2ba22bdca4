//! What a spec asks for, checked whole: past [`DesiredRole`] nothing reads the spec again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{
    Account, ObjectClass, Owner,
    account::Quotas,
    class::check_selector,
    expansion::{expanded, placeholders},
    export,
    overflow::{Names, OverflowPolicy},
    permissions::{Permissions, characters, is_managed_policy},
    placement::{OwnStatements, Place, Placement},
    reference::References,
    tag,
    trust::{self, TrustPolicies},
};
use crate::{
    api::{
        INLINE_POLICY_NAME, LambdaExecutionRoleSpec,
        role::{Adoption, Drift, Grants, GrantsFrom, Unlisted},
        rule,
        status::RoleGrant,
    },
    lint::{self, Finding, Home, Located, LocatedPolicy, Severity, Size, Subject},
    policy::{Document, canonical::Canonical},
};

/// Longest session where the spec does not say, in seconds: IAM's own default.
const DEFAULT_SESSION_SECONDS: i32 = 3600;

/// Tags that IAM allows a role, or a managed policy. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(super) const TAGS_MAX: usize = 50;

/// A role as it shall be: valid, complete, expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredRole {
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// Description; empty for none.
    pub description: String,
    /// Longest session, in seconds.
    pub max_session_seconds: i32,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// All tags, those of the owner included.
    pub tags: BTreeMap<String, String>,
    /// The trust policy.
    pub trust_policy: Document,
    /// The trust policy without the trust in the role itself; equal to `trust_policy` if there is none.
    pub trust_policy_before_role: Document,
    /// Inline policies by name.
    pub inline_policies: BTreeMap<String, Document>,
    /// Inline policies of grants that stay on the role as they are, with their characters.
    pub kept_inline_policies: BTreeMap<String, usize>,
    /// The grants for the role, and what becomes of each.
    pub grants: Vec<RoleGrant>,
    /// Most characters that the grants of one namespace may take.
    pub grants_per_namespace: Option<usize>,
    /// The managed policies of its own, by number, with the statements that the inline policies have no room for.
    pub overflow_policies: BTreeMap<u32, OverflowPolicy>,
    /// What those are called.
    pub overflow_names: Names,
    /// The statements that stand in `lambdaroles` and in those, and the room for them.
    pub own: OwnStatements,
    /// ARNs of the managed policies that the spec attaches.
    pub managed_policies: BTreeSet<String>,
    /// What becomes of other policies on the role.
    pub unlisted: Unlisted,
    /// What becomes of changes that somebody else makes.
    pub drift: Drift,
    /// What becomes of a role that exists already and is no object's.
    pub adoption: Adoption,
    /// Whether IAM is neither read nor written.
    pub suspend: bool,
    /// How often IAM is looked at, if spec or class says so.
    pub resync_interval: Option<Duration>,
    /// What the class judges, each part with the field that it comes from.
    pub parts: Parts,
    /// What the account allows a role.
    pub quotas: Quotas,
    /// What is probably not meant, or riskier than it looks.
    pub warnings: Vec<Finding>,
}

/// The parts of a role as the spec puts them, before they become documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The statements of its permissions.
    pub statements: Vec<Located>,
    /// The statements that the spec adds to the trust policy.
    pub trust: Vec<Located>,
    /// The managed policies.
    pub managed_policies: Vec<LocatedPolicy>,
    /// The permissions boundary that the spec asks for.
    pub chosen_boundary: Option<String>,
    /// The tags of the spec, and the class's defaults.
    pub tags: BTreeMap<String, String>,
}

impl DesiredRole {
    /// A short text that changes with what IAM shall hold, and with nothing else: not with how drift and deletion are
    /// dealt with, nor with how a document is written, nor with which document a statement stands in.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Self {
            name,
            path,
            description,
            max_session_seconds,
            permissions_boundary,
            tags,
            trust_policy,
            trust_policy_before_role: _,
            inline_policies,
            kept_inline_policies: _,
            grants: _,
            grants_per_namespace: _,
            overflow_policies: _,
            overflow_names: _,
            own,
            managed_policies,
            unlisted,
            drift: _,
            adoption: _,
            suspend: _,
            resync_interval: _,
            parts: _,
            quotas: _,
            warnings: _,
        } = self;
        let given = inline_policies.iter().filter(|(name, _)| *name != INLINE_POLICY_NAME);
        let inline: BTreeMap<_, _> = given.map(|(name, document)| (name, Canonical::of(document))).collect();
        let own = Canonical::of(&Document::new(own.written.clone()));
        let described = format!(
            "{:?}",
            (
                (name, path, description, max_session_seconds, permissions_boundary, tags),
                (Canonical::of(trust_policy), inline, own, managed_policies, unlisted),
            )
        );
        digest(&described)
    }

    /// Characters of the inline policies together, with those of grants that stay as they are.
    #[must_use]
    pub fn inline_characters(&self) -> usize {
        characters(&self.inline_policies) + self.kept_inline_policies.values().sum::<usize>()
    }
}

/// A short text that tells `described` from any other.
pub(super) fn digest(described: &str) -> String {
    Sha256::digest(described).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The resync interval that `text` stands for: hours, minutes and seconds in whole numbers, from 30s to 24h; `None` for
/// anything else. Go's other durations (`1.5h`, `-1m`) are not taken, as the CRD's rule takes none.
#[must_use]
pub fn resync_interval(text: &str) -> Option<Duration> {
    let is_interval =
        |interval: &Duration| (rule::RESYNC_SECONDS_MIN..=rule::RESYNC_SECONDS_MAX).contains(&interval.as_secs());
    duration(text).filter(is_interval)
}

/// The duration that `text` stands for: hours, minutes and seconds in whole numbers.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = match tail.chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = number.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(seconds)?;
        rest = &tail[1..];
    }
    Some(Duration::from_secs(seconds))
}

/// Checks and expands a spec, with what its class decides. Whether the class allows the outcome is judged by
/// [`super::compliance`].
///
/// `references` are the managed policies that it refers to: what could not be told of them is left out, and the role has to
/// wait. `current_name` is the name of the role that the object already has, if any: IAM cannot rename it.
///
/// # Errors
/// Every fault; if there is none, every finding about what the spec means, warnings included, if at least one is an error.
pub fn desired_role(
    spec: &LambdaExecutionRoleSpec,
    owner: &Owner,
    account: &Account,
    class: &ObjectClass,
    references: &References,
    current_name: Option<&str>,
) -> Result<DesiredRole, Vec<Finding>> {
    let mut faults = Vec::new();
    let name = class.role_name(spec).to_owned();
    let placeholders = placeholders(owner, account, &name);
    let spec = &expanded(spec, &placeholders, &mut faults);
    let path = class.path(spec.path.as_deref()).to_owned();
    check_identity(spec, &name, &path, current_name, &mut faults);
    check_settings(spec, &mut faults);
    check_grants(&spec.grants, &mut faults);
    export::check(spec, &mut faults);
    check_tag_count(&spec.tags, &mut faults);
    tag::check_tags(&spec.tags, "spec.tags", &mut faults);
    tag::check_reserved_tags(&spec.tags, "spec.tags", &mut faults);
    let chosen_boundary = spec.permissions_boundary.as_ref().map(|boundary| boundary.arn.clone());
    if chosen_boundary.as_deref().is_some_and(|arn| !is_managed_policy(arn)) {
        faults.push(Finding::invalid("spec.permissionsBoundary.arn", rule::POLICY_ARN));
    }
    let permissions = Permissions::of(spec, account, &placeholders, references, &mut faults);
    let role_arn = format!("arn:{}:iam::{}:role{path}{name}", account.partition, account.id);
    let trust = trust::policies(&spec.trust, account, &role_arn, &mut faults);
    let managed_policies = permissions.managed_policies();
    let overflow_names = Names::of(account, &path, &name);
    let named = managed_policies.iter().chain(&chosen_boundary).filter_map(|arn| overflow_names.number(arn)).collect();
    let own = permissions.own_statements(account.quotas, spec.overflow, named).unwrap_or_else(|fault| {
        faults.push(fault);
        OwnStatements::default()
    });
    let placement = own.place(&Placement::new()).unwrap_or_default();
    let overflows = placement.keys().any(|home| *home != Place::Inline);
    if overflows && !overflow_names.are_possible() {
        faults.push(Finding::invalid("spec.path", rule::POLICY_PATH));
    }
    check_quotas(&trust, &managed_policies, account.quotas, &mut faults);
    if spec.resync_interval.as_deref().is_some_and(|text| resync_interval(text).is_none()) {
        faults.push(Finding::invalid("spec.resyncInterval", rule::RESYNC_INTERVAL));
    }
    // As a compiler does: what a statement means is not judged before it can be read.
    if faults.is_empty() {
        // A policy that others relieve is meant to be full.
        let inline = placement.get(&Place::Inline).filter(|_| !overflows).cloned();
        let inline = inline.map_or(0, |statements| Document::new(statements).characters());
        faults = lint(&permissions, &trust, characters(&permissions.raw) + inline, account);
    }
    if faults.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(faults);
    }
    let own_tags = class.with_default_tags(&spec.tags);
    let mut tags = own_tags.clone();
    let mut permissions_boundary = chosen_boundary.clone();
    if let Some(guardrails) = &class.guardrails {
        tags.retain(|key, _| !guardrails.forced_tags().keys().any(|forced| forced.eq_ignore_ascii_case(key)));
        tags.extend(guardrails.forced_tags().clone());
        permissions_boundary = guardrails.permissions_boundary(chosen_boundary.as_deref());
    }
    tags.extend(owner.tags());
    if let Some(over @ 1..) = (tags.len() + 1 + usize::from(overflows)).checked_sub(TAGS_MAX) {
        let message =
            format!("makes {over} tags more than IAM allows, with those of the class and the controller's own");
        return Err(vec![Finding::invalid("spec.tags", message)]);
    }
    let Permissions { own: located, raw, raw_statements, managed } = permissions;
    let role = DesiredRole {
        name,
        path,
        description: spec.description.clone().unwrap_or_default(),
        max_session_seconds: spec.max_session_duration_seconds.unwrap_or(DEFAULT_SESSION_SECONDS),
        permissions_boundary,
        tags,
        trust_policy: trust.with_role,
        trust_policy_before_role: trust.without_role,
        kept_inline_policies: BTreeMap::new(),
        grants: Vec::new(),
        grants_per_namespace: spec.grants.max_characters_per_namespace.and_then(|most| usize::try_from(most).ok()),
        inline_policies: raw,
        overflow_policies: BTreeMap::new(),
        overflow_names,
        own,
        managed_policies,
        unlisted: spec.unlisted,
        drift: class.drift(spec.drift),
        adoption: spec.adoption,
        suspend: spec.suspend,
        resync_interval: class.resync_interval(spec.resync_interval.as_deref()),
        parts: Parts {
            statements: located.into_iter().chain(raw_statements).collect(),
            trust: trust.written,
            managed_policies: managed,
            chosen_boundary,
            tags: own_tags,
        },
        quotas: account.quotas,
        warnings: faults,
    };
    Ok(role.with_placement(placement))
}

/// What is said of the role's rights and of who may assume it.
fn lint(permissions: &Permissions, trust: &TrustPolicies, inline_characters: usize, account: &Account) -> Vec<Finding> {
    let Account { id, partition, region, quotas } = account;
    let size = |path: &str, what: &str, characters, quota| Size {
        path: path.to_owned(),
        what: what.to_owned(),
        characters,
        quota,
    };
    let statements: Vec<_> = permissions.own.iter().chain(&permissions.raw_statements).cloned().collect();
    lint::lint(&Subject {
        home: Home { partition, region, account: id },
        statements: &statements,
        trust: &trust.written,
        managed_policies: &permissions.managed,
        sizes: &[
            size("spec", "the inline policies of a role", inline_characters, quotas.inline_policies),
            size("spec.trust", "a trust policy", trust.with_role.characters(), quotas.trust_policy),
        ],
    })
}

fn check_quotas(trust: &TrustPolicies, managed_policies: &BTreeSet<String>, quotas: Quotas, faults: &mut Vec<Finding>) {
    let (characters, quota) = (trust.with_role.characters(), quotas.trust_policy);
    if let Some(over @ 1..) = characters.checked_sub(quota) {
        let message = format!(
            "makes {characters} characters, {over} more than the {quota} that the account allows for a trust policy"
        );
        faults.push(Finding::invalid("spec.trust", message));
    }
    let (attached, quota) = (managed_policies.len(), quotas.managed_policies);
    if let Some(over @ 1..) = attached.checked_sub(quota) {
        let message = format!(
            "makes {attached} attached policies with those of features and event sources, {over} more than the {quota} that the account allows for a role: ask AWS for a higher quota, or choose form Inline"
        );
        faults.push(Finding::invalid("spec.managedPolicies", message));
    }
}

fn check_identity(
    spec: &LambdaExecutionRoleSpec,
    name: &str,
    path: &str,
    current_name: Option<&str>,
    faults: &mut Vec<Finding>,
) {
    if spec.class_name.as_deref().is_some_and(|class| !is_object_name(class)) {
        faults.push(Finding::invalid("spec.className", rule::CLASS_NAME));
    }
    if !is_role_name(name) {
        let message = match spec.role_name {
            Some(_) => rule::ROLE_NAME.to_owned(),
            None => format!(
                "the default name {name} is no role name: {}; make a new object that sets roleName",
                rule::ROLE_NAME
            ),
        };
        faults.push(Finding::invalid("spec.roleName", message));
    } else if current_name.is_some_and(|current| current != name) {
        faults.push(Finding::invalid("spec.roleName", rule::ROLE_NAME_IMMUTABLE));
    }
    if !is_path(path) {
        faults.push(Finding::invalid("spec.path", rule::PATH));
    }
}

fn check_settings(spec: &LambdaExecutionRoleSpec, faults: &mut Vec<Finding>) {
    let description = spec.description.as_deref().unwrap_or_default();
    if description.chars().count() > rule::DESCRIPTION_MAX || !description.chars().all(is_description_character) {
        faults.push(Finding::invalid("spec.description", rule::DESCRIPTION));
    }
    if spec
        .max_session_duration_seconds
        .is_some_and(|seconds| !(rule::SESSION_SECONDS_MIN..=rule::SESSION_SECONDS_MAX).contains(&seconds))
    {
        let (min, max) = (rule::SESSION_SECONDS_MIN, rule::SESSION_SECONDS_MAX);
        faults.push(Finding::invalid("spec.maxSessionDurationSeconds", format!("must be from {min} to {max}")));
    }
}

fn check_grants(grants: &Grants, faults: &mut Vec<Finding>) {
    if grants.selector.is_some() != (grants.from == GrantsFrom::Selector) {
        faults.push(Finding::invalid("spec.grants", rule::GRANTS_SELECTOR));
    }
    if grants.max_characters_per_namespace.is_some_and(|most| !(1..=rule::INLINE_CHARACTERS_MAX).contains(&most)) {
        faults.push(Finding::invalid("spec.grants.maxCharactersPerNamespace", rule::GRANTS_MAX_CHARACTERS));
    }
    if let Some(selector) = &grants.selector {
        check_selector(selector, "spec.grants.selector", faults);
    }
}

fn check_tag_count(tags: &BTreeMap<String, String>, faults: &mut Vec<Finding>) {
    if tags.len() > rule::TAGS_MAX {
        let message =
            format!("has {} tags, and {} are allowed beside the controller's own", tags.len(), rule::TAGS_MAX);
        faults.push(Finding::invalid("spec.tags", message));
    }
}

/// What a name in IAM may hold beside letters and digits.
pub(super) const NAME_SIGNS: &str = "_+=,.@-";

/// A name as any object has it.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>
pub(super) fn is_object_name(name: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= rule::OBJECT_NAME_MAX
        && name.starts_with(is_alphanumeric)
        && name.ends_with(is_alphanumeric)
        && name.chars().all(|c| is_alphanumeric(c) || c == '-' || c == '.')
}

fn is_role_name(name: &str) -> bool {
    (1..=rule::ROLE_NAME_MAX).contains(&name.chars().count())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || NAME_SIGNS.contains(c))
}

pub(super) fn is_path(path: &str) -> bool {
    path == "/"
        || path.len() <= rule::PATH_MAX
            && path.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).is_some_and(|inner| !inner.is_empty())
            && path.chars().all(|c| c.is_ascii_graphic())
}

fn is_description_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{A1}'..='\u{FF}')
}
