//! What the policies allow, and who may use them.

mod escalation;

use rstest::rstest;

use super::*;
use crate::{
    api::{CLUSTER_TAG, LambdaRoleClassSpec, NAME_TAG, NAMESPACE_TAG},
    catalog::service_reference,
    policy::{
        Document,
        document::{Effect, Matching},
        evaluate::{Context, Policies, Request, evaluate},
    },
};

const CLUSTER: &str = "production-eu";
const OWN: &str = "arn:aws:iam::111122223333:role/platform/lambdaroles";
const SPOKE: &str = "arn:aws:iam::444455556666:role/lambdaroles";
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/lambda-boundary";
const XRAY: &str = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess";
const SHARED: &str = "arn:aws:iam::111122223333:policy/shared/orders";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const ROLE: &str = "arn:aws:iam::111122223333:role/lambda/shop/shop-orders";
const POLICY: &str = "arn:aws:iam::111122223333:policy/lambda/shop/shop-orders";
const LEGACY: &str = "arn:aws:iam::111122223333:role/lambda/shop/legacy-orders";

const OVERFLOW: &str = "arn:aws:iam::111122223333:policy/lambda/shop/shop-orders+2";
const LEGACY_OVERFLOW: &str = "arn:aws:iam::111122223333:policy/lambda/shop/legacy-orders+2";

const STRICT: &str = r#"
account: {id: "111122223333"}
namespaces: {names: ["*"]}
naming:
  path: /lambda/$(namespace)/
  allowedRoleNames: ["$(namespace)-*"]
  adoptable: ["legacy-*"]
guardrails:
  permissionsBoundary: {arn: "arn:aws:iam::$(accountId):policy/lambda-boundary"}
  managedPolicies: {allowed: [AWSXRayDaemonWriteAccess, "arn:aws:iam::$(accountId):policy/shared/*"]}
"#;

const OPEN: &str = r#"{account: {id: "111122223333"}, namespaces: {names: ["*"]}}"#;

fn class(yaml: &str) -> LambdaRoleClassSpec {
    serde_saphyr::from_str(yaml).unwrap()
}

fn controller() -> Controller<'static> {
    let workload = Workload {
        namespace: "lambdaroles-system",
        service_account: "lambdaroles",
        oidc_provider: "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
    };
    Controller { cluster: CLUSTER, role_arn: OWN, workload }
}

fn rights_of(classes: &[(&str, &str)]) -> Vec<Rights> {
    let specs: Vec<_> = classes.iter().map(|(name, yaml)| (*name, class(yaml))).collect();
    let named: Vec<_> = specs.iter().map(|(name, spec)| (*name, spec)).collect();
    rights(&controller(), &named).unwrap()
}

/// The policy of the controller's own role.
fn policy(yaml: &str) -> Document {
    rights_of(&[("class", yaml)]).remove(0).identity_policy
}

fn is_allowed(policy: &Document, action: &str, resource: &str, context: &Context) -> bool {
    let policies = Policies { identity: std::slice::from_ref(policy), ..Policies::default() };
    evaluate(&policies, &Request { action, resource, context }).is_allowed()
}

/// A role's tags, as they are seen by a request on it.
fn tagged(cluster: &str) -> Context {
    Context::default()
        .with(&format!("aws:ResourceTag/{CLUSTER_TAG}"), cluster)
        .with(&format!("aws:ResourceTag/{NAMESPACE_TAG}"), "shop")
        .with(&format!("aws:ResourceTag/{NAME_TAG}"), "orders")
}

/// The same in the request.
fn tagging(context: Context, cluster: &str) -> Context {
    context
        .with(&format!("aws:RequestTag/{CLUSTER_TAG}"), cluster)
        .with(&format!("aws:RequestTag/{NAMESPACE_TAG}"), "shop")
        .with_many("aws:TagKeys", [CLUSTER_TAG, NAMESPACE_TAG])
}

fn bound(context: Context, arn: &str) -> Context {
    context.with("iam:PermissionsBoundary", arn)
}

fn ours() -> Context {
    bound(tagged(CLUSTER), BOUNDARY)
}

fn attaching(arn: &str) -> Context {
    ours().with("iam:PolicyARN", arn)
}

fn nothing() -> Context {
    Context::default()
}

