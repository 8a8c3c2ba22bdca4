//! What whoever has the controller's credentials cannot do.

use std::collections::BTreeSet;

use rstest::rstest;

use super::*;
use crate::policy::{Statement, document::Conditions};

#[rstest]
#[case::administrator("iam:AttachRolePolicy", ROLE, attaching(ADMINISTRATOR))]
#[case::policy_outside_the_list("iam:AttachRolePolicy", ROLE, attaching("arn:aws:iam::111122223333:policy/other"))]
#[case::policy_of_another_account(
    "iam:AttachRolePolicy",
    ROLE,
    attaching("arn:aws:iam::999999999999:policy/shared/orders")
)]
#[case::policy_that_only_ends_alike(
    "iam:AttachRolePolicy",
    ROLE,
    attaching("arn:aws:iam::aws:policy/x/AWSXRayDaemonWriteAccess")
)]
#[case::attach_without_boundary("iam:AttachRolePolicy", ROLE, tagged(CLUSTER).with("iam:PolicyARN", XRAY))]
#[case::create_without_boundary("iam:CreateRole", ROLE, tagging(nothing(), CLUSTER))]
#[case::create_with_another_boundary("iam:CreateRole", ROLE, bound(tagging(nothing(), CLUSTER), ADMINISTRATOR))]
#[case::create_untagged("iam:CreateRole", ROLE, bound(nothing(), BOUNDARY))]
#[case::create_for_another_cluster("iam:CreateRole", ROLE, bound(tagging(nothing(), "another"), BOUNDARY))]
#[case::create_under_another_path(
    "iam:CreateRole",
    "arn:aws:iam::111122223333:role/shop-orders",
    bound(tagging(nothing(), CLUSTER), BOUNDARY)
)]
#[case::create_with_another_name(
    "iam:CreateRole",
    "arn:aws:iam::111122223333:role/lambda/shop/admin",
    bound(tagging(nothing(), CLUSTER), BOUNDARY)
)]
#[case::create_what_may_only_be_adopted(
    "iam:CreateRole",
    "arn:aws:iam::111122223333:role/lambda/shop/legacy",
    bound(tagging(nothing(), CLUSTER), BOUNDARY)
)]
#[case::create_in_another_account(
    "iam:CreateRole",
    "arn:aws:iam::999999999999:role/lambda/shop/shop-orders",
    bound(tagging(nothing(), CLUSTER), BOUNDARY)
)]
#[case::remove_boundary("iam:DeleteRolePermissionsBoundary", ROLE, ours())]
#[case::swap_boundary("iam:PutRolePermissionsBoundary", ROLE, bound(tagged(CLUSTER), ADMINISTRATOR))]
#[case::boundary_of_a_foreign_role("iam:PutRolePermissionsBoundary", ROLE, bound(tagged("another"), BOUNDARY))]
#[case::rights_without_boundary("iam:PutRolePolicy", ROLE, tagged(CLUSTER))]
#[case::rights_beside_boundary("iam:PutRolePolicy", ROLE, bound(tagged(CLUSTER), ADMINISTRATOR))]
#[case::rights_of_another_cluster("iam:PutRolePolicy", ROLE, bound(tagged("another"), BOUNDARY))]
#[case::rights_of_nobodys_role("iam:PutRolePolicy", ROLE, bound(nothing(), BOUNDARY))]
#[case::rights_under_another_path("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/admin/shop-orders", ours())]
#[case::rights_of_another_name("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/lambda/shop/administrator", ours())]
#[case::trust_without_boundary("iam:UpdateAssumeRolePolicy", ROLE, tagged(CLUSTER))]
#[case::trust_of_an_administrator("iam:UpdateAssumeRolePolicy", "arn:aws:iam::111122223333:role/Administrator", ours())]
#[case::trust_of_another_cluster("iam:UpdateAssumeRolePolicy", ROLE, bound(tagged("another"), BOUNDARY))]
#[case::delete_of_another_cluster("iam:DeleteRole", ROLE, bound(tagged("another"), BOUNDARY))]
#[case::delete_of_nobodys_role("iam:DeleteRole", LEGACY, nothing())]
#[case::detach_from_another_cluster("iam:DetachRolePolicy", ROLE, tagged("another").with("iam:PolicyARN", XRAY))]
#[case::own_rights("iam:PutRolePolicy", OWN, ours())]
#[case::own_attachments("iam:AttachRolePolicy", OWN, attaching(XRAY))]
#[case::own_trust("iam:UpdateAssumeRolePolicy", OWN, ours())]
#[case::own_tags("iam:TagRole", OWN, tagging(nothing(), CLUSTER))]
#[case::claim_of_another_cluster("iam:TagRole", ROLE, tagging(tagged("another"), CLUSTER))]
#[case::claim_of_another_name(
    "iam:TagRole",
    "arn:aws:iam::111122223333:role/lambda/shop/admin",
    tagging(nothing(), CLUSTER)
)]
#[case::claim_under_another_path(
    "iam:TagRole",
    "arn:aws:iam::111122223333:role/shop-orders",
    tagging(nothing(), CLUSTER)
)]
#[case::tags_of_nobodys_role("iam:TagRole", ROLE, nothing().with("aws:RequestTag/team", "shop"))]
#[case::gift_to_another_cluster("iam:TagRole", ROLE, tagging(tagged(CLUSTER), "another"))]
#[case::no_owner_any_more("iam:UntagRole", ROLE, tagged(CLUSTER).with_many("aws:TagKeys", ["team", CLUSTER_TAG]))]
#[case::no_owner_in_any_case("iam:UntagRole", ROLE, tagged(CLUSTER).with_many("aws:TagKeys", ["LambdaRoles.dev/Cluster"]))]
#[case::pass("iam:PassRole", ROLE, ours())]
#[case::pass_itself("iam:PassRole", OWN, nothing())]
#[case::assume_its_role("sts:AssumeRole", ROLE, nothing())]
#[case::assume_another("sts:AssumeRole", "arn:aws:iam::111122223333:role/Administrator", nothing())]
#[case::user("iam:CreateUser", "arn:aws:iam::111122223333:user/eve", nothing())]
#[case::access_key("iam:CreateAccessKey", "arn:aws:iam::111122223333:user/eve", nothing())]
#[case::login("iam:CreateLoginProfile", "arn:aws:iam::111122223333:user/eve", nothing())]
#[case::policy_of_a_user("iam:PutUserPolicy", "arn:aws:iam::111122223333:user/eve", nothing())]
#[case::group("iam:AddUserToGroup", "arn:aws:iam::111122223333:group/admins", nothing())]
#[case::policy("iam:CreatePolicy", "arn:aws:iam::111122223333:policy/shared/x", nothing())]
#[case::wider_boundary("iam:CreatePolicyVersion", BOUNDARY, nothing())]
#[case::older_boundary("iam:SetDefaultPolicyVersion", BOUNDARY, nothing())]
#[case::no_boundary("iam:DeletePolicy", BOUNDARY, nothing())]
#[case::wider_attachment("iam:CreatePolicyVersion", SHARED, nothing())]
#[case::policy_of_another_name(
    "iam:CreatePolicy",
    "arn:aws:iam::111122223333:policy/lambda/shop/admin",
    tagging(nothing(), CLUSTER)
)]
#[case::policy_on_another_path(
    "iam:CreatePolicy",
    "arn:aws:iam::111122223333:policy/shop-orders",
    tagging(nothing(), CLUSTER)
)]
#[case::untagged_policy("iam:CreatePolicy", POLICY, nothing())]
#[case::version_of_another_cluster("iam:CreatePolicyVersion", POLICY, tagged("another"))]
#[case::version_of_nobodys_policy("iam:CreatePolicyVersion", POLICY, nothing())]
#[case::older_version("iam:SetDefaultPolicyVersion", POLICY, tagged(CLUSTER))]
#[case::policy_of_another_cluster("iam:TagPolicy", POLICY, tagging(tagged("another"), CLUSTER))]
#[case::policy_without_an_owner("iam:UntagPolicy", POLICY, tagged(CLUSTER).with_many("aws:TagKeys", [CLUSTER_TAG]))]
#[case::overflow_of_another_cluster("iam:CreatePolicyVersion", OVERFLOW, tagged("another"))]
#[case::overflow_of_nobody("iam:CreatePolicyVersion", OVERFLOW, nothing())]
#[case::claim_of_another_overflow("iam:TagPolicy", OVERFLOW, tagging(tagged("another"), CLUSTER))]
#[case::overflow_untagged("iam:CreatePolicy", OVERFLOW, nothing())]
#[case::overflow_under_another_path(
    "iam:CreatePolicy",
    "arn:aws:iam::111122223333:policy/shop-orders+2",
    tagging(nothing(), CLUSTER)
)]
#[case::overflow_deleted_of_another_cluster("iam:DeletePolicy", OVERFLOW, tagged("another"))]
#[case::overflow_attached_without_boundary(
    "iam:AttachRolePolicy",
    ROLE,
    tagged(CLUSTER).with("iam:PolicyARN", OVERFLOW)
)]
#[case::provider("iam:UpdateOpenIDConnectProviderThumbprint", "arn:aws:iam::111122223333:oidc-provider/x", nothing())]
#[case::profile("iam:AddRoleToInstanceProfile", "arn:aws:iam::111122223333:instance-profile/x", nothing())]
#[case::service_linked("iam:CreateServiceLinkedRole", ROLE, ours())]
#[case::code("lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:111122223333:function:orders", nothing())]
#[case::everything_of_the_account("iam:GetAccountAuthorizationDetails", "*", nothing())]
#[case::somebody_elses_role("iam:GetRole", "arn:aws:iam::111122223333:role/Administrator", nothing())]
fn no_escalation_is_allowed(#[case] action: &str, #[case] resource: &str, #[case] context: Context) {
    let policy = policy(STRICT);
    assert!(!is_allowed(&policy, action, resource, &context), "{policy}");
}

