//! Which services, actions and condition keys AWS has, and which actions can be limited to a resource: AWS's public
//! [Service Authorization Reference], kept offline. `hack/update-service-reference` writes the data.
//!
//! AWS adds actions every day, so what is not here may exist: who asks says how old the answer is ([`date`]).
//!
//! [Service Authorization Reference]: https://docs.aws.amazon.com/service-authorization/latest/reference/

use std::{collections::BTreeMap, sync::LazyLock};

const DATA: &str = include_str!("data/service-reference.txt");

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::parse(DATA));

/// One action of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name without the service, as AWS spells it.
    pub name: &'static str,
    /// Whether it can be allowed for some resources and not for others. If not, `Resource` has to be `*`.
    pub resource_level: bool,
}

#[derive(Default)]
struct Reference {
    date: &'static str,
    /// By service, in the order of their names in lower case.
    actions: BTreeMap<&'static str, Vec<Action>>,
    /// By prefix; a `*` stands for the part that the request names.
    condition_keys: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Reference {
    fn parse(data: &'static str) -> Self {
        let mut reference = Self::default();
        let mut lines = data.lines().filter(|line| !line.starts_with('#'));
        for line in lines.by_ref().take_while(|line| *line != "keys") {
            match line.split_once(' ') {
                Some(("date", day)) => reference.date = day,
                Some((service, names)) => {
                    let mut actions: Vec<Action> = names.split(' ').map(action_of).collect();
                    actions.sort_by_cached_key(|action| action.name.to_ascii_lowercase());
                    reference.actions.insert(service, actions);
                }
                None => {
                    reference.actions.insert(line, Vec::new());
                }
            }
        }
        for (prefix, keys) in lines.filter_map(|line| line.split_once(' ')) {
            reference.condition_keys.insert(prefix, keys.split(' ').collect());
        }
        reference
    }
}

fn action_of(entry: &'static str) -> Action {
    match entry.strip_suffix('*') {
        Some(name) => Action { name, resource_level: false },
        None => Action { name: entry, resource_level: true },
    }
}

/// The day that the data is of.
#[must_use]
pub fn date() -> &'static str {
    REFERENCE.date
}

/// Whether there is a service of that prefix, such as `s3`.
#[must_use]
pub fn is_service(service: &str) -> bool {
    REFERENCE.actions.contains_key(service.to_ascii_lowercase().as_str())
}

/// The actions of a service, in the order of their names; none if there is no such service.
#[must_use]
pub fn actions(service: &str) -> &'static [Action] {
    REFERENCE.actions.get(service.to_ascii_lowercase().as_str()).map_or(&[], Vec::as_slice)
}

/// The action of that name. Its case does not count, as in policies.
#[must_use]
pub fn action(service: &str, name: &str) -> Option<Action> {
    let (actions, name) = (actions(service), name.to_ascii_lowercase());
    let found =
        actions.binary_search_by(|action| action.name.bytes().map(|b| b.to_ascii_lowercase()).cmp(name.bytes()));
    found.ok().map(|index| actions[index])
}

/// Every service with its actions.
pub fn services() -> impl Iterator<Item = (&'static str, &'static [Action])> {
    REFERENCE.actions.iter().map(|(service, actions)| (*service, actions.as_slice()))
}

/// Whether there is such a condition key; `None` if its prefix is neither `aws` nor a service with keys of its own, of
/// which nothing is known.
#[must_use]
pub fn is_condition_key(key: &str) -> Option<bool> {
    let key = key.to_ascii_lowercase();
    let (prefix, name) = key.split_once(':')?;
    let known = REFERENCE.condition_keys.get(prefix)?;
    let is_it = |known: &&str| {
        let known = known.to_ascii_lowercase();
        match known.split_once('*') {
            Some((before, behind)) => {
                let named = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
                named.is_some_and(|named| !named.is_empty())
            }
            None => known == name,
        }
    };
    Some(known.iter().any(is_it))
}

/// The service whose prefix is most like `service`, if one is much like it.
#[must_use]
pub fn nearest_service(service: &str) -> Option<&'static str> {
    nearest(service, REFERENCE.actions.keys().copied())
}