/// Everything that the controller asks for under the strict class.
fn needed() -> Vec<(&'static str, &'static str, Context)> {
    let mut needed = vec![
        ("iam:GetAccountSummary", "*", nothing()),
        ("lambda:ListFunctions", "*", nothing()),
        ("iam:GetPolicy", SHARED, nothing()),
        ("iam:GetPolicyVersion", XRAY, nothing()),
        ("iam:ListPolicyVersions", POLICY, tagged(CLUSTER)),
        ("iam:ListEntitiesForPolicy", POLICY, tagged(CLUSTER)),
        ("iam:CreatePolicy", POLICY, tagging(nothing(), CLUSTER)),
        ("iam:TagPolicy", POLICY, tagging(nothing(), CLUSTER)),
        (
            "iam:TagPolicy",
            POLICY,
            tagged(CLUSTER).with("aws:RequestTag/team", "shop").with_many("aws:TagKeys", ["team"]),
        ),
        ("iam:UntagPolicy", POLICY, tagged(CLUSTER).with_many("aws:TagKeys", ["team", "stage"])),
        ("iam:CreatePolicyVersion", POLICY, tagged(CLUSTER)),
        ("iam:DeletePolicyVersion", POLICY, tagged(CLUSTER)),
        ("iam:DeletePolicy", POLICY, tagged(CLUSTER)),
        ("iam:AttachRolePolicy", ROLE, attaching(POLICY)),
        ("iam:ListPolicyVersions", OVERFLOW, tagged(CLUSTER)),
        ("iam:CreatePolicy", OVERFLOW, tagging(nothing(), CLUSTER)),
        ("iam:TagPolicy", OVERFLOW, tagging(nothing(), CLUSTER)),
        ("iam:CreatePolicyVersion", OVERFLOW, tagged(CLUSTER)),
        ("iam:DeletePolicyVersion", OVERFLOW, tagged(CLUSTER)),
        ("iam:DeletePolicy", OVERFLOW, tagged(CLUSTER)),
        ("iam:CreatePolicy", LEGACY_OVERFLOW, tagging(nothing(), CLUSTER)),
        ("iam:DeletePolicy", LEGACY_OVERFLOW, tagged(CLUSTER)),
        ("iam:AttachRolePolicy", ROLE, attaching(OVERFLOW)),
        ("iam:AttachRolePolicy", LEGACY, attaching(LEGACY_OVERFLOW)),
        ("iam:CreateRole", ROLE, bound(tagging(nothing(), CLUSTER), BOUNDARY)),
        ("iam:TagRole", ROLE, tagging(nothing(), CLUSTER)),
        ("iam:TagRole", LEGACY, tagging(nothing().with("aws:ResourceTag/team", "shop"), CLUSTER)),
        ("iam:TagRole", ROLE, tagged(CLUSTER).with("aws:RequestTag/team", "shop").with_many("aws:TagKeys", ["team"])),
        ("iam:TagRole", ROLE, tagging(tagged(CLUSTER), CLUSTER)),
        ("iam:UntagRole", ROLE, tagged(CLUSTER).with_many("aws:TagKeys", ["team", "stage"])),
        ("iam:AttachRolePolicy", ROLE, attaching(XRAY)),
        ("iam:AttachRolePolicy", LEGACY, attaching(SHARED)),
        ("iam:DetachRolePolicy", ROLE, attaching(ADMINISTRATOR)),
        ("iam:DetachRolePolicy", LEGACY, bound(tagged(CLUSTER), ADMINISTRATOR).with("iam:PolicyARN", ADMINISTRATOR)),
        ("iam:PutRolePermissionsBoundary", LEGACY, ours()),
        ("iam:DeleteRolePolicy", LEGACY, tagged(CLUSTER)),
        ("iam:DeleteRole", ROLE, tagged(CLUSTER)),
        ("iam:UpdateRole", ROLE, ours()),
    ];
    for action in ["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"] {
        needed.extend([(action, ROLE, ours()), (action, LEGACY, ours())]);
    }
    for action in [
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies",
    ] {
        needed.push((action, ROLE, ours()));
    }
    needed.extend([
        // What does not exist has no path yet, and what stands in the way may have another.
        ("iam:GetRole", "arn:aws:iam::111122223333:role/shop-orders", nothing()),
        ("iam:GetRole", "arn:aws:iam::111122223333:role/elsewhere/legacy-orders", tagged("another")),
        ("iam:GetRole", "arn:aws:iam::111122223333:role/legacy-orders", nothing()),
    ]);
    needed
}

#[test]
fn what_the_controller_needs_is_allowed() {
    let policy = policy(STRICT);
    for (action, resource, context) in needed() {
        assert!(is_allowed(&policy, action, resource, &context), "{action} on {resource} with {context:?}\n{policy}");
    }
}

