//! What is said of a role before IAM is asked: one shape for refusals, warnings and hints.

use std::fmt;

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, strum::Display, strum::IntoStaticStr)]
pub enum Severity {
    /// The role cannot be, or would not do what it says: nothing is written to IAM.
    Error,
    /// It works, and is probably not what is meant, or is riskier than it looks.
    Warning,
}

/// What a finding is about. A closed list: people ignore findings by code, and `docs/reference/findings.md` explains each.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum Code {
    /// A field breaks a rule of IAM, of Lambda or of this API.
    InvalidField,
    /// A call that Lambda makes itself, without the function's ARN, is allowed to function code alone.
    ScopeBreaksServiceCall,
    /// A call that Lambda makes itself is allowed to function code alone, which works by what AWS documents today.
    ScopeOnServiceCall,
    /// What is allowed to function code alone may also be a call of Lambda's: the target tells which.
    DualUseAction,
    /// Another statement allows the same without the scope.
    ScopeWithoutEffect,
    /// A key is compared that does not name the function whose code makes a request.
    WrongFunctionKey,
    /// The function's ARN is compared by an operator for something else.
    StringOperatorOnArnKey,
    /// The function's ARN is compared with what no function's ARN can be.
    NotAFunctionArn,
    /// A function is named with a version or an alias, which the key never carries.
    QualifiedFunctionArn,
    /// A function is named that can never run with the role.
    ForeignFunction,
    /// A wildcard in a function's name, which other functions match, too.
    WildcardMatchesOtherFunctions,
    /// A comparison that is true where a request carries no function's ARN.
    NegatedScope,
    /// The function's ARN is compared in the trust policy, where no request carries it.
    FunctionKeyInTrust,
    /// A resource of another partition than the role's.
    ForeignPartition,
    /// All actions, or all of a service, are allowed.
    WildcardAction,
    /// All resources are allowed for actions that can be limited to some.
    WildcardResource,
    /// An action that cannot be limited to a resource stands with others than `*`, and never matches.
    ResourceNeverMatches,
    /// Who may do that can get more rights than the role has.
    PrivilegeEscalation,
    /// AWS has no service of that prefix.
    UnknownService,
    /// The service has no action of that name.
    UnknownAction,
    /// AWS has no condition key of that name.
    UnknownConditionKey,
    /// The AWS managed policy is not meant for execution roles.
    PolicyNotForExecutionRole,
    /// A statement says the same as another.
    DuplicateStatement,
    /// Other statements say all that a statement says, and more.
    RedundantStatement,
    /// What a statement allows, another denies wholly.
    DeniedStatement,
    /// Anyone may assume the role.
    TrustsEveryone,
    /// A document fills most of what IAM takes.
    SizeNearQuota,
    /// The role has no class, or the namespace may not use it.
    ClassNotUsable,
    /// The class refuses what the role holds.
    GuardrailViolation,
    /// What an attached policy allows is not known offline; the controller reads it and judges it.
    PolicyNotRead,
    /// The role does not admit grants of the namespace.
    GrantNotAdmitted,
    /// The role's inline policies have no room for the grant's.
    NoRoomForGrant,
    /// The role of a grant is not known offline; the controller knows it and judges by it.
    RoleNotRead,
    /// Whether a namespace is admitted depends on its labels, which are not known offline.
    NamespaceNotRead,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub code: Code,
    /// Path of the field, for example `spec.statements[0].actions[1]`.
    pub path: String,
    /// What is wrong, as a sentence without its subject, which is the field.
    pub message: String,
    /// What to do about it, as a whole sentence; `None` where the message says it already.
    pub fix: Option<String>,
}

impl Finding {
    /// A field that breaks a rule.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: Code::InvalidField,
            path: path.into(),
            message: message.into(),
            fix: None,
        }
    }

    /// What `by` says of `namespace` cannot be told, as it goes by labels that no manifest tells.
    pub fn namespace_not_read(path: impl Into<String>, by: &str, namespace: &str) -> Self {
        let message = format!(
            "{by} admits namespaces by their labels, and no manifest tells those of namespace {namespace}, so that it is taken to be admitted"
        );
        let fix = "Give the manifest of the Namespace, too";
        Self::new(Severity::Warning, Code::NamespaceNotRead, path.into(), message, fix)
    }

    /// A finding with its fix.
    pub(super) fn new(severity: Severity, code: Code, path: String, message: String, fix: impl Into<String>) -> Self {
        Self { severity, code, path, message, fix: Some(fix.into()) }
    }
}

/// Path, message and fix: what conditions, events and terminals show.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        match &self.fix {
            Some(fix) => write!(f, ". {fix}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn the_reference_explains_every_code_with_an_example_and_a_fix() {
        let page = include_str!("../../docs/reference/findings.md");
        for code in Code::iter() {
            let heading = format!("\n### {code}\n");
            let entry = page.split(&heading).nth(1).unwrap_or_else(|| panic!("{code} has no entry"));
            let entry = entry.split("\n### ").next().unwrap();
            assert!(entry.contains("Error") || entry.contains("Warning"), "{code} says nothing of its severity");
            assert!(entry.contains("Fix:"), "{code} names no fix");
            assert!(entry.contains("```") || entry.contains("Example:"), "{code} has no example");
        }
        let entries = page.matches("\n### ").count();
        assert_eq!(entries, Code::iter().count(), "an entry explains a code that there is not");
    }
}
