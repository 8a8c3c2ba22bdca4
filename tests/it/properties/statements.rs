//! Valid statements of specs, as proptest strategies.

use lambdaroles::{
    api::statement::{ArnOperator, Conditions, Effect, Principals, Statement, TrustStatement},
    lint::Code,
};
use proptest::{collection::vec, option, prelude::*, sample, string::string_regex};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

/// Text that matches a regular expression, which is read once.
pub fn text(pattern: &str) -> impl Strategy<Value = String> + use<> {
    string_regex(pattern).unwrap().prop_filter("begins a placeholder", |text| !text.contains("$("))
}

fn effect() -> impl Strategy<Value = Effect> {
    sample::select(vec![Effect::Allow, Effect::Deny])
}

fn sid() -> impl Strategy<Value = Option<String>> {
    option::of(text("[A-Za-z0-9]{0,12}"))
}

pub fn statement() -> impl Strategy<Value = Statement> {
    let functions = option::weighted(0.4, vec(function(), 0..4));
    (sid(), effect(), (any::<bool>(), actions()), (any::<bool>(), resources()), conditions(), functions, arn_operator())
        .prop_map(|(sid, effect, (no_action, actions), (no_resource, resources), conditions, functions, operator)| {
            let either =
                |negated: bool, list: Vec<String>| if negated { (None, Some(list)) } else { (Some(list), None) };
            let (actions, not_actions) = either(no_action, actions);
            let (resources, not_resources) = either(no_resource, resources);
            let source_function_arn_operator = operator.filter(|_| functions.is_some());
            Statement {
                sid,
                effect,
                actions,
                not_actions,
                resources,
                not_resources,
                conditions,
                source_function_arns: functions,
                source_function_arn_operator,
                // What a statement means is not what these properties are about.
                ignore_findings: Code::iter()
                    .filter(|code| *code != Code::InvalidField)
                    .map(|code| code.to_string())
                    .collect(),
            }
        })
}

/// One that leaves little room for others in a document.
pub fn long_statement() -> impl Strategy<Value = Statement> {
    (statement(), "[a-z]{3}", 10..45usize).prop_map(|(statement, prefix, count)| {
        let resources = (0..count).map(|n| format!("arn:aws:s3:::{prefix}{n:0>80}/*")).collect();
        Statement { resources: Some(resources), not_resources: None, ..statement }
    })
}

fn actions() -> impl Strategy<Value = Vec<String>> {
    let known =
        sample::select(vec!["*", "s3:*", "s3:GetObject", "S3:getobject", "sqs:SendMessage", "dynamodb:Get?tem"]);
    vec(prop_oneof![known.prop_map(str::to_owned), text("[a-z][a-z0-9-]{1,8}:[A-Z][A-Za-z0-9]{0,8}[*?]?")], 1..4)
}

/// At times so many that two such statements exceed the inline quota.
fn resources() -> impl Strategy<Value = Vec<String>> {
    let known = sample::select(vec!["*", "arn:aws:s3:::bucket/*", "arn:aws:sqs:us-east-1:123456789012:orders"]);
    let any = prop_oneof![known.prop_map(str::to_owned), text("arn:aws:s3:::[\t -~\u{A1}-\u{FF}]{1,20}")];
    let many = Just((0..45).map(|n| format!("arn:aws:s3:::{n:0>80}/*")).collect());
    prop_oneof![5 => vec(any, 1..4), 1 => many]
}

fn function() -> impl Strategy<Value = String> {
    let arn = "arn:aws:lambda:(us-east-1|\\*):(123456789012|\\*):function:[a-z]{1,8}[*?]?";
    prop_oneof![text("[A-Za-z0-9_*?-]{1,64}"), text(arn)]
}

fn arn_operator() -> impl Strategy<Value = Option<ArnOperator>> {
    option::of(sample::select(vec![
        ArnOperator::ArnEquals,
        ArnOperator::ArnLike,
        ArnOperator::ArnNotEquals,
        ArnOperator::ArnNotLike,
        ArnOperator::ArnEqualsIfExists,
        ArnOperator::ArnLikeIfExists,
        ArnOperator::ArnNotEqualsIfExists,
        ArnOperator::ArnNotLikeIfExists,
    ]))
}

