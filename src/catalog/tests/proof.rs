//! Proof by evaluation: what a recipe comes to allows all that AWS's pages ask for, and nothing else of all that AWS has.

mod required;

use std::{collections::BTreeSet, sync::LazyLock};

use rstest::rstest;

use self::required::{Case, DESTINATIONS, FEATURES, SOURCES};
use super::*;
use crate::policy::{
    Arn, Document,
    document::{Conditions, Effect},
    evaluate::{Context, Policies, Request, Verdict, evaluate},
};

const ACCOUNT: &str = "123456789012";
const OTHER_ACCOUNT: &str = "999999999999";
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders";
const ACCESS_POINT: &str = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1";

/// Every action that AWS has.
static ACTIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let named = |(service, actions): (&str, &[service_reference::Action])| -> Vec<String> {
        actions.iter().map(|action| format!("{service}:{}", action.name)).collect()
    };
    service_reference::services().flat_map(named).collect()
});

pub(super) fn verdict<'a>(documents: &'a [Document], action: &str, resource: &str, context: &Context) -> Verdict<'a> {
    evaluate(&Policies { identity: documents, ..Policies::default() }, &Request { action, resource, context })
}

/// All actions that the documents allow on any resource under any condition. Allowing is monotonous: what is allowed nowhere
/// once every statement that allows is widened to all resources and no condition, and none denies, is allowed nowhere
/// before that.
pub(super) fn allowed_anywhere(documents: &[Document]) -> BTreeSet<&'static str> {
    let widened = |statement: &Statement| Statement {
        resources: Some(Matching::In(vec!["*".to_owned()])),
        conditions: Conditions::new(),
        ..statement.clone()
    };
    let allows = documents.iter().flat_map(|document| &document.statements).filter(|s| s.effect == Effect::Allow);
    let widened = [Document::new(allows.map(widened).collect())];
    let nothing = Context::default();
    let is_allowed = |action: &&String| verdict(&widened, action, "*", &nothing).is_allowed();
    ACTIONS.iter().filter(is_allowed).map(String::as_str).collect()
}

/// `*`; an example of each pattern; and of each example what differs from it in one place: another partition, region or
/// account, another name, a longer one, something below it.
pub(super) fn probes<'a>(patterns: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut probes = BTreeSet::from(["*".to_owned()]);
    for pattern in patterns.into_iter().filter(|pattern| *pattern != "*") {
        let example = pattern.replace('*', "x");
        let Arn { partition, service, region, account, resource } = Arn::parse(&example).unwrap();
        let arn = |partition, region, account, resource: &str| {
            format!("arn:{partition}:{service}:{region}:{account}:{resource}")
        };
        probes.insert(arn("aws-iso", region, account, resource));
        probes.insert(arn(partition, "us-east-1", account, resource));
        probes.insert(arn(partition, region, OTHER_ACCOUNT, resource));
        let parts: Vec<&str> = resource.split_inclusive([':', '/']).collect();
        for index in 0..parts.len() {
            let name = parts[index].trim_end_matches([':', '/']);
            for other in ["other".to_owned(), format!("{name}-2")] {
                let part = parts[index].replacen(name, &other, 1);
                let resource = [&parts[..index], &[&part], &parts[index + 1..]].concat().concat();
                probes.insert(arn(partition, region, account, &resource));
            }
        }
        probes.extend([format!("{example}:x"), format!("{example}/x"), example]);
    }
    probes
}

/// The lines of a table: action and pattern.
fn lines(table: &'static [&'static str]) -> impl Iterator<Item = (&'static str, &'static str)> {
    table
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(a, p)| (a, p.trim()))
}

fn context() -> Context {
    Context::default()
        .with("aws:PrincipalAccount", ACCOUNT)
        .with("aws:ResourceAccount", ACCOUNT)
        .with("s3:ResourceAccount", ACCOUNT)
        .with("elasticfilesystem:AccessPointArn", ACCESS_POINT)
}

fn documents(case: &Case, form: Form) -> Vec<Document> {
    let Case { kind, name, filling, .. } = case;
    let Grant { managed_policy, statements } =
        recipe(kind, name).expand(&values(filling), form, &placeholders("aws")).unwrap();
    let managed = managed_policy.map(|name| managed_policy::find(&name).unwrap().document.clone());
    managed.into_iter().chain([Document::new(statements)]).collect()
}

fn assert_allows_that_alone(case: &Case, form: Form, required: &'static [&'static str]) {
    let documents = documents(case, form);
    let expected: BTreeSet<&str> = lines(required).map(|(action, _)| action).collect();
    assert_eq!(allowed_anywhere(&documents), expected, "{case:?} {form:?}");

    // A policy that holds for every resource is tried on those that the recipe is about.
    let probes = probes(lines(case.inline).chain(lines(required)).map(|(_, pattern)| pattern));
    for action in expected {
        let patterns: Vec<&str> = lines(required).filter(|(known, _)| *known == action).map(|(_, p)| p).collect();
        let is_required = |probe: &str| patterns.iter().any(|pattern| matches(pattern, probe));
        assert!(probes.iter().any(|probe| is_required(probe)), "{action}");
        assert_eq!(probes.iter().all(|probe| is_required(probe)), patterns.contains(&"*"), "{action}");
        for probe in &probes {
            let verdict = verdict(&documents, action, probe, &context());
            assert_eq!(verdict.is_allowed(), is_required(probe), "{case:?} {form:?}: {action} on {probe}: {verdict:?}");
        }
    }
}

#[rstest]
fn what_lambda_needs_is_allowed_and_nothing_else(#[values(FEATURES, SOURCES, DESTINATIONS)] cases: &'static [Case]) {
    for case in cases {
        assert_allows_that_alone(case, Form::Inline, case.inline);
        if let Some(managed) = case.managed {
            assert_allows_that_alone(case, Form::Managed, managed);
        }
    }
}

