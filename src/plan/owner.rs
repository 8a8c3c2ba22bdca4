//! Whose a role is.

use std::{collections::BTreeMap, fmt};

use crate::api::{CLUSTER_TAG, NAME_TAG, NAMESPACE_TAG};

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
}

/// For messages: the object, and its cluster.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} of cluster {}", self.namespace, self.name, self.cluster)
    }
}
