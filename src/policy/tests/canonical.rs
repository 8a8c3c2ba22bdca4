//! Canonical forms are equal if, and only if, the documents mean the same.

use std::{cell::RefCell, collections::BTreeSet};

use fastrand::Rng;
use proptest::{prelude::*, test_runner::TestRunner};
use strum::IntoEnumIterator;

use super::{generate::stored_document, rewrite::rewritten, *};
use crate::policy::{
    canonical::{Canonical, equivalent},
    document::{Effect, Matching, OLD_VERSION, Principal, VERSION},
};

proptest! {
    #[test]
    fn canonicalising_is_idempotent(document in stored_document()) {
        let canonical = Canonical::of(&document);
        prop_assert_eq!(&Canonical::of(canonical.document()), &canonical);
    }

    #[test]
    fn a_document_and_its_canonical_form_outlast_their_json(document in stored_document()) {
        let printed = Document::parse(&document.to_string()).unwrap();
        prop_assert_eq!(&printed, &document);
        let canonical = Canonical::of(&document);
        prop_assert_eq!(&Document::parse(&canonical.document().to_string()).unwrap(), canonical.document());
    }

    #[test]
    fn whatever_aws_rewrites_keeps_equality(document in stored_document(), seed: u64, times in 1..4) {
        let mut random = Rng::with_seed(seed);
        let mut stored = document.clone();
        for _ in 0..times {
            let json = rewritten(&stored, &mut random);
            stored = Document::parse(&json).map_err(|fault| TestCaseError::fail(format!("{fault}: {json}")))?;
        }
        prop_assert!(equivalent(&document, &stored), "{document}\n{stored}");
    }
}

/// One change of meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter)]
enum Change {
    Version,
    Id,
    DropStatement,
    AddStatement,
    Sid,
    Effect,
    AddAction,
    DropAction,
    OtherAction,
    NegateActions,
    AddResource,
    DropResource,
    CaseOfResource,
    NegateResources,
    NoResources,
    AddPrincipal,
    OtherPrincipal,
    OtherKindOfPrincipal,
    NegatePrincipal,
    AddCondition,
    DropCondition,
    OtherOperator,
    OtherKey,
    DropKey,
    AddValue,
    OtherValue,
    DropValue,
}

/// `document` after the change to the statement at `index`; `None` where there is nothing to change.
fn changed(mut document: Document, change: Change, index: usize) -> Option<Document> {
    let index = index % document.statements.len();
    match change {
        Change::Version => {
            document.version = if document.version == VERSION { OLD_VERSION } else { VERSION }.to_owned();
        }
        Change::Id => document.id = if document.id.is_some() { None } else { Some("Id".to_owned()) },
        Change::DropStatement => drop(document.statements.remove(index)),
        Change::AddStatement => {
            let mut added = document.statements[index].clone();
            added.resources = Some(Matching::In(vec!["arn:aws:s3:::added".to_owned()]));
            document.statements.push(added);
        }
        Change::Sid
        | Change::Effect
        | Change::AddAction
        | Change::DropAction
        | Change::OtherAction
        | Change::NegateActions
        | Change::AddResource
        | Change::DropResource
        | Change::CaseOfResource
        | Change::NegateResources
        | Change::NoResources => change_matching(&mut document.statements[index], change)?,
        Change::AddPrincipal | Change::OtherPrincipal | Change::OtherKindOfPrincipal | Change::NegatePrincipal => {
            change_principal(&mut document.statements[index], change)?;
        }
        Change::AddCondition
        | Change::DropCondition
        | Change::OtherOperator
        | Change::OtherKey
        | Change::DropKey
        | Change::AddValue
        | Change::OtherValue
        | Change::DropValue => change_condition(&mut document.statements[index], change)?,
    }
    Some(document)
}

fn entries(matching: &mut Matching) -> &mut Vec<String> {
    match matching {
        Matching::In(list) | Matching::NotIn(list) => list,
    }
}

fn negated(matching: Matching) -> Matching {
    match matching {
        Matching::In(list) => Matching::NotIn(list),
        Matching::NotIn(list) => Matching::In(list),
    }
}

