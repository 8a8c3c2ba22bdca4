//! What is looked at: a role as it is to be written to IAM, each part with the field that it comes from.

use std::collections::BTreeSet;

use super::finding::Code;
use crate::policy::{Arn, Statement, document::Matching, function::Home};

/// A role as it is to be written to IAM.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Where it is, and the region of functions that are named without one.
    pub home: Home<'a>,
    /// The statements of its permissions.
    pub statements: &'a [Located],
    /// The statements of its trust policy.
    pub trust: &'a [Located],
    /// The managed policies that are to be attached.
    pub managed_policies: &'a [LocatedPolicy],
    /// How large its documents are.
    pub sizes: &'a [Size],
}

/// How the fields of an item are spelled, for the paths of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `.actions[0]`, `.resources[0]`, `.conditions.ArnLike`: a statement of the spec.
    Manifest,
    /// `.Action[0]`, `.Resource`, `.Condition.ArnLike`: a statement of a document.
    Document,
    /// The item has no such fields: its own path is all that can be named.
    Whole,
}

/// Who chose what a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The author of the spec, word for word.
    Written,
    /// The author chose the name, we wrote the statement: nothing is said of its breadth.
    Template,
    /// What Lambda itself needs, made by us: only a foreign partition is told of it, but it counts for what is said of
    /// others.
    Generated,
}

/// A statement and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Path of the item: `spec.statements[0]`.
    pub path: String,
    /// How its fields are spelled.
    pub spelling: Spelling,
    /// Who chose what it says.
    pub source: Source,
    /// Path of the list of functions that the statement's scope was made of, its own or the spec's default; `None` where
    /// there is no such list.
    pub scope: Option<String>,
    /// The statement as it is to be written to IAM.
    pub statement: Statement,
    /// What the author of the item says not to tell.
    pub ignored: BTreeSet<Code>,
}

/// A managed policy that is to be attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedPolicy {
    /// Path of the item: `spec.managedPolicies[0]`.
    pub path: String,
    /// Its ARN.
    pub arn: String,
    /// Whether an object describes it, which is judged by itself.
    pub is_described: bool,
    /// What the author of the item says not to tell.
    pub ignored: BTreeSet<Code>,
}

/// How large something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// Path of the field that it is made of.
    pub path: String,
    /// What it is, as it stands in messages: "the inline policies of a role".
    pub what: String,
    /// Its characters, as IAM counts them.
    pub characters: usize,
    /// What IAM takes.
    pub quota: usize,
}

impl LocatedPolicy {
    /// Its name without the path, if it is one of AWS's.
    pub(super) fn aws_name(&self) -> Option<&str> {
        let arn = Arn::parse(&self.arn).filter(|arn| arn.account == "aws")?;
        arn.resource.rsplit('/').next()
    }
}

impl Located {
    /// Path of an entry of `Action` or `NotAction`.
    pub(super) fn action_path(&self, index: usize) -> String {
        let (manifest, document) = match &self.statement.actions {
            Matching::In(_) => (".actions", ".Action"),
            Matching::NotIn(_) => (".notActions", ".NotAction"),
        };
        self.entry_path(manifest, document, entries(&self.statement.actions), index)
    }

    /// Path of an entry of `Resource` or `NotResource`.
    pub(super) fn resource_path(&self, index: usize) -> String {
        match &self.statement.resources {
            Some(list @ Matching::In(_)) => self.entry_path(".resources", ".Resource", entries(list), index),
            Some(list @ Matching::NotIn(_)) => self.entry_path(".notResources", ".NotResource", entries(list), index),
            None => self.path.clone(),
        }
    }

    fn entry_path(&self, manifest: &str, document: &str, list: &[String], index: usize) -> String {
        match (self.spelling, list.len()) {
            (Spelling::Manifest, _) => format!("{}{manifest}[{index}]", self.path),
            (Spelling::Document, 1) => format!("{}{document}", self.path),
            (Spelling::Document, _) => format!("{}{document}[{index}]", self.path),
            (Spelling::Whole, _) => self.path.clone(),
        }
    }

    /// Path of a condition key.
    pub(super) fn condition_path(&self, operator: &str, key: &str) -> String {
        match self.spelling {
            Spelling::Manifest => format!("{}.conditions.{operator}.{key}", self.path),
            Spelling::Document => format!("{}.Condition.{operator}.{key}", self.path),
            Spelling::Whole => self.path.clone(),
        }
    }
}

/// The entries of a list, whether it says which or which not.
pub(super) fn entries(matching: &Matching) -> &[String] {
    match matching {
        Matching::In(list) | Matching::NotIn(list) => list,
    }
}