/// Not even one that is called as the class's policies are, and whose tags somebody set.
#[test]
fn a_boundary_is_never_written_whatever_it_is_called() {
    let boundary = "arn:aws:iam::111122223333:policy/lambda/shop/shop-boundary";
    let policy = policy(&STRICT.replace("policy/lambda-boundary", "policy/lambda/shop/shop-boundary"));
    for (action, context) in [
        ("iam:CreatePolicy", tagging(nothing(), CLUSTER)),
        ("iam:TagPolicy", tagging(nothing(), CLUSTER)),
        ("iam:CreatePolicyVersion", tagged(CLUSTER)),
        ("iam:DeletePolicy", tagged(CLUSTER)),
    ] {
        assert!(is_allowed(&policy, action, POLICY, &context), "{action}");
        assert!(!is_allowed(&policy, action, boundary, &context), "{action}");
    }
}

/// Whatever IAM can do, of the strict class's roles only what is listed above, and of nothing else anything.
#[test]
fn of_all_actions_of_iam_no_other_is_allowed_on_anything() {
    let policy = policy(STRICT);
    let known: BTreeSet<&str> = needed().iter().map(|(action, ..)| *action).collect();
    let context = attaching(XRAY);
    for service in ["iam", "sts", "lambda", "organizations"] {
        for action in service_reference::actions(service) {
            let action = format!("{service}:{}", action.name);
            for resource in [ROLE, OWN, BOUNDARY, "*", "arn:aws:iam::111122223333:user/eve"] {
                let is_allowed = is_allowed(&policy, &action, resource, &context);
                assert!(!is_allowed || known.contains(action.as_str()), "{action} on {resource}");
            }
        }
    }
}

