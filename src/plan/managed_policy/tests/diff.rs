//! What differs, and what is done about it.

use proptest::{prelude::*, sample::subsequence};

use super::{ARN, READ, clauses, desired, stored, tags, versions};
use crate::plan::{
    ObservedPolicy, Step,
    managed_policy::{
        DesiredPolicy,
        diff::{diff, is_rewritten},
    },
};

fn changes(desired: &DesiredPolicy, observed: &ObservedPolicy) -> Vec<String> {
    clauses(&diff(desired, Some(observed)))
}

#[test]
fn a_policy_that_is_not_there_is_created_in_one_call() {
    let desired = desired(&format!("description: a\ntags: {{team: shop}}\n{READ}"));
    let [Step::CreatePolicy(new)] = &diff(&desired, None)[..] else { panic!("one step") };
    assert_eq!((new.arn.as_str(), new.description.as_str(), &new.tags), (ARN, "a", &desired.tags));
    assert_eq!(new.document, desired.document);
}

#[test]
fn a_document_of_the_same_meaning_is_not_written_again() {
    let desired = desired(
        "statements: [{effect: Allow, actions: ['s3:GetObject', 's3:PutObject'], resources: ['arn:aws:s3:::shop-data/*']}]",
    );
    let mut observed = stored(&desired);
    observed.document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["S3:putobject","s3:GetObject"],"Resource":["arn:aws:s3:::shop-data/*"]}]}"#.to_owned();
    observed.versions = None;
    assert_eq!(changes(&desired, &observed), [] as [String; 0]);
}

#[test]
fn a_changed_document_is_a_new_version() {
    let desired = desired(READ);
    let mut observed = ObservedPolicy { versions: Some(versions(4)), ..stored(&desired) };
    for document in [super::desired(&READ.replace("GetObject", "PutObject")).document.to_string(), "no JSON".to_owned()]
    {
        observed.document = document;
        assert_eq!(changes(&desired, &observed), [format!("write a version of {ARN}")]);
    }
}

#[test]
fn at_five_versions_the_oldest_that_does_not_count_goes_first() {
    let desired = desired(READ);
    let mut observed = ObservedPolicy { document: "{}".to_owned(), versions: Some(versions(5)), ..stored(&desired) };
    let write = format!("write a version of {ARN}");
    assert_eq!(changes(&desired, &observed), [format!("delete version v1 of {ARN}"), write.clone()]);
    // Somebody made the oldest count.
    let mut switched = versions(5);
    (switched[0].is_default, switched[4].is_default) = (true, false);
    observed.versions = Some(switched);
    assert_eq!(changes(&desired, &observed), [format!("delete version v2 of {ARN}"), write]);
}

#[test]
fn tags_take_one_call_each_way_and_tell_keys_apart_by_case() {
    let desired = desired(&format!("tags: {{team: shop, tier: gold}}\n{READ}"));
    let mut observed = stored(&desired);
    observed.tags.remove("tier");
    observed.tags.extend(tags(&[
        ("Team", "shop"),
        ("team", "other"),
        ("note", "x"),
        ("aws:cloudformation:stack", "s"),
    ]));
    assert_eq!(
        changes(&desired, &observed),
        [format!("remove tags Team, note of {ARN}"), format!("set tags team, tier of {ARN}")]
    );
}

/// What IAM holds after the steps.
fn applied(observed: Option<ObservedPolicy>, steps: &[Step]) -> ObservedPolicy {
    let mut policy = observed.unwrap_or_default();
    for step in steps {
        match step {
            Step::CreatePolicy(new) => {
                let (document, tags) = (new.document.to_string(), new.tags.clone());
                policy = ObservedPolicy {
                    arn: new.arn.clone(),
                    name: new.name.clone(),
                    document,
                    tags,
                    versions: Some(versions(1)),
                    ..policy
                };
            }
            Step::CreatePolicyVersion { document, .. } => {
                let all = policy.versions.as_mut().unwrap();
                assert!(all.len() < 5, "IAM keeps five versions");
                for version in all.iter_mut() {
                    version.is_default = false;
                }
                let newest = all.iter().map(|version| version.id[1..].parse::<usize>().unwrap()).max().unwrap();
                all.push(crate::plan::PolicyVersion { id: format!("v{}", newest + 1), is_default: true });
                policy.document = document.to_string();
            }
            Step::DeletePolicyVersion { version, .. } => {
                let all = policy.versions.as_mut().unwrap();
                assert!(all.iter().any(|known| known.id == *version && !known.is_default), "{version}");
                all.retain(|known| known.id != *version);
            }
            Step::TagPolicy { tags, .. } => policy.tags.extend(tags.clone()),
            Step::UntagPolicy { keys, .. } => policy.tags.retain(|key, _| !keys.contains(key)),
            other => panic!("{other}"),
        }
    }
    policy
}

const DOCUMENTS: [&str; 3] = ["s3:GetObject", "s3:PutObject", "s3:*"];

fn in_iam() -> impl Strategy<Value = ObservedPolicy> {
    let keys = subsequence(vec!["team", "Team", "tier", "note", "aws:x"], 0..=5);
    (0..DOCUMENTS.len(), 1_usize..=5, 0_usize..5, keys, any::<bool>()).prop_map(
        |(document, count, default, keys, owned)| {
            let of = desired(&READ.replace("s3:GetObject", DOCUMENTS[document]));
            let mut all = versions(count);
            for (index, version) in all.iter_mut().enumerate() {
                version.is_default = index == default % count;
            }
            let mut observed = stored(&of);
            if !owned {
                observed.tags.clear();
            }
            observed.tags.extend(keys.into_iter().map(|key| (key.to_owned(), "x".to_owned())));
            ObservedPolicy { versions: Some(all), ..observed }
        },
    )
}

proptest! {
    #[test]
    fn a_second_pass_changes_nothing(observed in prop::option::of(in_iam()), wanted in 0..DOCUMENTS.len(), tagged in any::<bool>()) {
        let tags = if tagged { "tags: {team: shop, tier: gold}\n" } else { "" };
        let desired = desired(&format!("{tags}{}", READ.replace("s3:GetObject", DOCUMENTS[wanted])));
        let steps = diff(&desired, observed.as_ref());
        prop_assert!(steps.len() <= 4, "{:?}", clauses(&steps));
        let after = applied(observed, &steps);
        prop_assert!(!is_rewritten(&desired, &after));
        prop_assert_eq!(clauses(&diff(&desired, Some(&after))), [] as [String; 0]);
        prop_assert!(after.versions.unwrap().len() <= 5);
    }
}
