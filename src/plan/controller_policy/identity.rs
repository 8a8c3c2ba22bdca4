//! What the controller does with a role's credentials.

use super::{
    NamedClass, distinct,
    guard::{Guard, POLICY_ARN},
    naming::{Names, Written, literal, partition},
};
use crate::{
    api::{CLUSTER_TAG, class::Mode},
    lint::Finding,
    policy::{
        Arn, Document, Statement,
        document::{Conditions, Effect, Matching},
    },
};

/// What is read of a role.
const READS: [&str; 5] = [
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
];

/// What is read of a managed policy. Who has it and which versions it has is asked of those that objects describe.
const POLICY_READS: [&str; 4] =
    ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy", "iam:ListPolicyVersions"];

/// Everything that changes a managed policy, but for whose it is. To choose among its versions is needed by nobody.
const POLICY_CHANGES: [&str; 5] =
    ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:TagPolicy", "iam:UntagPolicy"];

/// Everything that changes a role, or hands it on.
const CHANGES: [&str; 9] = [
    "iam:Attach*",
    "iam:Create*",
    "iam:Delete*",
    "iam:Detach*",
    "iam:PassRole",
    "iam:Put*",
    "iam:Tag*",
    "iam:Untag*",
    "iam:Update*",
];

/// A role that the controller acts as.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Name of the controller's cluster in the tags of roles.
    pub cluster: &'a str,
    /// The classes whose roles are made with it. They are of one account.
    pub classes: &'a [NamedClass<'a>],
    /// ARNs of the roles that it assumes.
    pub next: &'a [&'a str],
    /// ARNs of roles of its account that it must not change, whatever they are called: the controller's own.
    pub untouchable: &'a [&'a str],
}

/// A class as its roles are found in IAM.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) class: &'a str,
    pub(super) partition: &'a str,
    pub(super) account_id: &'a str,
    pub(super) is_enforced: bool,
    pub(super) names: Names,
    pub(super) guard: Guard,
}

/// Reads the classes.
///
/// # Errors
/// What of them cannot be understood.
pub(super) fn scopes<'a>(classes: &[NamedClass<'a>]) -> Result<Vec<Scope<'a>>, Vec<Finding>> {
    let (mut scopes, mut faults) = (Vec::new(), Vec::new());
    for (class, spec) in classes {
        let mut written = Written::of(class, spec);
        scopes.push(Scope {
            class,
            partition: partition(spec),
            account_id: &spec.account.id,
            is_enforced: spec.mode == Mode::Enforce,
            names: written.names(spec),
            guard: Guard::of(spec, &mut written),
        });
        faults.extend(written.faults);
    }
    if faults.is_empty() { Ok(scopes) } else { Err(faults) }
}

/// The least that the role needs.
///
/// # Errors
/// What of the classes cannot be understood.
pub fn identity_policy(identity: &Identity<'_>) -> Result<Document, Vec<Finding>> {
    Ok(document(identity, &scopes(identity.classes)?))
}

pub(super) fn document(identity: &Identity<'_>, scopes: &[Scope<'_>]) -> Document {
    let Identity { cluster, classes: _, next, untouchable } = identity;
    let mut statements = Vec::new();
    if !scopes.is_empty() {
        statements.extend(reading(scopes));
    }
    let enforced: Vec<&Scope<'_>> = scopes.iter().filter(|scope| scope.is_enforced).collect();
    if !enforced.is_empty() {
        let owned = Owned { cluster: literal(cluster) };
        let managed = distinct(enforced.iter().flat_map(|scope| scope.names.managed.clone()));
        statements.extend(owned.making(&enforced));
        statements.extend(owned.keeping(&managed));
        let policies = enforced.iter().flat_map(|scope| [&scope.names.policies, &scope.names.overflow]);
        statements.extend(owned.describing(&distinct(policies.flatten().cloned())));
        if !untouchable.is_empty() {
            let arns: Vec<String> = untouchable.iter().map(|arn| literal(arn)).collect();
            statements.push(Statement { effect: Effect::Deny, ..allow("NeverItself", &CHANGES, arns) });
        }
        statements.extend(protecting(&enforced));
    }
    if !next.is_empty() {
        let arns = next.iter().map(|arn| literal(arn)).collect();
        statements.push(allow("AssumeRoles", &["sts:AssumeRole", "sts:TagSession"], arns));
    }
    Document::new(statements)
}

