//! Merging, judged by a brute force that knows nothing of it.

use std::collections::BTreeSet;

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
};
use rstest::rstest;

use super::*;
use crate::policy::{
    canonical::Canonical,
    document::{Conditions, Effect, Matching, Principal},
    merge::merged,
};

const REQUESTED_ACTIONS: [&str; 4] = ["a:X", "a:Y", "b:X", "b:Z"];
const REQUESTED_RESOURCES: [&str; 3] = ["r/1", "r/2", "s/1"];
const REQUESTED_VALUES: [Option<&str>; 3] = [None, Some("v"), Some("w")];
const REQUESTED_PRINCIPALS: [&str; 2] = ["p", "q"];

fn list(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let some = subsequence(words, 0..=words.len()).prop_shuffle();
    some.prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

fn matching(words: &'static [&'static str]) -> impl Strategy<Value = Matching> {
    prop_oneof![2 => list(words).prop_map(Matching::In), 1 => list(words).prop_map(Matching::NotIn)]
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let one = |operator: &str, key: &str, values: &[&str]| -> Conditions {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        [(operator.to_owned(), [(key.to_owned(), values)].into())].into()
    };
    select(vec![
        Conditions::new(),
        Conditions::new(),
        Conditions::new(),
        Conditions::new(),
        one("StringEquals", "k:k", &["v"]),
        one("StringEquals", "K:k", &["v", "v"]),
        one("StringNotEquals", "k:k", &["w", "v"]),
    ])
}

fn statement() -> impl Strategy<Value = Statement> {
    let principal = select(vec![None, None, None, None, Some("p"), Some("q")])
        .prop_map(|name| name.map(|name| Principal::Listed([("Service".to_owned(), vec![name.to_owned()])].into())));
    let resources = option::weighted(0.9, matching(&["r/1", "r/2", "r/*"]));
    let sid = option::weighted(0.3, "[A-C]");
    let effect = select(vec![Effect::Allow, Effect::Allow, Effect::Allow, Effect::Deny]);
    (sid, effect, principal, matching(&["a:X", "A:x", "a:Y", "b:*"]), resources, conditions()).prop_map(
        |(sid, effect, principal, actions, resources, conditions)| Statement {
            sid,
            effect,
            principal,
            not_principal: None,
            actions,
            resources,
            conditions,
        },
    )
}

#[derive(Clone, Copy, Debug)]
struct Request<'a> {
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    value: Option<&'a str>,
}

fn requests() -> impl Iterator<Item = Request<'static>> {
    let pairs = REQUESTED_ACTIONS.into_iter().flat_map(|action| REQUESTED_RESOURCES.map(|resource| (action, resource)));
    let triples = pairs.flat_map(|(action, resource)| REQUESTED_VALUES.map(|value| (action, resource, value)));
    triples.flat_map(|(action, resource, value)| {
        REQUESTED_PRINCIPALS.map(|principal| Request { principal, action, resource, value })
    })
}

/// What is decided: an explicit deny, else an allow, else nothing.
fn decision(statements: &[Statement], request: Request<'_>) -> Option<Effect> {
    let effects: BTreeSet<Effect> =
        statements.iter().filter(|statement| is_about(statement, request)).map(|statement| statement.effect).collect();
    effects.last().copied()
}

fn is_about(statement: &Statement, request: Request<'_>) -> bool {
    let principal = match &statement.principal {
        Some(Principal::Listed(kinds)) => kinds["Service"].iter().any(|name| name == request.principal),
        Some(Principal::Everyone) | None => true,
    };
    let values = |operator: &str| statement.conditions.get(operator).and_then(|keys| keys.values().next());
    let holds = values("StringEquals")
        .is_none_or(|values| request.value.is_some_and(|v| values.iter().any(|w| w == v)))
        && values("StringNotEquals").is_none_or(|values| request.value.is_none_or(|v| values.iter().all(|w| w != v)));
    principal
        && holds
        && matches(&statement.actions, &request.action.to_lowercase(), str::to_lowercase)
        && statement.resources.as_ref().is_none_or(|resources| matches(resources, request.resource, str::to_owned))
}

fn matches(matching: &Matching, text: &str, normalise: fn(&str) -> String) -> bool {
    let is_one = |list: &[String]| {
        list.iter().map(|entry| normalise(entry)).any(|entry| match entry.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => entry == text,
        })
    };
    match matching {
        Matching::In(list) => is_one(list),
        Matching::NotIn(list) => !is_one(list),
    }
}

fn nameless(statements: &[Statement]) -> Canonical {
    let statements = statements.iter().map(|statement| Statement { sid: None, ..statement.clone() });
    Canonical::of(&Document::new(statements.collect()))
}

