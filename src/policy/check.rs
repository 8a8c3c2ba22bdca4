//! What IAM and Organizations refuse in a document that is about to be written.
//!
//! Reading is lenient, for what is stored may be old or another's; this is strict. Each rule is from AWS's grammar,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>, or from the page named beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Arn,
    document::{Conditions, Document, Fault, Matching, Principal, Statement, VERSION},
    operator,
    path::{Excerpt, Path},
};

/// What a document is for. Each kind has elements that another may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Inline and managed policies, permissions boundaries.
    Identity,
    /// Who may assume a role.
    Trust,
    /// An Organizations service-control policy.
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html>
    ServiceControl,
}

/// Kinds of principals.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
const PRINCIPALS: [&str; 4] = ["AWS", "CanonicalUser", "Federated", "Service"];

/// Everything that `document` would be refused for as a policy of that kind, in the order of the document.
#[must_use]
pub fn faults(document: &Document, kind: Kind) -> Vec<Fault> {
    let Document { version, id, statements } = document;
    let mut faults = Vec::new();
    let path = Path::DOCUMENT;
    if version != VERSION {
        faults.push(path.member("Version").fault(format!("must be {VERSION}: policy variables work in no older one")));
    }
    match (id, kind) {
        (Some(_), Kind::Identity | Kind::ServiceControl) => {
            faults.push(path.member("Id").fault("belongs to trust policies only: leave it out"));
        }
        (Some(id), Kind::Trust) => check_characters(id, &path.member("Id"), &mut faults),
        (None, Kind::Identity | Kind::Trust | Kind::ServiceControl) => {}
    }
    let path = path.member("Statement");
    if statements.is_empty() {
        faults.push(path.fault("is empty: a document needs a statement"));
    }
    let mut sids = BTreeSet::new();
    for (index, statement) in statements.iter().enumerate() {
        check_statement(statement, kind, &path.element(index), &mut sids, &mut faults);
    }
    faults
}

fn check_statement<'a>(
    statement: &'a Statement,
    kind: Kind,
    path: &Path<'_>,
    sids: &mut BTreeSet<&'a str>,
    faults: &mut Vec<Fault>,
) {
    let Statement { sid, effect: _, principal, not_principal, actions, resources, conditions } = statement;
    if let Some(sid) = sid {
        check_sid(sid, &path.member("Sid"), sids, faults);
    }
    check_principal(principal.as_ref(), kind, &path.member("Principal"), faults);
    if not_principal.is_some() {
        let fix = match kind {
            Kind::Trust => "name those who are trusted in Principal",
            Kind::Identity | Kind::ServiceControl => "leave it out",
        };
        faults.push(path.member("NotPrincipal").fault(format!("is taken in no policy of this kind: {fix}")));
    }
    check_actions(actions, kind, path, faults);
    check_resources(resources.as_ref(), kind, path, faults);
    check_conditions(conditions, &path.member("Condition"), faults);
}

fn check_sid<'a>(sid: &'a str, path: &Path<'_>, sids: &mut BTreeSet<&'a str>, faults: &mut Vec<Fault>) {
    if !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
        let message = format!("is {}: a sid consists of the letters A to Z and a to z and digits", Excerpt(sid));
        faults.push(path.fault(message));
    }
    // IAM takes an empty sid for none.
    if !sid.is_empty() && !sids.insert(sid) {
        faults.push(path.fault(format!("is {}, which names an earlier statement: give each its own", Excerpt(sid))));
    }
}

fn check_principal(principal: Option<&Principal>, kind: Kind, path: &Path<'_>, faults: &mut Vec<Fault>) {
    match (kind, principal) {
        (Kind::Identity | Kind::ServiceControl, None) | (Kind::Trust, Some(Principal::Everyone)) => {}
        (Kind::Identity | Kind::ServiceControl, Some(_)) => {
            faults.push(path.fault("belongs to trust policies only: the policy holds for whom it is attached to"));
        }
        (Kind::Trust, None) => faults.push(path.fault("is missing: a trust policy says who may assume the role")),
        (Kind::Trust, Some(Principal::Listed(kinds))) => check_principals(kinds, path, faults),
    }
}

fn check_principals(kinds: &BTreeMap<String, Vec<String>>, path: &Path<'_>, faults: &mut Vec<Fault>) {
    if kinds.is_empty() {
        faults.push(path.fault("names nobody"));
    }
    for (kind, list) in kinds {
        let path = path.member(kind);
        if !PRINCIPALS.contains(&kind.as_str()) {
            faults.push(path.fault(format!("is no kind of principal: there are {}", PRINCIPALS.join(", "))));
        }
        if list.is_empty() {
            faults.push(path.fault("is an empty list: name a principal or leave the kind out"));
        }
        each(list, &path, |entry, path| {
            if entry.is_empty() {
                faults.push(path.fault("is empty"));
            }
            if ["AWS", "Service"].contains(&kind.as_str()) && entry != "*" && entry.contains(['*', '?']) {
                let message = format!("is {}: a wildcard stands for no part of a principal", Excerpt(entry));
                faults.push(path.fault(message));
            }
            check_characters(entry, path, faults);
        });
    }
}

