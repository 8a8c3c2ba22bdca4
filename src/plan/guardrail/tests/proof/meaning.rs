//! What the rules of a class mean, request by request, with a matcher of its own.

use super::world::{ACTIONS, FUNCTIONS, RESOURCES, TAG, TAGS};
use crate::{
    api::class::{Guardrails, PermissionRule, RequireScope},
    policy::{
        Document, Statement,
        document::{Conditions, Matching},
        evaluate::{Context, Policies, Request, evaluate},
    },
};

/// The requests that a statement allows: its actions, and for each value of the tag its resources and callers. A statement
/// is about the product of the three, so each is asked for alone.
pub struct Allowed {
    actions: Vec<bool>,
    by_tag: Vec<ByTag>,
}

struct ByTag {
    resources: Vec<bool>,
    callers: Vec<bool>,
    /// What each entry of the statement's resources allows by itself; of interest where the statement lets assume roles.
    entries: Vec<Vec<bool>>,
}

impl Allowed {
    pub fn by(statement: &Statement) -> Self {
        let all = || Matching::In(vec!["*".to_owned()]);
        let by_action = Document::new(vec![Statement {
            resources: Some(all()),
            conditions: Conditions::new(),
            ..statement.clone()
        }]);
        let allow_all_on = |resources: &Matching| {
            Document::new(vec![Statement {
                actions: all(),
                resources: Some(resources.clone()),
                conditions: Conditions::new(),
                ..statement.clone()
            }])
        };
        let resources = statement.resources.as_ref().unwrap();
        let by_resource = allow_all_on(resources);
        let actions: Vec<bool> =
            ACTIONS.iter().map(|action| ask(&by_action, action, "*", &Context::default())).collect();
        let assumes = ACTIONS.iter().zip(&actions).any(|(action, is)| *is && *action == "sts:AssumeRole");
        let by_entry: Vec<Document> = match resources {
            _ if !assumes => Vec::new(),
            Matching::In(list) => list.iter().map(|entry| allow_all_on(&Matching::In(vec![entry.clone()]))).collect(),
            Matching::NotIn(_) => vec![by_resource.clone()],
        };
        let by_caller = Document::new(vec![Statement { actions: all(), resources: Some(all()), ..statement.clone() }]);
        let of_resources = |document: &Document| {
            by_tag(document, |context| {
                RESOURCES.iter().map(|resource| ask(document, "a:B", resource, context)).collect()
            })
        };
        let resources = of_resources(&by_resource);
        let entries: Vec<_> = by_entry.iter().map(of_resources).collect();
        let callers = by_tag(&by_caller, |context| {
            let context = |function: Option<&str>| match function {
                Some(function) => context.clone().with("lambda:SourceFunctionArn", function),
                None => context.clone(),
            };
            FUNCTIONS.iter().map(|function| ask(&by_caller, "a:B", "*", &context(*function))).collect()
        });
        let of_tag = |tables: &Vec<Vec<bool>>, tag: usize| tables.get(tag).unwrap_or(&tables[0]).clone();
        let by_tag = (0..resources.len().max(callers.len())).map(|tag| ByTag {
            resources: of_tag(&resources, tag),
            callers: of_tag(&callers, tag),
            entries: entries.iter().map(|entry| of_tag(entry, tag)).collect(),
        });
        Self { actions, by_tag: by_tag.collect() }
    }
}

/// The answers for each value of the tag, or once if the document does not ask for it.
fn by_tag(document: &Document, answers: impl Fn(&Context) -> Vec<bool>) -> Vec<Vec<bool>> {
    let tags = if document.to_string().contains("${") { &TAGS[..] } else { &TAGS[..1] };
    tags.iter()
        .map(|tag| answers(&tag.map_or_else(Context::default, |tag| Context::default().with(TAG, tag))))
        .collect()
}

fn ask(document: &Document, action: &str, resource: &str, context: &Context) -> bool {
    let policies = Policies { identity: std::slice::from_ref(document), ..Policies::default() };
    evaluate(&policies, &Request { action, resource, context }).is_allowed()
}

/// The rules of a class, as tables over the world.
pub struct Meaning {
    /// Why an action may not be allowed on a resource, whoever calls.
    forbidden: Vec<Option<&'static str>>,
    exempted: Vec<Vec<bool>>,
    /// Which actions must not be allowed to whoever calls.
    need_scope: Vec<bool>,
    /// Which callers a scope may name.
    callers: Option<Vec<bool>>,
}

impl Meaning {
    pub fn of(rules: &Guardrails) -> Self {
        let tables = |list: &[PermissionRule]| -> Vec<Vec<bool>> { list.iter().map(table).collect() };
        let allowed = rules.permissions.allowed.as_ref().map(|list| tables(list));
        let (denied, exempted) = (tables(&rules.permissions.denied), tables(&rules.permissions.exempted));
        let why = |pair: usize| {
            let has = |tables: &[Vec<bool>]| tables.iter().any(|table| table[pair]);
            if allowed.as_ref().is_some_and(|allowed| !has(allowed)) {
                Some("not allowed")
            } else if has(&denied) {
                Some("denied")
            } else if leads_elsewhere(ACTIONS[pair / RESOURCES.len()], RESOURCES[pair % RESOURCES.len()])
                && !has(&exempted)
            {
                Some("denied by default")
            } else {
                None
            }
        };
        let is_permitted = |entries: &Vec<String>, function: Option<&str>| {
            function.is_some_and(|function| entries.iter().any(|entry| is_function(entry, function)))
        };
        let needs_scope = |action: &&str| match rules.require_source_function_scope {
            RequireScope::Never => false,
            RequireScope::WhereCarried => !["sqs:ReceiveMessage", "logs:PutLogEvents"].contains(action),
            RequireScope::Always => true,
        };
        Self {
            forbidden: (0..ACTIONS.len() * RESOURCES.len()).map(why).collect(),
            need_scope: ACTIONS.iter().map(needs_scope).collect(),
            callers: rules
                .source_functions
                .as_ref()
                .map(|entries| FUNCTIONS.iter().map(|function| is_permitted(entries, *function)).collect()),
            exempted,
        }
    }

