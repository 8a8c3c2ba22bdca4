//! What the role may do: its inline policies and its managed policies, put together from all fields that give rights.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account, Quotas,
    desired::is_object_name,
    needs,
    placement::{OwnStatements, Placement, Room, Unplaced},
    raw,
    reference::{References, Resolution, key_of},
    statement::{self, Scope},
};
use crate::{
    api::{
        INLINE_POLICY_NAME, LambdaExecutionRoleSpec,
        role::{ManagedPolicy, Overflow, PolicyReference},
        rule,
    },
    catalog::managed_policy::aws_managed_policy_arn,
    lint::{Finding, Located, LocatedPolicy, Source},
    policy::{Arn, Document, Placeholders, Statement, document::Matching, merge::merged},
};

/// How often the quota the actions and resources may take that are merged to fit into it. What is judged of a role is judged
/// of the statements as they are written, each held against every other: repetitions that merge to next to nothing must not
/// make that work endless.
pub(super) const MERGED_FROM_MAX: usize = 4;

/// The rights of a role, each with the field that it comes from.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    /// Statements of the inline policy `lambdaroles`, in the order of the fields.
    pub(super) own: Vec<Located>,
    /// Inline policies that the spec gives as documents.
    pub(super) raw: BTreeMap<String, Document>,
    /// Their statements.
    pub(super) raw_statements: Vec<Located>,
    /// The managed policies.
    pub(super) managed: Vec<LocatedPolicy>,
}

impl Permissions {
    /// The rights that `spec` gives. Faults are told, and what has none is kept, so that all of them show at once.
    pub(super) fn of(
        spec: &LambdaExecutionRoleSpec,
        account: &Account,
        placeholders: &Placeholders,
        references: &References,
        faults: &mut Vec<Finding>,
    ) -> Self {
        let namespace = placeholders.get("namespace").unwrap_or_default();
        let managed = managed_policies(&spec.managed_policies, account, (references, namespace), faults);
        let mut permissions = Self { managed, ..Self::default() };
        let scope = Scope::of(&spec.source_function_arns, account, faults);
        needs::add(spec, &scope, placeholders, &mut permissions, faults);
        permissions.own.extend(statement::statements(&spec.statements, &scope, faults));
        raw::add(&spec.inline_policies, &mut permissions, faults);
        permissions
    }

    /// Attaches an AWS managed policy for something that Lambda needs.
    pub(super) fn attach_generated(&mut self, name: &str, path: &str, placeholders: &Placeholders) {
        let arn = aws_managed_policy_arn(placeholders.get("partition").unwrap_or("aws"), name);
        let path = path.to_owned();
        self.managed.push(LocatedPolicy { path, arn, is_described: false, ignored: BTreeSet::new() });
    }

    /// ARNs of the managed policies.
    pub(super) fn managed_policies(&self) -> BTreeSet<String> {
        self.managed.iter().map(|policy| policy.arn.clone()).collect()
    }

    /// The statements of its own, as they are stored, and the room that there is for them beside the rest of the spec's. `taken`
    /// are the numbers under which policies stand that the spec names.
    ///
    /// # Errors
    /// The fault, with the numbers, if there is not enough.
    pub(super) fn own_statements(
        &self,
        quotas: Quotas,
        overflow: Overflow,
        taken: BTreeSet<u32>,
    ) -> Result<OwnStatements, Finding> {
        let quota = quotas.inline_policies;
        let attached = self.managed_policies().len();
        let room = Room {
            inline: quota.saturating_sub(characters(&self.raw)),
            policy: quotas.managed_policy_size,
            policies: quotas.managed_policies.saturating_sub(attached),
            taken,
        };
        let written = named(grouped(&self.own));
        if characters(&self.raw) <= quota && room.holds_inline(&written) {
            return Ok(OwnStatements { stored: written.clone(), written, room });
        }
        let (entries, most) = (entry_characters(&written), quota.saturating_mul(MERGED_FROM_MAX));
        if entries > most {
            let message = format!(
                "list actions and resources of {entries} characters, and no more than {most} are merged into the {quota} that IAM allows for the inline policies of a role: list each where it is needed once"
            );
            return Err(Finding::invalid("spec.statements", message));
        }
        let merged = merged(&written);
        if overflow == Overflow::Refuse || characters(&self.raw) > quota {
            if characters(&self.raw) <= quota && room.holds_inline(&merged) {
                return Ok(OwnStatements { written, stored: merged, room });
            }
            return Err(self.too_long(merged, quota));
        }
        // What merging makes too long for a managed policy has parts that are not.
        let is_placeable = room.holds_inline(&merged) || merged.iter().all(|statement| room.holds_in_policy(statement));
        let stored = if is_placeable { merged } else { written.clone() };
        let own = OwnStatements { written, stored, room };
        match own.place(&Placement::new()) {
            Ok(_) => Ok(own),
            Err(Unplaced::TooLong(statement)) => Err(self.placeless(&statement, &own.room)),
            Err(Unplaced::TooMany(needed)) => Err(too_many(needed, attached, quotas.managed_policies)),
        }
    }

