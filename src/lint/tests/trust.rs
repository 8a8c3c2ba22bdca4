use rstest::rstest;

use super::*;

fn listed(kind: &str, principal: &str) -> Principal {
    Principal::Listed(BTreeMap::from([(kind.to_owned(), vec![principal.to_owned()])]))
}

const GITHUB: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

#[rstest]
#[case::everyone(trust(Principal::Everyone), Some(Severity::Error))]
#[case::every_account(trust(listed("AWS", "*")), Some(Severity::Error))]
#[case::by_transport(trust(listed("AWS", "*")).when("Bool", "aws:SecureTransport", "true"), Some(Severity::Warning))]
#[case::by_organisation_if_there(trust(listed("AWS", "*")).when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1"), Some(Severity::Warning))]
#[case::by_organisation(trust(listed("AWS", "*")).when("StringEquals", "aws:PrincipalOrgID", "o-1"), None)]
#[case::by_external_id(trust(listed("AWS", "*")).when("StringEquals", "sts:ExternalId", "x"), None)]
#[case::an_account(trust(listed("AWS", "210987654321")), None)]
#[case::lambda(trust(listed("Service", "lambda.amazonaws.com")), None)]
#[case::a_provider(trust(listed("Federated", GITHUB)), Some(Severity::Warning))]
#[case::some_of_a_provider(trust(listed("Federated", GITHUB)).when("StringLike", "token.actions.githubusercontent.com:sub", "repo:o/r:*"), None)]
fn trust_in_everyone_is_told(#[case] statement: Located, #[case] expected: Option<Severity>) {
    let found = trust_findings([statement]);
    assert_eq!(severity_of(&found, Code::TrustsEveryone), expected, "{found:#?}");
}

#[test]
fn a_denial_trusts_nobody() {
    let mut located = trust(Principal::Everyone);
    located.statement.effect = Effect::Deny;
    assert_eq!(trust_findings([located]), []);
}

#[rstest]
#[case("ArnLike", Some(Severity::Error))]
#[case("ArnLikeIfExists", Some(Severity::Warning))]
#[case("ArnNotLike", Some(Severity::Warning))]
fn no_request_to_assume_a_role_names_a_function(#[case] operator: &str, #[case] expected: Option<Severity>) {
    let statement = trust(listed("Service", "lambda.amazonaws.com"));
    let found = trust_findings([statement.clone().when(operator, "lambda:SourceFunctionArn", ORDERS)]);
    assert_eq!(severity_of(&found, Code::FunctionKeyInTrust), expected);
    // The key of calling services is at home there.
    assert_eq!(trust_findings([statement.when(operator, "aws:SourceArn", ORDERS)]), []);
}
