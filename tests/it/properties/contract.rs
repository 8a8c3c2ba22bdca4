//! The model against the emulator: the same steps on both, through the controller's own client, end in the same roles.
//!
//! Where the emulator is known to differ from AWS the model follows AWS, and [`difference`] leaves the step out.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_config::BehaviorVersion;
use aws_sdk_iam::{Client, error::ProvideErrorMetadata};
use lambdaroles::{
    api::class::ClassAccount,
    aws::{self, Accounts, Aws, Kind, Settings},
    plan::{ObservedRole, Step, step::NewRole},
};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample,
    test_runner::TestRunner,
};
use tokio_util::sync::CancellationToken;

use super::{
    foreign::inline_document,
    generate,
    iam_model::{Fate, Iam},
    world::{ACCOUNT_ID, World, desired},
};

/// What there is none of.
const MISSING_POLICY: &str = "arn:aws:iam::123456789012:policy/missing";

/// Why a step that the model carries out or refuses like AWS would end otherwise on the emulator, if it would.
/// What the emulator does stands in moto 5.2.5, `moto/iam/models.py`.
///
/// Out of reach of the steps here, as their roles never have names that differ only in case: the emulator tells such
/// names apart. It neither rewrites documents nor turns the ARN of a deleted principal into an id.
fn difference(iam: &Iam, name: &str, step: &Step) -> Option<&'static str> {
    let exists = iam.observe(name, None);
    let tags = exists.iter().flat_map(|role| role.tags.keys());
    match (step, iam.clone().call(name, step)) {
        (_, Err(Kind::LimitExceeded)) => Some("it has no quotas but that of 50 tags in one call"),
        (_, Err(Kind::InvalidPrincipal)) => Some("it does not look for the principals of a trust policy"),
        (Step::CreateRole(_), Err(Kind::MalformedPolicy)) => Some("it does not read the trust policy of a new role"),
        (Step::CreateRole(_), Err(Kind::NotFound)) => Some("it does not look for a boundary"),
        (Step::PutPermissionsBoundary(_), Err(Kind::NotFound)) if exists.is_some() => {
            Some("it does not look for a boundary")
        }
        (Step::TagRole(new), Err(Kind::Refused)) if new.keys().any(|key| key.starts_with("aws:")) => {
            Some("it lets anybody set AWS's own tags")
        }
        (Step::UntagRole(_), Err(Kind::Refused)) => Some("it lets anybody remove AWS's own tags"),
        (Step::TagRole(new), _) if tags.clone().any(|old| new.keys().any(|key| differ_in_case(old, key))) => {
            Some("it holds tags whose keys differ only in case")
        }
        (Step::UntagRole(keys), _) if tags.clone().any(|old| keys.iter().any(|key| differ_in_case(old, key))) => {
            Some("it removes tags by the very case of their keys")
        }
        _ => None,
    }
}

fn differ_in_case(a: &str, b: &str) -> bool {
    a != b && a.to_lowercase() == b.to_lowercase()
}

/// A step on the first or the second role.
type Call = (usize, Step);

/// Sequences of steps that mostly, but not always, go through.
fn calls() -> impl Strategy<Value = Vec<Call>> {
    let first = (new_role(), new_role()).prop_map(|(a, b)| vec![(0, a), (1, b)]);
    (first, vec((0..2usize, step()), 5..25)).prop_map(|(first, then)| first.into_iter().chain(then).collect())
}

fn new_role() -> impl Strategy<Value = Step> {
    generate::spec().prop_map(|spec| {
        let desired = desired(&spec);
        Step::CreateRole(Box::new(NewRole {
            path: desired.path,
            trust_policy: desired.trust_policy_before_role,
            description: desired.description,
            max_session_seconds: desired.max_session_seconds,
            permissions_boundary: desired.permissions_boundary,
            tags: desired.tags,
        }))
    })
}

