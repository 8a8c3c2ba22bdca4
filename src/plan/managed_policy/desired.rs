//! What a spec asks for, checked whole: past [`DesiredPolicy`] nothing reads the spec again.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    api::{LambdaManagedPolicySpec, role::Drift, rule},
    lint::{self, Finding, Home, Located, Severity, Size, Subject},
    plan::{
        Account, ObjectClass, Owner, PolicyOwner,
        class::check_namespaces,
        desired::{NAME_SIGNS, TAGS_MAX, digest, is_object_name, resync_interval},
        expansion::{expanded, placeholders},
        overflow::is_overflow_name,
        permissions::{MERGED_FROM_MAX, entry_characters},
        reference::arn_of,
        statement::{self, Scope},
        tag,
    },
    policy::{Arn, Document, Statement, canonical::Canonical, merge::merged},
};

/// A managed policy as it shall be: valid, complete, expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredPolicy {
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// ARN, which follows from account, path and name.
    pub arn: String,
    /// Description, which IAM cannot change later; empty for none.
    pub description: String,
    /// All tags, those of the owner included.
    pub tags: BTreeMap<String, String>,
    /// The document of the default version.
    pub document: Document,
    /// Its statements as the spec writes them, each with the field that it comes from.
    pub statements: Vec<Located>,
    /// The tags of the spec, and the class's defaults, before the forced ones.
    pub own_tags: BTreeMap<String, String>,
    /// What becomes of changes that somebody else makes.
    pub drift: Drift,
    /// Whether IAM is neither read nor written.
    pub suspend: bool,
    /// How often IAM is looked at, if spec or class says so.
    pub resync_interval: Option<Duration>,
    /// Characters that the account allows a managed policy.
    pub quota: usize,
    /// What is probably not meant, or riskier than it looks.
    pub warnings: Vec<Finding>,
}

impl DesiredPolicy {
    /// A short text that changes with what IAM shall hold, and with nothing else: not with how drift and deletion are
    /// dealt with, nor with how a document is written.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Self {
            name,
            path,
            arn: _,
            description,
            tags,
            document,
            statements: _,
            own_tags: _,
            drift: _,
            suspend: _,
            resync_interval: _,
            quota: _,
            warnings: _,
        } = self;
        digest(&format!("{:?}", (name, path, description, tags, Canonical::of(document))))
    }
}

/// Checks and expands a spec, with what its class decides. Whether the class allows the outcome is judged by
/// [`super::compliance`].
///
/// `current_arn` is that of the policy that the object already has, if any: IAM can neither rename nor move it.
///
/// # Errors
/// Every fault; if there is none, every finding about what the spec means, warnings included, if at least one is an error.
pub fn desired_policy(
    spec: &LambdaManagedPolicySpec,
    owner: &Owner,
    account: &Account,
    class: &ObjectClass,
    current_arn: Option<&str>,
) -> Result<DesiredPolicy, Vec<Finding>> {
    let mut faults = Vec::new();
    let (name, path) = (class.policy_name(spec).to_owned(), class.path(spec.path.as_deref()).to_owned());
    let spec = &expanded(spec, &placeholders(owner, account, &name), &mut faults);
    check_identity(spec, (&path, &name), current_arn, &mut faults);
    let description = spec.description.clone().unwrap_or_default();
    if description.chars().count() > rule::DESCRIPTION_MAX || !description.chars().all(is_description_character) {
        faults.push(Finding::invalid("spec.description", rule::MANAGED_POLICY_DESCRIPTION));
    }
    check_tags(&spec.tags, &mut faults);
    if spec.resync_interval.as_deref().is_some_and(|text| resync_interval(text).is_none()) {
        faults.push(Finding::invalid("spec.resyncInterval", rule::RESYNC_INTERVAL));
    }
    if spec.statements.is_empty() {
        faults.push(Finding::invalid("spec.statements", rule::STATEMENTS_REQUIRED));
    }
    if let Some(namespaces) = &spec.allowed_namespaces {
        check_namespaces(namespaces, "spec.allowedNamespaces", &mut faults);
    }
    let scope = Scope::of(&spec.source_function_arns, account, &mut faults);
    let statements = statement::statements(&spec.statements, &scope, &mut faults);
    let quota = account.quotas.managed_policy_size;
    let document = fitting(&statements, quota).unwrap_or_else(|fault| {
        faults.push(fault);
        Document::new(Vec::new())
    });
    // As a compiler does: what a statement means is not judged before it can be read.
    if faults.is_empty() {
        faults = lint(&statements, document.characters(), account);
    }
    if faults.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(faults);
    }
    let own_tags = class.with_default_tags(&spec.tags);
    Ok(DesiredPolicy {
        arn: arn_of(account, &path, &name),
        name,
        path,
        description,
        tags: all_tags(&own_tags, class, owner)?,
        document,
        statements,
        own_tags,
        drift: class.drift(spec.drift),
        suspend: spec.suspend,
        resync_interval: class.resync_interval(spec.resync_interval.as_deref()),
        quota,
        warnings: faults,
    })
}

