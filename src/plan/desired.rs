//! What a spec asks for, checked whole: past [`DesiredRole`] nothing reads the spec again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};

use sha2::{Digest, Sha256};

use super::{Owner, statement, trust};
use crate::{
    api::{
        INLINE_POLICY_NAME, LambdaExecutionRoleSpec, TAG_PREFIX,
        role::{DeletionPolicy, Drift, ManagedPolicy, Unlisted},
        rule,
    },
    catalog::managed_policy::aws_managed_policy_arn,
    policy::{Arn, Document, canonical::Canonical},
};

/// Most characters of a role's inline policies together; no quota request changes it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const INLINE_QUOTA: usize = 10_240;

/// Most characters of a trust policy after a quota request; 2,048 without one, which IAM judges itself.
pub const TRUST_POLICY_QUOTA: usize = 8_192;

/// Longest session where the spec does not say, in seconds: IAM's own default.
const DEFAULT_SESSION_SECONDS: i32 = 3600;

/// Where roles are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The region that bare function names stand for.
    pub region: String,
}

/// Something in a spec that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Path of the field, for example `spec.statements[0].sid`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Rejection {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

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
    /// ARNs of the managed policies.
    pub managed_policies: BTreeSet<String>,
    /// What becomes of other policies on the role.
    pub unlisted: Unlisted,
    /// What becomes of changes that somebody else makes.
    pub drift: Drift,
    /// What becomes of the role when the object goes.
    pub deletion_policy: DeletionPolicy,
    /// Whether IAM is neither read nor written.
    pub suspend: bool,
    /// How often IAM is looked at, if the spec says so.
    pub resync_interval: Option<Duration>,
}

impl DesiredRole {
    /// A short text that changes with what IAM shall hold, and with nothing else: not with how drift and deletion are
    /// dealt with, nor with how a document is written.
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
            managed_policies,
            unlisted,
            drift: _,
            deletion_policy: _,
            suspend: _,
            resync_interval: _,
        } = self;
        let inline: BTreeMap<_, _> =
            inline_policies.iter().map(|(name, document)| (name, Canonical::of(document))).collect();
        let described = format!(
            "{:?}",
            (
                (name, path, description, max_session_seconds, permissions_boundary, tags),
                (Canonical::of(trust_policy), inline, managed_policies, unlisted),
            )
        );
        Sha256::digest(described).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Characters of the inline policies together.
    #[must_use]
    pub fn inline_characters(&self) -> usize {
        self.inline_policies.values().map(Document::characters).sum()
    }
}

/// Name of the role that `owner`'s object describes: the spec's, or `<namespace>-<name>`.
#[must_use]
pub fn role_name(spec: &LambdaExecutionRoleSpec, owner: &Owner) -> String {
    spec.role_name.clone().unwrap_or_else(|| format!("{}-{}", owner.namespace, owner.name))
}

