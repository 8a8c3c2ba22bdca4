//! Whose a role is, and whose a managed policy.

use std::{collections::BTreeMap, fmt};

use kube::Resource;

use crate::api::{CLUSTER_TAG, KIND_TAG, LambdaExecutionRole, LambdaManagedPolicy, NAME_TAG, NAMESPACE_TAG};

/// The Kubernetes object that owns a role. The role's tags say so and nothing else does: they are set in the
/// `CreateRole` call itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Name of the cluster: a flag, by default the UID of the namespace `kube-system`.
    pub cluster: String,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
}

impl Owner {
    /// The tags that name this owner.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (CLUSTER_TAG.to_owned(), self.cluster.clone()),
            (NAMESPACE_TAG.to_owned(), self.namespace.clone()),
            (NAME_TAG.to_owned(), self.name.clone()),
        ])
    }

    /// The owner that a role's tags name, if they name one whole.
    #[must_use]
    pub fn of(tags: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            cluster: tags.get(CLUSTER_TAG)?.clone(),
            namespace: tags.get(NAMESPACE_TAG)?.clone(),
            name: tags.get(NAME_TAG)?.clone(),
        })
    }

    /// What to do about what this owner has, if `now` is the same object in a cluster that has got another name: the one thing not
    /// to do is to remove it.
    #[must_use]
    pub fn of_renamed_cluster(&self, now: &Self) -> Option<String> {
        let is_same_object = self.namespace == now.namespace && self.name == now.name;
        (is_same_object && self.cluster != now.cluster).then(|| {
            format!(
                "If this cluster was called {} before, run the controller with --cluster-name {} again; if that is another cluster, make a new object with another name, and leave what is there to it.",
                self.cluster, self.cluster
            )
        })
    }
}

/// For messages: the object, and its cluster.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} of cluster {}", self.namespace, self.name, self.cluster)
    }
}

/// The Kubernetes object that owns a managed policy. Objects of several kinds may, so the tags name the kind, too; they are
/// set in the `CreatePolicy` call itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOwner {
    /// Kind of the object.
    pub kind: String,
    /// The object.
    pub owner: Owner,
}

impl PolicyOwner {
    /// The owner of a policy that holds statements of a role.
    #[must_use]
    pub fn of_role(owner: &Owner) -> Self {
        Self { kind: LambdaExecutionRole::kind(&()).into_owned(), owner: owner.clone() }
    }

    /// The owner of a policy that an object of its own describes.
    #[must_use]
    pub fn of_policy(owner: &Owner) -> Self {
        Self { kind: LambdaManagedPolicy::kind(&()).into_owned(), owner: owner.clone() }
    }

    /// The tags that name this owner.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.owner.tags();
        tags.insert(KIND_TAG.to_owned(), self.kind.clone());
        tags
    }

    /// The owner that a policy's tags name, if they name one whole.
    #[must_use]
    pub fn of(tags: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self { kind: tags.get(KIND_TAG)?.clone(), owner: Owner::of(tags)? })
    }
}

/// For messages: kind, object and cluster.
impl fmt::Display for PolicyOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.owner)
    }
}
