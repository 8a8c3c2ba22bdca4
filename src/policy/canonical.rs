//! Equality of documents by meaning.
//!
//! IAM stores trust policies re-serialised and answers with scalars for lists, lists in another order, account ids as
//! root ARNs and quoted values. Comparing text would see drift where there is none; comparing the canonical forms
//! does not.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    arn::is_account_id,
    document::{Conditions, Document, Effect, Matching, Principal, Statement},
};

/// A document in its normal form: two documents mean the same if their canonical forms are equal. It is a document again,
/// to be shown or stored, and its own canonical form.
///
/// - Lists and statements are sets, in ascending order. Action names and the names of condition keys are in lower case.
/// - An AWS account is its id, and everyone is `{"AWS": "*"}`.
/// - Decimals that are compared as numbers have no trailing zeros.
/// - Ids and sids are kept: they change no access, but they are what people see, so a changed sid is a change.
///
/// What is left as it is because IAM tells it apart, or may: the case of resources, values, principals and operators, and
/// every wildcard, even one that another entry of its list contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical(Document);

impl Canonical {
    /// The canonical form of `document`.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let Document { version, id, statements } = document;
        let statements = sorted(statements.iter().map(canonical_statement));
        Self(Document { version: version.clone(), id: id.clone().filter(|id| !id.is_empty()), statements })
    }

    /// It, as a document.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.0
    }
}

/// Whether two documents mean the same.
#[must_use]
pub fn equivalent(a: &Document, b: &Document) -> bool {
    // Most of what is looked at has not changed, and is stored as it was written.
    a == b || Canonical::of(a) == Canonical::of(b)
}

/// Whether `new` denies anything that `old` does not, judged by statements: used to put denies into force before
/// anything else widens.
#[must_use]
pub fn adds_deny(old: &Document, new: &Document) -> bool {
    let known = nameless(old);
    nameless(new).iter().any(|statement| statement.effect == Effect::Deny && !known.contains(statement))
}

/// Whether `new` allows nothing that `old` does not and still denies all that `old` denies, judged by statements.
#[must_use]
pub fn is_no_wider(old: &Document, new: &Document) -> bool {
    let (known, statements) = (nameless(old), nameless(new));
    !adds_deny(new, old)
        && statements.iter().all(|statement| statement.effect == Effect::Deny || known.contains(statement))
}

/// What counts where access is compared: sids change none.
fn nameless(document: &Document) -> BTreeSet<Statement> {
    document.statements.iter().map(|statement| Statement { sid: None, ..canonical_statement(statement) }).collect()
}

/// The canonical form of one statement.
#[must_use]
pub fn canonical_statement(statement: &Statement) -> Statement {
    let Statement { sid, effect, principal, not_principal, actions, resources, conditions } = statement;
    Statement {
        sid: sid.clone().filter(|sid| !sid.is_empty()),
        effect: *effect,
        principal: principal.as_ref().map(canonical_principal),
        not_principal: not_principal.as_ref().map(canonical_principal),
        actions: canonical_matching(actions, str::to_ascii_lowercase),
        resources: resources.as_ref().map(|resources| canonical_matching(resources, str::to_owned)),
        conditions: canonical_conditions(conditions),
    }
}

fn canonical_matching(matching: &Matching, normalise: fn(&str) -> String) -> Matching {
    let normal = |list: &[String]| sorted(list.iter().map(|entry| normalise(entry)));
    match matching {
        Matching::In(list) => Matching::In(normal(list)),
        Matching::NotIn(list) => Matching::NotIn(normal(list)),
    }
}

/// `"*"` and `{"AWS": "*"}` mean the same, and so do an account's id and the ARN of its root user. The partition of a
/// root ARN says nothing that the account id does not.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn canonical_principal(principal: &Principal) -> Principal {
    Principal::Listed(match principal {
        Principal::Everyone => BTreeMap::from([("AWS".to_owned(), vec!["*".to_owned()])]),
        Principal::Listed(kinds) => kinds
            .iter()
            .map(|(kind, list)| {
                let list = list.iter().map(|entry| match root_account(entry) {
                    Some(account) if kind == "AWS" => account.to_owned(),
                    _ => entry.clone(),
                });
                (kind.clone(), sorted(list))
            })
            .collect(),
    })
}

fn root_account(principal: &str) -> Option<&str> {
    let arn = super::Arn::parse(principal)?;
    (arn.service == "iam" && arn.resource == "root" && is_account_id(arn.account)).then_some(arn.account)
}

/// An operator without keys demands nothing.
fn canonical_conditions(conditions: &Conditions) -> Conditions {
    conditions
        .iter()
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(operator, keys)| (operator.clone(), canonical_keys(operator, keys)))
        .collect()
}

/// Names of condition keys are compared without regard to case. A key may carry a part that is not its name, as in
/// `aws:ResourceTag/Team`, whose case counts no more than the rest's. Keys that differ in nothing but case are two
/// conditions, which must not become one: [`super::check`] refuses them, and here they are left apart.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>
fn canonical_keys(operator: &str, keys: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let normalise = if operator.contains("Numeric") { decimal } else { str::to_owned };
    let values = |values: &[String]| sorted(values.iter().map(|value| normalise(value)));
    let folded: BTreeMap<String, Vec<String>> =
        keys.iter().map(|(key, list)| (key.to_ascii_lowercase(), values(list))).collect();
    if folded.len() == keys.len() {
        folded
    } else {
        keys.iter().map(|(key, list)| (key.clone(), values(list))).collect()
    }
}

/// A number loses the zeros at the end of its fraction, as it may where it is stored without quotes.
fn decimal(text: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) if is_number(whole.strip_prefix('-').unwrap_or(whole)) && is_number(fraction) => {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => text.to_owned(),
    }
}

fn sorted<T: Ord>(entries: impl Iterator<Item = T>) -> Vec<T> {
    let mut list: Vec<T> = entries.collect();
    list.sort_unstable();
    list.dedup();
    list
}

#[cfg(test)]
mod tests;