/// The resync interval that `text` stands for: hours, minutes and seconds in whole numbers, from 30s to 24h; `None` for
/// anything else. Go's other durations (`1.5h`, `-1m`) are not taken, as the CRD's rule takes none.
#[must_use]
pub fn resync_interval(text: &str) -> Option<Duration> {
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
    (rule::RESYNC_SECONDS_MIN..=rule::RESYNC_SECONDS_MAX).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// Checks and expands a spec.
///
/// `current_name` is the name of the role that the object already has, if any: IAM cannot rename it.
///
/// # Errors
/// Every fault that was found, not just the first.
pub fn desired_role(
    spec: &LambdaExecutionRoleSpec,
    owner: &Owner,
    account: &Account,
    current_name: Option<&str>,
) -> Result<DesiredRole, Vec<Rejection>> {
    let mut faults = Vec::new();
    let name = role_name(spec, owner);
    let path = spec.path.clone().unwrap_or_else(|| "/".to_owned());
    check_identity(spec, &name, &path, current_name, &mut faults);
    check_settings(spec, &mut faults);
    check_tags(&spec.tags, &mut faults);
    let permissions_boundary = spec.permissions_boundary.as_ref().map(|boundary| boundary.arn.clone());
    if permissions_boundary.as_deref().is_some_and(|arn| !is_managed_policy(arn)) {
        faults.push(Rejection::new("spec.permissionsBoundary.arn", rule::POLICY_ARN));
    }
    let managed_policies = managed_policies(&spec.managed_policies, account, &mut faults);
    let role_arn = format!("arn:{}:iam::{}:role{path}{name}", account.partition, account.id);
    let trust = trust::policies(&spec.trust, account, &role_arn, &mut faults);
    let statements = statement::statements(&spec.statements, account, &mut faults);

    let mut inline_policies = BTreeMap::new();
    if !statements.is_empty() {
        let document = Document::new(statements);
        check_size(&document, "spec.statements", "the inline policies of a role", INLINE_QUOTA, &mut faults);
        inline_policies.insert(INLINE_POLICY_NAME.to_owned(), document);
    }
    check_size(&trust.with_role, "spec.trust", "a trust policy", TRUST_POLICY_QUOTA, &mut faults);
    let resync_interval = spec.resync_interval.as_deref().and_then(resync_interval);
    if spec.resync_interval.is_some() && resync_interval.is_none() {
        faults.push(Rejection::new("spec.resyncInterval", rule::RESYNC_INTERVAL));
    }

    if !faults.is_empty() {
        return Err(faults);
    }
    let mut tags = spec.tags.clone();
    tags.extend(owner.tags());
    Ok(DesiredRole {
        name,
        path,
        description: spec.description.clone().unwrap_or_default(),
        max_session_seconds: spec.max_session_duration_seconds.unwrap_or(DEFAULT_SESSION_SECONDS),
        permissions_boundary,
        tags,
        trust_policy: trust.with_role,
        trust_policy_before_role: trust.without_role,
        inline_policies,
        managed_policies,
        unlisted: spec.unlisted,
        drift: spec.drift,
        deletion_policy: spec.deletion_policy,
        suspend: spec.suspend,
        resync_interval,
    })
}

fn check_identity(
    spec: &LambdaExecutionRoleSpec,
    name: &str,
    path: &str,
    current_name: Option<&str>,
    faults: &mut Vec<Rejection>,
) {
    if !is_role_name(name) {
        let message = match spec.role_name {
            Some(_) => rule::ROLE_NAME.to_owned(),
            None => format!(
                "the default name {name} is no role name: {}; make a new object that sets roleName",
                rule::ROLE_NAME
            ),
        };
        faults.push(Rejection::new("spec.roleName", message));
    } else if current_name.is_some_and(|current| current != name) {
        faults.push(Rejection::new("spec.roleName", rule::ROLE_NAME_IMMUTABLE));
    }
    if !is_path(path) {
        faults.push(Rejection::new("spec.path", rule::PATH));
    }
}

fn check_settings(spec: &LambdaExecutionRoleSpec, faults: &mut Vec<Rejection>) {
    let description = spec.description.as_deref().unwrap_or_default();
    if description.chars().count() > rule::DESCRIPTION_MAX || !description.chars().all(is_description_character) {
        faults.push(Rejection::new("spec.description", rule::DESCRIPTION));
    }
    if spec
        .max_session_duration_seconds
        .is_some_and(|seconds| !(rule::SESSION_SECONDS_MIN..=rule::SESSION_SECONDS_MAX).contains(&seconds))
    {
        let (min, max) = (rule::SESSION_SECONDS_MIN, rule::SESSION_SECONDS_MAX);
        faults.push(Rejection::new("spec.maxSessionDurationSeconds", format!("must be from {min} to {max}")));
    }
}

fn check_tags(tags: &BTreeMap<String, String>, faults: &mut Vec<Rejection>) {
    if tags.len() > rule::TAGS_MAX {
        let message =
            format!("has {} tags, and {} are allowed beside the controller's own", tags.len(), rule::TAGS_MAX);
        faults.push(Rejection::new("spec.tags", message));
    }
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        let path = format!("spec.tags[{key}]");
        let is_length =
            (1..=rule::TAG_KEY_MAX).contains(&key.chars().count()) && value.chars().count() <= rule::TAG_VALUE_MAX;
        if !is_length || !key.chars().chain(value.chars()).all(is_tag_character) {
            faults.push(Rejection::new(&path, rule::TAGS));
        }
        // Without regard to case, as IAM compares keys: LambdaRoles.dev/name would overwrite the owner's tag.
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("aws:") || lower.starts_with(TAG_PREFIX) || value.starts_with("aws:") {
            faults.push(Rejection::new(&path, rule::TAGS_RESERVED));
        }
        // IAM holds one tag for keys that differ only in case, so two would overwrite each other for ever.
        if !seen.insert(key.to_lowercase()) {
            faults.push(Rejection::new(path, rule::TAGS_CASE));
        }
    }
}

