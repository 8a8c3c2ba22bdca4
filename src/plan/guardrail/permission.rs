//! Which actions may be allowed on which resources.
//!
//! A statement allows each of its actions on each of its resources. Conditions are not looked at, and neither are
//! statements that deny: what depends on them is true today and not tomorrow.
//! `docs/decisions/0010-guardrails-by-containment.md` says more.

use super::{
    compile::Compiler,
    grant::{Entry, Extent, Grant},
    violation::{Refusal, Violation, some_of},
};
use crate::{
    api::{class::PermissionRules, rule},
    policy::{ActionPattern, Arn, Pattern, arn::is_account_id},
};

const ALLOWED: &str = "spec.guardrails.permissions.allowed";
const DENIED: &str = "spec.guardrails.permissions.denied";
const EXEMPTED: &str = "spec.guardrails.permissions.exempted";

/// What leads to other identities, and is denied whatever a class says: changing roles and policies, changing the
/// organization that holds the account, handing out access by single sign-on, becoming another role or a member's root user.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>
const DENIED_BY_DEFAULT: [&str; 7] =
    ["iam:*", "organizations:*", "account:*", "sso:*", "sso-directory:*", "identitystore:*", "sts:AssumeRoot"];

/// Denied by default, too, but on roles that are named.
const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The rules about permissions.
#[derive(Clone, Debug)]
pub(super) struct Permissions {
    allowed: Option<Vec<Rule>>,
    denied: Vec<Rule>,
    exempted: Vec<Rule>,
    defaults: Vec<Default>,
}

/// An entry of a list of rules: actions on resources; an absent list takes in all.
#[derive(Clone, Debug)]
struct Rule {
    path: String,
    actions: Option<Vec<ActionPattern>>,
    resources: Option<Vec<Pattern>>,
}

/// A denial that needs no class.
#[derive(Clone, Debug)]
struct Default {
    text: &'static str,
    pattern: ActionPattern,
    spares_named_roles: bool,
}

/// An action of a statement, and where it stands. Where a statement excludes actions it is a denied one that it does not
/// exclude.
struct Action<'a> {
    path: String,
    text: &'a str,
    pattern: &'a ActionPattern,
}

impl Permissions {
    pub(super) fn compile(rules: &PermissionRules, compiler: &mut Compiler<'_>) -> Self {
        let PermissionRules { allowed, denied, exempted } = rules;
        let mut read = |list: &[_], path| Rule::compile_all(list, path, compiler);
        let default =
            |text, spares_named_roles| Default { text, pattern: ActionPattern::new(text), spares_named_roles };
        Self {
            allowed: allowed.as_ref().map(|list| read(list, ALLOWED)),
            denied: read(denied, DENIED),
            exempted: read(exempted, EXEMPTED),
            defaults: DENIED_BY_DEFAULT
                .into_iter()
                .map(|text| default(text, false))
                .chain([default(ASSUME_ROLE, true)])
                .collect(),
        }
    }

    /// What a statement is refused for.
    pub(super) fn refusals(&self, grant: &Grant<'_>) -> Vec<Refusal> {
        match (&grant.actions, &grant.resources, self.limit()) {
            (Extent::Listed(actions), Extent::Listed(resources), _) => {
                let actions: Vec<Action<'_>> = located(actions, grant).collect();
                let mut refusals = self.outside_allowed(&actions, resources, grant);
                refusals.extend(self.within_denied(&actions, resources, grant));
                refusals.extend(self.denied_by_default(&actions, resources, grant));
                refusals
            }
            (Extent::AllBut(_), _, Some(limit)) => vec![negated(grant, ("notActions", "NotAction"), limit)],
            (_, Extent::AllBut(_), Some(limit)) => vec![negated(grant, ("notResources", "NotResource"), limit)],
            (Extent::Listed(actions), Extent::AllBut(_), None) => {
                let actions: Vec<Action<'_>> = located(actions, grant).collect();
                self.denied_by_default(&actions, &everything(), grant)
            }
            (Extent::AllBut(excluded), resources, None) => {
                let actions = self.left_by(excluded, grant);
                match resources {
                    Extent::Listed(resources) => self.denied_by_default(&actions, resources, grant),
                    Extent::AllBut(_) => self.denied_by_default(&actions, &everything(), grant),
                }
            }
        }
    }