/// Each action and each resource of each statement that allows is there for some request.
#[test]
fn nothing_is_allowed_that_no_call_needs() {
    let policy = policy(STRICT);
    let is_needed = |changed: &Document| {
        needed().iter().any(|(action, resource, context)| !is_allowed(changed, action, resource, context))
    };
    for (index, statement) in policy.statements.iter().enumerate() {
        if statement.effect == Effect::Deny {
            continue;
        }
        let (Matching::In(actions), Some(Matching::In(resources))) = (&statement.actions, &statement.resources) else {
            panic!("{statement:?}");
        };
        for action in actions {
            let mut changed = policy.clone();
            changed.statements[index].actions = Matching::In(without(actions, action));
            assert!(is_needed(&changed), "{action} of {:?}", statement.sid);
        }
        for resource in resources {
            let mut changed = policy.clone();
            changed.statements[index].resources = Some(Matching::In(without(resources, resource)));
            assert!(is_needed(&changed), "{resource} of {:?}", statement.sid);
        }
    }
}

fn without(list: &[String], entry: &str) -> Vec<String> {
    list.iter().filter(|other| *other != entry).cloned().collect()
}

#[rstest]
#[case::strict(STRICT)]
#[case::open(OPEN)]
#[case::denied(
    "{account: {id: '111122223333'}, namespaces: {}, guardrails: {managedPolicies: {denied: [AdministratorAccess, 'Power*']}}}"
)]
fn every_action_and_key_exists_and_fits_its_resource(#[case] yaml: &str) {
    let policy = policy(yaml);
    assert_eq!(Document::parse(&policy.to_string()).as_ref(), Ok(&policy));
    let faults = crate::policy::check::faults(&policy, crate::policy::check::Kind::Identity);
    assert_eq!(faults, []);
    for statement in policy.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
        let (Matching::In(actions), Some(Matching::In(resources))) = (&statement.actions, &statement.resources) else {
            panic!("{statement:?}");
        };
        for action in actions {
            let (service, name) = action.split_once(':').unwrap();
            let known = service_reference::action(service, name).unwrap();
            assert_eq!(known.resource_level, !resources.contains(&"*".to_owned()), "{action}");
        }
        for key in statement.conditions.values().flat_map(|keys| keys.keys()) {
            assert_eq!(service_reference::is_condition_key(key), Some(true), "{key}");
        }
    }
}

#[test]
fn without_guardrails_everything_may_be_given_to_own_roles_and_the_warnings_say_so() {
    let rights = rights_of(&[("open", OPEN)]);
    let policy = &rights[0].identity_policy;
    let role = "arn:aws:iam::111122223333:role/shop-orders";
    let owned = tagged(CLUSTER);
    assert!(is_allowed(policy, "iam:AttachRolePolicy", role, &owned.clone().with("iam:PolicyARN", ADMINISTRATOR)));
    assert!(is_allowed(policy, "iam:DeleteRolePermissionsBoundary", role, &bound(owned.clone(), BOUNDARY)));
    assert!(is_allowed(policy, "iam:CreateRole", role, &tagging(nothing(), CLUSTER)));
    assert!(!is_allowed(policy, "iam:PutRolePolicy", role, &nothing()));
    assert!(!is_allowed(policy, "iam:PutRolePolicy", OWN, &owned));
    let [boundary, names] = rights[0].warnings.as_slice() else { panic!("{:?}", rights[0].warnings) };
    assert!(boundary.contains("class open forces no permissions boundary"), "{boundary}");
    assert!(names.contains("role/*-*") && names.contains("spec.naming.path"), "{names}");
    assert_eq!(rights_of(&[("strict", STRICT)])[0].warnings, Vec::<String>::new());
}

#[rstest]
#[case::literal("[AdministratorAccess]", ADMINISTRATOR, false)]
#[case::any_case("[AdministratorAccess]", "arn:aws:iam::aws:policy/administratoraccess", false)]
#[case::pattern("['Power*']", "arn:aws:iam::aws:policy/PowerUserAccess", false)]
#[case::path("['*Role']", "arn:aws:iam::aws:policy/service-role/AWSLambdaRole", false)]
#[case::another("[AdministratorAccess, 'Power*']", XRAY, true)]
fn what_may_not_be_attached_is_not(#[case] denied: &str, #[case] arn: &str, #[case] expected: bool) {
    let yaml = format!(
        "{{account: {{id: '111122223333'}}, namespaces: {{}}, guardrails: {{managedPolicies: {{denied: {denied}}}}}}}"
    );
    let context = tagged(CLUSTER).with("iam:PolicyARN", arn);
    let role = "arn:aws:iam::111122223333:role/shop-orders";
    assert_eq!(is_allowed(&policy(&yaml), "iam:AttachRolePolicy", role, &context), expected);
}

