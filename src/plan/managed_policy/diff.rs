//! What would make IAM equal to the spec, in as few calls as it takes.

use std::collections::BTreeMap;

use super::desired::DesiredPolicy;
use crate::{
    plan::{ObservedPolicy, Step, step::NewPolicy},
    policy::{Document, canonical::equivalent},
};

/// Whether another document has to be written, for which the versions in IAM must be known. Documents are compared by
/// meaning; one that does not parse is somebody else's writing.
#[must_use]
pub fn is_rewritten(desired: &DesiredPolicy, observed: &ObservedPolicy) -> bool {
    !Document::parse(&observed.document).is_ok_and(|stored| equivalent(&stored, &desired.document))
}

/// The steps from `observed` to `desired`; none if they mean the same. `observed` has its versions if
/// [`is_rewritten`].
///
/// A document that somebody put back by making an older version the default is written anew: the controller needs no right to
/// choose among versions, of which somebody else may have made some.
#[must_use]
pub fn diff(desired: &DesiredPolicy, observed: Option<&ObservedPolicy>) -> Vec<Step> {
    let Some(observed) = observed else { return vec![creation(desired)] };
    let mut steps = Vec::new();
    if is_rewritten(desired, observed) {
        steps.extend(new_version(observed, desired.document.clone()));
    }
    steps.extend(tags(desired, observed));
    steps
}

fn creation(desired: &DesiredPolicy) -> Step {
    let DesiredPolicy { name, path, arn, description, tags, document, .. } = desired;
    Step::CreatePolicy(Box::new(NewPolicy {
        name: name.clone(),
        path: path.clone(),
        arn: arn.clone(),
        document: document.clone(),
        description: description.clone(),
        tags: tags.clone(),
    }))
}

/// Another version, which counts from then on. Where IAM keeps no more, the oldest that does not count goes first.
pub(super) fn new_version(observed: &ObservedPolicy, document: Document) -> Vec<Step> {
    let arn = &observed.arn;
    let in_the_way = observed.version_in_the_way();
    let delete = in_the_way.map(|version| Step::DeletePolicyVersion { arn: arn.clone(), version: version.id.clone() });
    delete.into_iter().chain([Step::CreatePolicyVersion { arn: arn.clone(), document }]).collect()
}

/// What others put goes first, so that there is room. Unlike a role's, the keys of a policy's tags differ by case.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#case-sensitivity>
fn tags(desired: &DesiredPolicy, observed: &ObservedPolicy) -> Vec<Step> {
    let arn = &observed.arn;
    let is_foreign = |key: &&String| !key.starts_with("aws:") && !desired.tags.contains_key(*key);
    let foreign: Vec<String> = observed.tags.keys().filter(is_foreign).cloned().collect();
    let changed: BTreeMap<String, String> = desired
        .tags
        .iter()
        .filter(|(key, value)| observed.tags.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let untag = (!foreign.is_empty()).then(|| Step::UntagPolicy { arn: arn.clone(), keys: foreign });
    let tag = (!changed.is_empty()).then(|| Step::TagPolicy { arn: arn.clone(), tags: changed });
    untag.into_iter().chain(tag).collect()
}