fn conditions() -> impl Strategy<Value = Option<Conditions>> {
    let keys = sample::select(vec!["aws:SourceVpc", "aws:PrincipalTag/Team", "s3:max-keys", "kms:ViaService"]);
    let prefix = sample::select(vec!["", "", "ForAllValues:", "ForAnyValue:"]);
    let suffix = sample::select(vec!["", "", "IfExists"]);
    let condition =
        (prefix, operator_and_value(), suffix, keys).prop_map(|(prefix, (operator, value), suffix, key)| {
            let operator = if operator == "Null" { operator.to_owned() } else { format!("{prefix}{operator}{suffix}") };
            (operator, key.to_owned(), value)
        });
    option::weighted(
        0.5,
        vec(condition, 0..3).prop_map(|list| {
            let mut conditions = Conditions::new();
            for (operator, key, value) in list {
                conditions.entry(operator).or_default().insert(key, value);
            }
            conditions
        }),
    )
}

/// Operators with values that suit them, quoted or not, alone or in a list.
fn operator_and_value() -> impl Strategy<Value = (&'static str, Value)> {
    let of = |operators: &[&'static str], values: BoxedStrategy<Value>| {
        let list = vec(values.clone(), 1..3).prop_map(Value::Array);
        (sample::select(operators.to_vec()), prop_oneof![values, list])
    };
    prop_oneof![
        of(
            &[
                "StringEquals",
                "StringNotEquals",
                "StringEqualsIgnoreCase",
                "StringNotEqualsIgnoreCase",
                "StringLike",
                "StringNotLike"
            ],
            text("[ -~\u{A1}-\u{FF}]{0,12}|true|0|007|\\$\\{aws:username\\}").prop_map(Value::from).boxed()
        ),
        of(
            &[
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericLessThanEquals",
                "NumericGreaterThan",
                "NumericGreaterThanEquals"
            ],
            prop_oneof![any::<i64>().prop_map(Value::from), text("0|12|007|1\\.50|-1").prop_map(Value::from)].boxed()
        ),
        of(
            &[
                "DateEquals",
                "DateNotEquals",
                "DateLessThan",
                "DateLessThanEquals",
                "DateGreaterThan",
                "DateGreaterThanEquals"
            ],
            text("2026-0[1-9]-01T00:00:00Z|1790000000").prop_map(Value::from).boxed()
        ),
        of(&["Bool", "Null"], prop_oneof![any::<bool>().prop_map(Value::from), Just(json!("true"))].boxed()),
        of(&["IpAddress", "NotIpAddress"], text("10\\.[0-9]\\.0\\.0/16|2001:db8::/32").prop_map(Value::from).boxed()),
        of(
            &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
            text("arn:aws:s3:::[a-z]{1,8}\\*?").prop_map(Value::from).boxed()
        ),
        of(&["BinaryEquals"], text("[A-Za-z0-9+/]{4}").prop_map(Value::from).boxed()),
    ]
}

pub fn trust_statement() -> impl Strategy<Value = TrustStatement> {
    let actions = sample::subsequence(vec!["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], 1..=3);
    (sid(), effect(), principals(), actions, conditions()).prop_map(|(sid, effect, principals, actions, conditions)| {
        let actions = actions.into_iter().map(str::to_owned).collect();
        // Trust in everyone without a condition is refused.
        let trusts_everyone = effect == Effect::Allow && principals.aws.iter().flatten().any(|entry| entry == "*");
        let mut conditions = conditions;
        if trusts_everyone {
            let keys = conditions.get_or_insert_default().entry("StringEquals".to_owned()).or_default();
            keys.insert("aws:PrincipalOrgID".to_owned(), json!("o-1234567890"));
        }
        TrustStatement { sid, effect, principals, actions, conditions }
    })
}

fn principals() -> impl Strategy<Value = Principals> {
    let some = |all: &[&str]| {
        let all: Vec<String> = all.iter().map(|entry| (*entry).to_owned()).collect();
        let most = all.len();
        option::of(sample::subsequence(all, 1..=most).prop_shuffle())
    };
    let aws = some(&[
        "*",
        "123456789012",
        "210987654321",
        "arn:aws:iam::345678901234:root",
        "arn:aws:iam::210987654321:role/deployer",
        "arn:aws:iam::123456789012:role/neighbour",
    ]);
    let service = some(&["scheduler.amazonaws.com", "events.amazonaws.com"]);
    let federated = some(&["arn:aws:iam::123456789012:oidc-provider/example.com", "cognito-identity.amazonaws.com"]);
    (aws, service, federated)
        .prop_map(|(aws, service, federated)| Principals { aws, service, federated })
        .prop_filter("names nobody", |principals| *principals != Principals::default())
}