#[test]
fn where_nothing_may_be_attached_everything_may_be_detached() {
    let policy =
        policy("{account: {id: '111122223333'}, namespaces: {}, guardrails: {managedPolicies: {allowed: []}}}");
    let role = "arn:aws:iam::111122223333:role/shop-orders";
    let context = tagged(CLUSTER).with("iam:PolicyARN", XRAY);
    assert!(!is_allowed(&policy, "iam:AttachRolePolicy", role, &context));
    assert!(is_allowed(&policy, "iam:DetachRolePolicy", role, &context));
}

#[test]
fn boundaries_to_choose_from_are_patterns() {
    let policy = policy(
        "{account: {id: '111122223333'}, namespaces: {}, guardrails: {permissionsBoundary: {allowed: ['arn:aws:iam::$(accountId):policy/boundary-$(namespace)']}}}",
    );
    let role = "arn:aws:iam::111122223333:role/shop-orders";
    let put = |arn: &str| is_allowed(&policy, "iam:PutRolePermissionsBoundary", role, &bound(tagged(CLUSTER), arn));
    assert!(put("arn:aws:iam::111122223333:policy/boundary-shop"));
    assert!(!put("arn:aws:iam::111122223333:policy/shop") && !put(ADMINISTRATOR));
}

#[test]
fn a_class_that_observes_writes_nothing() {
    let policy = policy(&format!("{STRICT}\nmode: Observe"));
    for (action, resource, context) in needed() {
        let reads = action.starts_with("iam:Get") || action.contains(":List");
        assert_eq!(is_allowed(&policy, action, resource, &context), reads, "{action}");
    }
}

#[test]
fn classes_of_the_same_guardrails_share_statements_and_others_are_told_apart() {
    let other = STRICT.replace("/lambda/", "/batch/");
    let shared = rights_of(&[("one", STRICT), ("two", &other)]).remove(0);
    assert_eq!(shared.identity_policy.statements.len(), policy(STRICT).statements.len());
    let weaker = other.replace("lambda-boundary", "batch-boundary");
    let apart = rights_of(&[("one", STRICT), ("two", &weaker)]).remove(0);
    assert_eq!(apart.warnings, Vec::<String>::new());
    let batch = "arn:aws:iam::111122223333:role/batch/shop/shop-orders";
    let batch_boundary = "arn:aws:iam::111122223333:policy/batch-boundary";
    let put = |role: &str, boundary: &str| {
        is_allowed(&apart.identity_policy, "iam:PutRolePolicy", role, &bound(tagged(CLUSTER), boundary))
    };
    assert!(put(ROLE, BOUNDARY) && put(batch, batch_boundary));
    assert!(!put(ROLE, batch_boundary) && !put(batch, BOUNDARY));
}

#[test]
fn classes_of_different_guardrails_that_name_the_same_roles_are_warned_of() {
    let weaker = STRICT.replace("lambda-boundary", "batch-boundary");
    let warnings = rights_of(&[("one", STRICT), ("two", &weaker)]).remove(0).warnings;
    assert!(warnings[0].starts_with("classes one and two can name the same roles"), "{warnings:?}");
}

const FAR: &str = r#"
account:
  id: "444455556666"
  assumeRole: [{arn: "arn:aws:iam::444455556666:role/lambdaroles", externalId: lambdaroles-production}]
namespaces: {names: ["*"]}
naming: {path: /lambda/}
guardrails: {permissionsBoundary: {arn: "arn:aws:iam::$(accountId):policy/lambda-boundary"}}
"#;

