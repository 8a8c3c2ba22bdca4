//! The grants among the manifests, judged by their roles.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt;
use serde_json::Value;

use super::{
    classes::Classes,
    manifest::{Manifest, Manifests},
    schema,
};
use crate::{
    api::{
        LambdaExecutionRole, LambdaExecutionRoleSpec, LambdaExecutionRoleStatus, LambdaRoleClass, LambdaRoleGrant,
        Reason,
        role::{Grants, GrantsFrom},
    },
    lint::{Code, Finding, Severity},
    plan::{
        Hold, ObjectClass,
        class::{Namespace, is_named},
        grant::{Applicant, GrantKey, Judged, SharedRole, admits, judge, role_of},
    },
};

/// Namespace and name of a role.
type RoleKey = (String, String);

/// The roles among the manifests, as they can be read.
#[derive(Debug, Default)]
pub(super) struct Roles(BTreeMap<RoleKey, LambdaExecutionRole>);

impl Roles {
    /// Takes a role up; `namespace` is that of manifests that name none.
    pub(super) fn add(&mut self, object: &Value, namespace: &str) {
        if let Ok((role, _)) = schema::decoded::<LambdaExecutionRole>(object.clone(), &schema::ROLE) {
            let of = role.namespace().unwrap_or_else(|| namespace.to_owned());
            let mut role = role;
            role.metadata.namespace = Some(of.clone());
            self.0.insert((of, role.name_any()), role);
        }
    }
}

/// Judges the grants, and puts those that may be into the roles of `manifests`, as far as there is room.
pub(super) fn judged(
    arguments: &Manifests,
    grants: Vec<(String, Value)>,
    roles: &Roles,
    classes: &Classes,
    manifests: &mut [Manifest],
) -> Vec<Manifest> {
    let mut of_roles: BTreeMap<RoleKey, Vec<(usize, Judged)>> = BTreeMap::new();
    let mut judged: Vec<Manifest> = Vec::new();
    for (file, object) in grants {
        let lead = |object: &LambdaRoleGrant, namespace: &str| grant_of(arguments, object, namespace, roles, classes);
        let (manifest, found) = arguments.judge(&file, object, &schema::GRANT, lead);
        if let Some(Some((role, grant))) = found {
            of_roles.entry(role).or_default().push((judged.len(), grant));
        }
        judged.push(manifest);
    }
    for manifest in manifests {
        let Some(grants) = of_roles.get(&(manifest.namespace.clone(), manifest.name.clone())) else { continue };
        let Some(role) = manifest.role.take() else { continue };
        let list: Vec<Judged> = grants.iter().map(|(_, grant)| grant.clone()).collect();
        let role = role.with_grants(&list, None, &LambdaExecutionRoleStatus::default());
        for (index, grant) in grants {
            let is_left_out =
                |key: &GrantKey| role.grants.iter().any(|entry| key.is_of(entry) && entry.reason.is_some());
            if is_left_out(&grant.key) {
                judged[*index].findings.push(no_room(grant, &manifest.to_string()));
            }
        }
        manifest.role = Some(role);
    }
    judged
}

/// A grant, and the role that it is for.
type ForRole = (RoleKey, Judged);

/// The grant with the role that it is for, if that is among the manifests, and what there is to say of it.
fn grant_of(
    arguments: &Manifests,
    object: &LambdaRoleGrant,
    namespace: &str,
    roles: &Roles,
    classes: &Classes,
) -> Result<(Option<ForRole>, Vec<Finding>), Vec<Finding>> {
    let (role_namespace, role_name) = role_of(&object.spec, namespace);
    let key = (role_namespace.to_owned(), role_name.to_owned());
    let Some(role) = roles.0.get(&key) else {
        return by_itself(arguments, object, namespace, classes).map(|findings| (None, findings));
    };
    let (class, account, owner) = arguments.surroundings(role, role_namespace, classes)?;
    let role_name = match class {
        None => ObjectClass::unknown(&owner).role_name(&role.spec).to_owned(),
        Some(class) => ObjectClass::of(&class.name_any(), &class.spec, &role.spec, &owner, &account)?
            .role_name(&role.spec)
            .to_owned(),
    };
    let seen = classes.namespace(namespace);
    let hold = admits(&role.spec.grants, (role_namespace, &key.1), &seen);
    let is_unlabelled = hold.is_some_and(|hold| hold.reason == Reason::NamespaceUnknown);
    let role = if is_unlabelled { admitting(role) } else { role.clone() };
    let class = class.map(|class| likely_class(class, &seen));
    // Whoever selects by labels that nobody told was taken to select.
    let seen = Namespace { labels: seen.labels.or_else(|| Some(BTreeMap::new())), ..seen };
    let shared = SharedRole {
        object: &role,
        role_name: &role_name,
        class: class.as_ref(),
        account: &account,
        cluster: &owner.cluster,
    };
    let judged = judge(&Applicant::of(object, seen), &shared);
    let mut findings = judged.faults.clone();
    if let (Err(hold), true) = (&judged.content, findings.is_empty()) {
        findings.push(refusal(hold));
    }
    findings.extend(judged.warnings.clone());
    if is_unlabelled {
        let role = format!("LambdaExecutionRole {role_namespace}/{}", key.1);
        findings.push(Finding::namespace_not_read("spec.roleRef", &role, namespace));
    }
    if judged.content.is_err() { Err(findings) } else { Ok((Some((key, judged)), findings)) }
}

