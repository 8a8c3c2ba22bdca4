use rstest::rstest;

use super::*;
use crate::{
    api::Reason,
    plan::{Class, Failure},
};

fn identity(arn: &str) -> Identity {
    Identity { account_id: "123456789012".to_owned(), partition: "aws".to_owned(), arn: arn.to_owned() }
}

fn expected(id: &str, partition: &str) -> (String, String) {
    (id.to_owned(), partition.to_owned())
}

#[rstest]
#[case("arn:aws:sts::123456789012:assumed-role/lambdaroles/session", Some("lambdaroles"))]
#[case("arn:aws-cn:sts::123456789012:assumed-role/Lambda.Roles-1/a@b", Some("Lambda.Roles-1"))]
#[case("arn:aws:iam::123456789012:user/somebody", None)]
#[case("arn:aws:iam::123456789012:root", None)]
#[case("arn:aws:sts::123456789012:federated-user/somebody", None)]
#[case("", None)]
fn the_role_behind_a_session_is_known_by_name(#[case] arn: &str, #[case] name: Option<&str>) {
    assert_eq!(identity(arn).role_name(), name);
}

#[test]
fn credentials_of_another_account_are_told_with_whose_they_are_and_the_fix() {
    let theirs = identity("arn:aws:sts::123456789012:assumed-role/hub/x");
    let error = mismatch(&theirs, Some(&expected("210987654321", "aws"))).unwrap();
    let Failure { class, reason, message } = error.failure("orders", None);
    assert_eq!((class, reason), (Class::Waiting, Reason::AccountMismatch));
    for part in
        ["account 123456789012", "assumed-role/hub/x", "account 210987654321", "spec.account.assumeRole", "immutable"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn the_partition_counts_as_well() {
    let ours = identity("arn:aws:iam::123456789012:root");
    assert_eq!(mismatch(&ours, Some(&expected("123456789012", "aws"))), None);
    assert!(mismatch(&ours, Some(&expected("123456789012", "aws-cn"))).is_some());
}

/// Whether what AWS answered `seconds` ago still counts.
fn counts(answer: Result<Identity, Error>, access_key_id: &str, seconds: u64) -> bool {
    let asked = Instant::now();
    let known = KnownIdentity { access_key_id: "AKIA".to_owned(), asked, answer };
    let expected = expected("123456789012", "aws");
    known.counts(access_key_id, Some(&expected), asked + Duration::from_secs(seconds))
}

#[test]
fn an_identity_is_remembered_for_as_long_as_its_credentials() {
    let ours = || Ok(identity("arn:aws:iam::123456789012:root"));
    assert!(counts(ours(), "AKIA", 1_000_000));
    assert!(!counts(ours(), "ASIA", 0));
}

#[test]
fn a_mismatch_and_a_failure_are_remembered_for_a_moment_only() {
    let theirs = || Ok(Identity { account_id: "210987654321".to_owned(), ..identity("") });
    assert!(counts(theirs(), "AKIA", 29));
    assert!(!counts(theirs(), "AKIA", 30));
    let failure = || Err(Error { operation: "", kind: Kind::Unavailable, detail: String::new() });
    assert!(counts(failure(), "AKIA", 9));
    assert!(!counts(failure(), "AKIA", 10));
}

fn summary(entries: &[(&str, i32)]) -> Summary {
    entries.iter().map(|(key, value)| (SummaryKeyType::from(*key), *value)).collect()
}

#[test]
fn quotas_come_with_their_use_where_iam_counts_it() {
    let summary = summary(&[("Roles", 7), ("RolesQuota", 1000), ("RolePolicySizeQuota", 10_240), ("Users", 3)]);
    let quota = |name: &str, used, quota| AccountQuota { name: name.to_owned(), used, quota };
    assert_eq!(account_quotas(&summary), [quota("Roles", Some(7), 1000), quota("RolePolicySize", None, 10_240)]);
}

#[test]
fn a_quota_that_is_unknown_or_nothing_is_the_highest_that_aws_grants() {
    let quotas = quotas(&summary(&[("AttachedPoliciesPerRoleQuota", 0), ("AssumeRolePolicySizeQuota", 4096)]));
    assert_eq!(quotas, Quotas { trust_policy: 4096, ..Quotas::HIGHEST });
}