#[test]
fn each_role_of_a_chain_gets_what_it_is_there_for() {
    let rights = rights_of(&[("near", STRICT), ("far", FAR)]);
    let [own, spoke] = rights.as_slice() else { panic!("{rights:#?}") };
    assert_eq!((own.role_arn.as_str(), own.account_id.as_str()), (OWN, "111122223333"));
    assert_eq!((spoke.role_arn.as_str(), spoke.account_id.as_str()), (SPOKE, "444455556666"));
    assert_eq!((own.classes.as_slice(), spoke.classes.as_slice()), (&["near".to_owned()][..], &["far".to_owned()][..]));
    for action in ["sts:AssumeRole", "sts:TagSession"] {
        assert!(is_allowed(&own.identity_policy, action, SPOKE, &nothing()));
        assert!(!is_allowed(&spoke.identity_policy, action, SPOKE, &nothing()));
    }
    let far = "arn:aws:iam::444455556666:role/lambda/shop-orders";
    let context = bound(tagged(CLUSTER), "arn:aws:iam::444455556666:policy/lambda-boundary");
    assert!(is_allowed(&spoke.identity_policy, "iam:PutRolePolicy", far, &context));
    assert!(!is_allowed(&own.identity_policy, "iam:PutRolePolicy", far, &context));
    assert!(!is_allowed(&spoke.identity_policy, "iam:UpdateAssumeRolePolicy", SPOKE, &context));
    let kinds: Vec<_> = own.trust_policies.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [AssumedBy::WebIdentity, AssumedBy::PodIdentity]);
    assert_eq!(
        spoke.trust_policies[0].1.to_string(),
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/platform/lambdaroles"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"lambdaroles-production"}}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/platform/lambdaroles"},"Action":"sts:TagSession"}]}"#
    );
}

#[test]
fn a_role_that_only_leads_on_may_do_nothing_else() {
    let via = FAR.replace("assumeRole: [", "assumeRole: [{arn: 'arn:aws:iam::111122223333:role/via'}, ");
    let rights = rights_of(&[("far", &via)]);
    let [own, via, spoke] = rights.as_slice() else { panic!("{rights:#?}") };
    assert_eq!(own.identity_policy.statements.len(), 1);
    assert!(is_allowed(&own.identity_policy, "sts:AssumeRole", &via.role_arn, &nothing()));
    assert!(is_allowed(&via.identity_policy, "sts:AssumeRole", &spoke.role_arn, &nothing()));
    assert!(!is_allowed(&own.identity_policy, "sts:AssumeRole", &spoke.role_arn, &nothing()));
    assert!(spoke.trust_policies[0].1.to_string().contains("role/via"));
}

#[test]
fn credentials_of_another_account_than_the_classs_are_warned_of() {
    let warnings =
        rights_of(&[("class", &STRICT.replace("id: \"111122223333\"", "id: \"444455556666\""))]).remove(0).warnings;
    assert!(warnings[0].contains("class class is of account 444455556666"), "{warnings:?}");
}

#[test]
fn trust_policies_are_ones_that_iam_takes() {
    for Rights { trust_policies, .. } in rights_of(&[("near", STRICT), ("far", FAR)]) {
        for (kind, document) in trust_policies {
            let faults = crate::policy::check::faults(&document, crate::policy::check::Kind::Trust);
            assert_eq!(faults, [], "{kind}");
        }
    }
}

#[test]
fn what_is_no_placeholder_is_told_with_class_and_field() {
    let spec = class(&STRICT.replace("$(namespace)-*", "$(team)-*"));
    let faults = rights(&controller(), &[("strict", &spec)]).unwrap_err();
    assert!(faults[0].to_string().starts_with("strict: spec.naming.allowedRoleNames[0]: holds $(team)"), "{faults:?}");
}

#[test]
fn a_policy_that_is_too_long_is_told_with_its_length() {
    let names: Vec<String> = (0..100).map(|index| format!("team-{index}-with-a-long-name-of-its-own-*")).collect();
    let yaml = format!("{STRICT}\n").replace("[\"$(namespace)-*\"]", &serde_json::to_string(&names).unwrap());
    let rights = rights_of(&[("class", &yaml)]).remove(0);
    // The default name takes in all of them.
    assert_eq!(rights.warnings, Vec::<String>::new());
    let yaml = yaml.replace("naming:", "naming:\n  roleName: fixed");
    let rights = rights_of(&[("class", &yaml)]).remove(0);
    assert!(rights.warnings[0].contains("IAM takes 6144"), "{:?}", rights.warnings);
}

#[test]
fn iam_sees_no_variable_in_what_a_class_or_a_flag_holds() {
    let workload = controller().workload;
    let controller = Controller { cluster: "${aws:username}", role_arn: OWN, workload };
    let spec = class(&STRICT.replace("legacy-*", "${aws:username}-*"));
    let policy = rights(&controller, &[("class", &spec)]).unwrap().remove(0).identity_policy;
    let role = "arn:aws:iam::111122223333:role/lambda/shop/${aws:username}-x";
    let context = |cluster: &str| bound(tagged(cluster).with("aws:username", "eve"), BOUNDARY);
    assert!(is_allowed(&policy, "iam:PutRolePolicy", role, &context("${aws:username}")));
    assert!(!is_allowed(&policy, "iam:PutRolePolicy", role, &context("eve")));
}
