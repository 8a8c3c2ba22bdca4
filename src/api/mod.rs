//! The Kubernetes API `lambdaroles.dev/v1alpha1`: the kinds, their conditions and reasons, and the names that the
//! controller puts on Kubernetes and IAM objects.
//!
//! Types here are what users write and read: serde, schemars and kube's derive only. What they mean is decided in
//! [`crate::plan`]. The text of a rule that both the API server (CEL) and the controller apply stands once, in [`rule`].

pub mod class;
pub mod condition;
pub mod destination;
pub mod event_source;
pub mod export;
pub mod feature;
pub mod grant;
pub mod managed_policy;
pub mod role;
pub mod rule;
pub mod statement;
pub mod status;
pub mod template;

mod schema;
#[cfg(test)]
mod tests;

pub use class::{LambdaRoleClass, LambdaRoleClassSpec};
pub use condition::{ConditionType, Reason};
pub use grant::{LambdaRoleGrant, LambdaRoleGrantSpec};
pub use managed_policy::{LambdaManagedPolicy, LambdaManagedPolicySpec};
pub use role::{LambdaExecutionRole, LambdaExecutionRoleSpec};
pub use schema::crds;
pub use status::{LambdaExecutionRoleStatus, LambdaManagedPolicyStatus, LambdaRoleClassStatus, LambdaRoleGrantStatus};

/// The API group of every kind.
pub const GROUP: &str = "lambdaroles.dev";

/// Label of what the controller makes in the cluster for an object: who manages it.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

/// Label of an exported ConfigMap: the name of its `LambdaExecutionRole`, if it is short enough for a label.
pub const ROLE_LABEL: &str = "lambdaroles.dev/role";

/// The finalizer that keeps an object until its IAM role is dealt with.
pub const FINALIZER: &str = "lambdaroles.dev/iam";

/// Annotation that forces a look at IAM whenever its value changes, like Flux's `reconcile.fluxcd.io/requestedAt`.
/// The value last acted on is echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_AT_ANNOTATION: &str = "lambdaroles.dev/reconcile-at";

/// Annotation that, set to `"true"`, deletes a role although Lambda functions still use it.
pub const DELETE_IN_USE_ANNOTATION: &str = "lambdaroles.dev/delete-in-use";

/// Annotation that, set to `"true"`, makes a `LambdaRoleClass` the default of the namespaces that may use it.
pub const DEFAULT_CLASS_ANNOTATION: &str = "lambdaroles.dev/is-default-class";

/// The name of the one inline policy that holds a role's own statements.
pub const INLINE_POLICY_NAME: &str = "lambdaroles";

/// How the names of the inline policies of grants begin: `lambdaroles+<namespace>+<name>`.
pub const GRANT_POLICY_PREFIX: &str = "lambdaroles+";

/// Prefix of the tag keys that are the controller's own; users may not set them.
pub const TAG_PREFIX: &str = "lambdaroles.dev/";

/// Tag: the cluster whose object owns the role.
pub const CLUSTER_TAG: &str = "lambdaroles.dev/cluster";

/// Tag: the namespace of the object that owns the role.
pub const NAMESPACE_TAG: &str = "lambdaroles.dev/namespace";

/// Tag: the name of the object that owns the role.
pub const NAME_TAG: &str = "lambdaroles.dev/name";

/// Tag: the kind of the object that owns a managed policy, as its manifest names it. Roles have none: one kind owns roles.
pub const KIND_TAG: &str = "lambdaroles.dev/kind";

/// Tag of a role: the highest number of a managed policy that holds statements for which its inline policies have no room. It
/// is set before the first is made, and goes after the last.
pub const OVERFLOW_TAG: &str = "lambdaroles.dev/overflow";

/// Tag: the role was there before the object, and was taken over.
pub const ADOPTED_TAG: &str = "lambdaroles.dev/adopted";