proptest! {
    // Statements seldom meet in all but one of their parts.
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn merging_changes_no_decision(statements in vec(statement(), 0..8)) {
        let merged = merged(&statements);
        for request in requests() {
            let decisions = (decision(&statements, request), decision(&merged, request));
            prop_assert_eq!(decisions.0, decisions.1, "{:?}\n{:?}\n{:?}", request, statements, merged);
        }
    }

    #[test]
    fn what_is_merged_is_never_longer(statements in vec(statement(), 0..8)) {
        let merged = merged(&statements);
        prop_assert!(Document::new(merged).characters() <= Document::new(statements).characters());
    }

    #[test]
    fn merging_twice_is_merging_once(statements in vec(statement(), 0..8)) {
        let once = merged(&statements);
        prop_assert_eq!(&merged(&once), &once);
    }

    #[test]
    fn what_results_does_not_depend_on_the_order(
        (statements, shuffled) in vec(statement(), 0..8).prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle()))
    ) {
        prop_assert_eq!(nameless(&merged(&statements)), nameless(&merged(&shuffled)));
    }

    #[test]
    fn sids_stay_unique(statements in vec(statement(), 0..8)) {
        let mut seen = BTreeSet::new();
        let mut statements = statements;
        for statement in &mut statements {
            statement.sid = statement.sid.take().filter(|sid| seen.insert(sid.clone()));
        }
        let sids: Vec<_> = merged(&statements).into_iter().filter_map(|statement| statement.sid).collect();
        prop_assert_eq!(sids.iter().collect::<BTreeSet<_>>().len(), sids.len());
    }
}

#[rstest]
#[case::resources_of_the_same_actions(
    r#"[{"Sid":"A","Effect":"Allow","Action":["s3:Get","s3:Put"],"Resource":"x"},
        {"Sid":"B","Effect":"Allow","Action":["S3:PUT","s3:Get"],"Resource":["y","x"]}]"#,
    r#"[{"Sid":"A","Effect":"Allow","Action":["s3:Get","s3:Put"],"Resource":["x","y"]}]"#
)]
#[case::actions_on_the_same_resources(
    r#"[{"Effect":"Deny","Action":"s3:Get","Resource":["x","y"]},
        {"Sid":"B","Effect":"Deny","Action":["s3:Put","S3:Get"],"Resource":["y","x"]}]"#,
    r#"[{"Sid":"B","Effect":"Deny","Action":["s3:Get","s3:Put"],"Resource":["x","y"]}]"#
)]
#[case::one_merge_makes_way_for_another(
    r#"[{"Effect":"Allow","Action":"a:B","Resource":"x"},{"Effect":"Allow","Action":"a:B","Resource":"y"},
        {"Effect":"Allow","Action":"a:C","Resource":["x","y"]}]"#,
    r#"[{"Effect":"Allow","Action":["a:B","a:C"],"Resource":["x","y"]}]"#
)]
#[case::a_part_of_another(
    r#"[{"Sid":"Part","Effect":"Allow","Action":"a:B","Resource":"x"},
        {"Effect":"Allow","Action":["a:B","a:C"],"Resource":["x","y"]}]"#,
    r#"[{"Effect":"Allow","Action":["a:B","a:C"],"Resource":["x","y"]}]"#
)]
#[case::a_part_of_what_is_left_out(
    r#"[{"Effect":"Allow","NotAction":["a:B","a:C"],"Resource":"x"},
        {"Effect":"Allow","NotAction":"a:B","Resource":["x","y"]}]"#,
    r#"[{"Effect":"Allow","NotAction":"a:B","Resource":["x","y"]}]"#
)]
#[case::actions_of_the_same_principal(
    r#"[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:TagSession"}]"#,
    r#"[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession"]}]"#
)]
fn statements_are_merged(#[case] statements: &str, #[case] expected: &str) {
    let parse = |list: &str| Document::parse(&format!(r#"{{"Statement":{list}}}"#)).unwrap().statements;
    assert_eq!(merged(&parse(statements)), parse(expected));
}

#[rstest]
#[case::effects(
    r#"[{"Effect":"Allow","Action":"a:B","Resource":"x"},{"Effect":"Deny","Action":"a:B","Resource":"x"}]"#
)]
#[case::both_lists_differ(
    r#"[{"Effect":"Allow","Action":"a:B","Resource":"x"},{"Effect":"Allow","Action":"a:C","Resource":"y"}]"#
)]
#[case::conditions(
    r#"[{"Effect":"Allow","Action":"a:B","Resource":"x"},
        {"Effect":"Allow","Action":"a:B","Resource":"y","Condition":{"Bool":{"a:k":"true"}}}]"#
)]
#[case::negated_actions(
    r#"[{"Effect":"Allow","NotAction":"a:B","Resource":"x"},{"Effect":"Allow","NotAction":"a:C","Resource":"x"}]"#
)]
#[case::negated_resources(
    r#"[{"Effect":"Allow","Action":"a:B","NotResource":"x"},{"Effect":"Allow","Action":"a:B","NotResource":"y"}]"#
)]
#[case::principals(
    r#"[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"},
        {"Effect":"Allow","Principal":{"Service":"x"},"Action":"sts:AssumeRole"}]"#
)]
fn statements_of_another_meaning_stay_apart(#[case] statements: &str) {
    let statements = Document::parse(&format!(r#"{{"Statement":{statements}}}"#)).unwrap().statements;
    assert_eq!(merged(&statements), statements);
}