fn step() -> impl Strategy<Value = Step> {
    let inline_name = || sample::select(vec!["lambdaroles", "legacy", "a+b=c,d.e@f-g"]).prop_map(str::to_owned);
    // Few, so that steps meet.
    let policy = || {
        let known = generate::every_policy();
        let some = [0, 3, 6, 9].map(|index| known[index].clone());
        prop_oneof![9 => sample::select(some.to_vec()), 1 => Just(MISSING_POLICY.to_owned())]
    };
    let document = (generate::pool(), generate::parts(), prop::bool::weighted(0.1)).prop_filter_map(
        "empty",
        |(pool, parts, is_malformed)| {
            let mut document = inline_document(pool.statements(&parts))?;
            for statement in document.statements.iter_mut().filter(|_| is_malformed) {
                statement.sid = Some("Twice".to_owned());
            }
            Some(document)
        },
    );
    let tag_key = || prop_oneof![9 => generate::tag_key(), 1 => Just("aws:stack".to_owned())];
    prop_oneof![
        1 => new_role(),
        2 => policy().prop_map(Step::PutPermissionsBoundary),
        1 => Just(Step::DeletePermissionsBoundary),
        4 => (inline_name(), document).prop_map(|(name, document)| Step::PutInlinePolicy { name, document }),
        3 => inline_name().prop_map(Step::DeleteInlinePolicy),
        4 => policy().prop_map(Step::AttachManagedPolicy),
        3 => policy().prop_map(Step::DetachManagedPolicy),
        3 => generate::spec().prop_map(|spec| Step::UpdateTrustPolicy(desired(&spec).trust_policy)),
        2 => (generate::description(), 3600..=43_200)
            .prop_map(|(description, max_session_seconds)| Step::UpdateRole { description, max_session_seconds }),
        3 => btree_map(tag_key(), generate::tag_value(), 1..4).prop_map(Step::TagRole),
        3 => vec(tag_key(), 1..4).prop_map(Step::UntagRole),
        2 => Just(Step::DeleteRole),
    ]
}

/// Plays the calls on both. Returns how many were left out.
async fn compare(aws: &Aws, calls: Vec<Call>) -> Result<usize, TestCaseError> {
    static ROLES: AtomicUsize = AtomicUsize::new(0);
    let names = [(); 2].map(|()| format!("model-{}-{}", std::process::id(), ROLES.fetch_add(1, Ordering::Relaxed)));
    let mut iam: Iam = World::new(0).iam;
    let stop = CancellationToken::new();
    let mut left_out = 0;
    for (role, step) in calls {
        let name = &names[role];
        if difference(&iam, name, &step).is_some() {
            left_out += 1;
            continue;
        }
        let expected = iam.apply(name, vec![step.clone()], Fate::Whole);
        let found = aws::apply(aws, name, vec![step.clone()], &stop).await;
        let kind = |applied: &aws::Applied| applied.failed.as_ref().map(|(_, error)| error.kind);
        prop_assert_eq!(kind(&found), kind(&expected), "{:?}: {:?}", step, found.failed);
        prop_assert_eq!(found.created.is_some(), expected.created.is_some());
        prop_assert_eq!(found.done, expected.done);
    }
    for name in &names {
        let found = aws.observe(name).await.unwrap();
        // Ids are IAM's own.
        let id = found.as_ref().map(|role| role.id.clone()).unwrap_or_default();
        let expected = iam.observe(name, None).map(|role| ObservedRole { id, ..role });
        prop_assert_eq!(found, expected);
    }
    Ok(left_out)
}

/// The emulator's URL.
fn endpoint_url() -> String {
    env::var("AWS_ENDPOINT_URL").unwrap_or_else(|_| {
        panic!(
            "no control plane: run `make test`, or wrap the command in `cargo run --example control-plane -- exec …`"
        )
    })
}

/// Makes the customer managed policies of the model.
async fn create_policies() {
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12()).endpoint_url(endpoint_url()).load().await;
    let client = Client::new(&config);
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;
    let prefix = format!("arn:aws:iam::{ACCOUNT_ID}:policy/model/");
    for name in generate::every_policy().iter().filter_map(|arn| arn.strip_prefix(&prefix)) {
        let answer = client.create_policy().path("/model/").policy_name(name).policy_document(document).send().await;
        if let Err(error) = answer {
            assert_eq!(error.code(), Some("EntityAlreadyExists"), "{error:?}");
        }
    }
}

#[test]
fn the_emulator_does_what_the_model_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let settings = Settings { endpoint_url: Some(endpoint_url()), ..Settings::default() };
    let accounts = runtime.block_on(Accounts::new(&settings, Arc::new(|_| {})));
    let aws = accounts.of(&ClassAccount { id: ACCOUNT_ID.to_owned(), ..ClassAccount::default() });
    runtime.block_on(create_policies());
    let config = ProptestConfig { max_shrink_iters: 500, ..generate::config(32) };
    let result = TestRunner::new(config).run(&calls(), |calls| {
        let all = calls.len();
        let left_out = runtime.block_on(compare(&aws, calls))?;
        prop_assert!(left_out < all, "nothing was compared");
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
