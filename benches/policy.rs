//! What the policy language costs, on documents as long as IAM allows them.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that panics has failed")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lambdaroles::{
    lint::{self, Home, Located, Source, Spelling, Subject},
    plan::Quotas,
    policy::{
        Document, Pattern,
        canonical::{Canonical, equivalent},
        check::{self, Kind},
        evaluate::{Context, Policies, Request, evaluate},
        merge::merged,
    },
};

/// A document that fills the quota for inline policies: statements as people write them, each for a function of its own.
fn longest() -> Document {
    let statement = |number: usize| {
        format!(
            r#"{{"Sid":"Orders{number}","Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query","s3:Get*"],"Resource":["arn:aws:dynamodb:us-east-1:123456789012:table/orders-{number}","arn:aws:s3:::orders-{number}/*"],"Condition":{{"ArnEquals":{{"lambda:SourceFunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:orders-{number}"}}}}}}"#
        )
    };
    let document = |count: usize| {
        let statements: Vec<String> = (0..count).map(statement).collect();
        Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))).unwrap()
    };
    let fits = |count: &usize| document(*count).characters() <= Quotas::DEFAULT.inline_policies;
    document((1..1_000).take_while(fits).last().unwrap())
}

fn documents(criterion: &mut Criterion) {
    let document = longest();
    let json = document.to_string();
    let mut reversed = document.clone();
    reversed.statements.reverse();
    let mut group = criterion.benchmark_group(format!("document of {} characters", document.characters()));
    group.bench_function("parse", |bencher| bencher.iter(|| Document::parse(black_box(&json)).unwrap()));
    group.bench_function("check", |bencher| bencher.iter(|| check::faults(black_box(&document), Kind::Identity)));
    group.bench_function("canonicalise", |bencher| bencher.iter(|| Canonical::of(black_box(&document))));
    group.bench_function("compare", |bencher| {
        bencher.iter(|| assert!(equivalent(black_box(&document), black_box(&reversed))));
    });
    group.bench_function("parse and compare", |bencher| {
        bencher.iter(|| assert!(equivalent(&Document::parse(black_box(&json)).unwrap(), black_box(&reversed))));
    });
    group.bench_function("merge", |bencher| bencher.iter(|| merged(black_box(&document.statements))));
    group.bench_function("lint", |bencher| {
        let located: Vec<Located> = document
            .statements
            .iter()
            .map(|statement| Located {
                path: "spec.statements[0]".to_owned(),
                spelling: Spelling::Manifest,
                source: Source::Written,
                scope: None,
                statement: statement.clone(),
                ignored: [].into(),
            })
            .collect();
        let home = Home { partition: "aws", region: "us-east-1", account: "123456789012" };
        let subject = Subject { home, statements: &located, trust: &[], managed_policies: &[], sizes: &[] };
        bencher.iter(|| lint::lint(black_box(&subject)));
    });
    group.finish();
}

fn requests(criterion: &mut Criterion) {
    let documents = [longest()];
    let last = documents[0].statements.len() - 1;
    let function = format!("arn:aws:lambda:us-east-1:123456789012:function:orders-{last}");
    let context = Context::default().with("lambda:SourceFunctionArn", function);
    let policies = Policies { identity: &documents, ..Policies::default() };
    let resource = format!("arn:aws:s3:::orders-{last}/2026/11/25.json");
    let mut group = criterion.benchmark_group(format!("evaluate {} characters", documents[0].characters()));
    for (name, action) in [("allowed by the last statement", "s3:GetObject"), ("allowed by none", "s3:PutObject")] {
        let request = Request { action, resource: &resource, context: &context };
        group.bench_function(name, |bencher| bencher.iter(|| evaluate(black_box(&policies), black_box(&request))));
    }
    group.finish();
}

fn patterns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("containment");
    let cases = [
        ("arns", "arn:aws:s3:::orders-*/2026/*".to_owned(), "arn:aws:s3:::orders-*".to_owned()),
        ("2000 characters that invite backtracking", "*a".repeat(1000), format!("{}b", "*a?".repeat(600))),
    ];
    for (name, narrow, wide) in cases {
        let (narrow, wide) = (Pattern::new(&narrow), Pattern::new(&wide));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&narrow).is_within(black_box(&wide))));
    }
    group.finish();
}

criterion_group!(benches, documents, requests, patterns);
criterion_main!(benches);