    /// The rule that limits what may be allowed, if the class has one: then a statement must say what it allows.
    fn limit(&self) -> Option<&'static str> {
        if self.allowed.is_some() {
            Some(ALLOWED)
        } else if self.denied.is_empty() {
            None
        } else {
            Some(DENIED)
        }
    }

    /// The actions denied by default that a `NotAction` does not exclude.
    fn left_by<'a>(&'a self, excluded: &[ActionPattern], grant: &Grant<'_>) -> Vec<Action<'a>> {
        let left = self.defaults.iter().filter(|default| !default.pattern.is_within_one_of(excluded));
        let path = grant.member_path("notActions", "NotAction");
        left.map(|default| Action { path: path.clone(), text: default.text, pattern: &default.pattern }).collect()
    }

    fn outside_allowed(
        &self,
        actions: &[Action<'_>],
        resources: &[Entry<'_, Pattern>],
        grant: &Grant<'_>,
    ) -> Vec<Refusal> {
        let Some(allowed) = &self.allowed else { return Vec::new() };
        let reaches: Vec<Reach> = allowed.iter().map(|rule| rule.takes_in_of(actions, resources)).collect();
        let refusals = actions.iter().enumerate().filter_map(|(index, action)| {
            let is_allowed = |resource| reaches.iter().any(|reach| reach.has(index, resource));
            let outside = chosen(resources, |resource| !is_allowed(resource))?;
            Some(refusal(
                grant,
                action,
                &outside,
                ALLOWED.to_owned(),
                "which no entry takes in",
                "Ask only for what one entry takes in, the action and the resource, or have the class allow more",
            ))
        });
        refusals.collect()
    }

    fn within_denied(
        &self,
        actions: &[Action<'_>],
        resources: &[Entry<'_, Pattern>],
        grant: &Grant<'_>,
    ) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for rule in &self.denied {
            let reach = rule.touched_of(actions, resources);
            for (index, action) in actions.iter().enumerate() {
                if let Some(denied) = chosen(resources, |resource| reach.has(index, resource)) {
                    refusals.push(refusal(
                        grant,
                        action,
                        &denied,
                        rule.path.clone(),
                        "some or all of which is denied",
                        "Ask for nothing that it denies: neither a condition nor a Deny beside it excuses that",
                    ));
                }
            }
        }
        refusals
    }

    fn denied_by_default(
        &self,
        actions: &[Action<'_>],
        resources: &[Entry<'_, Pattern>],
        grant: &Grant<'_>,
    ) -> Vec<Refusal> {
        let exempted: Vec<Reach> = self.exempted.iter().map(|rule| rule.takes_in_of(actions, resources)).collect();
        let names_roles: Vec<bool> = resources.iter().map(|resource| names_roles(resource.text)).collect();
        let refusals = actions.iter().enumerate().filter_map(|(index, action)| {
            let is_exempted = |resource| exempted.iter().any(|reach| reach.has(index, resource));
            let touched: Vec<&Default> =
                self.defaults.iter().filter(|default| default.pattern.intersects(action.pattern)).collect();
            let is_denied = |resource: usize| {
                touched.iter().any(|default| !(default.spares_named_roles && names_roles[resource]))
                    && !is_exempted(resource)
            };
            let denied = chosen(resources, is_denied)?;
            Some(refusal(
                grant,
                action,
                &denied,
                name_of(&touched),
                "which leads to other identities",
                if touched.iter().all(|default| default.spares_named_roles) {
                    "Name the roles, for example arn:aws:iam::123456789012:role/orders-reader, or have the class exempt it"
                } else {
                    "Leave it out, or have the class exempt it"
                },
            ))
        });
        refusals.collect()
    }
}

impl Rule {
    fn compile_all(list: &[crate::api::class::PermissionRule], path: &str, compiler: &mut Compiler<'_>) -> Vec<Self> {
        list.iter()
            .enumerate()
            .map(|(index, entry)| {
                let path = format!("{path}[{index}]");
                if entry.actions.is_none() && entry.resources.is_none() {
                    compiler.fault(&path, rule::PERMISSION_RULE);
                }
                let mut read = |list: &Option<Vec<String>>, field: &str| {
                    list.as_ref().map(|list| compiler.some_texts(list, &format!("{path}.{field}")))
                };
                let (actions, resources) = (read(&entry.actions, "actions"), read(&entry.resources, "resources"));
                Self {
                    actions: actions.map(|list| compiler.actions(&list)),
                    resources: resources.map(|list| compiler.resources(&list)),
                    path,
                }
            })
            .collect()
    }

    /// Which of the actions and of the resources are within the rule's.
    fn takes_in_of(&self, actions: &[Action<'_>], resources: &[Entry<'_, Pattern>]) -> Reach {
        self.reach(
            actions,
            resources,
            |own, action| action.is_within_one_of(own),
            |own, resource| resource.is_within_one_of(own),
        )
    }

    /// Which of the actions and of the resources have anything in common with the rule's.
    fn touched_of(&self, actions: &[Action<'_>], resources: &[Entry<'_, Pattern>]) -> Reach {
        self.reach(
            actions,
            resources,
            |own, action| own.iter().any(|own| own.intersects(action)),
            |own, resource| own.iter().any(|own| own.intersects(resource)),
        )
    }

    fn reach(
        &self,
        actions: &[Action<'_>],
        resources: &[Entry<'_, Pattern>],
        has_action: impl Fn(&[ActionPattern], &ActionPattern) -> bool,
        has_resource: impl Fn(&[Pattern], &Pattern) -> bool,
    ) -> Reach {
        let has_action = |action: &Action<'_>| self.actions.as_ref().is_none_or(|own| has_action(own, action.pattern));
        let actions: Vec<bool> = actions.iter().map(has_action).collect();
        // Most rules are about no action of a statement.
        let is_about_any = actions.contains(&true);
        let has_resource = |resource: &Entry<'_, Pattern>| {
            is_about_any && self.resources.as_ref().is_none_or(|own| has_resource(own, &resource.pattern))
        };
        Reach { actions, resources: resources.iter().map(has_resource).collect() }
    }
}

/// How far a rule goes into a statement. A pair is in reach if both its parts are.
struct Reach {
    actions: Vec<bool>,
    resources: Vec<bool>,
}

impl Reach {
    fn has(&self, action: usize, resource: usize) -> bool {
        self.actions[action] && self.resources[resource]
    }
}

fn located<'a>(actions: &'a [Entry<'_, ActionPattern>], grant: &Grant<'_>) -> impl Iterator<Item = Action<'a>> {
    let path = |index| grant.entry_path("actions", "Action", index, actions.len());
    let entries = actions.iter().enumerate();
    entries.map(move |(index, Entry { text, pattern })| Action { path: path(index), text, pattern })
}

/// What stands for the resources of a `NotResource`, of which nobody can say what it leaves.
fn everything() -> [Entry<'static, Pattern>; 1] {
    [Entry { text: "*", pattern: Pattern::new("*") }]
}

/// The resources at such places, if there are any.
fn chosen<'a>(resources: &[Entry<'a, Pattern>], is_chosen: impl Fn(usize) -> bool) -> Option<Vec<&'a str>> {
    let chosen: Vec<&str> =
        resources.iter().enumerate().filter(|(index, _)| is_chosen(*index)).map(|(_, entry)| entry.text).collect();
    (!chosen.is_empty()).then_some(chosen)
}

/// Whether a resource takes in named roles alone: of one partition and account, and with a beginning of their path or name.
/// An ARN's `*` may stand for colons, too, so what stands before those literals is literal.
fn names_roles(resource: &str) -> bool {
    let is_literal = |text: &str| !text.is_empty() && !text.contains(['*', '?', '$']);
    Arn::parse(resource).is_some_and(|arn| {
        is_literal(arn.partition)
            && arn.service == "iam"
            && arn.region.is_empty()
            && is_account_id(arn.account)
            && arn
                .resource
                .strip_prefix("role/")
                .is_some_and(|name| !name.is_empty() && !name.starts_with(['*', '?', '$']))
    })
}

fn name_of(defaults: &[&Default]) -> String {
    match defaults {
        [single] => format!("the default denial of {}", single.text),
        several => format!("the default denials of {}", some_of(several.iter().map(|default| default.text))),
    }
}

fn refusal(grant: &Grant<'_>, action: &Action<'_>, resources: &[&str], rule: String, why: &str, fix: &str) -> Refusal {
    let Action { path, text, pattern } = action;
    let message = format!("allows {text} on {}{}, {why}", some_of(resources.iter().copied()), grant.place);
    let subjects = resources.iter().map(|resource| format!("{pattern} on {resource}")).collect();
    Refusal { violation: Violation { rule, path: path.clone(), message, fix: fix.to_owned() }, subjects }
}

/// Of what is left out nobody can say whether it is allowed: it grows with every action and resource that AWS adds.
fn negated(grant: &Grant<'_>, (field, element): (&str, &str), limit: &str) -> Refusal {
    let message = format!("allows all but what it lists{}, and the class limits what may be allowed", grant.place);
    let fix = "List the actions and the resources that are needed".to_owned();
    let path = grant.member_path(field, element);
    Refusal { violation: Violation { rule: limit.to_owned(), path, message, fix }, subjects: grant.subjects() }
}
