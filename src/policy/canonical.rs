//! Equality of documents by meaning.
//!
//! IAM stores trust policies re-serialised and answers with scalars for lists, lists in another order, account ids as
//! root ARNs and quoted values. Comparing text would see drift where there is none; comparing the canonical forms
//! does not.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    arn::is_account_id,
    document::{Document, Effect, Matching, Principal, Statement},
};

type Set = BTreeSet<String>;

/// A document reduced to what it means. Two documents mean the same if their canonical forms are equal.
///
/// Sids are kept: they change no access, but they are what people see, so a changed sid is a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    version: String,
    statements: BTreeSet<CanonicalStatement>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CanonicalStatement {
    sid: Option<String>,
    effect: Effect,
    principal: Option<BTreeMap<String, Set>>,
    not_principal: Option<BTreeMap<String, Set>>,
    actions: (bool, Set),
    resources: Option<(bool, Set)>,
    conditions: BTreeMap<String, BTreeMap<String, Set>>,
}

impl Canonical {
    /// The canonical form of `document`.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        Self {
            version: document.version.clone(),
            statements: document.statements.iter().map(canonical_statement).collect(),
        }
    }
}

/// Whether two documents mean the same.
#[must_use]
pub fn equivalent(a: &Document, b: &Document) -> bool {
    Canonical::of(a) == Canonical::of(b)
}

/// Whether `new` denies anything that `old` does not, judged by statements: used to put denies into force before
/// anything else widens.
#[must_use]
pub fn adds_deny(old: &Document, new: &Document) -> bool {
    let known = Canonical::of(old).statements;
    Canonical::of(new).statements.iter().any(|statement| statement.effect == Effect::Deny && !known.contains(statement))
}

/// Whether `new` allows nothing that `old` does not and still denies all that `old` denies, judged by statements.
#[must_use]
pub fn is_no_wider(old: &Document, new: &Document) -> bool {
    let (old, new) = (Canonical::of(old).statements, Canonical::of(new).statements);
    new.iter().all(|statement| statement.effect == Effect::Deny || old.contains(statement))
        && old.iter().all(|statement| statement.effect == Effect::Allow || new.contains(statement))
}

/// Whether `document` denies anything.
#[must_use]
pub fn denies(document: &Document) -> bool {
    document.statements.iter().any(|statement| statement.effect == Effect::Deny)
}

fn canonical_statement(statement: &Statement) -> CanonicalStatement {
    CanonicalStatement {
        sid: statement.sid.clone().filter(|sid| !sid.is_empty()),
        effect: statement.effect,
        principal: statement.principal.as_ref().map(canonical_principal),
        not_principal: statement.not_principal.as_ref().map(canonical_principal),
        // Action names are compared without regard to case.
        actions: canonical_matching(&statement.actions, str::to_ascii_lowercase),
        resources: statement.resources.as_ref().map(|resources| canonical_matching(resources, str::to_owned)),
        conditions: statement
            .conditions
            .iter()
            .filter(|(_, keys)| !keys.is_empty())
            .map(|(operator, keys)| (operator.clone(), canonical_keys(keys)))
            .collect(),
    }
}

fn canonical_matching(matching: &Matching, normalise: impl Fn(&str) -> String) -> (bool, Set) {
    let (positive, list) = match matching {
        Matching::In(list) => (true, list),
        Matching::NotIn(list) => (false, list),
    };
    (positive, list.iter().map(|entry| normalise(entry)).collect())
}

/// `"*"` and `{"AWS": "*"}` mean the same, and so do an account's id and the ARN of its root user. The partition of a
/// root ARN says nothing that the account id does not.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn canonical_principal(principal: &Principal) -> BTreeMap<String, Set> {
    match principal {
        Principal::Everyone => BTreeMap::from([("AWS".to_owned(), Set::from(["*".to_owned()]))]),
        Principal::Listed(kinds) => kinds
            .iter()
            .map(|(kind, list)| {
                let list = list.iter().map(|entry| match root_account(entry) {
                    Some(account) if kind == "AWS" => account.to_owned(),
                    _ => entry.clone(),
                });
                (kind.clone(), list.collect())
            })
            .collect(),
    }
}

fn root_account(principal: &str) -> Option<&str> {
    let arn = super::Arn::parse(principal)?;
    (arn.service == "iam" && arn.resource == "root" && is_account_id(arn.account)).then_some(arn.account)
}