/// What a class needs that writes nothing. `sts:GetCallerIdentity` needs no permission.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
fn reading(scopes: &[Scope<'_>]) -> [Statement; 3] {
    let roles = distinct(scopes.iter().flat_map(|scope| scope.names.read.clone()));
    // Whatever a spec names, or others attached, is judged by what it says.
    let policies = scopes.iter().flat_map(|Scope { partition, account_id, .. }| {
        [*account_id, "aws"].map(|account| format!("arn:{partition}:iam::{account}:policy/*"))
    });
    [
        allow("ReadRoles", &READS, roles),
        allow("ReadPolicies", &POLICY_READS, distinct(policies)),
        // Neither is about a resource.
        allow("ReadAccount", &["iam:GetAccountSummary", "lambda:ListFunctions"], vec!["*".to_owned()]),
    ]
}

/// Boundaries are others' to write, whatever policies of roles are called.
fn protecting(scopes: &[&Scope<'_>]) -> Option<Statement> {
    let boundaries = distinct(scopes.iter().filter_map(|scope| scope.guard.boundaries.clone()).flatten());
    let changes =
        ["iam:CreatePolicy*", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion", "iam:TagPolicy", "iam:UntagPolicy"];
    let deny = || Statement { effect: Effect::Deny, ..allow("NeverBoundaries", &changes, boundaries.clone()) };
    (!boundaries.is_empty()).then(deny)
}

/// Roles whose tags name the controller's cluster.
struct Owned {
    cluster: String,
}

impl Owned {
    /// Making roles and giving them rights: what a class's guardrails limit. Classes of the same limits share statements.
    fn making(&self, scopes: &[&Scope<'_>]) -> Vec<Statement> {
        let mut groups: Vec<(&Guard, Names)> = Vec::new();
        for Scope { names, guard, .. } in scopes {
            match groups.iter_mut().find(|(known, _)| *known == guard) {
                Some((_, all)) => {
                    all.created = distinct(all.created.drain(..).chain(names.created.clone()));
                    all.managed = distinct(all.managed.drain(..).chain(names.managed.clone()));
                    all.policies = distinct(all.policies.drain(..).chain(names.policies.clone()));
                    all.overflow = distinct(all.overflow.drain(..).chain(names.overflow.clone()));
                }
                None => groups.push((guard, names.clone())),
            }
        }
        let is_one = groups.len() == 1;
        let number = |index: usize| if is_one { String::new() } else { (index + 1).to_string() };
        let groups = groups.into_iter().enumerate();
        groups.flat_map(|(index, (guard, names))| self.making_under(guard, names, &number(index))).collect()
    }

    fn making_under(&self, guard: &Guard, names: Names, number: &str) -> Vec<Statement> {
        let mut create = allow(&format!("CreateRoles{number}"), &["iam:CreateRole"], names.created);
        self.names_us_in_request(&mut create.conditions, "StringEquals");
        guard.bound(&mut create.conditions);

        let mut actions = vec!["iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"];
        if guard.attaches_any() {
            actions.push("iam:AttachRolePolicy");
        }
        if guard.boundaries.is_none() {
            actions.push("iam:DeleteRolePermissionsBoundary");
        }
        let mut give = allow(&format!("GiveRights{number}"), &actions, names.managed.clone());
        self.owns(&mut give.conditions);
        guard.bound(&mut give.conditions);
        let mut statements = vec![create, give];
        let attached_to = names.managed.clone();

        if !guard.attaches_any() {
            let sid = format!("AttachPolicies{number}");
            let mut attach = allow(&sid, &["iam:AttachRolePolicy"], names.managed);
            self.owns(&mut attach.conditions);
            guard.bound(&mut attach.conditions);
            guard.attach(&[names.policies, names.overflow.clone()].concat(), &mut attach.conditions);
            statements.push(attach);
        }
        if guard.denies_some(&names.overflow) {
            // What they hold is judged as the role's own statements are, whatever policies of others may not be attached.
            let sid = format!("AttachOverflow{number}");
            let mut attach = allow(&sid, &["iam:AttachRolePolicy"], attached_to);
            self.owns(&mut attach.conditions);
            guard.bound(&mut attach.conditions);
            attach.conditions.entry("StringLike".to_owned()).or_default().insert(POLICY_ARN.to_owned(), names.overflow);
            statements.push(attach);
        }
        statements
    }

    /// What every class needs alike.
    fn keeping(&self, managed: &[String]) -> [Statement; 4] {
        // Tags in `CreateRole` are judged as `TagRole` too, on a role that has none yet. So is a role that is taken over.
        let mut claim = allow("ClaimRoles", &["iam:TagRole"], managed.to_vec());
        self.names_us_in_request(&mut claim.conditions, "StringEquals");
        set(&mut claim.conditions, "Null", &tag("Resource"), "true");

        let mut tag_roles = allow("TagRoles", &["iam:TagRole"], managed.to_vec());
        self.owns(&mut tag_roles.conditions);
        self.names_us_in_request(&mut tag_roles.conditions, "StringEqualsIfExists");

        let mut untag = allow("UntagRoles", &["iam:UntagRole"], managed.to_vec());
        self.owns(&mut untag.conditions);
        // Keys are the same in any case: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#case-sensitivity>.
        set(&mut untag.conditions, "ForAllValues:StringNotEqualsIgnoreCase", "aws:TagKeys", CLUSTER_TAG);

        // Taking away must be possible whatever boundary others put, and whatever they attached.
        let actions = ["iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:UpdateRole"];
        let mut take = allow("TakeRights", &actions, managed.to_vec());
        self.owns(&mut take.conditions);
        [claim, tag_roles, untag, take]
    }

    /// What managed policies need that objects describe. Their tags say whose they are, as those of roles do.
    fn describing(&self, policies: &[String]) -> [Statement; 2] {
        // Tags in `CreatePolicy` are judged as `TagPolicy` too, on a policy that has none yet.
        let mut make = allow("MakePolicies", &["iam:CreatePolicy", "iam:TagPolicy"], policies.to_vec());
        self.names_us_in_request(&mut make.conditions, "StringEquals");
        set(&mut make.conditions, "Null", &tag("Resource"), "true");

        let mut change = allow("ChangePolicies", &POLICY_CHANGES, policies.to_vec());
        self.owns(&mut change.conditions);
        set(&mut change.conditions, "ForAllValues:StringNotEqualsIgnoreCase", "aws:TagKeys", CLUSTER_TAG);
        [make, change]
    }

    fn owns(&self, conditions: &mut Conditions) {
        set(conditions, "StringEquals", &tag("Resource"), &self.cluster);
    }

    fn names_us_in_request(&self, conditions: &mut Conditions, operator: &str) {
        set(conditions, operator, &tag("Request"), &self.cluster);
    }
}

fn tag(of: &str) -> String {
    format!("aws:{of}Tag/{CLUSTER_TAG}")
}

fn set(conditions: &mut Conditions, operator: &str, key: &str, value: &str) {
    conditions.entry(operator.to_owned()).or_default().insert(key.to_owned(), vec![value.to_owned()]);
}

fn allow(sid: &str, actions: &[&str], resources: Vec<String>) -> Statement {
    let mut actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
    actions.sort();
    Statement {
        sid: Some(sid.to_owned()),
        effect: Effect::Allow,
        principal: None,
        not_principal: None,
        actions: Matching::In(actions),
        resources: Some(Matching::In(resources)),
        conditions: Conditions::new(),
    }
}

/// The account that an ARN is of.
pub(super) fn account_of(arn: &str) -> &str {
    Arn::parse(arn).map_or("", |arn| arn.account)
}
