//! What is refused at admission, and in which words; and what is left to the controller.

use rstest::rstest;
use serde_json::{Value, json};

use super::{POLICY, Request, class, namespace, refusals, role};
use crate::api::tests::spec;

/// What the class production says beside whose it is.
fn for_all(rest: &str) -> Value {
    spec(&format!("{{namespaces: {{names: ['*']}}, {rest}}}"))
}

fn guardrails(rules: &str) -> Value {
    for_all(&format!("guardrails: {{{rules}}}"))
}

/// What a role says beside its class.
fn asked(rest: &str) -> Value {
    spec(&format!("{{className: production, {rest}}}"))
}

fn statement(members: &str) -> Value {
    asked(&format!("statements: [{{effect: Allow, {members}}}]"))
}

fn trust(principals: &str) -> Value {
    asked(&format!("trust: {{statements: [{{effect: Allow, principals: {principals}}}]}}"))
}

#[rstest]
#[case::by_name("{names: [shop]}", true)]
#[case::by_pattern("{names: [billing, 's?o*']}", true)]
#[case::another_name("{names: [shops, sho, 'x*']}", false)]
#[case::dot_is_no_wildcard("{names: ['sh.p']}", false)]
#[case::nothing("{}", false)]
#[case::everything("{selector: {}}", true)]
#[case::label("{selector: {matchLabels: {tier: product}}}", true)]
#[case::label_of_another_value("{selector: {matchLabels: {tier: Product}}}", false)]
#[case::one_label_of_two("{selector: {matchLabels: {tier: product, stage: live}}}", false)]
#[case::label_in("{selector: {matchExpressions: [{key: tier, operator: In, values: [a, product]}]}}", true)]
#[case::label_not_in("{selector: {matchExpressions: [{key: tier, operator: NotIn, values: [a, product]}]}}", false)]
#[case::missing_label_in("{selector: {matchExpressions: [{key: stage, operator: In, values: [live]}]}}", false)]
#[case::missing_label_not_in("{selector: {matchExpressions: [{key: stage, operator: NotIn, values: [live]}]}}", true)]
#[case::label_exists("{selector: {matchExpressions: [{key: tier, operator: Exists}]}}", true)]
#[case::missing_label_exists("{selector: {matchExpressions: [{key: stage, operator: Exists}]}}", false)]
#[case::label_does_not_exist("{selector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}", false)]
#[case::missing_label_does_not_exist("{selector: {matchExpressions: [{key: stage, operator: DoesNotExist}]}}", true)]
#[case::labels_and_expressions(
    "{selector: {matchLabels: {tier: product}, matchExpressions: [{key: stage, operator: Exists}]}}",
    false
)]
#[case::name_or_label("{names: [shop], selector: {matchLabels: {tier: other}}}", true)]
fn a_class_is_for_the_namespaces_that_it_names(#[case] namespaces: &str, #[case] is_for: bool) {
    let said = POLICY.refusals(&Request {
        object: role(&asked("")),
        old: None,
        class: class(&spec(&format!("{{namespaces: {namespaces}}}"))),
        namespace: namespace(&json!({"tier": "product"})),
    });
    let expected = "Namespace shop may not use LambdaRoleClass production: spec.namespaces of the class does not select it. Ask whoever runs the class, or make a new object with another spec.className";
    assert_eq!(said, if is_for { vec![] } else { vec![expected] });
}