    /// A request that is allowed and forbidden, if there is one.
    pub fn forbidden(&self, allowed: &Allowed) -> Option<String> {
        let is_for_code = allowed.by_tag.iter().all(|by_tag| !by_tag.callers[0]);
        for by_tag in &allowed.by_tag {
            let (actions, resources) = (chosen(&allowed.actions), chosen(&by_tag.resources));
            let (callers, entries) = (chosen(&by_tag.callers), &by_tag.entries);
            for &action in &actions {
                let by_resource = |resource: &usize| self.forbidden[action * RESOURCES.len() + resource];
                let by_caller = |caller: &usize| self.forbids(action, *caller, is_for_code);
                let is_asked = !resources.is_empty() && !callers.is_empty();
                let why = resources.iter().find_map(by_resource).or_else(|| callers.iter().find_map(by_caller));
                if let (true, Some(why)) = (is_asked, why) {
                    return Some(format!("{}: {why}", ACTIONS[action]));
                }
            }
            if !callers.is_empty() && entries.iter().any(|entry| self.takes_in_strangers(entry)) {
                return Some("sts:AssumeRole by an entry for roles that have nothing in common".to_owned());
            }
        }
        None
    }

    fn forbids(&self, action: usize, caller: usize, is_for_code: bool) -> Option<&'static str> {
        if self.need_scope[action] && FUNCTIONS[caller].is_none() {
            Some("unscoped")
        } else if is_for_code && self.callers.as_ref().is_some_and(|callers| !callers[caller]) {
            Some("another's function")
        } else {
            None
        }
    }

    /// Whether an entry allows `sts:AssumeRole`, by no exemption, on roles that have no account or no beginning in common.
    fn takes_in_strangers(&self, entry: &[bool]) -> bool {
        let action = ACTIONS.iter().position(|action| *action == "sts:AssumeRole").unwrap();
        let is_exempted =
            |resource: usize| self.exempted.iter().any(|table| table[action * RESOURCES.len() + resource]);
        let kinds: Vec<(&str, Option<char>)> = RESOURCES
            .iter()
            .enumerate()
            .filter(|(index, _)| entry[*index] && !is_exempted(*index))
            .filter_map(|(_, resource)| {
                resource.split_once(":role/").map(|(account, name)| (account, name.chars().next()))
            })
            .collect();
        kinds.windows(2).any(|pair| pair[0] != pair[1])
    }
}

fn leads_elsewhere(action: &str, resource: &str) -> bool {
    let services = ["iam:", "organizations:", "account:", "sso:", "sts:AssumeRoot"];
    services.iter().any(|service| action.starts_with(service))
        || (action == "sts:AssumeRole" && !resource.contains(":role/"))
}

fn chosen(table: &[bool]) -> Vec<usize> {
    (0..table.len()).filter(|index| table[*index]).collect()
}

/// For each action and each resource, whether a rule is about the two.
fn table(rule: &PermissionRule) -> Vec<bool> {
    let has =
        |list: Option<&Vec<String>>, text: &str| list.is_none_or(|list| list.iter().any(|entry| is_like(entry, text)));
    let lower: Option<Vec<String>> =
        rule.actions.as_ref().map(|list| list.iter().map(|entry| entry.to_lowercase()).collect());
    let actions = ACTIONS.map(|action| has(lower.as_ref(), &action.to_lowercase()));
    let resources = RESOURCES.map(|resource| has(rule.resources.as_ref(), resource));
    actions.iter().flat_map(|action| resources.iter().map(move |resource| *action && *resource)).collect()
}

/// A name is that of a function of the class's region and account.
fn is_function(entry: &str, function: &str) -> bool {
    let entry = entry.replace("$(namespace)", "shop");
    let entry = if entry.starts_with("arn:") {
        entry
    } else {
        format!("arn:aws:lambda:eu-west-1:111122223333:function:{entry}")
    };
    let (entry, function): (Vec<&str>, Vec<&str>) = (entry.splitn(6, ':').collect(), function.splitn(6, ':').collect());
    entry.iter().zip(&function).all(|(entry, component)| is_like(entry, component))
}

/// By trying every length for every `*`.
fn is_like(pattern: &str, text: &str) -> bool {
    fn like(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*'] => true,
            [b'*', rest @ ..] => (0..=text.len()).any(|length| like(rest, &text[length..])),
            [b'?', rest @ ..] => !text.is_empty() && like(rest, &text[1..]),
            [character, rest @ ..] => text.first() == Some(character) && like(rest, &text[1..]),
        }
    }
    like(pattern.as_bytes(), text.as_bytes())
}
