//! Features, event sources, destinations and templates: what becomes of them in the role's policies.

use std::collections::BTreeSet;

use rstest::rstest;
use strum::IntoEnumIterator;

use super::{desired, faults, judged, set};
use crate::{
    api::{feature::FeatureName, rule},
    catalog::{self, Recipe},
    lint::{Code, Severity},
    plan::DesiredRole,
    policy::{
        Statement,
        document::{Effect, Matching},
    },
};

fn statements(role: &DesiredRole) -> &[Statement] {
    role.inline_policies.get("lambdaroles").map_or(&[], |document| &document.statements)
}

fn sids(role: &DesiredRole) -> Vec<&str> {
    statements(role).iter().filter_map(|statement| statement.sid.as_deref()).collect()
}

fn resources(statement: &Statement) -> &[String] {
    match &statement.resources {
        Some(Matching::In(list)) => list,
        other => panic!("{other:?}"),
    }
}

/// The one statement about `action`.
fn about<'a>(role: &'a DesiredRole, action: &str) -> &'a Statement {
    let lists = |statement: &&Statement| matches!(&statement.actions, Matching::In(list) if list.iter().any(|entry| entry == action));
    let mut found = statements(role).iter().filter(lists);
    match (found.next(), found.next()) {
        (Some(statement), None) => statement,
        _ => panic!("{action}: {:#?}", statements(role)),
    }
}

