//! What may be a tag.

use std::collections::{BTreeMap, BTreeSet};

use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};

use crate::{
    api::{TAG_PREFIX, rule},
    lint::Finding,
};

/// Checks tags of a role or of a session, which stand at `path`.
pub(super) fn check_tags(tags: &BTreeMap<String, String>, path: &str, faults: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        if !is_tag(key, value) {
            faults.push(Finding::invalid(format!("{path}[{key}]"), rule::TAGS));
        }
        // IAM holds one tag for keys that differ only in case, so two would overwrite each other for ever.
        if !seen.insert(key.to_lowercase()) {
            faults.push(Finding::invalid(format!("{path}[{key}]"), rule::TAGS_CASE));
        }
    }
}

/// Checks that tags of a role, which stand at `path`, are its author's to set.
pub(super) fn check_reserved_tags(tags: &BTreeMap<String, String>, path: &str, faults: &mut Vec<Finding>) {
    for (key, value) in tags {
        if is_reserved(key, value) {
            faults.push(Finding::invalid(format!("{path}[{key}]"), rule::TAGS_RESERVED));
        }
    }
}

/// Whether key and value are a tag by their length and characters.
pub(super) fn is_tag(key: &str, value: &str) -> bool {
    (1..=rule::TAG_KEY_MAX).contains(&key.chars().count())
        && value.chars().count() <= rule::TAG_VALUE_MAX
        && key.chars().chain(value.chars()).all(is_tag_character)
}

/// Whether the tag is AWS's or the controller's to set. Without regard to case, as IAM compares keys: `LambdaRoles.dev/name`
/// would overwrite the owner's tag.
pub(super) fn is_reserved(key: &str, value: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    lower.starts_with("aws:") || lower.starts_with(TAG_PREFIX) || value.starts_with("aws:")
}

/// IAM's `[\p{L}\p{Z}\p{N}_.:/=+\-@]`. `char::is_alphanumeric` takes more than `\p{L}` and `\p{N}`, for example the vowel
/// signs of Indic scripts.
fn is_tag_character(c: char) -> bool {
    let allowed =
        GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number).union(GeneralCategoryGroup::Separator);
    allowed.contains(CodePointMapData::<GeneralCategory>::new().get(c)) || "_.:/=+-@".contains(c)
}
