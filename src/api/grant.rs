//! `LambdaRoleGrant`: statements that a team adds to a role that it shares with others.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{rule, statement::Statement, status::LambdaRoleGrantStatus};

/// What the team's functions may do beside what the role lets all of its functions do. The statements hold for the code of
/// the functions that the grant names, and for nobody else's; they become one inline policy of the role.
#[expect(clippy::duplicated_attributes, reason = "each column has a name of its own; only their types repeat")]
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "lambdaroles.dev",
    version = "v1alpha1",
    kind = "LambdaRoleGrant",
    namespaced,
    status = "LambdaRoleGrantStatus",
    derive = "PartialEq",
    shortname = "lrg",
    category = "lambdaroles",
    selectable = ".spec.roleRef.name",
    selectable = ".spec.roleRef.namespace",
    selectable = ".status.roleArn",
    doc = "Statements that a team adds to a shared LambdaExecutionRole, always scoped to the functions that it names.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.roleRef.name"),
    printcolumn(name = "Role namespace", type_ = "string", json_path = ".spec.roleRef.namespace", priority = 1),
    printcolumn(name = "Characters", type_ = "integer", json_path = ".status.characters", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.roleRef == oldSelf.roleRef").message(rule::ROLE_REF_IMMUTABLE).field_path(".roleRef"))]
pub struct LambdaRoleGrantSpec {
    /// The role. Immutable.
    pub role_ref: RoleReference,

    /// The functions whose code the statements hold for: unqualified function ARNs, or bare names, which stand for functions of
    /// the role's account and the class's region. `*` and `?` are wildcards, and a name holds more than these.
    #[schemars(schema_with = "super::schema::grant_source_function_arns")]
    pub source_function_arns: Vec<String>,

    /// The statements, at least one. A list of functions of their own takes the place of the one above; it cannot be empty, and
    /// the functions are compared with `ArnEquals` or `ArnLike`.
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(validation = Rule::new("self.all(s, !has(s.sid) || self.exists_one(t, has(t.sid) && t.sid == s.sid))").message(rule::SID_UNIQUE))]
    #[x_kube(validation = Rule::new("self.all(s, (!has(s.sourceFunctionArns) || s.sourceFunctionArns.size() > 0) && (!has(s.sourceFunctionArnOperator) || s.sourceFunctionArnOperator in ['ArnEquals', 'ArnLike']))").message(rule::GRANT_SCOPE))]
    pub statements: Vec<Statement>,
}

/// A `LambdaExecutionRole`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct RoleReference {
    /// Its namespace. Default: the grant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::NAMESPACE_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')").message(rule::OBJECT_NAMESPACE))]
    pub namespace: Option<String>,

    /// Its name.
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message(rule::OBJECT_NAME))]
    pub name: String,
}