    /// The fault of a statement that no document holds.
    fn placeless(&self, statement: &Statement, room: &Room) -> Finding {
        let located = self.own.iter().find(|located| located.statement == *statement);
        let path = located.map_or("spec", |located| located.path.as_str());
        let characters = Document::new(vec![statement.clone()]).characters();
        let sid = statement.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
        let Room { inline, policy, .. } = room;
        let message = format!(
            "makes a document of {characters} characters by itself{sid}, and there is room for {inline} in the role's inline policy and for {policy} in a managed policy: make several statements of it"
        );
        Finding::invalid(path, message)
    }

    fn too_long(&self, merged: Vec<Statement>, quota: usize) -> Finding {
        let mut policies = self.raw.clone();
        if !merged.is_empty() {
            policies.insert(INLINE_POLICY_NAME.to_owned(), Document::new(merged));
        }
        let is_written = |located: &Located| located.source == Source::Written;
        let path = if self.raw.is_empty() && self.own.iter().all(is_written) { "spec.statements" } else { "spec" };
        let characters = characters(&policies);
        let each: Vec<String> =
            policies.iter().map(|(name, document)| format!("{name} {}", document.characters())).collect();
        let parts = if each.len() > 1 { format!(" ({})", each.join(", ")) } else { String::new() };
        let over = characters - quota;
        let message = format!(
            "makes {characters} characters{parts} with all merged that can be, {over} more than the {quota} that IAM allows for the inline policies of a role"
        );
        Finding::invalid(path, message)
    }
}

/// The fault of statements that need more managed policies than may be attached.
fn too_many(needed: usize, attached: usize, quota: usize) -> Finding {
    let message = format!(
        "need {needed} managed policies beside the inline ones, with all merged that can be; with the {attached} that are attached besides that is {} more than the {quota} that the account allows for a role: ask AWS for a higher quota, or attach fewer",
        needed + attached - quota
    );
    Finding::invalid("spec.statements", message)
}

/// Characters of all `policies` together, as IAM counts them.
pub(super) fn characters(policies: &BTreeMap<String, Document>) -> usize {
    policies.values().map(Document::characters).sum()
}

/// Characters of the actions and resources that the statements list.
pub(super) fn entry_characters(list: &[Statement]) -> usize {
    let entries = |matching: &Matching| {
        let (Matching::In(entries) | Matching::NotIn(entries)) = matching;
        entries.iter().map(String::len).sum::<usize>()
    };
    list.iter().map(|statement| entries(&statement.actions) + statement.resources.as_ref().map_or(0, entries)).sum()
}

/// The statements, with those that one recipe made several times (ten queues, say) as one. What users write stays as they
/// wrote it.
fn grouped(list: &[Located]) -> Vec<(Source, Statement)> {
    let mut grouped: Vec<(Source, Statement)> = Vec::with_capacity(list.len());
    for Located { source, statement, .. } in list {
        let twin =
            grouped.iter_mut().find(|(_, other)| *source != Source::Written && differs_in_resources(other, statement));
        match twin {
            Some((_, Statement { resources: Some(Matching::In(resources)), .. })) => {
                if let Some(Matching::In(more)) = &statement.resources {
                    resources
                        .extend(more.iter().filter(|entry| !resources.contains(entry)).cloned().collect::<Vec<_>>());
                }
            }
            Some(_) | None => grouped.push((*source, statement.clone())),
        }
    }
    grouped
}

