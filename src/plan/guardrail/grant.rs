//! A statement that allows, read for judgement.

use crate::{
    lint::{Located, Source, Spelling},
    policy::{
        ActionPattern, Document, Pattern, Statement,
        document::{Effect, Matching, VERSION},
        pattern::Variables,
    },
};

/// A statement that allows, with its patterns and with the words for it.
#[derive(Debug)]
pub(super) struct Grant<'a> {
    pub statement: &'a Statement,
    pub actions: Extent<'a, ActionPattern>,
    pub resources: Extent<'a, Pattern>,
    pub variables: Variables,
    /// Whether we made it, for calls of Lambda's own.
    pub is_for_lambda: bool,
    /// Path of the list of functions that its scope was made of.
    pub scope: Option<&'a str>,
    /// What messages add to name it: ` in statement Orders`, or nothing.
    pub place: String,
    path: String,
    spelling: Spelling,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug)]
pub(super) enum Extent<'a, P> {
    Listed(Vec<Entry<'a, P>>),
    AllBut(Vec<P>),
}

/// What a list holds, as it is written and as it is compared.
#[derive(Debug)]
pub(super) struct Entry<'a, P> {
    pub text: &'a str,
    pub pattern: P,
}

impl<'a, P> Extent<'a, P> {
    fn of(matching: &'a Matching, pattern: impl Fn(&str) -> P) -> Self {
        match matching {
            Matching::In(list) => {
                Self::Listed(list.iter().map(|text| Entry { text, pattern: pattern(text) }).collect())
            }
            Matching::NotIn(list) => Self::AllBut(list.iter().map(|text| pattern(text)).collect()),
        }
    }
}

impl<'a> Grant<'a> {
    /// A statement of the spec's, `None` if it denies: what denies only narrows.
    pub(super) fn of(located: &'a Located) -> Option<Self> {
        (located.statement.effect == Effect::Allow).then(|| Self::located(located))
    }

    /// A statement of the spec's that denies, as if it allowed; `None` if it does allow.
    pub(super) fn of_denial(located: &'a Located) -> Option<Self> {
        (located.statement.effect == Effect::Deny).then(|| Self::located(located))
    }

    fn located(located: &'a Located) -> Self {
        let Located { path, spelling, source, scope, statement, ignored: _ } = located;
        let grant = Self::read(statement, Variables::Filled, path.clone(), *spelling);
        Self { is_for_lambda: *source == Source::Generated, scope: scope.as_deref(), ..grant }
    }

    /// The statements of a final or stored document that allow; `name` is how its paths begin.
    pub(super) fn all(document: &'a Document, name: &str) -> Vec<Self> {
        Self::all_of(document, Effect::Allow, name)
    }

    /// Those that deny, as if they allowed.
    pub(super) fn all_denials(document: &'a Document, name: &str) -> Vec<Self> {
        Self::all_of(document, Effect::Deny, name)
    }

    fn all_of(document: &'a Document, effect: Effect, name: &str) -> Vec<Self> {
        let statements = document.statements.iter().enumerate().filter(|(_, statement)| statement.effect == effect);
        let path = |index| format!("{name}, Statement[{index}]");
        statements
            .map(|(index, statement)| Self::read(statement, variables(document), path(index), Spelling::Document))
            .collect()
    }

    /// The statements of an attached policy that allow; `path` is the field that attaches it.
    pub(super) fn all_attached(document: &'a Document, path: &str, arn: &str) -> Vec<Self> {
        let statements = document.statements.iter().enumerate();
        statements
            .filter(|(_, statement)| statement.effect == Effect::Allow)
            .map(|(index, statement)| {
                let grant = Self::read(statement, variables(document), path.to_owned(), Spelling::Whole);
                let sid = statement.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
                Self { place: format!(" in Statement[{index}]{sid} of {arn}"), ..grant }
            })
            .collect()
    }

    fn read(statement: &'a Statement, variables: Variables, path: String, spelling: Spelling) -> Self {
        let resource = |text: &str| Pattern::in_any_request(text, variables);
        // IAM takes no such statement of permissions; if it did, that would be about everything.
        let everything = || Extent::Listed(vec![Entry { text: "*", pattern: Pattern::new("*") }]);
        Self {
            statement,
            actions: Extent::of(&statement.actions, ActionPattern::new),
            resources: statement.resources.as_ref().map_or_else(everything, |list| Extent::of(list, resource)),
            variables,
            is_for_lambda: false,
            scope: None,
            place: statement.sid.as_ref().map(|sid| format!(" in statement {sid}")).unwrap_or_default(),
            path,
            spelling,
        }
    }

    /// Whether it stands in a managed policy.
    pub(super) fn is_attached(&self) -> bool {
        self.spelling == Spelling::Whole
    }

    /// The statement's pairs of actions and resources, by which it is known again where it was merged with others.
    pub(super) fn subjects(&self) -> Vec<String> {
        let (actions, resources) = (&self.statement.actions, self.statement.resources.as_ref());
        let texts = |list: &Matching| match list {
            Matching::In(list) => list.clone(),
            Matching::NotIn(list) => vec![format!("all but {}", list.join(", "))],
        };
        let resources = resources.map_or_else(|| vec!["*".to_owned()], texts);
        let pairs = texts(actions).into_iter().map(|action| action.to_ascii_lowercase());
        pairs.flat_map(|action| resources.iter().map(move |resource| format!("{action} on {resource}"))).collect()
    }

    /// Path of the statement.
    pub(super) fn path(&self) -> String {
        self.path.clone()
    }

    /// Path of what a statement of the spec calls `field` and a document `element`.
    pub(super) fn member_path(&self, field: &str, element: &str) -> String {
        match self.spelling {
            Spelling::Manifest => format!("{}.{field}", self.path),
            Spelling::Document => format!("{}.{element}", self.path),
            Spelling::Whole => self.path.clone(),
        }
    }

    /// Path of an entry of a list of that length. In JSON a list of one is a scalar.
    pub(super) fn entry_path(&self, field: &str, element: &str, index: usize, length: usize) -> String {
        let path = self.member_path(field, element);
        match (self.spelling, length) {
            (Spelling::Whole, _) | (Spelling::Document, 1) => path,
            (Spelling::Manifest | Spelling::Document, _) => format!("{path}[{index}]"),
        }
    }
}

/// What variables mean in a document.
fn variables(document: &Document) -> Variables {
    if document.version == VERSION { Variables::Filled } else { Variables::Written }
}
