//! IAM in memory, as far as roles go: what AWS documents of its operations, errors and quotas. What is not known of AWS
//! is what the emulator does, and `contract` compares the two.

use std::collections::{BTreeMap, BTreeSet};

use lambdaroles::{
    aws::{Applied, Error, Kind},
    plan::{
        ObservedPolicy, ObservedRole, PolicyVersion, Quotas, Step, Usage,
        observed::VERSIONS_MAX,
        step::{NewPolicy, NewRole},
    },
    policy::{Arn, Document, document::Principal},
};

use crate::rewrite::rewritten;

/// Managed policies a role may have. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const ATTACHMENT_QUOTA: usize = 20;

/// Tags a role may have, AWS's own not counted.
pub const TAG_QUOTA: usize = 50;

/// Characters a trust policy may have after a quota request, as the controller allows.
const TRUST_POLICY_QUOTA: usize = Quotas::HIGHEST.trust_policy;

/// What becomes of a list of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing gets in between.
    Whole,
    /// Before this step the process ends, or AWS does not answer.
    CutBefore(usize),
    /// IAM carries this step out, but the answer is lost, so that the SDK asks once more.
    AnswerLost(usize),
}

/// A managed policy with the documents of its versions.
#[derive(Clone, Debug)]
struct OwnPolicy {
    policy: ObservedPolicy,
    /// The last is the default.
    versions: Vec<(u64, String)>,
}

/// The roles of one account.
#[derive(Clone, Debug)]
pub struct Iam {
    account_id: String,
    /// By name in lower case: IAM tells names apart without regard to case.
    roles: BTreeMap<String, ObservedRole>,
    /// ARNs of the managed policies that exist and that no step changes.
    policies: BTreeSet<String>,
    /// Those that steps made, by ARN, each with its versions.
    own_policies: BTreeMap<String, OwnPolicy>,
    /// The instance profiles that hold a role, by its name in lower case.
    instance_profiles: BTreeMap<String, Vec<String>>,
    keeps_tag_case: bool,
    created: u64,
}

impl Iam {
    /// An account without roles.
    pub fn new(account_id: &str, policies: impl IntoIterator<Item = String>) -> Self {
        Self {
            account_id: account_id.to_owned(),
            roles: BTreeMap::new(),
            policies: policies.into_iter().collect(),
            own_policies: BTreeMap::new(),
            instance_profiles: BTreeMap::new(),
            keeps_tag_case: false,
            created: 0,
        }
    }

    /// The same, in an account that keeps a tag's key as it was first written.
    pub fn keeping_tag_case(self, keeps_tag_case: bool) -> Self {
        Self { keeps_tag_case, ..self }
    }

    /// The role as the controller sees it, its documents rewritten as AWS might: in another way for each seed, and as
    /// they were put without one.
    pub fn observe(&self, name: &str, rewriting: Option<u64>) -> Option<ObservedRole> {
        let mut role = self.roles.get(&name.to_lowercase())?.clone();
        if let Some(seed) = rewriting {
            let mut random = fastrand::Rng::with_seed(seed);
            for document in role.inline_policies.values_mut().chain([&mut role.trust_policy]) {
                *document = rewritten(document, &mut random);
            }
        }
        Some(role)
    }

    /// The managed policy of that ARN, if a step made it, rewritten like the documents of roles.
    pub fn observe_policy(&self, arn: &str, rewriting: Option<u64>) -> Option<ObservedPolicy> {
        let OwnPolicy { policy, versions } = self.own_policies.get(arn)?;
        let (number, document) = versions.last()?;
        let document = match rewriting {
            Some(seed) => rewritten(document, &mut fastrand::Rng::with_seed(seed)),
            None => document.clone(),
        };
        let attachment_count = self.roles.values().filter(|role| role.managed_policies.contains(arn)).count();
        Some(ObservedPolicy { default_version: format!("v{number}"), document, attachment_count, ..policy.clone() })
    }

    /// Its versions.
    pub fn policy_versions(&self, arn: &str) -> Vec<PolicyVersion> {
        let versions = self.own_policies.get(arn).map(|policy| policy.versions.as_slice()).unwrap_or_default();
        let last = versions.last().map(|(number, _)| *number);
        let version =
            |(number, _): &(u64, String)| PolicyVersion { id: format!("v{number}"), is_default: Some(*number) == last };
        versions.iter().map(version).collect()
    }

    /// ARNs of the managed policies that steps made.
    pub fn own_policies(&self) -> BTreeSet<String> {
        self.own_policies.keys().cloned().collect()
    }