#[test]
fn of_a_class_that_is_not_for_the_namespace_nothing_else_is_said() {
    let said = refusals(&asked("roleName: x"), &spec("{namespaces: {}}"));
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn an_object_of_another_class_is_not_judged() {
    assert_eq!(refusals(&spec("{className: other}"), &spec("{namespaces: {}}")), [] as [String; 0]);
}

/// Which class it gets, the controller decides; but no default class would let it be so.
#[rstest]
#[case::of_a_default_class("true", "{}", "{names: [shop]}", true)]
#[case::of_a_class_that_is_no_default("false", "{}", "{names: [shop]}", false)]
#[case::of_a_default_class_of_others("true", "{}", "{names: [billing]}", false)]
#[case::bound_to_it("false", "{className: production}", "{names: [shop]}", true)]
#[case::bound_to_another("true", "{className: other}", "{names: [shop]}", false)]
fn an_object_that_names_no_class(
    #[case] is_default: &str,
    #[case] status: &str,
    #[case] namespaces: &str,
    #[case] is_judged: bool,
) {
    let mut object = role(&spec("{roleName: x}"));
    object["status"] = spec(status);
    let mut class = class(&spec(&format!("{{namespaces: {namespaces}}}")));
    class["metadata"]["annotations"] = json!({"lambdaroles.dev/is-default-class": is_default});
    let said = POLICY.refusals(&Request { object, old: None, class, namespace: namespace(&json!({})) });
    assert_eq!(said.len(), usize::from(is_judged), "{said:?}");
}

#[rstest]
#[case::label_and_finalizer("{roleName: x}", "{roleName: x}", json!({"labels": {"a": "b"}, "finalizers": []}), false)]
#[case::spec("{roleName: x}", "{roleName: x, description: a}", json!({}), true)]
#[case::suspension("{roleName: x}", "{roleName: x, suspend: true}", json!({}), false)]
#[case::end_of_the_suspension("{roleName: x, suspend: true}", "{roleName: x}", json!({}), true)]
#[case::deletion("{roleName: x}", "{roleName: x, description: a}", json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}), false)]
fn an_object_that_the_class_refuses_by_now_can_be_let_go(
    #[case] old: &str,
    #[case] new: &str,
    #[case] metadata: Value,
    #[case] is_refused: bool,
) {
    let of = |yaml: &str| {
        let mut spec = spec(yaml);
        spec["className"] = json!("production");
        role(&spec)
    };
    let mut object = of(new);
    object["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    let said = POLICY.refusals(&Request {
        object,
        old: Some(of(old)),
        class: class(&for_all("")),
        namespace: namespace(&json!({})),
    });
    assert_eq!(!said.is_empty(), is_refused, "{said:?}");
}