fn managed_policies(list: &[ManagedPolicy], account: &Account, faults: &mut Vec<Rejection>) -> BTreeSet<String> {
    let mut arns = BTreeSet::new();
    for (index, policy) in list.iter().enumerate() {
        let path = format!("spec.managedPolicies[{index}]");
        let fault = match (&policy.aws, &policy.arn) {
            (Some(name), None) if !is_aws_policy_name(name) => {
                Rejection::new(format!("{path}.aws"), rule::AWS_POLICY_NAME)
            }
            (None, Some(arn)) if !is_managed_policy(arn) => Rejection::new(format!("{path}.arn"), rule::POLICY_ARN),
            (Some(name), None) if arns.insert(aws_managed_policy_arn(&account.partition, name)) => continue,
            (None, Some(arn)) if arns.insert(arn.clone()) => continue,
            (Some(_), None) | (None, Some(_)) => Rejection::new(path, rule::MANAGED_POLICY_TWICE),
            (Some(_), Some(_)) | (None, None) => Rejection::new(path, rule::MANAGED_POLICY_ONE),
        };
        faults.push(fault);
    }
    arns
}

fn check_size(document: &Document, path: &str, what: &str, quota: usize, faults: &mut Vec<Rejection>) {
    let characters = document.characters();
    if characters > quota {
        let over = characters - quota;
        let message = format!("makes {characters} characters, {over} more than the {quota} that IAM allows for {what}");
        faults.push(Rejection::new(path, message));
    }
}

fn is_role_name(name: &str) -> bool {
    (1..=rule::ROLE_NAME_MAX).contains(&name.chars().count())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

fn is_path(path: &str) -> bool {
    path == "/"
        || path.len() <= rule::PATH_MAX
            && path.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).is_some_and(|inner| !inner.is_empty())
            && path.chars().all(|c| c.is_ascii_graphic())
}

fn is_description_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{A1}'..='\u{FF}')
}

/// IAM's `[\p{L}\p{Z}\p{N}_.:/=+\-@]`. `char::is_alphanumeric` takes more than `\p{L}` and `\p{N}`, for example the vowel
/// signs of Indic scripts.
fn is_tag_character(c: char) -> bool {
    let allowed =
        GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number).union(GeneralCategoryGroup::Separator);
    allowed.contains(CodePointMapData::<GeneralCategory>::new().get(c)) || "_.:/=+-@".contains(c)
}

/// A name, with the path before it if it has one.
fn is_aws_policy_name(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c));
    name.len() <= rule::AWS_POLICY_NAME_MAX && name.split('/').all(is_part)
}

fn is_managed_policy(arn: &str) -> bool {
    (20..=rule::ARN_MAX).contains(&arn.len()) && Arn::parse(arn).is_some_and(|arn| arn.is_managed_policy())
}
