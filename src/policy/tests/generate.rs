//! Documents that AWS would take, of few words, so that what is alike meets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::{select, subsequence},
};

use super::*;
use crate::policy::{
    check::Kind,
    document::{Conditions, Effect, Matching, Principal},
};

const ACTIONS: [&str; 6] = ["s3:GetObject", "s3:Get*", "s3:PutObject", "sqs:SendMessage", "kafka-cluster:*", "*"];
const TRUST_ACTIONS: [&str; 3] = ["sts:AssumeRole", "sts:TagSession", "sts:AssumeRoleWithWebIdentity"];
const RESOURCES: [&str; 5] = [
    "*",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::bucket/a+b c",
    "arn:aws:s3:::Bucket/${aws:username}",
    "arn:aws:sqs:eu-west-1:111122223333:queue",
];
const OPERATORS: [&str; 5] =
    ["StringEquals", "ForAnyValue:StringNotLike", "Bool", "NumericLessThanIfExists", "ArnLike"];
const KEYS: [&str; 4] =
    ["aws:SecureTransport", "aws:ResourceTag/Team", "aws:ResourceTag/aws:stack", "lambda:SourceFunctionArn"];
const VALUES: [&str; 8] = ["true", "False", "10", "-1.50", "1e3", "ü \"\\\n", "arn:aws:s3:::*", ""];

/// A document without a fault as a policy of that kind.
pub(super) fn document(kind: Kind) -> impl Strategy<Value = Document> {
    vec(statement(kind), 1..5).prop_map(|mut statements| {
        let mut sids = BTreeSet::new();
        for statement in &mut statements {
            statement.sid = statement.sid.take().filter(|sid| sids.insert(sid.clone()));
        }
        Document::new(statements)
    })
}

/// A document as it may be stored: of any kind, of either version, with an id or without.
pub(super) fn stored_document() -> impl Strategy<Value = Document> {
    let document = select(vec![Kind::Identity, Kind::Trust, Kind::ServiceControl]).prop_flat_map(document);
    let version = prop_oneof![3 => Just("2012-10-17"), 1 => Just("2008-10-17")];
    (document, version, option::weighted(0.2, Just("Named".to_owned()))).prop_map(|(document, version, id)| Document {
        version: version.to_owned(),
        id,
        ..document
    })
}

fn statement(kind: Kind) -> BoxedStrategy<Statement> {
    let sid = option::weighted(0.4, select(vec!["A", "B", "Read1"]).prop_map(str::to_owned));
    let effect = || select(vec![Effect::Allow, Effect::Deny]);
    match kind {
        Kind::Trust => (sid, effect(), principal(), some(&TRUST_ACTIONS), conditions())
            .prop_map(|(sid, effect, principal, actions, conditions)| Statement {
                sid,
                effect,
                principal: Some(principal),
                not_principal: None,
                actions: Matching::In(actions),
                resources: None,
                conditions,
            })
            .boxed(),
        Kind::Identity | Kind::ServiceControl => {
            (sid, effect(), matching(&ACTIONS), matching(&RESOURCES), conditions())
                .prop_map(|(sid, effect, actions, resources, conditions)| Statement {
                    sid,
                    effect,
                    principal: None,
                    not_principal: None,
                    actions,
                    resources: Some(resources),
                    conditions,
                })
                .boxed()
        }
    }
}

fn some(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(words, 1..=words.len().min(3)).prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

fn matching(words: &'static [&'static str]) -> impl Strategy<Value = Matching> {
    prop_oneof![3 => some(words).prop_map(Matching::In), 1 => some(words).prop_map(Matching::NotIn)]
}

fn principal() -> impl Strategy<Value = Principal> {
    let listed = |kind: &'static str, words: &'static [&'static str]| {
        option::of(some(words)).prop_map(move |list| list.map(|list| (kind.to_owned(), list)))
    };
    let aws: &[&str] =
        &["*", "111122223333", "arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:role/r", "AROAEXAMPLE"];
    let kinds = (
        listed("AWS", aws),
        listed("Service", &["lambda.amazonaws.com", "edgelambda.amazonaws.com"]),
        listed("Federated", &["cognito-identity.amazonaws.com"]),
    )
        .prop_filter_map("nobody", |(aws, service, federated)| {
            let kinds: BTreeMap<_, _> = [aws, service, federated].into_iter().flatten().collect();
            (!kinds.is_empty()).then_some(Principal::Listed(kinds))
        });
    prop_oneof![1 => Just(Principal::Everyone), 5 => kinds]
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let values = vec(select(&VALUES).prop_map(str::to_owned), 0..3);
    let keys = btree_map(select(&KEYS).prop_map(str::to_owned), values, 1..3);
    prop_oneof![
        1 => Just(Conditions::new()),
        2 => btree_map(select(&OPERATORS).prop_map(str::to_owned), keys, 1..3)
    ]
}
