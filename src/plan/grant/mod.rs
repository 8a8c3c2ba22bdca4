//! Grants: statements that other objects add to a shared role, each as an inline policy of its own.
//!
//! The role's pass is the only one that writes to IAM: it judges each grant ([`judge`]), divides the room that the role's own
//! policies leave ([`share`]) and takes the outcome among the policies that the role shall have ([`crate::plan::DesiredRole::with_grants`]). A
//! grant's own pass says what came of it ([`status`]). `docs/decisions/0016-grants.md` says why.

mod admission;
mod content;
mod placement;
pub mod share;
pub mod status;
#[cfg(test)]
mod tests;

use k8s_openapi::jiff::Timestamp;
use sha2::{Digest, Sha256};

pub use self::{
    admission::{admits, judge},
    placement::{digest, must_narrow, narrowing},
};
use super::{Account, Hold, ObjectClass, class::Namespace, compliance};
use crate::{
    api::{
        GRANT_POLICY_PREFIX, LambdaExecutionRole, LambdaRoleClass, LambdaRoleGrant, LambdaRoleGrantSpec, Reason, rule,
        status::RoleGrant,
    },
    lint::Finding,
    policy::Document,
};

/// Namespace and name of a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl GrantKey {
    /// Name of the grant's inline policy: `lambdaroles+<namespace>+<name>`. What is longer than IAM takes is cut, and ends in a
    /// digest of the whole. No namespace and no name of an object holds a `+`, so two grants never share one.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>
    #[must_use]
    pub fn policy_name(&self) -> String {
        let whole = format!("{GRANT_POLICY_PREFIX}{}+{}", self.namespace, self.name);
        if whole.len() <= rule::POLICY_NAME_MAX {
            return whole;
        }
        let digest =
            Sha256::digest(&whole).iter().take(8).fold("+".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        let kept = whole.chars().take(rule::POLICY_NAME_MAX - digest.len());
        kept.chain(digest.chars()).collect()
    }

    /// Whether `entry` of a role's status is about the grant.
    #[must_use]
    pub fn is_of(&self, entry: &RoleGrant) -> bool {
        (entry.namespace.as_str(), entry.name.as_str()) == (self.namespace.as_str(), self.name.as_str())
    }
}

/// Whether an inline policy of that name is a grant's.
#[must_use]
pub fn is_of_grant(policy_name: &str) -> bool {
    policy_name.starts_with(GRANT_POLICY_PREFIX)
}

/// Namespace and name of the role that `spec` of a grant in `namespace` is for.
#[must_use]
pub fn role_of<'a>(spec: &'a LambdaRoleGrantSpec, namespace: &'a str) -> (&'a str, &'a str) {
    (spec.role_ref.namespace.as_deref().unwrap_or(namespace), &spec.role_ref.name)
}

/// A grant as the watches know it.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// Which.
    pub key: GrantKey,
    /// Its UID.
    pub uid: Option<String>,
    /// Generation of its spec.
    pub generation: Option<i64>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its namespace, as roles and classes select it.
    pub namespace: Namespace,
    /// What it asks for; `None` if that cannot be decoded, and then nobody knows for which role.
    pub spec: Option<LambdaRoleGrantSpec>,
    /// Whether it is being deleted.
    pub is_deleting: bool,
}

impl Applicant {
    /// The grant of an object.
    #[must_use]
    pub fn of(grant: &LambdaRoleGrant, namespace: Namespace) -> Self {
        Self::of_metadata(&grant.metadata, Some(grant.spec.clone()), namespace)
    }

    /// The grant of which no more than the metadata can be decoded.
    #[must_use]
    pub fn undecodable(metadata: &kube::core::ObjectMeta, namespace: Namespace) -> Self {
        Self::of_metadata(metadata, None, namespace)
    }

    fn of_metadata(metadata: &kube::core::ObjectMeta, spec: Option<LambdaRoleGrantSpec>, namespace: Namespace) -> Self {
        Self {
            key: GrantKey { namespace: namespace.name.clone(), name: metadata.name.clone().unwrap_or_default() },
            uid: metadata.uid.clone(),
            generation: metadata.generation,
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            namespace,
            spec,
            is_deleting: metadata.deletion_timestamp.is_some(),
        }
    }
}

/// The role that grants are for, as they are judged by it.
#[derive(Clone, Copy, Debug)]
pub struct SharedRole<'a> {
    /// The object.
    pub object: &'a LambdaExecutionRole,
    /// Name of the role in IAM.
    pub role_name: &'a str,
    /// The class of the object; `None` where roles are judged without one.
    pub class: Option<&'a LambdaRoleClass>,
    /// The account.
    pub account: &'a Account,
    /// Name of the cluster, as it stands in tags.
    pub cluster: &'a str,
}

/// A grant that was judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which.
    pub key: GrantKey,
    /// Generation of its spec.
    pub generation: Option<i64>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// What it adds to the role, or why it adds nothing.
    pub content: Result<Document, Hold>,
    /// What it may keep of what is on the role already.
    pub keeps: Keeping,
    /// What is wrong with its fields or refused of them, one by one; none where the role, or who may use the class, is the matter.
    pub faults: Vec<Finding>,
    /// What is probably not meant, or riskier than it looks.
    pub warnings: Vec<Finding>,
    /// Whether it could be decoded, so that it is known to be for the role.
    pub is_decoded: bool,
}

/// What a grant that cannot be placed as it stands may keep of what it has on the role.
#[derive(Clone, Debug)]
pub enum Keeping {
    /// Everything.
    Everything,
    /// What the class allows, as it holds for the grant.
    Allowed(Box<ObjectClass>),
    /// Nothing.
    Nothing,
}

impl Keeping {
    /// Whether the policy called `name` may stay with the document that IAM holds.
    fn allows(&self, name: &str, stored: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Allowed(class) => {
                let guardrails = class.guardrails.as_ref();
                Document::parse(stored).is_ok_and(|stored| {
                    guardrails.is_none_or(|guardrails| guardrails.judge_grant(&[], name, &stored).is_empty())
                })
            }
            Self::Nothing => false,
        }
    }

    /// As a class has it done to whom it refuses: judged is then what IAM holds.
    fn under(class: &ObjectClass) -> Self {
        if compliance::revokes(class) { Self::Allowed(Box::new(class.clone())) } else { Self::Everything }
    }
}

impl Judged {
    /// Whether the role has to do with the grant: admits it, or cannot tell. Whoever may make grants anywhere shall not fill the
    /// status of a role that does not admit them, nor learn of it from theirs.
    #[must_use]
    pub fn is_of_role(&self) -> bool {
        let reason = self.content.as_ref().err().map(|hold| hold.reason);
        self.is_decoded && !matches!(reason, Some(Reason::GrantNotAdmitted | Reason::Deleting))
    }
}