fn check_identity(
    spec: &LambdaManagedPolicySpec,
    (path, name): (&str, &str),
    current_arn: Option<&str>,
    faults: &mut Vec<Finding>,
) {
    if spec.class_name.as_deref().is_some_and(|class| !is_object_name(class)) {
        faults.push(Finding::invalid("spec.className", rule::CLASS_NAME));
    }
    let current = current_arn.and_then(path_and_name);
    if is_overflow_name(name) {
        faults.push(Finding::invalid("spec.policyName", rule::POLICY_NAME_OF_OVERFLOW));
    }
    if !is_policy_name(name) {
        let message = match spec.policy_name {
            Some(_) => rule::MANAGED_POLICY_NAME.to_owned(),
            None => format!(
                "the default name {name} is no name of a policy: {}; make a new object that sets policyName",
                rule::MANAGED_POLICY_NAME
            ),
        };
        faults.push(Finding::invalid("spec.policyName", message));
    } else if current.is_some_and(|(_, current)| current != name) {
        faults.push(Finding::invalid("spec.policyName", rule::MANAGED_POLICY_NAME_IMMUTABLE));
    }
    if !is_policy_path(path) {
        let message = match spec.path {
            Some(_) => rule::MANAGED_POLICY_PATH.to_owned(),
            None => format!("the class's path {path} is none: {}", rule::MANAGED_POLICY_PATH),
        };
        faults.push(Finding::invalid("spec.path", message));
    } else if current.is_some_and(|(current, _)| current != path) {
        faults.push(Finding::invalid("spec.path", rule::MANAGED_POLICY_PATH_IMMUTABLE));
    }
}

fn check_tags(tags: &BTreeMap<String, String>, faults: &mut Vec<Finding>) {
    if tags.len() > rule::POLICY_TAGS_MAX {
        let message =
            format!("has {} tags, and {} are allowed beside the controller's own", tags.len(), rule::POLICY_TAGS_MAX);
        faults.push(Finding::invalid("spec.tags", message));
    }
    tag::check_tags(tags, "spec.tags", faults);
    tag::check_reserved_tags(tags, "spec.tags", faults);
}

/// With those that the class forces, and the owner's.
fn all_tags(
    own: &BTreeMap<String, String>,
    class: &ObjectClass,
    owner: &Owner,
) -> Result<BTreeMap<String, String>, Vec<Finding>> {
    let mut tags = own.clone();
    if let Some(guardrails) = &class.guardrails {
        tags.retain(|key, _| !guardrails.forced_tags().keys().any(|forced| forced.eq_ignore_ascii_case(key)));
        tags.extend(guardrails.forced_tags().clone());
    }
    tags.extend(PolicyOwner::of_policy(owner).tags());
    match tags.len().checked_sub(TAGS_MAX) {
        Some(over @ 1..) => {
            let message =
                format!("makes {over} tags more than IAM allows, with those of the class and the controller's own");
            Err(vec![Finding::invalid("spec.tags", message)])
        }
        Some(0) | None => Ok(tags),
    }
}

/// The document: as it is written if it fits into `quota` characters, else merged.
fn fitting(statements: &[Located], quota: usize) -> Result<Document, Finding> {
    let written: Vec<Statement> = statements.iter().map(|located| located.statement.clone()).collect();
    let document = Document::new(written.clone());
    if document.characters() <= quota {
        return Ok(document);
    }
    let (entries, most) = (entry_characters(&written), quota.saturating_mul(MERGED_FROM_MAX));
    if entries > most {
        let message = format!(
            "list actions and resources of {entries} characters, and no more than {most} are merged into the {quota} that IAM allows for a managed policy: list each where it is needed once, or make several policies"
        );
        return Err(Finding::invalid("spec.statements", message));
    }
    let document = Document::new(merged(&written));
    match document.characters().checked_sub(quota) {
        Some(over @ 1..) => {
            let message = format!(
                "make {} characters with all merged that can be, {over} more than the {quota} that IAM allows for a managed policy: make several policies",
                document.characters()
            );
            Err(Finding::invalid("spec.statements", message))
        }
        Some(0) | None => Ok(document),
    }
}

fn lint(statements: &[Located], characters: usize, account: &Account) -> Vec<Finding> {
    let Account { id, partition, region, quotas } = account;
    let size = Size {
        path: "spec.statements".to_owned(),
        what: "a managed policy".to_owned(),
        characters,
        quota: quotas.managed_policy_size,
    };
    lint::lint(&Subject {
        home: Home { partition, region, account: id },
        statements,
        trust: &[],
        managed_policies: &[],
        sizes: &[size],
    })
}

/// Path and name of a managed policy, by its ARN.
pub(super) fn path_and_name(arn: &str) -> Option<(&str, &str)> {
    let resource = Arn::parse(arn)?.resource.strip_prefix("policy")?;
    let slash = resource.rfind('/')?;
    Some((&resource[..=slash], &resource[slash + 1..]))
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>
fn is_policy_name(name: &str) -> bool {
    (1..=rule::POLICY_NAME_MAX).contains(&name.chars().count())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || NAME_SIGNS.contains(c))
}

/// Narrower than the path of a role.
fn is_policy_path(path: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || NAME_SIGNS.contains(c));
    let inner = path.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    path == "/" || path.len() <= rule::PATH_MAX && inner.is_some_and(|inner| inner.split('/').all(is_part))
}

fn is_description_character(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A1}'..='\u{FF}')
}