fn change_matching(statement: &mut Statement, change: Change) -> Option<()> {
    let Statement { sid, effect, actions, resources, .. } = statement;
    match change {
        Change::Sid => *sid = if sid.is_some() { None } else { Some("Added".to_owned()) },
        Change::Effect => *effect = if *effect == Effect::Allow { Effect::Deny } else { Effect::Allow },
        Change::AddAction => entries(actions).push("s3:Added".to_owned()),
        Change::DropAction => drop(entries(actions).pop().filter(|_| !entries(actions).is_empty())?),
        Change::OtherAction => entries(actions)[0].push('x'),
        Change::NegateActions => *actions = negated(actions.clone()),
        Change::AddResource => entries(resources.as_mut()?).push("arn:aws:s3:::added".to_owned()),
        Change::DropResource => {
            let list = entries(resources.as_mut()?);
            drop(list.pop().filter(|_| !list.is_empty())?);
        }
        Change::CaseOfResource => {
            let entry = entries(resources.as_mut()?).iter_mut().find(|entry| entry.starts_with("arn:"))?;
            *entry = entry.replacen("arn:", "ARN:", 1);
        }
        Change::NegateResources => *resources = Some(negated(resources.take()?)),
        Change::NoResources => drop(resources.take()?),
        _ => unreachable!("{change:?}"),
    }
    Some(())
}

fn change_principal(statement: &mut Statement, change: Change) -> Option<()> {
    let Some(Principal::Listed(kinds)) = &mut statement.principal else { return None };
    let kind = kinds.keys().next()?.clone();
    match change {
        Change::AddPrincipal => kinds.entry("AWS".to_owned()).or_default().push("777788889999".to_owned()),
        Change::OtherPrincipal => kinds.get_mut(&kind)?[0].push('x'),
        Change::OtherKindOfPrincipal => {
            let list = kinds.remove(&kind)?;
            kinds.insert("CanonicalUser".to_owned(), list);
        }
        Change::NegatePrincipal => statement.not_principal = statement.principal.take(),
        _ => unreachable!("{change:?}"),
    }
    Some(())
}

fn change_condition(statement: &mut Statement, change: Change) -> Option<()> {
    let conditions = &mut statement.conditions;
    if change == Change::AddCondition {
        let keys = [("aws:added".to_owned(), vec!["x".to_owned()])].into();
        return conditions.insert("DateEquals".to_owned(), keys).map_or(Some(()), |_| None);
    }
    let operator = conditions.keys().next()?.clone();
    let keys = conditions.get_mut(&operator)?;
    let key = keys.keys().next()?.clone();
    let values = keys.get_mut(&key)?;
    match change {
        Change::AddValue => values.push("added".to_owned()),
        Change::OtherValue => values.first_mut()?.push('x'),
        Change::DropValue => drop(values.pop()?),
        Change::OtherKey => {
            let values = keys.remove(&key)?;
            keys.insert("aws:other".to_owned(), values);
        }
        Change::DropKey => drop(keys.remove(&key)?),
        Change::DropCondition => drop(conditions.remove(&operator)?),
        Change::OtherOperator => {
            let keys = conditions.remove(&operator)?;
            conditions.insert(format!("{operator}IfExists"), keys);
        }
        _ => unreachable!("{change:?}"),
    }
    Some(())
}

/// The changes are made to canonical documents, in which nothing is said twice: there each of them counts.
#[test]
fn any_change_of_meaning_breaks_equality() {
    let made = RefCell::new(BTreeSet::new());
    let documents = (stored_document(), any::<usize>());
    let result = TestRunner::default().run(&documents, |(document, index)| {
        let canonical = Canonical::of(&document);
        for change in Change::iter() {
            let Some(other) = changed(canonical.document().clone(), change, index) else { continue };
            made.borrow_mut().insert(change);
            prop_assert!(!equivalent(&document, &other), "{:?}: {}\n{}", change, document, other);
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(*made.borrow(), Change::iter().collect(), "every change was tried");
}