/// The action of the service whose name is most like `name`, if one is much like it.
#[must_use]
pub fn nearest_action(service: &str, name: &str) -> Option<&'static str> {
    nearest(name, actions(service).iter().map(|action| action.name))
}

/// The condition key with the same prefix that is most like `key`, if one is much like it.
#[must_use]
pub fn nearest_condition_key(key: &str) -> Option<String> {
    let (prefix, name) = key.split_once(':')?;
    let prefix = prefix.to_ascii_lowercase();
    let known = REFERENCE.condition_keys.get(prefix.as_str())?;
    nearest(name, known.iter().copied()).map(|name| format!("{prefix}:{name}"))
}

/// How alike two spellings have to be for one to be offered in the place of the other; 1 is equal. At three quarters, one in
/// four characters may differ.
const LIKENESS: f64 = 0.75;

fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    // What differs in length by more than one in four cannot be alike, and comparing is what takes time.
    let may_be_like = |known: &&'static str| name.len().abs_diff(known.len()) * 4 <= name.len().max(known.len());
    known
        .filter(may_be_like)
        .map(|known| (strsim::normalized_damerau_levenshtein(&name, &known.to_ascii_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_data_has_a_date_and_is_as_large_as_aws() {
        assert_eq!(date().len(), 10, "{}", date());
        assert!(services().count() > 400);
        assert!(services().map(|(_, actions)| actions.len()).sum::<usize>() > 20_000);
    }

    #[test]
    fn every_action_is_found_by_its_name_in_any_case() {
        for (service, actions) in services() {
            for known in actions {
                assert_eq!(action(service, known.name), Some(*known), "{service}:{}", known.name);
                assert_eq!(action(&service.to_ascii_uppercase(), &known.name.to_ascii_uppercase()), Some(*known));
            }
        }
    }

    #[rstest]
    #[case("s3", "GetObject", true)]
    #[case("s3", "ListAllMyBuckets", false)]
    #[case("ec2", "DescribeNetworkInterfaces", false)]
    #[case("ec2", "CreateNetworkInterface", true)]
    #[case("dynamodb", "ListStreams", false)]
    #[case("kafka-cluster", "ReadData", true)]
    fn resource_level_permissions_are_told(#[case] service: &str, #[case] name: &str, #[case] resource_level: bool) {
        assert_eq!(action(service, name).map(|action| action.resource_level), Some(resource_level));
    }

    #[test]
    fn what_does_not_exist_is_not_found_and_its_like_is_offered() {
        assert!(!is_service("s4") && is_service("S3"));
        assert_eq!(action("s3", "GetObjects"), None);
        assert_eq!(nearest_action("s3", "GetObjects"), Some("GetObject"));
        assert_eq!(nearest_action("dynamodb", "Getitme"), Some("GetItem"));
        assert_eq!(nearest_action("s3", "Frobnicate"), None);
        assert_eq!(nearest_service("dynamobd"), Some("dynamodb"));
        assert_eq!(nearest_service("cloud-watch-metrics"), None);
    }

    #[rstest]
    #[case("lambda:SourceFunctionArn", Some(true))]
    #[case("LAMBDA:sourcefunctionarn", Some(true))]
    #[case("lambda:SourceFunctionArns", Some(false))]
    #[case("aws:ResourceTag/Team", Some(true))]
    #[case("aws:ResourceTag/", Some(false))]
    #[case("s3:ExistingObjectTag/class", Some(true))]
    #[case("aws:SourceVpec", Some(false))]
    #[case("token.actions.githubusercontent.com:sub", None)]
    #[case("nonsense", None)]
    fn condition_keys_are_known_by_name_and_by_the_part_before_what_the_request_names(
        #[case] key: &str,
        #[case] known: Option<bool>,
    ) {
        assert_eq!(is_condition_key(key), known);
    }

    #[test]
    fn a_condition_key_of_the_like_is_offered() {
        assert_eq!(nearest_condition_key("lambda:SourceFunctionArns").as_deref(), Some("lambda:SourceFunctionArn"));
        assert_eq!(nearest_condition_key("aws:Nothing"), None);
    }
}