fn check_actions(actions: &Matching, kind: Kind, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let (member, list) = match actions {
        Matching::In(list) => ("Action", list),
        Matching::NotIn(list) => ("NotAction", list),
    };
    let path = path.member(member);
    match (kind, actions) {
        (Kind::Trust, Matching::NotIn(_)) => {
            faults.push(path.fault("is about more than STS: list the sts: actions in Action"));
        }
        (Kind::Identity | Kind::Trust | Kind::ServiceControl, Matching::In(_))
        | (Kind::Identity | Kind::ServiceControl, Matching::NotIn(_)) => {}
    }
    if list.is_empty() {
        faults.push(path.fault("is an empty list: name an action"));
    }
    each(list, &path, |action, path| {
        if !is_action(action) {
            let message = format!(
                "is {}: an action is * or service:Action with one colon, for example s3:GetObject",
                Excerpt(action)
            );
            faults.push(path.fault(message));
        } else if kind == Kind::Trust && !has_prefix(action, "sts:") {
            let message =
                format!("is {}: a trust policy takes sts: actions, for example sts:AssumeRole", Excerpt(action));
            faults.push(path.fault(message));
        }
    });
}

fn check_resources(resources: Option<&Matching>, kind: Kind, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let (member, list) = match resources {
        Some(Matching::In(list)) => ("Resource", list),
        Some(Matching::NotIn(list)) => ("NotResource", list),
        None => {
            match kind {
                Kind::Trust => {}
                Kind::Identity | Kind::ServiceControl => {
                    let message = "is missing: a statement needs Resource or NotResource";
                    faults.push(path.member("Resource").fault(message));
                }
            }
            return;
        }
    };
    let path = path.member(member);
    match kind {
        Kind::Trust => {
            faults.push(path.fault("is taken in no trust policy, whose resource is the role itself: leave it out"));
        }
        Kind::Identity | Kind::ServiceControl => {
            if list.is_empty() {
                faults.push(path.fault("is an empty list: name a resource"));
            }
            each(list, &path, |resource, path| {
                if let Some(why) = resource_fault(resource) {
                    faults.push(path.fault(format!("is {}: {why}", Excerpt(resource))));
                }
                check_characters(resource, path, faults);
            });
        }
    }
}

fn check_conditions(conditions: &Conditions, path: &Path<'_>, faults: &mut Vec<Fault>) {
    for (operator, keys) in conditions {
        let path = path.member(operator);
        if !operator::is_known(operator) {
            faults.push(path.fault("is no condition operator"));
        }
        let mut names = BTreeSet::new();
        for (key, values) in keys {
            let path = path.member(key);
            // https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
            if !names.insert(key.to_ascii_lowercase()) {
                faults.push(path.fault("differs from another key only in case, which IAM does not tell apart"));
            }
            if !is_condition_key(key) {
                faults.push(path.fault("is no condition key: one is service:key, for example aws:SourceVpc"));
            }
            check_characters(key, &path, faults);
            each(values, &path, |value, path| check_characters(value, path, faults));
        }
    }
}

/// Calls `check` with each entry and the path that it has in the document's JSON, where a list of one is a scalar.
fn each(list: &[String], path: &Path<'_>, mut check: impl FnMut(&str, &Path<'_>)) {
    match list {
        [single] => check(single, path),
        list => list.iter().enumerate().for_each(|(index, entry)| check(entry, &path.element(index))),
    }
}

/// IAM does not look whether there is such an action, and refuses wildcards in the service's name ("Vendor … is not valid").
fn is_action(action: &str) -> bool {
    action == "*"
        || action.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty()
                && service.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "*?-_.".contains(c))
        })
}

/// Why IAM takes no such resource, if it does not. Of the segments of an ARN the service is the one without wildcards
/// ("Resource vendor must be fully qualified and cannot contain regexes.").
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
#[must_use]
pub fn resource_fault(resource: &str) -> Option<&'static str> {
    if resource == "*" {
        return None;
    }
    match Arn::parse(resource) {
        Some(arn) if arn.service.contains(['*', '?']) => {
            Some("no wildcard stands for the service of an ARN: name it, or write * for every resource")
        }
        Some(arn) if !arn.partition.is_empty() && !arn.service.is_empty() && !arn.resource.is_empty() => None,
        Some(_) | None => Some("a resource is * or an ARN, for example arn:aws:s3:::bucket/*"),
    }
}

/// A key may hold more colons than one, as does `aws:ResourceTag/aws:cloudformation:stack-name`.
fn is_condition_key(key: &str) -> bool {
    key.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty())
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// IAM takes `[\u{9}\u{A}\u{D}\u{20}-\u{FF}]`.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>
fn check_characters(text: &str, path: &Path<'_>, faults: &mut Vec<Fault>) {
    let is_taken = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FF}');
    if let Some(c) = text.chars().find(|c| !is_taken(*c)) {
        let message = format!("holds {c:?} (U+{:04X}): IAM takes Latin-1 characters only", u32::from(c));
        faults.push(path.fault(message));
    }
}