/// Names of condition keys are compared without regard to case. A key may carry a part that is not its name, as in
/// `aws:ResourceTag/Team`, whose case counts no more than the rest's.
fn canonical_keys(keys: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Set> {
    let mut canonical: BTreeMap<String, Set> = BTreeMap::new();
    for (key, values) in keys {
        canonical.entry(key.to_ascii_lowercase()).or_default().extend(values.iter().cloned());
    }
    canonical
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(json: &str) -> Document {
        Document::parse(json).unwrap()
    }

    #[rstest]
    #[case::scalar_or_list(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]}"#
    )]
    #[case::order_of_lists(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["a:B","c:D"],"Resource":["x","y"]}}"#,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["c:D","a:B"],"Resource":["y","x"]}}"#
    )]
    #[case::order_of_statements(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:B","Resource":"*"},{"Effect":"Deny","Action":"c:D","Resource":"*"}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"c:D","Resource":"*"},{"Effect":"Allow","Action":"a:B","Resource":"*"}]}"#
    )]
    #[case::case_of_actions_effects_and_keys(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"S3:getobject","Resource":"*","Condition":{"Bool":{"AWS:SecureTransport":"true"}}}}"#,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:securetransport":true}}}}"#
    )]
    #[case::account_id_or_root(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}"#,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Action":"sts:AssumeRole"}}"#
    )]
    #[case::everyone(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#
    )]
    #[case::quoted_numbers_and_empty_sid(
        r#"{"Version":"2012-10-17","Statement":{"Sid":"","Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":10}}}}"#,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":["10"]}}}}"#
    )]
    fn rewriting_without_a_change_of_meaning_keeps_equality(#[case] a: &str, #[case] b: &str) {
        assert!(equivalent(&parse(a), &parse(b)));
    }

    #[rstest]
    #[case::another_resource(r#""Action":"a:B","Resource":"x""#, r#""Action":"a:B","Resource":"X""#)]
    #[case::not_action(r#""Action":"a:B","Resource":"x""#, r#""NotAction":"a:B","Resource":"x""#)]
    #[case::a_condition(
        r#""Action":"a:B","Resource":"x""#,
        r#""Action":"a:B","Resource":"x","Condition":{"Bool":{"k":"true"}}"#
    )]
    #[case::another_operator(
        r#""Action":"a:B","Resource":"x","Condition":{"ArnLike":{"k":"v"}}"#,
        r#""Action":"a:B","Resource":"x","Condition":{"ArnNotLike":{"k":"v"}}"#
    )]
    #[case::case_of_values(
        r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":"v"}}"#,
        r#""Action":"a:B","Resource":"x","Condition":{"StringEquals":{"k":"V"}}"#
    )]
    #[case::a_literal_plus(r#""Action":"a:B","Resource":"x+y""#, r#""Action":"a:B","Resource":"x y""#)]
    #[case::a_dangling_principal(
        r#""Principal":{"AWS":"arn:aws:iam::123456789012:role/r"},"Action":"sts:AssumeRole""#,
        r#""Principal":{"AWS":"AROAEXAMPLEEXAMPLEEX"},"Action":"sts:AssumeRole""#
    )]
    fn a_change_of_meaning_breaks_equality(#[case] a: &str, #[case] b: &str) {
        let document =
            |body: &str| parse(&format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{body}}}}}"#));
        assert!(!equivalent(&document(a), &document(b)));
    }

    #[test]
    fn a_missing_version_means_the_old_one() {
        let statement = r#""Statement":{"Effect":"Allow","Action":"a:B","Resource":"*"}"#;
        let old = parse(&format!("{{{statement}}}"));
        assert!(equivalent(&old, &parse(&format!(r#"{{"Version":"2008-10-17",{statement}}}"#))));
        assert!(!equivalent(&old, &parse(&format!(r#"{{"Version":"2012-10-17",{statement}}}"#))));
    }

    #[test]
    fn a_new_deny_is_seen_and_an_old_one_is_not_new() {
        let allow = r#"{"Effect":"Allow","Action":"a:B","Resource":"*"}"#;
        let deny = r#"{"Effect":"Deny","Action":"a:C","Resource":"*"}"#;
        let document =
            |list: &[&str]| parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(",")));
        assert!(adds_deny(&document(&[allow]), &document(&[allow, deny])));
        assert!(!adds_deny(&document(&[deny]), &document(&[allow, deny])));
        assert!(!adds_deny(&document(&[deny]), &document(&[allow])));
    }

    #[test]
    fn a_document_is_no_wider_if_it_only_loses_allows_or_gains_denies() {
        let [a, b] = ["a:B", "a:C"].map(|action| format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#));
        let deny = r#"{"Effect":"Deny","Action":"a:D","Resource":"*"}"#;
        let document =
            |list: &[&str]| parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(",")));
        assert!(is_no_wider(&document(&[&a, &b]), &document(&[&a])));
        assert!(is_no_wider(&document(&[&a]), &document(&[&a, deny])));
        assert!(!is_no_wider(&document(&[&a]), &document(&[&b])));
        assert!(!is_no_wider(&document(&[&a, deny]), &document(&[&a])));
        assert!(denies(&document(&[&a, deny])));
        assert!(!denies(&document(&[&a, &b])));
    }

    #[rstest]
    #[case("[]", "$: must be an object")]
    #[case("{", "$: is not JSON: EOF while parsing an object at line 1 column 1")]
    #[case(r#"{"Statement":[{"Effect":"Maybe"}]}"#, "Statement[0].Effect: must be Allow or Deny")]
    #[case(
        r#"{"Statement":{"Effect":"Allow"}}"#,
        "Statement.Action: is missing: a statement needs Action or NotAction"
    )]
    #[case(
        r#"{"Statement":{"Effect":"Allow","Action":"a:B","NotAction":"a:C"}}"#,
        "Statement.NotAction: excludes Action in the same statement"
    )]
    #[case(r#"{"Version":"2020-01-01","Statement":[]}"#, "Version: must be 2012-10-17 or 2008-10-17")]
    #[case(
        r#"{"Statement":{"Effect":"Allow","Action":"a:B","Condition":{"Bool":{"k":[{}]}}}}"#,
        "Statement.Condition.Bool.k[0]: must be a string, a number, a boolean or a list of them"
    )]
    fn a_fault_is_named_with_its_path(#[case] json: &str, #[case] message: &str) {
        assert_eq!(Document::parse(json).unwrap_err().to_string(), message);
    }
}