/// For each rule a role that breaks it alone, and what is said.
#[rstest]
#[case::role_name(
    for_all(""),
    asked("roleName: orders"),
    "spec.roleName: is orders, which the class does not allow (spec.naming.allowedRoleNames of production). Leave it out, which makes it $(namespace)-$(name)"
)]
#[case::role_name_outside_the_patterns(
    for_all("naming: {roleName: 'a-$(name)', allowedRoleNames: ['$(namespace)-*', 'x.y']}"),
    asked("roleName: xzy"),
    "spec.roleName: is xzy, which the class does not allow (spec.naming.allowedRoleNames of production). Leave it out, which makes it a-$(name), or choose one that matches $(namespace)-*, x.y"
)]
#[case::role_name_that_may_not_be_taken_over(
    for_all("naming: {adoptable: ['legacy-*']}"),
    asked("roleName: other, adoption: ExistingRole"),
    "spec.roleName: is other, which the class does not allow (spec.naming.allowedRoleNames of production). Leave it out, which makes it $(namespace)-$(name)"
)]
#[case::path(
    for_all("naming: {path: '/lambda/$(namespace)/', allowedPaths: ['/teams/*/']}"),
    asked("path: /lambda/billing/"),
    "spec.path: is /lambda/billing/, which the class does not allow (spec.naming.allowedPaths of production). Leave it out, which makes it /lambda/$(namespace)/, or choose one that matches /teams/*/"
)]
#[case::boundary(
    guardrails("permissionsBoundary: {arn: 'arn:aws:iam::123456789012:policy/b'}"),
    asked("permissionsBoundary: {arn: 'arn:aws:iam::123456789012:policy/c'}"),
    "spec.permissionsBoundary.arn: is arn:aws:iam::123456789012:policy/c, which the class does not allow (spec.guardrails.permissionsBoundary of production). Leave it out: the role gets arn:aws:iam::123456789012:policy/b"
)]
#[case::boundary_missing(
    guardrails("permissionsBoundary: {allowed: ['arn:aws:iam::123456789012:policy/b*']}"),
    asked(""),
    "spec.permissionsBoundary: is missing, and the class has none of its own (spec.guardrails.permissionsBoundary of production). Choose one of arn:aws:iam::123456789012:policy/b*"
)]
#[case::edge(
    for_all(""),
    asked("trust: {edge: true}"),
    "spec.trust: trusts edgelambda.amazonaws.com, whom the class does not allow (spec.guardrails.trust.services of production). Trust only those whom the class allows, or have it allow this one"
)]
#[case::service(
    guardrails("trust: {services: [scheduler.amazonaws.com]}"),
    trust("{service: [scheduler.amazonaws.com, states.amazonaws.com, lambda.amazonaws.com]}"),
    "spec.trust: trusts states.amazonaws.com, whom the class does not allow (spec.guardrails.trust.services of production). Trust only those whom the class allows, or have it allow this one"
)]
#[case::account(
    guardrails("trust: {principals: ['111122223333', 'arn:aws:iam::444455556666:root']}"),
    trust(
        "{aws: ['444455556666', 'arn:aws:iam::111122223333:root', '777788889999', 'arn:aws:iam::111122223333:role/a']}"
    ),
    "spec.trust.statements: trusts 777788889999, arn:aws:iam::111122223333:role/a, whom the class does not allow (spec.guardrails.trust.principals of production). Trust only those whom the class allows, or have it allow this one"
)]
#[case::everyone(
    guardrails("trust: {principals: ['arn:*', '????????????', '**']}"),
    trust("{aws: ['*']}"),
    "spec.trust.statements: trusts *, whom the class does not allow (spec.guardrails.trust.principals of production). Trust only those whom the class allows, or have it allow this one"
)]
#[case::provider(
    guardrails("trust: {federated: ['arn:aws:iam::123456789012:oidc-provider/*']}"),
    trust("{federated: [accounts.google.com]}"),
    "spec.trust.statements: trusts accounts.google.com, whom the class does not allow (spec.guardrails.trust.federated of production). Trust only those whom the class allows, or have it allow this one"
)]
#[case::itself(
    for_all(""),
    asked("trust: {self: true}"),
    "spec.trust.self: trusts the role itself, whom the class does not allow (spec.guardrails.trust.self of production). Trust only those whom the class allows, or have it allow this one"
)]
#[case::tags_missing(
    for_all(
        "guardrails: {tags: {required: [team, cost, stage, owner], forced: {Team: a}}}, defaults: {tags: {STAGE: b}}"
    ),
    asked("tags: {Cost: ''}"),
    "spec.tags: has no value for cost, owner (spec.guardrails.tags.required of production). Add the tag"
)]
#[case::tag_of_another_value(
    guardrails("tags: {forced: {team: '$(namespace)/$(name)', other: '$(region)'}}"),
    asked("tags: {Team: shop, other: x}"),
    "spec.tags: gives Team another value than the class (spec.guardrails.tags.forced of production). Leave it out"
)]
#[case::tag_reserved(
    guardrails("tags: {reserved: ['access-*', 'x-$(region)']}"),
    asked("tags: {Access-Level: admin, x-eu: z, accessory: z}"),
    "spec.tags: has Access-Level, which is not for roles to set (spec.guardrails.tags.reserved of production). Leave it out"
)]
#[case::policies(
    guardrails(
        "managedPolicies: {allowed: ['AWSLambda*', 'arn:aws:iam::aws:policy/job-function/ViewOnlyAccess', 'arn:aws:iam::$(accountId):policy/$(namespace)/*']}"
    ),
    asked(
        "managedPolicies: [{aws: service-role/AWSLambdaRole}, {arn: 'arn:aws:iam::aws:policy/service-role/AWSLambdaRole'}, {aws: ViewOnlyAccess}, {arn: 'arn:aws:iam::123456789012:policy/shop/a'}, {arn: 'arn:aws:iam::123456789012:policy/billing/a'}, {aws: AmazonS3FullAccess}]"
    ),
    "spec.managedPolicies: attaches arn:aws:iam::123456789012:policy/billing/a, AmazonS3FullAccess, which is not listed (spec.guardrails.managedPolicies.allowed of production). Attach one that it lists, or have the class allow it"
)]
#[case::no_policies(
    guardrails("managedPolicies: {allowed: []}"),
    asked("managedPolicies: [{aws: AWSLambdaBasicExecutionRole}]"),
    "spec.managedPolicies: attaches AWSLambdaBasicExecutionRole, which is not listed (spec.guardrails.managedPolicies.allowed of production). Attach one that it lists, or have the class allow it"
)]
#[case::policies_denied(
    guardrails("managedPolicies: {denied: [AdministratorAccess, '*FullAccess', 'arn:aws:iam::*:policy/legacy/*']}"),
    asked(
        "managedPolicies: [{aws: administratoraccess}, {arn: 'arn:aws:iam::aws:policy/AmazonS3FullAccess'}, {arn: 'arn:aws:iam::123456789012:policy/legacy/a'}, {arn: 'arn:aws:iam::123456789012:policy/MyFullAccess'}, {aws: AWSLambdaRole}]"
    ),
    "spec.managedPolicies: attaches administratoraccess, arn:aws:iam::aws:policy/AmazonS3FullAccess, arn:aws:iam::123456789012:policy/legacy/a, which is denied (spec.guardrails.managedPolicies.denied of production). Detach it"
)]
#[case::functions(
    guardrails("sourceFunctions: ['$(namespace)-*', 'arn:aws:lambda:eu-west-1:123456789012:function:shared']"),
    statement(
        "actions: ['s3:GetObject'], resources: ['*'], sourceFunctionArns: [shop-a, shared, 'arn:aws:lambda:eu-north-1:123456789012:function:shop-*', billing-a, '*']"
    ),
    "spec.statements: names billing-a, *, which no entry takes in (spec.guardrails.sourceFunctions of production). Name functions that the class allows, with an ARN operator"
)]
#[case::functions_by_default(
    guardrails("sourceFunctions: ['$(namespace)-*']"),
    spec(
        "{className: production, sourceFunctionArns: [billing], statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['*']}, {effect: Allow, actions: ['s3:PutObject'], resources: ['*'], sourceFunctionArns: []}]}"
    ),
    "spec.statements: names billing, which no entry takes in (spec.guardrails.sourceFunctions of production). Name functions that the class allows, with an ARN operator"
)]
#[case::climbing(
    for_all(""),
    statement("actions: ['s3:GetObject', 'IAM:passrole', 'sts:AssumeRoot', 'organizations:List*'], resources: ['*']"),
    "spec.statements: allows IAM:passrole, sts:AssumeRoot, organizations:List*, which leads to other identities (denied by default; spec.guardrails.permissions.exempted of production). Leave it out, or have the class exempt it"
)]
#[case::climbing_by_a_wildcard(
    for_all(""),
    statement("actions: ['*', 'sts:*', 's3:*'], resources: ['arn:aws:s3:::b']"),
    "spec.statements: allows *, sts:*, which leads to other identities (denied by default; spec.guardrails.permissions.exempted of production). Leave it out, or have the class exempt it"
)]
#[case::climbing_by_any_role(
    for_all(""),
    statement("actions: ['sts:Assume?ole', 'sts:AssumeRole*', 'sts:TagSession'], resources: ['*']"),
    "spec.statements: allows sts:Assume?ole, sts:AssumeRole*, which leads to other identities (denied by default; spec.guardrails.permissions.exempted of production). Leave it out, or have the class exempt it"
)]
#[case::climbing_beside_what_is_exempted(
    guardrails("permissions: {exempted: [{actions: ['iam:PassRole']}]}"),
    statement("actions: ['iam:PassRole', 'iam:Pass*'], resources: ['*']"),
    "spec.statements: allows iam:Pass*, which leads to other identities (denied by default; spec.guardrails.permissions.exempted of production). Leave it out, or have the class exempt it"
)]
#[case::actions(
    guardrails("permissions: {allowed: [{actions: ['s3:Get*', 'dynamodb:*Item']}, {actions: ['sqs:SendMessage']}]}"),
    statement("actions: ['S3:getobject', 's3:*', 'dynamodb:GetItem', 'sqs:*'], resources: ['*']"),
    "spec.statements: allows s3:*, sqs:*, which no entry takes in (spec.guardrails.permissions.allowed of production). Ask only for what one entry takes in, the action and the resource, or have the class allow more"
)]
#[case::no_actions(
    guardrails("permissions: {allowed: []}"),
    statement("actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*']"),
    "spec.statements: allows s3:GetObject, which no entry takes in (spec.guardrails.permissions.allowed of production). Ask only for what one entry takes in, the action and the resource, or have the class allow more"
)]
#[case::actions_denied(
    guardrails(
        "permissions: {denied: [{actions: ['kms:*', 's3:Delete*']}, {actions: ['ec2:*'], resources: ['arn:aws:ec2:*']}]}"
    ),
    statement("actions: ['kms:Decrypt', 's3:*', 's3:Get*', 'ec2:RunInstances'], resources: ['arn:aws:s3:::b']"),
    "spec.statements: allows kms:Decrypt, s3:*, some or all of which is denied (spec.guardrails.permissions.denied of production). Ask for nothing that it denies: neither a condition nor a Deny beside it excuses that"
)]
#[case::resources(
    guardrails(
        "permissions: {allowed: [{resources: ['arn:aws:s3:::$(namespace)-*']}, {resources: ['arn:aws:sqs:$(region):$(accountId):*']}]}"
    ),
    statement(
        "actions: ['s3:GetObject'], resources: ['arn:aws:s3:::shop-a/*', 'arn:aws:s3:::shop*', 'arn:aws:sqs:eu-west-1:123456789012:q', 'arn:aws:s3:::${aws:username}', '*']"
    ),
    "spec.statements: allows what it does on arn:aws:s3:::shop*, *, which no entry takes in (spec.guardrails.permissions.allowed of production). Ask only for what one entry takes in, the action and the resource, or have the class allow more"
)]
#[case::not_actions(
    guardrails("permissions: {denied: [{actions: ['kms:*']}]}"),
    statement("notActions: ['kms:*', 'iam:*'], resources: ['*']"),
    "spec.statements: allows all but what it lists, and the class limits what may be allowed (spec.guardrails.permissions of production). List the actions and the resources that are needed"
)]
#[case::not_resources(
    guardrails("permissions: {allowed: [{actions: ['s3:*']}]}"),
    statement("actions: ['s3:GetObject'], notResources: ['arn:aws:s3:::b']"),
    "spec.statements: allows all but what it lists, and the class limits what may be allowed (spec.guardrails.permissions of production). List the actions and the resources that are needed"
)]
#[case::features_where_all_is_scoped(
    guardrails("requireSourceFunctionScope: Always"),
    asked("features: [{name: Tracing}]"),
    "spec: features, eventSources and destinations allow calls whatever code calls (spec.guardrails.requireSourceFunctionScope of production). Leave them out"
)]
#[case::no_scope_where_all_is_scoped(
    guardrails("requireSourceFunctionScope: Always"),
    statement("actions: ['s3:GetObject'], resources: ['*']"),
    "spec.statements: allows calls whatever code calls (spec.guardrails.requireSourceFunctionScope of production). Name the functions in sourceFunctionArns"
)]
fn a_broken_rule_is_named(#[case] class: Value, #[case] role: Value, #[case] message: &str) {
    assert_eq!(refusals(&role, &class), [message]);
}

