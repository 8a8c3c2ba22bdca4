//! Where workloads read what a role is called.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rule;

/// Where workloads read what the role is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// A ConfigMap in the object's namespace. It is made once the role is ready, kept so, and goes with the object or when it is
    /// asked for no more. One of that name that is not this object's is never touched.
    pub config_map: ConfigMapExport,
}

/// A ConfigMap that the controller writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapExport {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = rule::OBJECT_NAME_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$')").message(rule::CONFIG_MAP_NAME))]
    pub name: String,

    /// What is written, and under which key. Only what is listed is. Default: `roleArn`, `roleName`, `roleId` and `accountId`, each
    /// under its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<ExportKeys>,
}

/// The keys of a ConfigMap, such as `ROLE_ARN`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.roleArn) || has(self.roleName) || has(self.roleId) || has(self.accountId)").message(rule::EXPORT_KEYS_NONE))]
#[x_kube(validation = Rule::new("!(has(self.roleArn) && has(self.roleName) && self.roleArn == self.roleName) && !(has(self.roleArn) && has(self.roleId) && self.roleArn == self.roleId) && !(has(self.roleArn) && has(self.accountId) && self.roleArn == self.accountId) && !(has(self.roleName) && has(self.roleId) && self.roleName == self.roleId) && !(has(self.roleName) && has(self.accountId) && self.roleName == self.accountId) && !(has(self.roleId) && has(self.accountId) && self.roleId == self.accountId)").message(rule::EXPORT_KEY_TWICE))]
pub struct ExportKeys {
    /// Key of the role's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::CONFIG_MAP_KEY_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9._-]+$') && self != '.' && !self.startsWith('..')").message(rule::CONFIG_MAP_KEY))]
    pub role_arn: Option<String>,

    /// Key of the role's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::CONFIG_MAP_KEY_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9._-]+$') && self != '.' && !self.startsWith('..')").message(rule::CONFIG_MAP_KEY))]
    pub role_name: Option<String>,

    /// Key of the role's unique id (`AROA…`), which conditions on `aws:userid` compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::CONFIG_MAP_KEY_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9._-]+$') && self != '.' && !self.startsWith('..')").message(rule::CONFIG_MAP_KEY))]
    pub role_id: Option<String>,

    /// Key of the AWS account's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = rule::CONFIG_MAP_KEY_MAX))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9._-]+$') && self != '.' && !self.startsWith('..')").message(rule::CONFIG_MAP_KEY))]
    pub account_id: Option<String>,
}
