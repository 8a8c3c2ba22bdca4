//! Tags, and the permissions boundary.

use std::collections::BTreeMap;

use rstest::rstest;

use super::{Role, guardrails};
use crate::api::LambdaExecutionRoleSpec;

fn tagged(tags: &str) -> Role {
    let spec: LambdaExecutionRoleSpec = serde_saphyr::from_str(&format!("tags: {tags}")).unwrap();
    Role { tags: spec.tags, ..Role::default() }
}

const RULES: &str =
    "tags: {required: [team, namespace], forced: {Namespace: $(namespace)}, reserved: ['billing:*', Tier]}";

#[rstest]
#[case::all_is_well("{team: a}", &[])]
#[case::in_another_case("{TEAM: a}", &[])]
#[case::without("{}", &["spec.tags: has no value for team (spec.guardrails.tags.required[0]). Add the tag"])]
#[case::empty("{team: ''}", &["spec.tags: has no value for team (spec.guardrails.tags.required[0]). Add the tag"])]
#[case::blank("{team: ' '}", &["spec.tags: has no value for team (spec.guardrails.tags.required[0]). Add the tag"])]
#[case::the_forced_value("{team: a, namespace: shop}", &[])]
#[case::another_value("{team: a, Namespace: store}", &["spec.tags.Namespace: is store, and the class sets it to shop (spec.guardrails.tags.forced.Namespace). Leave it out"])]
#[case::another_value_in_another_case("{team: a, nAMESPACE: store}", &["spec.tags.nAMESPACE: is store, and the class sets it to shop (spec.guardrails.tags.forced.Namespace). Leave it out"])]
#[case::a_reserved_key("{team: a, 'billing:x': y}", &["spec.tags.billing:x: is a key of billing:*, which is not for roles to set (spec.guardrails.tags.reserved[0]). Leave it out"])]
#[case::a_reserved_key_in_another_case("{team: a, tIeR: y}", &["spec.tags.tIeR: is a key of Tier, which is not for roles to set (spec.guardrails.tags.reserved[1]). Leave it out"])]
#[case::a_reserved_key_in_letters_that_look_alike("{team: a, tıer: y}", &["spec.tags.tıer: is a key of Tier, which is not for roles to set (spec.guardrails.tags.reserved[1]). Leave it out"])]
#[case::a_key_that_is_none("{team: a, billing: y}", &[])]
fn tags_are_as_the_class_says(#[case] tags: &str, #[case] expected: &[&str]) {
    assert_eq!(tagged(tags).told(RULES), expected);
}

#[test]
fn forced_tags_are_expanded() {
    let expected = BTreeMap::from([("Namespace".to_owned(), "shop".to_owned())]);
    assert_eq!(*guardrails(RULES).forced_tags(), expected);
}

const OWN: &str = "arn:aws:iam::111122223333:policy/boundary";
const FREE: &str = "arn:aws:iam::111122223333:policy/shop/free";
const OTHER: &str = "arn:aws:iam::111122223333:policy/other";

#[rstest]
#[case::no_rule("{}", None, None)]
#[case::no_rule_and_a_choice("{}", Some(OTHER), None)]
#[case::its_own("permissionsBoundary: {arn: 'arn:aws:iam::$(accountId):policy/boundary'}", None, None)]
#[case::its_own_by_name("permissionsBoundary: {arn: 'arn:aws:iam::$(accountId):policy/boundary'}", Some(OWN), None)]
#[case::another(
    "permissionsBoundary: {arn: 'arn:aws:iam::$(accountId):policy/boundary'}",
    Some(OTHER),
    Some(
        "spec.permissionsBoundary.arn: is arn:aws:iam::111122223333:policy/other, which the class does not allow (spec.guardrails.permissionsBoundary). Leave it out: the role gets arn:aws:iam::111122223333:policy/boundary"
    )
)]
#[case::in_another_case(
    "permissionsBoundary: {arn: 'arn:aws:iam::$(accountId):policy/Boundary'}",
    Some(OWN),
    Some(
        "spec.permissionsBoundary.arn: is arn:aws:iam::111122223333:policy/boundary, which the class does not allow (spec.guardrails.permissionsBoundary). Leave it out: the role gets arn:aws:iam::111122223333:policy/Boundary"
    )
)]
#[case::a_choice("permissionsBoundary: {allowed: ['arn:aws:iam::*:policy/$(namespace)/*']}", Some(FREE), None)]
#[case::a_choice_beside_its_own(
    "permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/boundary', allowed: ['arn:aws:iam::*:policy/$(namespace)/*']}",
    Some(OWN),
    None
)]
#[case::not_a_choice(
    "permissionsBoundary: {arn: 'arn:aws:iam::111122223333:policy/boundary', allowed: ['arn:aws:iam::*:policy/$(namespace)/*']}",
    Some(OTHER),
    Some(
        "spec.permissionsBoundary.arn: is arn:aws:iam::111122223333:policy/other, which the class does not allow (spec.guardrails.permissionsBoundary). Choose one of arn:aws:iam::111122223333:policy/boundary and arn:aws:iam::*:policy/shop/*"
    )
)]
#[case::none_chosen(
    "permissionsBoundary: {allowed: ['arn:aws:iam::*:policy/$(namespace)/*']}",
    None,
    Some(
        "spec.permissionsBoundary: is missing, and the class has none of its own (spec.guardrails.permissionsBoundary). Choose one of arn:aws:iam::*:policy/shop/*"
    )
)]
fn the_boundary_is_the_classs_or_one_that_it_lets_choose(
    #[case] rules: &str,
    #[case] chosen: Option<&str>,
    #[case] expected: Option<&str>,
) {
    let role = Role { boundary: chosen.map(str::to_owned), ..Role::default() };
    assert_eq!(role.told(rules), expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_role_gets_what_it_chooses_or_the_classs_boundary() {
    let guardrails = guardrails(&format!("permissionsBoundary: {{arn: '{OWN}', allowed: ['{FREE}']}}"));
    assert_eq!(guardrails.permissions_boundary(None).as_deref(), Some(OWN));
    assert_eq!(guardrails.permissions_boundary(Some(FREE)).as_deref(), Some(FREE));
    assert_eq!(super::guardrails("{}").permissions_boundary(None), None);
}