/// What complies, and what only the controller can tell.
#[rstest]
#[case::nothing(for_all(""), asked(""))]
#[case::role_name_of_the_template(for_all(""), asked("roleName: shop-orders"))]
#[case::role_name_with_a_region(
    for_all("naming: {roleName: '$(region)-$(name)'}"),
    asked("roleName: eu-west-1-orders")
)]
#[case::role_name_in_another_case(for_all("naming: {allowedRoleNames: ['Shop-*']}"), asked("roleName: shop-A+b"))]
#[case::path(for_all("naming: {allowedPaths: ['/$(namespace)/*']}"), asked("path: /shop/a/b/"))]
#[case::name_and_path_of_a_role_that_is_taken_over(
    for_all("naming: {adoptable: ['legacy-*']}"),
    asked("roleName: legacy-a, path: /old/, adoption: Observe")
)]
#[case::root_path(for_all(""), asked("path: /"))]
#[case::path_with_placeholders(for_all(""), asked("path: /$(namespace)/"))]
#[case::boundary_of_the_class(
    guardrails("permissionsBoundary: {arn: 'arn:$(partition):iam::$(accountId):policy/b'}"),
    asked("permissionsBoundary: {arn: 'arn:aws:iam::123456789012:policy/b'}")
)]
#[case::boundary_by_placeholder(
    guardrails("permissionsBoundary: {arn: 'arn:aws:iam::123456789012:policy/b'}"),
    asked("permissionsBoundary: {arn: 'arn:aws:iam::$(accountId):policy/b'}")
)]
#[case::any_boundary(for_all(""), asked("permissionsBoundary: {arn: 'arn:aws:iam::123456789012:policy/b'}"))]
#[case::trust_of_those_allowed(
    guardrails("trust: {services: ['*.amazonaws.com'], principals: ['*'], federated: ['*'], self: true}"),
    asked(
        "trust: {edge: true, self: true, statements: [{effect: Allow, principals: {aws: ['*', '111122223333'], service: [a.amazonaws.com], federated: [accounts.google.com]}}]}"
    )
)]
#[case::own_role(guardrails("trust: {self: true}"), trust("{aws: ['arn:aws:iam::123456789012:role/shop-orders']}"))]
#[case::denied_trust(for_all(""), asked("trust: {statements: [{effect: Deny, principals: {aws: ['*']}}]}"))]
#[case::tags(
    guardrails("tags: {required: [team], forced: {stage: live}, reserved: ['access-*', stage]}"),
    asked("tags: {TEAM: a, Stage: live, b: c}")
)]
#[case::tags_beyond_ascii(guardrails("tags: {required: [KOSTEN]}"), asked("tags: {\u{212A}osten: a}"))]
#[case::exempted(
    guardrails(
        "permissions: {exempted: [{actions: ['iam:Pass*'], resources: ['arn:aws:iam::123456789012:role/a']}, {resources: ['arn:aws:iam::123456789012:role/b']}]}"
    ),
    statement("actions: ['iam:PassRole', 'sts:AssumeRoot'], resources: ['*']")
)]
#[case::named_role(
    for_all(""),
    statement("actions: ['sts:AssumeRole'], resources: ['arn:aws:iam::123456789012:role/a']")
)]
#[case::all_but(for_all(""), statement("notActions: ['iam:*'], notResources: ['arn:aws:s3:::b']"))]
#[case::denial_of_everything(
    guardrails("permissions: {allowed: []}"),
    asked("statements: [{effect: Deny, notActions: ['*'], notResources: ['*']}]")
)]
#[case::denied_by_what_two_patterns_share(
    guardrails("permissions: {denied: [{actions: ['s3:Delete*']}]}"),
    statement("actions: ['s3:*Object'], resources: ['*']")
)]
#[case::resource_with_a_literal_wildcard(
    guardrails("permissions: {allowed: [{resources: ['arn:aws:s3:::b/?']}]}"),
    statement("actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/${*}']")
)]
#[case::resource_with_a_placeholder(
    guardrails("permissions: {allowed: [{resources: ['arn:aws:s3:::shop-*']}]}"),
    statement("actions: ['s3:GetObject'], resources: ['arn:aws:s3:::$(namespace)-a']")
)]
#[case::denied_on_some_resources(
    guardrails(
        "permissions: {denied: [{actions: ['s3:*'], resources: ['arn:aws:s3:::payroll*']}, {resources: ['arn:aws:kms:*']}]}"
    ),
    statement("actions: ['s3:*'], resources: ['arn:aws:s3:::orders']")
)]
#[case::scope_by_condition(
    guardrails("requireSourceFunctionScope: Always, sourceFunctions: [shop]"),
    statement(
        "actions: ['s3:GetObject'], resources: ['*'], sourceFunctionArns: [billing], conditions: {ArnLike: {'Lambda:sourcefunctionarn': 'arn:aws:lambda:*:*:function:shop'}}"
    )
)]
#[case::negated_scope(
    guardrails("sourceFunctions: [shop]"),
    statement(
        "actions: ['s3:GetObject'], resources: ['*'], sourceFunctionArns: [billing], sourceFunctionArnOperator: ArnNotLike"
    )
)]
#[case::scope_that_nothing_inherits(guardrails("sourceFunctions: [shop]"), asked("sourceFunctionArns: [billing]"))]
#[case::function_by_placeholder(
    guardrails("sourceFunctions: ['shop-*']"),
    statement("actions: ['s3:GetObject'], resources: ['*'], sourceFunctionArns: ['$(namespace)-a']")
)]
#[case::function_of_a_region_that_admission_does_not_know(
    guardrails("sourceFunctions: ['arn:aws:lambda:$(region):*:function:$(roleName)']"),
    statement("actions: ['s3:GetObject'], resources: ['*'], sourceFunctionArns: [any]")
)]
#[case::denied_policy_by_a_region(
    guardrails("managedPolicies: {denied: ['arn:aws:iam::*:policy/$(region)']}"),
    asked("managedPolicies: [{arn: 'arn:aws:iam::123456789012:policy/eu-west-1'}]")
)]
#[case::policies_by_placeholder(
    guardrails("managedPolicies: {allowed: ['arn:aws:iam::123456789012:policy/a'], denied: ['*']}"),
    asked("managedPolicies: [{arn: 'arn:aws:iam::$(accountId):policy/a'}]")
)]
fn what_complies_or_only_the_controller_can_tell_is_admitted(#[case] class: Value, #[case] role: Value) {
    assert_eq!(refusals(&role, &class), [] as [String; 0]);
}

/// Whatever a pattern holds is itself in the regular expression.
#[test]
fn nothing_but_wildcards_is_special_in_a_pattern() {
    for c in r".+()[]{}|^$\-/,=@_&~#:;".chars() {
        let class = json!({
            "namespaces": {"names": ["*"]},
            "naming": {"allowedPaths": [format!("/a{c}b/?*/")]},
        });
        let is_admitted = |path: String| refusals(&json!({"className": "production", "path": path}), &class).is_empty();
        assert!(is_admitted(format!("/a{c}b/xyz/")), "{c}");
        assert!(!is_admitted(format!("/a{c}b/")), "{c}");
        assert!(!is_admitted("/aab/x/".to_owned()), "{c}");
        assert!(!is_admitted("/ab/x/".to_owned()), "{c}");
    }
}