/// Whether the two are alike, sid included, but for resources that both list.
fn differs_in_resources(a: &Statement, b: &Statement) -> bool {
    let without = |statement: &Statement| Statement { resources: None, ..statement.clone() };
    matches!((&a.resources, &b.resources), (Some(Matching::In(_)), Some(Matching::In(_)))) && without(a) == without(b)
}

/// The statements with sids that are each used once: a user's stays, a recipe's gets a number if it is taken.
fn named(list: Vec<(Source, Statement)>) -> Vec<Statement> {
    let is_written = |source: Source| source == Source::Written;
    let mut taken: BTreeSet<String> = list
        .iter()
        .filter(|(source, _)| is_written(*source))
        .filter_map(|(_, statement)| statement.sid.clone())
        .collect();
    list.into_iter()
        .map(|(source, statement)| match statement.sid {
            Some(sid) if !is_written(source) => {
                let numbered = (2..).map(|number| format!("{sid}{number}"));
                let free = std::iter::once(sid.clone()).chain(numbered).find(|name| !taken.contains(name));
                taken.extend(free.clone());
                Statement { sid: free, ..statement }
            }
            Some(_) | None => statement,
        })
        .collect()
}

/// The policies of the list, but for those that are referred to and cannot be told yet.
fn managed_policies(
    list: &[ManagedPolicy],
    account: &Account,
    (references, namespace): (&References, &str),
    faults: &mut Vec<Finding>,
) -> Vec<LocatedPolicy> {
    let mut policies: Vec<LocatedPolicy> = Vec::new();
    let mut referred = BTreeSet::new();
    for (index, policy) in list.iter().enumerate() {
        let path = format!("spec.managedPolicies[{index}]");
        let key = policy.reference.as_ref().map(|reference| key_of(reference, namespace));
        if key.is_some_and(|key| !referred.insert(key)) {
            faults.push(Finding::invalid(path, rule::MANAGED_POLICY_TWICE));
            continue;
        }
        let arn = match (&policy.aws, &policy.arn, &policy.reference) {
            (Some(name), None, None) if is_aws_policy_name(name) => {
                Ok(aws_managed_policy_arn(&account.partition, name))
            }
            (Some(_), None, None) => Err(Finding::invalid(format!("{path}.aws"), rule::AWS_POLICY_NAME)),
            (None, Some(arn), None) if is_managed_policy(arn) => Ok(arn.clone()),
            (None, Some(_), None) => Err(Finding::invalid(format!("{path}.arn"), rule::POLICY_ARN)),
            (None, None, Some(reference)) => match reference_fault(reference, &path) {
                Some(fault) => Err(fault),
                None => match references.get(reference, namespace).and_then(Resolution::arn) {
                    Some(arn) => Ok(arn.to_owned()),
                    None => continue,
                },
            },
            (Some(_) | None, Some(_), Some(_)) | (Some(_), Some(_) | None, _) | (None, None, None) => {
                Err(Finding::invalid(&path, rule::MANAGED_POLICY_ONE))
            }
        };
        match arn {
            Ok(arn) if policies.iter().any(|known| known.arn == arn) => {
                faults.push(Finding::invalid(path, rule::MANAGED_POLICY_TWICE));
            }
            Ok(arn) => {
                let is_described = policy.reference.is_some();
                policies.push(LocatedPolicy { path, arn, is_described, ignored: BTreeSet::new() });
            }
            Err(fault) => faults.push(fault),
        }
    }
    policies
}

fn reference_fault(reference: &PolicyReference, path: &str) -> Option<Finding> {
    let PolicyReference { namespace, name } = reference;
    if !is_object_name(name) {
        return Some(Finding::invalid(format!("{path}.ref.name"), rule::OBJECT_NAME));
    }
    let is_sound = namespace.as_deref().is_none_or(|namespace| is_object_name(namespace) && !namespace.contains('.'));
    (!is_sound).then(|| Finding::invalid(format!("{path}.ref.namespace"), rule::OBJECT_NAMESPACE))
}

/// A name, with the path before it if it has one.
fn is_aws_policy_name(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c));
    name.len() <= rule::AWS_POLICY_NAME_MAX && name.split('/').all(is_part)
}

/// Whether `arn` is that of a managed policy.
pub(super) fn is_managed_policy(arn: &str) -> bool {
    (20..=rule::ARN_MAX).contains(&arn.len()) && Arn::parse(arn).is_some_and(|arn| arn.is_managed_policy())
}