    /// What a later version of IAM may store in a managed policy.
    pub fn scribble_policy(&mut self, arn: &str, json: &str) {
        if let Some(OwnPolicy { versions, .. }) = self.own_policies.get_mut(arn) {
            json.clone_into(&mut versions.last_mut().unwrap().1);
        }
    }

    /// Who uses the role. Functions are not modelled.
    pub fn usage(&self, name: &str) -> Usage {
        let instance_profiles = self.instance_profiles.get(&name.to_lowercase()).cloned().unwrap_or_default();
        Usage { instance_profiles, functions: Vec::new() }
    }

    /// The role, for edits that no step of the controller can make.
    pub fn role_mut(&mut self, name: &str) -> Option<&mut ObservedRole> {
        self.roles.get_mut(&name.to_lowercase())
    }

    /// Puts the role into an instance profile.
    pub fn add_to_instance_profile(&mut self, name: &str, profile: &str) {
        self.instance_profiles.entry(name.to_lowercase()).or_default().push(profile.to_owned());
    }

    /// Does what [`lambdaroles::aws::apply`] does: the steps in order, up to the first that fails.
    pub fn apply(&mut self, name: &str, steps: Vec<Step>, fate: Fate) -> Applied {
        let mut applied = Applied::default();
        for (index, step) in steps.into_iter().enumerate() {
            if fate == Fate::CutBefore(index) {
                applied.is_interrupted = true;
                break;
            }
            if fate == Fate::AnswerLost(index) {
                let _ = self.execute(name, &step);
            }
            if let Err(kind) = self.execute(name, &step) {
                applied.failed = Some((step, Error { operation: "iam:Model", kind, detail: String::new() }));
                break;
            }
            if matches!(step, Step::CreateRole(_)) {
                applied.created = self.roles.get(&name.to_lowercase()).map(|role| (role.arn.clone(), role.id.clone()));
            }
            applied.done.push(step);
        }
        applied
    }

    /// A step as the controller takes its answer: what shall be gone and is gone already is as it shall be.
    fn execute(&mut self, name: &str, step: &Step) -> Result<(), Kind> {
        let removes = match step {
            Step::DeletePermissionsBoundary
            | Step::DeleteInlinePolicy(_)
            | Step::DetachManagedPolicy(_)
            | Step::DeletePolicyVersion { .. }
            | Step::DetachFromRole { .. }
            | Step::DeletePolicy(_)
            | Step::DeleteRole => true,
            Step::CreateRole(_)
            | Step::PutPermissionsBoundary(_)
            | Step::PutInlinePolicy { .. }
            | Step::AttachManagedPolicy(_)
            | Step::CreatePolicy(_)
            | Step::CreatePolicyVersion { .. }
            | Step::TagPolicy { .. }
            | Step::UntagPolicy { .. }
            | Step::UpdateTrustPolicy(_)
            | Step::UpdateRole { .. }
            | Step::TagRole(_)
            | Step::UntagRole(_) => false,
        };
        match self.call(name, step) {
            Err(Kind::NotFound) if removes => Ok(()),
            result => result,
        }
    }

