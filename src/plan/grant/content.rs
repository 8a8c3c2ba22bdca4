//! What a grant adds: its statements, each for the functions that the grant names.

use crate::{
    api::{LambdaRoleGrantSpec, grant::RoleReference, rule, statement::ArnOperator},
    lint::{self, Finding, Home, Located, Severity, Size, Subject},
    plan::{
        Account, Owner,
        desired::is_object_name,
        expansion::{expanded, placeholders},
        statement::{Scope, statements},
    },
    policy::{Document, function::SOURCE_FUNCTION_ARN},
};

/// The statements of a grant, as a document and with the fields that they come from.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) document: Document,
    pub(super) statements: Vec<Located>,
    pub(super) warnings: Vec<Finding>,
}

/// What `spec` of `owner`'s grant adds to the role called `role_name`.
///
/// # Errors
/// Every fault; if there is none, every finding about what the statements mean, warnings included, if at least one is an error.
pub(super) fn content(
    spec: &LambdaRoleGrantSpec,
    owner: &Owner,
    account: &Account,
    role_name: &str,
) -> Result<Content, Vec<Finding>> {
    let mut faults = Vec::new();
    let spec = expanded(spec, &placeholders(owner, account, role_name), &mut faults);
    let LambdaRoleGrantSpec { role_ref, source_function_arns, statements: list } = &spec;
    check_role(role_ref, &mut faults);
    check_scope(&spec, &mut faults);
    if list.is_empty() {
        faults.push(Finding::invalid("spec.statements", rule::STATEMENTS_REQUIRED));
    }
    let scope = Scope::of(source_function_arns, account, &mut faults).demanded();
    let statements = statements(list, &scope, &mut faults);
    let document = Document::new(statements.iter().map(|located| located.statement.clone()).collect());
    let (characters, quota) = (document.characters(), account.quotas.inline_policies);
    if let Some(over @ 1..) = characters.checked_sub(quota) {
        let message = format!(
            "makes {characters} characters, {over} more than the {quota} that IAM allows for all inline policies of a role together"
        );
        faults.push(Finding::invalid("spec.statements", message));
    }
    if faults.is_empty() {
        // That follows from the above, and is what a grant must never be without.
        let unscoped = statements.iter().filter(|located| !is_scoped(located));
        faults.extend(unscoped.map(|located| Finding::invalid(&located.path, rule::GRANT_SCOPE)));
    }
    // As a compiler does: what a statement means is not judged before it can be read.
    if faults.is_empty() {
        faults = lint::lint(&Subject {
            home: Home { partition: &account.partition, region: &account.region, account: &account.id },
            statements: &statements,
            trust: &[],
            managed_policies: &[],
            sizes: &[Size {
                path: "spec.statements".to_owned(),
                what: "the inline policies of a role".to_owned(),
                characters,
                quota,
            }],
        });
    }
    if faults.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(faults);
    }
    Ok(Content { document, statements, warnings: faults })
}

fn check_role(role: &RoleReference, faults: &mut Vec<Finding>) {
    let RoleReference { namespace, name } = role;
    if !is_object_name(name) {
        faults.push(Finding::invalid("spec.roleRef.name", rule::OBJECT_NAME));
    }
    let is_sound = namespace.as_deref().is_none_or(|namespace| is_object_name(namespace) && !namespace.contains('.'));
    if !is_sound {
        faults.push(Finding::invalid("spec.roleRef.namespace", rule::OBJECT_NAMESPACE));
    }
}

/// Whatever a statement says of functions, it says it of functions that are named.
fn check_scope(spec: &LambdaRoleGrantSpec, faults: &mut Vec<Finding>) {
    check_functions(&spec.source_function_arns, "spec.sourceFunctionArns", faults);
    for (index, statement) in spec.statements.iter().enumerate() {
        let path = format!("spec.statements[{index}]");
        if let Some(functions) = &statement.source_function_arns {
            check_functions(functions, &format!("{path}.sourceFunctionArns"), faults);
        }
        match statement.source_function_arn_operator {
            None | Some(ArnOperator::ArnEquals | ArnOperator::ArnLike) => {}
            Some(
                ArnOperator::ArnNotEquals
                | ArnOperator::ArnNotLike
                | ArnOperator::ArnEqualsIfExists
                | ArnOperator::ArnLikeIfExists
                | ArnOperator::ArnNotEqualsIfExists
                | ArnOperator::ArnNotLikeIfExists,
            ) => {
                let path = format!("{path}.sourceFunctionArnOperator");
                faults.push(Finding::invalid(path, rule::GRANT_SCOPE));
            }
        }
    }
}

fn check_functions(functions: &[String], path: &str, faults: &mut Vec<Finding>) {
    if functions.is_empty() {
        faults.push(Finding::invalid(path, rule::GRANT_SCOPE));
    }
    for (index, function) in functions.iter().enumerate() {
        let literal = function.trim_end_matches(['*', '?']);
        if !literal.ends_with(|c: char| c.is_ascii_alphanumeric() || "_-".contains(c)) {
            faults.push(Finding::invalid(format!("{path}[{index}]"), format!("{function}: {}", rule::GRANT_FUNCTION)));
        }
    }
}

/// Whether the statement is true of no request but those of functions that are named.
fn is_scoped(located: &Located) -> bool {
    let conditions = &located.statement.conditions;
    let is_limited = ["ArnEquals", "ArnLike"]
        .iter()
        .filter_map(|operator| conditions.get(*operator)?.get(SOURCE_FUNCTION_ARN))
        .any(|functions| !functions.is_empty());
    located.scope.is_some() && is_limited
}