#[test]
fn no_call_changes_a_role_that_the_controller_acts_as_whatever_else_it_is_allowed() {
    let mut policy = policy(STRICT);
    let Some(deny) = policy.statements.iter().find(|statement| statement.effect == Effect::Deny).cloned() else {
        panic!("{policy}");
    };
    policy.statements = vec![everything(), deny];
    for action in service_reference::actions("iam").iter().filter(|action| action.name.contains("Role")) {
        let reads = ["Get", "List", "Generate", "Simulate"].iter().any(|verb| action.name.starts_with(verb));
        // These act on instance profiles and services, by a role of theirs.
        let is_about_others = ["AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"].contains(&action.name);
        let is_allowed = is_allowed(&policy, &format!("iam:{}", action.name), OWN, &nothing());
        assert!(!is_allowed || reads || is_about_others, "{}", action.name);
    }
    assert!(is_allowed(&policy, "iam:PutRolePolicy", ROLE, &nothing()));
}

fn everything() -> Statement {
    let any = Matching::In(vec!["*".to_owned()]);
    let document = policy(OPEN);
    Statement {
        sid: None,
        effect: Effect::Allow,
        actions: any.clone(),
        resources: Some(any),
        conditions: Conditions::new(),
        ..document.statements[0].clone()
    }
}

/// Where names of roles are such that a boundary is called like a policy of theirs.
#[rstest]
#[case("iam:TagPolicy", tagging(nothing(), CLUSTER))]
#[case("iam:CreatePolicy", tagging(nothing(), CLUSTER))]
#[case("iam:CreatePolicyVersion", tagged(CLUSTER))]
#[case("iam:DeletePolicy", tagged(CLUSTER))]
fn a_boundary_that_is_called_like_a_policy_of_roles_is_not_theirs(#[case] action: &str, #[case] context: Context) {
    let policy = policy(&OPEN.replace(
        "namespaces:",
        "guardrails: {permissionsBoundary: {arn: 'arn:aws:iam::$(accountId):policy/a-team-boundary'}}, namespaces:",
    ));
    let is_allowed = |arn: &str| is_allowed(&policy, action, arn, &context);
    assert!(is_allowed("arn:aws:iam::111122223333:policy/a-team+2"));
    assert!(!is_allowed("arn:aws:iam::111122223333:policy/a-team-boundary"));
}