    /// One call to IAM. A refused call changes nothing.
    pub fn call(&mut self, name: &str, step: &Step) -> Result<(), Kind> {
        if let Step::CreateRole(new) = step {
            return self.create_role(name, new);
        }
        match step {
            Step::TagRole(tags) => check_tags(tags)?,
            Step::CreatePolicy(new) => return self.create_policy(new),
            Step::CreatePolicyVersion { arn, document } => return self.create_policy_version(arn, document),
            Step::DeletePolicyVersion { arn, version } => return self.delete_policy_version(arn, version),
            Step::DetachFromRole { arn, role } => return self.call(role, &Step::DetachManagedPolicy(arn.clone())),
            Step::DeletePolicy(arn) => return self.delete_policy(arn),
            _ => {}
        }
        let key = name.to_lowercase();
        let role = self.roles.get(&key).ok_or(Kind::NotFound)?;
        match step {
            Step::PutPermissionsBoundary(arn) | Step::AttachManagedPolicy(arn)
                if !self.policies.contains(arn) && !self.own_policies.contains_key(arn) =>
            {
                return Err(Kind::NotFound);
            }
            Step::UpdateTrustPolicy(document) => self.check_trust_policy(document)?,
            Step::DeleteRole => return self.delete_role(&key),
            _ => {}
        }
        let mut next = role.clone();
        match step {
            Step::CreateRole(_)
            | Step::DeleteRole
            | Step::CreatePolicy(_)
            | Step::CreatePolicyVersion { .. }
            | Step::DeletePolicyVersion { .. }
            | Step::DetachFromRole { .. }
            | Step::DeletePolicy(_)
            // Of policies that objects describe, which no plan of a role is about.
            | Step::TagPolicy { .. }
            | Step::UntagPolicy { .. } => {}
            Step::PutPermissionsBoundary(arn) => next.permissions_boundary = Some(arn.clone()),
            Step::DeletePermissionsBoundary => next.permissions_boundary = None,
            Step::PutInlinePolicy { name, document } => {
                check_document(document)?;
                next.inline_policies.insert(name.clone(), document.to_string());
                if next.inline_policies.values().map(|json| characters(json)).sum::<usize>()
                    > Quotas::HIGHEST.inline_policies
                {
                    return Err(Kind::LimitExceeded);
                }
            }
            Step::DeleteInlinePolicy(name) => {
                next.inline_policies.remove(name).ok_or(Kind::NotFound)?;
            }
            Step::AttachManagedPolicy(arn) => {
                next.managed_policies.insert(arn.clone());
                if next.managed_policies.len() > ATTACHMENT_QUOTA {
                    return Err(Kind::LimitExceeded);
                }
            }
            Step::DetachManagedPolicy(arn) => {
                next.managed_policies.take(arn).ok_or(Kind::NotFound)?;
            }
            Step::UpdateTrustPolicy(document) => next.trust_policy = document.to_string(),
            Step::UpdateRole { description, max_session_seconds } => {
                next.description.clone_from(description);
                next.max_session_seconds = *max_session_seconds;
            }
            Step::TagRole(tags) => tag(&mut next.tags, tags, self.keeps_tag_case)?,
            Step::UntagRole(keys) => untag(&mut next.tags, keys)?,
        }
        self.roles.insert(key, next);
        Ok(())
    }

    fn create_role(&mut self, name: &str, new: &NewRole) -> Result<(), Kind> {
        let NewRole { path, trust_policy, description, max_session_seconds, permissions_boundary, tags } = new;
        if self.roles.contains_key(&name.to_lowercase()) {
            return Err(Kind::AlreadyExists);
        }
        if permissions_boundary.as_ref().is_some_and(|arn| !self.policies.contains(arn)) {
            return Err(Kind::NotFound);
        }
        self.check_trust_policy(trust_policy)?;
        let mut role = ObservedRole {
            name: name.to_owned(),
            path: path.clone(),
            arn: format!("arn:aws:iam::{}:role{path}{name}", self.account_id),
            id: format!("AROA{:017}", self.created),
            trust_policy: trust_policy.to_string(),
            description: description.clone(),
            max_session_seconds: *max_session_seconds,
            permissions_boundary: permissions_boundary.clone(),
            tags: BTreeMap::new(),
            inline_policies: BTreeMap::new(),
            managed_policies: BTreeSet::new(),
        };
        check_tags(tags)?;
        tag(&mut role.tags, tags, self.keeps_tag_case)?;
        self.created += 1;
        self.roles.insert(name.to_lowercase(), role);
        Ok(())
    }

    fn create_policy(&mut self, new: &NewPolicy) -> Result<(), Kind> {
        let NewPolicy { name, path, arn, document, description, tags } = new;
        if self.own_policies.contains_key(arn) || self.policies.contains(arn) {
            return Err(Kind::AlreadyExists);
        }
        check_policy(document)?;
        let policy = ObservedPolicy {
            name: name.clone(),
            path: path.clone(),
            arn: arn.clone(),
            description: description.clone(),
            tags: tags.clone(),
            ..ObservedPolicy::default()
        };
        self.own_policies.insert(arn.clone(), OwnPolicy { policy, versions: vec![(1, document.to_string())] });
        Ok(())
    }

    fn create_policy_version(&mut self, arn: &str, document: &Document) -> Result<(), Kind> {
        let OwnPolicy { versions, .. } = self.own_policies.get_mut(arn).ok_or(Kind::NotFound)?;
        check_policy(document)?;
        if versions.len() >= VERSIONS_MAX {
            return Err(Kind::LimitExceeded);
        }
        let next = versions.last().map_or(1, |(number, _)| number + 1);
        versions.push((next, document.to_string()));
        Ok(())
    }

