//! Policy documents as values, and their JSON.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer, ser::SerializeMap};

/// The version that every document of ours declares. Policy variables work in no older one.
pub const VERSION: &str = "2012-10-17";

/// The version of a document that declares none. IAM stores such documents and takes no new ones.
pub const OLD_VERSION: &str = "2008-10-17";

/// What is wrong with a document, and where: a JSON path such as `Statement[0].Action`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// Where.
    pub path: String,
    /// What, as a sentence without its subject.
    pub message: String,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Effect {
    /// Allows.
    Allow,
    /// Denies.
    Deny,
}

/// A list of which the statement is about every member, or everything but the members.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matching {
    /// `Action`, `Resource`.
    In(Vec<String>),
    /// `NotAction`, `NotResource`.
    NotIn(Vec<String>),
}

/// Who a statement of a trust policy is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// `"*"`: everyone.
    Everyone,
    /// By kind (`AWS`, `Service`, `Federated`, `CanonicalUser`).
    Listed(BTreeMap<String, Vec<String>>),
}

/// Operator, then key, then values.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Name, unique within the document.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Who: only in trust policies and other resource-based ones.
    pub principal: Option<Principal>,
    /// Everyone but these: in no policy of a role, yet IAM stores old ones.
    pub not_principal: Option<Principal>,
    /// Which actions.
    pub actions: Matching,
    /// Which resources: never in trust policies.
    pub resources: Option<Matching>,
    /// Under which conditions.
    pub conditions: Conditions,
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `2012-10-17`, or `2008-10-17` where none is declared.
    pub version: String,
    /// Name of the document, which changes no access.
    pub id: Option<String>,
    /// The statements, in their order.
    pub statements: Vec<Statement>,
}

impl Document {
    /// A document of the current version.
    #[must_use]
    pub fn new(statements: Vec<Statement>) -> Self {
        Self { version: VERSION.to_owned(), id: None, statements }
    }

    /// Reads a document as IAM stores it: a statement or a list, scalars or lists, quoted or unquoted values, either
    /// version. What IAM takes of new documents is narrower, and differs by kind: [`super::check::faults`].
    ///
    /// # Errors
    /// The first fault, with its path.
    pub fn parse(json: &str) -> Result<Self, Fault> {
        super::parse::document(json)
    }

    /// Characters of the document as it is sent, which has no white space between elements. IAM does not count white space
    /// and does not say whether that holds inside strings, so the number is an upper bound; of what Organizations counts,
    /// which is everything, it is the exact number.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    #[must_use]
    pub fn characters(&self) -> usize {
        self.to_string().chars().count()
    }
}

/// Compact JSON, members in IAM's usual order, single-element lists as scalars.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Version", &self.version)?;
        if let Some(id) = &self.id {
            map.serialize_entry("Id", id)?;
        }
        map.serialize_entry("Statement", &self.statements)?;
        map.end()
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(sid) = &self.sid {
            map.serialize_entry("Sid", sid)?;
        }
        map.serialize_entry("Effect", &self.effect)?;
        if let Some(principal) = &self.principal {
            map.serialize_entry("Principal", principal)?;
        }
        if let Some(principal) = &self.not_principal {
            map.serialize_entry("NotPrincipal", principal)?;
        }
        match &self.actions {
            Matching::In(list) => map.serialize_entry("Action", &Values(list))?,
            Matching::NotIn(list) => map.serialize_entry("NotAction", &Values(list))?,
        }
        match &self.resources {
            Some(Matching::In(list)) => map.serialize_entry("Resource", &Values(list))?,
            Some(Matching::NotIn(list)) => map.serialize_entry("NotResource", &Values(list))?,
            None => {}
        }
        if !self.conditions.is_empty() {
            let conditions: BTreeMap<_, _> =
                self.conditions.iter().map(|(operator, keys)| (operator, ValuesByKey(keys))).collect();
            map.serialize_entry("Condition", &conditions)?;
        }
        map.end()
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Everyone => serializer.serialize_str("*"),
            Self::Listed(kinds) => ValuesByKey(kinds).serialize(serializer),
        }
    }
}

/// A list, or its only element.
struct Values<'a>(&'a [String]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [single] => single.serialize(serializer),
            list => list.serialize(serializer),
        }
    }
}

struct ValuesByKey<'a>(&'a BTreeMap<String, Vec<String>>);

impl Serialize for ValuesByKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, values)| (key, Values(values))))
    }
}