#[test]
fn a_feature_attaches_the_policy_of_aws_unless_the_spec_asks_for_statements() {
    let managed = desired("features: [{name: Logging}]");
    assert_eq!(managed.managed_policies, set(&["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]));
    assert_eq!(statements(&managed), []);
    let inline = desired("features: [{name: Logging, form: Inline}]");
    assert_eq!(inline.managed_policies, set(&[]));
    assert_eq!(
        resources(about(&inline, "logs:CreateLogGroup")),
        [
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/*",
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/*:*"
        ]
    );
}

#[test]
fn an_event_source_gives_statements_unless_the_spec_asks_for_the_policy_of_aws() {
    let queue = "queueArn: 'arn:aws:sqs:eu-west-1:111122223333:orders'";
    let inline = desired(&format!("eventSources: [{{sqs: {{{queue}}}}}]"));
    assert_eq!(resources(about(&inline, "sqs:ReceiveMessage")), ["arn:aws:sqs:eu-west-1:111122223333:orders"]);
    assert_eq!(inline.managed_policies, set(&[]));
    let managed = desired(&format!("eventSources: [{{sqs: {{{queue}, form: Managed}}}}]"));
    assert_eq!(managed.managed_policies, set(&["arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"]));
    assert_eq!(statements(&managed), []);
}

#[test]
fn a_feature_may_name_the_policy_that_the_spec_lists_too() {
    let role = desired("{features: [{name: Logging}], managedPolicies: [{aws: AWSLambdaBasicExecutionRole}]}");
    assert_eq!(role.managed_policies.len(), 1);
}

#[test]
fn what_one_recipe_gives_several_times_is_one_statement() {
    let queue = |name: &str| format!("{{sqs: {{queueArn: 'arn:aws:sqs:eu-west-1:111122223333:{name}'}}}}");
    let role = desired(&format!("eventSources: [{}, {}, {}]", queue("a"), queue("b"), queue("a")));
    assert_eq!(
        resources(about(&role, "sqs:ReceiveMessage")),
        ["arn:aws:sqs:eu-west-1:111122223333:a", "arn:aws:sqs:eu-west-1:111122223333:b"]
    );
    assert_eq!(statements(&role).len(), 1);
}

#[test]
fn what_lambda_needs_is_never_scoped_and_templates_and_statements_are() {
    let role = desired(
        r"
sourceFunctionArns: [orders]
features: [{name: Tracing, form: Inline}]
eventSources: [{sqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:orders'}}]
destinations: [{deadLetterSqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:dead'}}]
templates:
  - {name: DynamoDBReadPolicy, parameters: {TableName: orders}}
  - {name: KinesisStreamReadPolicy, parameters: {StreamName: orders}}
  - {name: S3ReadPolicy, parameters: {BucketName: open}, sourceFunctionArns: []}
  - {name: SNSPublishMessagePolicy, parameters: {TopicName: done}, sourceFunctionArns: ['ship-*'], sourceFunctionArnOperator: ArnEquals}
statements:
  - {effect: Allow, actions: ['s3:PutObject'], resources: ['arn:aws:s3:::archive/*']}
  - {effect: Allow, actions: ['s3:DeleteObject'], resources: ['arn:aws:s3:::open/*'], sourceFunctionArns: []}
  - effect: Allow
    actions: ['s3:PutObjectTagging']
    resources: ['arn:aws:s3:::archive/*']
    conditions: {ArnLike: {'Lambda:SourceFunctionARN': 'arn:aws:lambda:eu-west-1:111122223333:function:by-hand'}}",
    );
    let scope = |action: &str| {
        let conditions = &about(&role, action).conditions;
        conditions.iter().map(|(operator, keys)| format!("{operator} {keys:?}")).collect::<Vec<_>>().join(" ")
    };
    let equals = |name: &str| {
        format!(
            r#"ArnEquals {{"lambda:SourceFunctionArn": ["arn:aws:lambda:eu-west-1:111122223333:function:{name}"]}}"#
        )
    };
    for unscoped in [
        "xray:PutTraceSegments",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "kinesis:GetRecords",
        "s3:GetObject",
        "s3:DeleteObject",
    ] {
        assert_eq!(scope(unscoped), "", "{unscoped}");
    }
    assert_eq!(scope("dynamodb:GetItem"), equals("orders"));
    assert_eq!(scope("s3:PutObject"), equals("orders"));
    assert_eq!(scope("sns:Publish"), equals("ship-*"));
    assert!(scope("s3:PutObjectTagging").contains("by-hand"), "{}", scope("s3:PutObjectTagging"));
    assert!(!scope("s3:PutObjectTagging").contains("function:orders"), "{}", scope("s3:PutObjectTagging"));
}

#[test]
fn a_deny_takes_the_default_scope_too() {
    let role = desired(
        "{sourceFunctionArns: [orders], statements: [{effect: Deny, actions: ['s3:DeleteObject'], resources: ['*']}]}",
    );
    assert_eq!(about(&role, "s3:DeleteObject").conditions.len(), 1);
}

#[test]
fn a_sid_of_the_user_s_is_kept_and_one_of_ours_gives_way() {
    let ours = desired("features: [{name: Tracing, form: Inline}]");
    let [taken] = sids(&ours)[..] else { panic!("{:?}", sids(&ours)) };
    let yaml = format!(
        "{{features: [{{name: Tracing, form: Inline}}], statements: [{{sid: {taken}, effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*']}}]}}"
    );
    let both = desired(&yaml);
    assert_eq!(sids(&both), [format!("{taken}2").as_str(), taken]);
    assert_eq!(about(&both, "s3:GetObject").sid.as_deref(), Some(taken));
}

#[test]
fn code_can_be_denied_what_lambda_alone_needs_in_both_forms() {
    for form in ["Managed", "Inline"] {
        let role = desired(&format!("features: [{{name: VpcAccess, form: {form}, denyFromCode: true}}]"));
        let denies: Vec<_> = statements(&role).iter().filter(|statement| statement.effect == Effect::Deny).collect();
        let [deny] = denies[..] else { panic!("{form}: {denies:?}") };
        assert_eq!(
            deny.conditions["ArnLike"]["lambda:SourceFunctionArn"],
            ["arn:aws:lambda:*:111122223333:function:*"],
            "{form}"
        );
    }
}

#[rstest]
#[case::a_parameter_that_is_missing(
    "templates: [{name: DynamoDBReadPolicy}]",
    "spec.templates[0].parameters.TableName: "
)]
#[case::a_parameter_too_many(
    "templates: [{name: DynamoDBReadPolicy, parameters: {TableName: t, Table: t}}]",
    "spec.templates[0].parameters.Table: "
)]
#[case::a_parameter_that_cannot_be(
    "templates: [{name: DynamoDBReadPolicy, parameters: {TableName: 'a b'}}]",
    "spec.templates[0].parameters.TableName: "
)]
#[case::a_template_that_is_none("templates: [{name: NoSuchPolicy}]", "spec.templates[0].name: ")]
#[case::a_function_with_an_alias(
    "templates: [{name: DynamoDBReadPolicy, parameters: {TableName: t}, sourceFunctionArns: ['f:prod']}]",
    "spec.templates[0].sourceFunctionArns[0]: "
)]
#[case::a_queue_that_is_a_topic(
    "eventSources: [{sqs: {queueArn: 'arn:aws:sns:eu-west-1:111122223333:orders'}}]",
    "spec.eventSources[0].sqs.queueArn: "
)]
#[case::a_field_that_the_form_does_not_look_at(
    "features: [{name: Logging, logGroups: ['/aws/lambda/orders']}]",
    "spec.features[0].logGroups: "
)]
#[case::a_code_that_is_none(
    "statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['*'], ignoreFindings: [Everything]}]",
    "spec.statements[0].ignoreFindings[0]: Everything: must be the code of a finding"
)]
#[case::a_code_that_nobody_may_ignore(
    "statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['*'], ignoreFindings: [InvalidField]}]",
    "spec.statements[0].ignoreFindings[0]: InvalidField: must be the code of a finding"
)]
fn a_fault_is_told_with_its_field(#[case] yaml: &str, #[case] beginning: &str) {
    let faults = faults(yaml);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with(beginning), "{}", faults[0]);
}

#[test]
fn placeholders_are_replaced_in_values_and_in_keys() {
    let role = desired(
        r"
roleName: shop-role
description: Role $(roleName) of $(namespace)/$(name)
permissionsBoundary: {arn: 'arn:$(partition):iam::$(accountId):policy/boundary'}
sourceFunctionArns: ['$(name)-worker']
statements:
  - effect: Allow
    actions: ['s3:GetObject']
    resources: ['arn:$(partition):s3:::$(namespace)-$(region)/${aws:userid}/*']
    conditions: {StringEquals: {'aws:PrincipalTag/$(namespace)': '$(accountId)'}}",
    );
    assert_eq!(role.description, "Role shop-role of shop/orders");
    assert_eq!(role.permissions_boundary.as_deref(), Some("arn:aws:iam::111122223333:policy/boundary"));
    let statement = about(&role, "s3:GetObject");
    assert_eq!(resources(statement), ["arn:aws:s3:::shop-eu-west-1/${aws:userid}/*"]);
    assert_eq!(statement.conditions["StringEquals"]["aws:PrincipalTag/shop"], ["111122223333"]);
    assert_eq!(
        statement.conditions["ArnEquals"]["lambda:SourceFunctionArn"],
        ["arn:aws:lambda:eu-west-1:111122223333:function:orders-worker"]
    );
}

#[test]
fn every_unknown_placeholder_is_told_where_it_stands() {
    assert_eq!(
        faults(
            "{description: $(team), statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::$(bucket/*']}]}"
        ),
        [
            "spec.description: holds $(team), which is no placeholder: there are $(accountId), $(name), $(namespace), $(partition), $(region), $(roleName)",
            "spec.statements[0].resources[0]: holds $(bucket/*, which is no placeholder: there are $(accountId), $(name), $(namespace), $(partition), $(region), $(roleName)",
        ]
    );
}

/// The second would take the place of the first: a condition less, and more access than either author meant.
#[test]
fn keys_that_placeholders_make_the_same_are_refused() {
    assert_eq!(
        faults(
            "{statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['*'], conditions: {StringEquals: {'aws:ResourceTag/$(name)': a, 'aws:ResourceTag/orders': b}}}]}"
        ),
        [
            "spec.statements[0].conditions.StringEquals.aws:ResourceTag/orders: is aws:ResourceTag/orders once its placeholders are replaced, as another key is: keep one",
        ]
    );
}

#[test]
fn a_warning_does_not_refuse_and_an_ignored_finding_is_not_told() {
    let statement = |ignore: &str| {
        format!(
            "statements: [{{effect: Allow, actions: ['s3:*'], resources: ['arn:aws:s3:::b/*'], ignoreFindings: [{ignore}]}}]"
        )
    };
    let warnings = desired(&statement("")).warnings;
    assert!(
        warnings.iter().any(|warning| warning.code == Code::WildcardAction && warning.severity == Severity::Warning)
    );
    assert_eq!(desired(&statement("WildcardAction")).warnings, []);
}

#[test]
fn a_scope_that_would_break_lambda_s_own_call_refuses_the_spec() {
    let yaml = "statements: [{effect: Allow, actions: ['ec2:CreateNetworkInterface'], resources: ['*'], sourceFunctionArns: [orders]}]";
    let findings = judged(yaml).unwrap_err();
    assert!(
        findings
            .iter()
            .any(|finding| finding.code == Code::ScopeBreaksServiceCall && finding.severity == Severity::Error)
    );
}

#[test]
fn the_policies_of_features_count_against_the_quota_of_attachments() {
    let policies: Vec<String> = (0..25).map(|n| format!("{{arn: 'arn:aws:iam::111122223333:policy/p{n}'}}")).collect();
    let yaml = format!("{{managedPolicies: [{}], features: [{{name: Tracing}}]}}", policies.join(", "));
    assert_eq!(
        faults(&yaml),
        [
            "spec.managedPolicies: makes 26 attached policies with those of features and event sources, 1 more than the 25 that the account allows for a role: ask AWS for a higher quota, or choose form Inline"
        ]
    );
}

#[test]
fn a_broken_one_of_is_told_in_the_words_of_the_crd() {
    assert_eq!(faults("eventSources: [{}]"), [format!("spec.eventSources[0]: {}", rule::EVENT_SOURCE_ONE)]);
    assert_eq!(faults("destinations: [{}]"), [format!("spec.destinations[0]: {}", rule::DESTINATION_ONE)]);
}

/// The fields of the schema at `pointer` of the spec.
fn fields(pointer: &str) -> BTreeSet<String> {
    let crd = serde_json::to_value(&crate::api::crds()[0]).unwrap();
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let fields = crd.pointer(&format!("{spec}/{pointer}/properties")).unwrap().as_object().unwrap();
    fields.keys().cloned().collect()
}

fn parameters<'a>(recipes: impl IntoIterator<Item = &'a Recipe>) -> BTreeSet<String> {
    recipes.into_iter().flat_map(|recipe| &recipe.parameters).map(|parameter| parameter.name.clone()).collect()
}

#[test]
fn every_field_of_the_api_is_a_parameter_of_its_recipe_and_the_other_way_round() {
    let names: Vec<&str> = catalog::features().iter().map(|recipe| recipe.name.as_str()).collect();
    let features: Vec<String> = FeatureName::iter().map(|name| name.to_string()).collect();
    assert_eq!(names, features);
    let own = set(&["name", "form"]);
    assert_eq!(&fields("features/items") - &own, parameters(catalog::features()));
    for (list, recipes) in [("eventSources", catalog::event_sources()), ("destinations", catalog::destinations())] {
        let kinds = fields(&format!("{list}/items"));
        assert_eq!(kinds, recipes.iter().map(|recipe| recipe.name.clone()).collect(), "{list}");
        for recipe in recipes {
            let fields = fields(&format!("{list}/items/properties/{}", recipe.name));
            assert_eq!(fields.contains("form"), recipe.has_managed_policy(), "{}", recipe.name);
            assert_eq!(&fields - &set(&["form"]), parameters([recipe]), "{}", recipe.name);
        }
    }
}