    fn delete_policy_version(&mut self, arn: &str, version: &str) -> Result<(), Kind> {
        let OwnPolicy { versions, .. } = self.own_policies.get_mut(arn).ok_or(Kind::NotFound)?;
        let index = versions.iter().position(|(number, _)| format!("v{number}") == version).ok_or(Kind::NotFound)?;
        if index + 1 == versions.len() {
            return Err(Kind::DeleteConflict);
        }
        versions.remove(index);
        Ok(())
    }

    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
    fn delete_policy(&mut self, arn: &str) -> Result<(), Kind> {
        let policy = self.own_policies.get(arn).ok_or(Kind::NotFound)?;
        let is_attached = self.roles.values().any(|role| role.managed_policies.contains(arn));
        if is_attached || policy.versions.len() > 1 {
            return Err(Kind::DeleteConflict);
        }
        self.own_policies.remove(arn);
        Ok(())
    }

    /// The role must be empty. In other roles' trust policies its id takes the place of its ARN.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    fn delete_role(&mut self, key: &str) -> Result<(), Kind> {
        let role = self.roles.get(key).ok_or(Kind::NotFound)?;
        let is_empty = role.inline_policies.is_empty() && role.managed_policies.is_empty();
        if !is_empty || self.instance_profiles.contains_key(key) {
            return Err(Kind::DeleteConflict);
        }
        let (arn, id) = (format!("\"{}\"", role.arn), format!("\"{}\"", role.id));
        self.roles.remove(key);
        for role in self.roles.values_mut() {
            role.trust_policy = role.trust_policy.replace(&arn, &id);
        }
        Ok(())
    }

    /// Beside the document's own form: the roles of this account that it names must exist. Principals elsewhere are
    /// taken to.
    fn check_trust_policy(&self, document: &Document) -> Result<(), Kind> {
        check_document(document)?;
        if characters(&document.to_string()) > TRUST_POLICY_QUOTA {
            return Err(Kind::LimitExceeded);
        }
        let is_unknown = |principal: &String| {
            let is_own_role = Arn::parse(principal)
                .is_some_and(|arn| arn.account == self.account_id && arn.resource.starts_with("role/"));
            is_own_role && !self.roles.values().any(|role| role.arn == *principal)
        };
        let lists = document.statements.iter().filter_map(|statement| match &statement.principal {
            Some(Principal::Listed(kinds)) => kinds.get("AWS"),
            Some(Principal::Everyone) | None => None,
        });
        if lists.flatten().any(is_unknown) { Err(Kind::InvalidPrincipal) } else { Ok(()) }
    }
}

/// Characters as IAM counts them: white space does not count.
pub fn characters(json: &str) -> usize {
    json.chars().filter(|c| !c.is_whitespace()).count()
}

/// Of IAM's checks those that steps can fail at all.
fn check_document(document: &Document) -> Result<(), Kind> {
    let mut sids = BTreeSet::new();
    let is_unique =
        document.statements.iter().filter_map(|statement| statement.sid.as_ref()).all(|sid| sids.insert(sid));
    if document.statements.is_empty() || !is_unique { Err(Kind::MalformedPolicy) } else { Ok(()) }
}

fn check_policy(document: &Document) -> Result<(), Kind> {
    check_document(document)?;
    let is_too_long = characters(&document.to_string()) > Quotas::HIGHEST.managed_policy_size;
    if is_too_long { Err(Kind::LimitExceeded) } else { Ok(()) }
}

/// Keys that differ only in case, and AWS's own, are refused before anything else.
fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Kind> {
    let keys: BTreeSet<String> = tags.keys().map(|key| key.to_lowercase()).collect();
    let is_aws = keys.iter().any(|key| key.starts_with("aws:"));
    if keys.len() < tags.len() || is_aws { Err(Kind::Refused) } else { Ok(()) }
}

/// Keys that differ only in case are one key. Whether the old or the new spelling is kept AWS does not say.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>
fn tag(tags: &mut BTreeMap<String, String>, new: &BTreeMap<String, String>, keeps_case: bool) -> Result<(), Kind> {
    for (key, value) in new {
        let old = tags.keys().find(|old| old.to_lowercase() == key.to_lowercase()).cloned();
        tags.retain(|known, _| Some(known) != old.as_ref());
        tags.insert(old.filter(|_| keeps_case).unwrap_or_else(|| key.clone()), value.clone());
    }
    let count = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    if count > TAG_QUOTA { Err(Kind::LimitExceeded) } else { Ok(()) }
}

fn untag(tags: &mut BTreeMap<String, String>, keys: &[String]) -> Result<(), Kind> {
    let keys: BTreeSet<String> = keys.iter().map(|key| key.to_lowercase()).collect();
    if keys.iter().any(|key| key.starts_with("aws:")) {
        return Err(Kind::Refused);
    }
    tags.retain(|key, _| !keys.contains(&key.to_lowercase()));
    Ok(())
}
