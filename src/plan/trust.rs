//! The trust policy: Lambda, and whom the spec adds.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account,
    statement::{check_characters, check_sid, conditions_of, effect_of, is_action},
};
use crate::{
    api::{
        role::Trust,
        rule,
        statement::{Principals, TrustStatement},
    },
    lint::{Finding, Located, Source, Spelling},
    policy::{
        Arn, Document, Statement,
        arn::is_account_id,
        document::{Conditions, Effect, Matching, Principal},
    },
};

/// The trust policy with and without the trust in the role itself.
pub(super) struct TrustPolicies {
    pub(super) with_role: Document,
    pub(super) without_role: Document,
    /// The statements that the spec writes out.
    pub(super) written: Vec<Located>,
}

/// Lambda's own statement comes first, then the edge's, then the spec's, then the role itself.
pub(super) fn policies(trust: &Trust, account: &Account, role_arn: &str, faults: &mut Vec<Finding>) -> TrustPolicies {
    let Trust { edge, self_, source_account_condition, statements } = trust;
    let mut list = vec![service("lambda.amazonaws.com", source_account_condition.then_some(account))];
    if *edge {
        // Lambda@Edge documents no aws:SourceAccount, so its principal stands without the condition.
        // https://docs.aws.amazon.com/lambda/latest/dg/lambda-edge.html
        list.push(service("edgelambda.amazonaws.com", None));
    }
    let mut sids = BTreeSet::new();
    let mut written = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let path = format!("spec.trust.statements[{index}]");
        let statement = statement_of(statement, &path, &mut sids, faults);
        written.push(Located {
            path,
            spelling: Spelling::Manifest,
            source: Source::Written,
            scope: None,
            statement: statement.clone(),
            ignored: BTreeSet::new(),
        });
        list.push(statement);
    }
    let without_role = Document::new(list.clone());
    if *self_ {
        list.push(assume_role("AWS", role_arn, Conditions::new()));
    }
    TrustPolicies { with_role: Document::new(list), without_role, written }
}

fn service(name: &str, account: Option<&Account>) -> Statement {
    let conditions = account.map(|account| {
        let keys = BTreeMap::from([("aws:SourceAccount".to_owned(), vec![account.id.clone()])]);
        ("StringEquals".to_owned(), keys)
    });
    assume_role("Service", name, conditions.into_iter().collect())
}

fn assume_role(kind: &str, principal: &str, conditions: Conditions) -> Statement {
    Statement {
        sid: None,
        effect: Effect::Allow,
        principal: Some(Principal::Listed(BTreeMap::from([(kind.to_owned(), vec![principal.to_owned()])]))),
        not_principal: None,
        actions: Matching::In(vec!["sts:AssumeRole".to_owned()]),
        resources: None,
        conditions,
    }
}

fn statement_of(
    statement: &TrustStatement,
    path: &str,
    sids: &mut BTreeSet<String>,
    faults: &mut Vec<Finding>,
) -> Statement {
    let TrustStatement { sid, effect, principals, actions, conditions } = statement;
    check_sid(sid.as_deref(), path, sids, faults);
    for (index, action) in actions.iter().enumerate() {
        if !is_action(action) || !action.to_ascii_lowercase().starts_with("sts:") {
            faults.push(Finding::invalid(format!("{path}.actions[{index}]"), rule::TRUST_ACTION));
        }
    }
    if actions.is_empty() {
        faults.push(Finding::invalid(format!("{path}.actions"), "must not be empty"));
    }
    Statement {
        sid: sid.clone(),
        effect: effect_of(*effect),
        principal: Some(Principal::Listed(principals_of(principals, &format!("{path}.principals"), faults))),
        not_principal: None,
        actions: Matching::In(actions.clone()),
        resources: None,
        conditions: conditions_of(conditions.as_ref(), path, faults),
    }
}

type IsPrincipal = fn(&str) -> bool;

fn principals_of(principals: &Principals, path: &str, faults: &mut Vec<Finding>) -> BTreeMap<String, Vec<String>> {
    let Principals { aws, service, federated } = principals;
    let kinds: [(_, _, _, IsPrincipal, _); 3] = [
        ("AWS", "aws", aws, is_aws_principal, rule::AWS_PRINCIPAL),
        ("Service", "service", service, is_service, rule::SERVICE_PRINCIPAL),
        ("Federated", "federated", federated, is_provider, rule::FEDERATED_PRINCIPAL),
    ];
    let mut result = BTreeMap::new();
    for (kind, field, list, is_principal, message) in kinds {
        let Some(list) = list.as_ref().filter(|list| !list.is_empty()) else { continue };
        for (index, entry) in list.iter().enumerate() {
            let path = format!("{path}.{field}[{index}]");
            check_characters(entry, &path, faults);
            if !is_principal(entry) {
                faults.push(Finding::invalid(path, format!("{entry} is no principal: {message}")));
            }
        }
        result.insert(kind.to_owned(), list.clone());
    }
    if result.is_empty() {
        faults.push(Finding::invalid(path, rule::PRINCIPALS));
    }
    result
}

/// IAM takes no wildcard for a part of a principal and answers as it does for one that does not exist yet, so it would be
/// waited for in vain.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn is_aws_principal(entry: &str) -> bool {
    let is_arn =
        |arn: Arn<'_>| ["iam", "sts"].contains(&arn.service) && is_account_id(arn.account) && !arn.resource.is_empty();
    entry == "*" || is_account_id(entry) || (!entry.contains(['*', '?']) && Arn::parse(entry).is_some_and(is_arn))
}

fn is_service(entry: &str) -> bool {
    entry.contains('.') && entry.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
}

fn is_provider(entry: &str) -> bool {
    match Arn::parse(entry) {
        Some(arn) => arn.service == "iam" || arn.service == "cognito-identity",
        None => entry.contains('.') && !entry.starts_with("arn:"),
    }
}