#[test]
fn the_proof_leaves_out_no_recipe_no_form_and_no_parameter() {
    let cases = || FEATURES.iter().chain(SOURCES).chain(DESTINATIONS);
    for (kind, recipes) in [("feature", features()), ("source", event_sources()), ("destination", destinations())] {
        for Recipe { name, parameters, managed_policies, .. } in recipes {
            let cases: Vec<&Case> = cases().filter(|case| case.kind == kind && case.name == name).collect();
            assert!(!cases.is_empty(), "{kind} {name}");
            assert_eq!(cases.iter().any(|case| case.managed.is_some()), !managed_policies.is_empty(), "{kind} {name}");
            for Parameter { name: parameter, .. } in parameters {
                let given = cases.iter().any(|case| values(case.filling).contains_key(parameter));
                assert!(given, "{kind} {name}: {parameter}");
            }
        }
    }
}

/// What AWS's policy allows is enough for what the statements are for.
#[test]
fn the_managed_form_allows_what_the_inline_form_must() {
    // A group is made on the ARN that ends in `:log-stream:`, which is all that AWS's policy for Application Signals names.
    let is_bare_group = |action: &str, pattern: &str| action == "logs:CreateLogGroup" && !pattern.ends_with('*');
    for case in FEATURES.iter().chain(SOURCES).filter(|case| case.managed.is_some()) {
        let documents = documents(case, Form::Managed);
        for (action, pattern) in lines(case.inline).filter(|(action, pattern)| !is_bare_group(action, pattern)) {
            let verdict = verdict(&documents, action, &pattern.replace('*', "x"), &context());
            assert!(verdict.is_allowed(), "{case:?}: {action} on {pattern}: {verdict:?}");
        }
    }
}

/// The calls that Lambda makes carry no function's ARN, those of the code do: neither is told from the other.
#[test]
fn who_calls_makes_no_difference_but_where_the_code_is_denied() {
    let with_key = context().with("lambda:SourceFunctionArn", FUNCTION);
    for case in FEATURES.iter().chain(SOURCES).chain(DESTINATIONS) {
        let documents = documents(case, Form::Inline);
        for (action, pattern) in lines(case.inline) {
            let verdict = verdict(&documents, action, &pattern.replace('*', "x"), &with_key);
            assert_eq!(verdict.is_allowed(), case.filling != "denyFromCode=true", "{case:?}: {action}: {verdict:?}");
        }
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions>
#[rstest]
fn network_interfaces_are_denied_to_the_code_of_every_function_and_not_to_lambda(
    #[values(Form::Managed, Form::Inline)] form: Form,
    #[values(
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DetachNetworkInterface",
        "ec2:UnassignPrivateIpAddresses"
    )]
    action: &str,
    #[values("*", "arn:aws:ec2:eu-west-1:123456789012:network-interface/eni-1")] resource: &str,
) {
    let case = FEATURES.iter().find(|case| case.filling == "denyFromCode=true").unwrap();
    let documents = documents(case, form);
    for function in [FUNCTION, "arn:aws:lambda:us-east-1:123456789012:function:other"] {
        let verdict = verdict(&documents, action, resource, &context().with("lambda:SourceFunctionArn", function));
        assert!(matches!(verdict, Verdict::ExplicitDeny(_)), "{function}: {verdict:?}");
    }
    // Lambda detaches nothing with the role: the page denies it to the code without allowing it to anybody.
    let by_lambda = verdict(&documents, action, resource, &context());
    assert_eq!(by_lambda.is_allowed(), action != "ec2:DetachNetworkInterface", "{by_lambda:?}");
    assert!(!matches!(by_lambda, Verdict::ExplicitDeny(_)), "{by_lambda:?}");
}

#[rstest]
#[case::a_bucket_that_another_account_took(DESTINATIONS, "s3", "", Form::Inline, "s3:ResourceAccount", OTHER_ACCOUNT)]
#[case::signals_to_another_account(
    FEATURES,
    "ApplicationSignals",
    "",
    Form::Inline,
    "aws:ResourceAccount",
    OTHER_ACCOUNT
)]
#[case::signals_by_aws_s_policy(
    FEATURES,
    "ApplicationSignals",
    "",
    Form::Managed,
    "aws:ResourceAccount",
    OTHER_ACCOUNT
)]
#[case::another_access_point(
    FEATURES,
    "EfsMount",
    "accessPointArn=",
    Form::Inline,
    "elasticfilesystem:AccessPointArn",
    "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-2"
)]
fn what_a_condition_binds_is_refused_elsewhere_and_without_the_key(
    #[case] cases: &'static [Case],
    #[case] name: &str,
    #[case] filling: &str,
    #[case] form: Form,
    #[case] key: &str,
    #[case] other: &str,
) {
    let mut tried = 0;
    for case in cases.iter().filter(|case| case.name == name && case.filling.contains(filling)) {
        let documents = documents(case, form);
        let table = if form == Form::Managed { case.managed.unwrap() } else { case.inline };
        // A key of KMS is bound by its ARN alone.
        for (action, pattern) in lines(table).filter(|(action, _)| !action.starts_with("kms:")) {
            let resource = pattern.replace('*', "x");
            let is_allowed = |context: &Context| verdict(&documents, action, &resource, context).is_allowed();
            assert!(is_allowed(&context()), "{action}");
            assert!(!is_allowed(&context().with(key, other)), "{action}");
            assert!(!is_allowed(&context().with_many(key, Vec::<String>::new())), "{action}");
            tried += 1;
        }
    }
    assert!(tried > 1, "{tried}");
}