/// What can be told of a grant whose role is not among the manifests.
fn by_itself(
    arguments: &Manifests,
    object: &LambdaRoleGrant,
    namespace: &str,
    classes: &Classes,
) -> Result<Vec<Finding>, Vec<Finding>> {
    let (role_namespace, role_name) = role_of(&object.spec, namespace);
    let mut account = arguments.account(classes.only());
    let is_account_known = !account.id.is_empty();
    if !is_account_known {
        "000000000000".clone_into(&mut account.id);
    }
    let role =
        LambdaExecutionRole::new(role_name, LambdaExecutionRoleSpec { grants: everybody(), ..Default::default() });
    let seen = Namespace { name: namespace.to_owned(), labels: Some(BTreeMap::new()) };
    let shared = SharedRole { object: &role, role_name, class: None, account: &account, cluster: "" };
    let judged = judge(&Applicant::of(object, seen), &shared);
    let message = format!(
        "LambdaExecutionRole {role_namespace}/{role_name} is not among the manifests, so neither whether it admits the grant nor what its class says is known here"
    );
    let fix = "Give its manifest too; the controller judges by it".to_owned();
    let mut findings = judged.faults;
    findings.extend(judged.warnings);
    findings.retain(|finding| is_account_known || finding.code == Code::InvalidField);
    findings.push(finding(Severity::Warning, Code::RoleNotRead, "spec.roleRef", message, Some(fix)));
    if findings.iter().any(|finding| finding.severity == Severity::Error) { Err(findings) } else { Ok(findings) }
}

fn everybody() -> Grants {
    Grants { from: GrantsFrom::Selector, selector: Some(LabelSelector::default()), ..Grants::default() }
}

/// The role, taken to admit every namespace.
fn admitting(role: &LambdaExecutionRole) -> LambdaExecutionRole {
    let mut role = role.clone();
    role.spec.grants = everybody();
    role
}

/// The class, taken to be for a namespace of which it cannot be told.
fn likely_class(class: &LambdaRoleClass, namespace: &Namespace) -> LambdaRoleClass {
    let mut class = class.clone();
    let is_unknown = namespace.labels.is_none() && class.spec.namespaces.selector.is_some();
    if is_unknown && !is_named(&namespace.name, &class) {
        class.spec.namespaces.names.push(namespace.name.clone());
    }
    class
}

fn refusal(hold: &Hold) -> Finding {
    let code = match hold.reason {
        Reason::GrantNotAdmitted => Code::GrantNotAdmitted,
        _ => Code::ClassNotUsable,
    };
    finding(Severity::Error, code, "spec.roleRef", hold.message.trim_end_matches('.').to_owned(), None)
}

fn no_room(grant: &Judged, role: &str) -> Finding {
    let characters = grant.content.as_ref().map_or(0, crate::policy::Document::characters);
    let message = format!(
        "makes {characters} characters, for which the inline policies of the role in {role} and of its other grants leave no room"
    );
    let fix = Some("Make it shorter".to_owned());
    finding(Severity::Error, Code::NoRoomForGrant, "spec.statements", message, fix)
}

fn finding(severity: Severity, code: Code, path: &str, message: String, fix: Option<String>) -> Finding {
    Finding { severity, code, path: path.to_owned(), message, fix }
}
