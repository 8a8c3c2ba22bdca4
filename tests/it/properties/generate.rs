//! Valid specs, as proptest strategies, and what the parts of several specs come from.

use std::collections::{BTreeMap, BTreeSet};

use lambdaroles::{
    api::{
        LambdaExecutionRoleSpec,
        role::{
            DeletionPolicy, Drift, ManagedPolicy, PermissionsBoundary, Trust, Unlisted, UnlistedInlinePolicies,
            UnlistedManagedPolicies,
        },
        statement::{Statement, TrustStatement},
    },
    catalog::managed_policy::aws_managed_policy_arn,
};
use proptest::{collection::vec, option, prelude::*, sample, sample::Index, test_runner::RngSeed};

use super::{
    statements::{long_statement, statement, text, trust_statement},
    world::{ACCOUNT_ID, NEIGHBOUR},
};

/// Names, with and without path, of AWS managed policies that specs list.
const AWS_POLICIES: [&str; 6] = [
    "AWSLambdaBasicExecutionRole",
    "AWSXRayDaemonWriteAccess",
    "AWSLambdaSQSQueueExecutionRole",
    "AmazonElasticFileSystemClientFullAccess",
    "ReadOnlyAccess",
    "job-function/ViewOnlyAccess",
];

/// Customer managed policies that specs list, and those that only others attach.
const OWN_POLICIES: usize = 18;
const FOREIGN_POLICIES: usize = 4;

/// The most attachments a spec asks for: the quota.
const ATTACHMENTS_MAX: usize = 20;

/// Characters of statements, as JSON, that the inline policy holds in any case; names of functions become ARNs, which are
/// longer.
const STATEMENTS_MAX: usize = 8_000;

/// The same of a spec whose statements may go into managed policies, and the attachments that leave room for those.
const OVERFLOWING_MAX: usize = 24_000;
const ATTACHMENTS_BESIDE_OVERFLOW: usize = 14;

/// What specs of one history have in common, so that a change of spec is a change of parts.
#[derive(Clone, Debug)]
pub struct Pool {
    role_name: Option<String>,
    path: Option<String>,
    statements: Vec<Statement>,
    trust: Vec<TrustStatement>,
}

/// Some of what a pool holds, in any order.
#[derive(Clone, Debug)]
pub struct Parts(Vec<Index>);

/// A valid spec, but for what it takes from the pool.
#[derive(Clone, Debug)]
pub struct Draft {
    statements: Parts,
    trust: Parts,
    rest: LambdaExecutionRoleSpec,
}

impl Parts {
    fn of<T: Clone>(&self, all: &[T]) -> Vec<T> {
        let mut picked = BTreeSet::new();
        let indices = self.0.iter().filter(|_| !all.is_empty()).map(|index| index.index(all.len()));
        indices.filter(|index| picked.insert(*index)).map(|index| all[index].clone()).collect()
    }
}

impl Pool {
    /// Some of the statements; no more than an inline policy holds.
    pub fn statements(&self, parts: &Parts) -> Vec<Statement> {
        self.statements_up_to(parts, STATEMENTS_MAX)
    }

    fn statements_up_to(&self, parts: &Parts, most: usize) -> Vec<Statement> {
        let mut statements = parts.of(&self.statements);
        while characters(&statements) > most {
            statements.pop();
        }
        statements
    }

    /// Whether a managed policy can have the path.
    fn may_overflow(&self) -> bool {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/.,+@=_-".contains(c);
        self.path.as_ref().is_none_or(|path| path.chars().all(is_allowed) && !path.contains("//"))
    }

    /// Trust in Lambda, and some of the statements.
    pub fn trust(&self, parts: &Parts) -> Trust {
        Trust { statements: parts.of(&self.trust), ..Trust::default() }
    }

    /// The spec that a draft is of.
    pub fn spec(&self, draft: &Draft) -> LambdaExecutionRoleSpec {
        let Draft { statements, trust, rest } = draft;
        let most = if self.may_overflow() { OVERFLOWING_MAX } else { STATEMENTS_MAX };
        let statements = self.statements_up_to(statements, most);
        let mut rest = rest.clone();
        if characters(&statements) > STATEMENTS_MAX {
            rest.managed_policies.truncate(ATTACHMENTS_BESIDE_OVERFLOW);
        }
        LambdaExecutionRoleSpec {
            role_name: self.role_name.clone(),
            path: self.path.clone(),
            statements,
            trust: Trust { statements: trust.of(&self.trust), ..rest.trust.clone() },
            ..rest
        }
    }
}

fn characters(statements: &[Statement]) -> usize {
    let told: Vec<_> =
        statements.iter().map(|statement| Statement { ignore_findings: Vec::new(), ..statement.clone() }).collect();
    serde_json::to_string(&told).unwrap().len()
}

/// How often a property is tried: `cases` times, with the same values each time, or as `PROPTEST_CASES` and
/// `PROPTEST_RNG_SEED` say.
pub fn config(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    let cases = std::env::var_os("PROPTEST_CASES").map_or(cases, |_| given.cases);
    let rng_seed = if given.rng_seed == RngSeed::Random { RngSeed::Fixed(0) } else { given.rng_seed };
    let max_global_rejects = cases.saturating_mul(2);
    ProptestConfig { cases, rng_seed, failure_persistence: None, max_global_rejects, max_shrink_iters: 20_000, ..given }
}

/// ARN of the `n`th customer managed policy.
pub fn customer_policy(n: usize) -> String {
    format!("arn:aws:iam::{ACCOUNT_ID}:policy/model/policy-{n}")
}

/// Every managed policy that there is.
pub fn every_policy() -> Vec<String> {
    let aws = AWS_POLICIES.iter().map(|name| aws_managed_policy_arn("aws", name));
    aws.chain((0..OWN_POLICIES + FOREIGN_POLICIES).map(customer_policy)).collect()
}

pub fn any_policy() -> impl Strategy<Value = String> {
    sample::select(every_policy())
}

pub fn boundary() -> impl Strategy<Value = String> {
    (0..3usize).prop_map(customer_policy)
}

pub fn pool() -> impl Strategy<Value = Pool> {
    let name =
        text("[A-Za-z0-9_+=,.@-]{1,64}").prop_filter("another role's", |name| !name.eq_ignore_ascii_case(NEIGHBOUR));
    let path = prop_oneof![2 => text("/([!-~]{1,30}/)?"), 1 => text("/[a-z]{1,8}/")];
    // Those of the second kind overflow as soon as a few of them meet.
    let statements = prop_oneof![2 => vec(statement(), 1..7), 1 => vec(long_statement(), 4..10)];
    (option::of(name), option::of(path), statements, vec(trust_statement(), 0..4)).prop_map(
        |(role_name, path, mut statements, mut trust)| {
            number(statements.iter_mut().map(|statement| &mut statement.sid));
            number(trust.iter_mut().map(|statement| &mut statement.sid));
            Pool { role_name, path, statements, trust }
        },
    )
}

/// Makes each sid one of its own.
fn number<'a>(sids: impl Iterator<Item = &'a mut Option<String>>) {
    for (index, sid) in sids.enumerate() {
        if let Some(sid) = sid {
            // One digit, so that no two come out alike.
            *sid = format!("{sid}{index}");
        }
    }
}

pub fn parts() -> impl Strategy<Value = Parts> {
    vec(any::<Index>(), 0..9).prop_map(Parts)
}

pub fn draft() -> impl Strategy<Value = Draft> {
    let documents = (parts(), parts(), (any::<bool>(), any::<bool>(), any::<bool>()));
    let settings = (option::of(description()), option::of(3600..=43_200), option::of(boundary()));
    let policies = (managed_policies(), unlisted());
    let conduct = (any::<bool>(), any::<bool>(), option::of(text("(30|45|60)s|[1-9]m|1h30m|24h")));
    (documents, settings, policies, tags(), conduct).prop_map(|(documents, settings, policies, tags, conduct)| {
        let (statements, trust, (edge, self_, source_account_condition)) = documents;
        let (description, max_session_duration_seconds, boundary) = settings;
        let (managed_policies, unlisted) = policies;
        let (reports, retains, resync_interval) = conduct;
        let rest = LambdaExecutionRoleSpec {
            description,
            tags,
            max_session_duration_seconds,
            permissions_boundary: boundary.map(|arn| PermissionsBoundary { arn }),
            trust: Trust { edge, self_, source_account_condition, statements: Vec::new() },
            managed_policies,
            unlisted,
            drift: Some(if reports { Drift::Report } else { Drift::Correct }),
            deletion_policy: Some(if retains { DeletionPolicy::Retain } else { DeletionPolicy::Delete }),
            resync_interval,
            ..LambdaExecutionRoleSpec::default()
        };
        Draft { statements, trust, rest }
    })
}

/// A valid spec.
pub fn spec() -> impl Strategy<Value = LambdaExecutionRoleSpec> {
    (pool(), draft()).prop_map(|(pool, draft)| pool.spec(&draft))
}

fn unlisted() -> impl Strategy<Value = Unlisted> {
    let managed = sample::select(vec![UnlistedManagedPolicies::Detach, UnlistedManagedPolicies::Keep]);
    let inline = sample::select(vec![UnlistedInlinePolicies::Delete, UnlistedInlinePolicies::Keep]);
    (managed, inline).prop_map(|(managed_policies, inline_policies)| Unlisted { managed_policies, inline_policies })
}

/// Often few, at times as many as the quota allows.
fn managed_policies() -> impl Strategy<Value = Vec<ManagedPolicy>> {
    let by_name =
        AWS_POLICIES.iter().map(|name| ManagedPolicy { aws: Some((*name).to_owned()), ..ManagedPolicy::default() });
    let by_arn = (0..OWN_POLICIES).map(|n| ManagedPolicy { arn: Some(customer_policy(n)), ..ManagedPolicy::default() });
    let all: Vec<ManagedPolicy> = by_name.chain(by_arn).collect();
    prop_oneof![
        3 => sample::subsequence(all.clone(), 0..5),
        1 => sample::subsequence(all, ATTACHMENTS_MAX - 3..=ATTACHMENTS_MAX),
    ]
    .prop_shuffle()
}

pub fn description() -> impl Strategy<Value = String> {
    text("[\t\n\r -~\u{A1}-\u{FF}]{0,40}")
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    let few = vec((tag_key(), tag_value()), 0..6);
    let most = vec((tag_key(), tag_value()), 47);
    prop_oneof![8 => few, 1 => most].prop_map(|tags| {
        let mut keys = BTreeSet::new();
        tags.into_iter().filter(|(key, _)| keys.insert(key.to_lowercase())).collect()
    })
}

/// Letters and numbers of several scripts, some of which change their length or their script in another case.
fn tag_characters(min: usize, max: usize) -> String {
    format!("[A-Za-z0-9À-ÖØ-öø-ɏΑ-Ρα-ωА-яЁё一-龥²½Ⅷ\u{212A} _.:/=+@-]{{{min},{max}}}")
}

/// Keys that meet each other, also in another case, and any others.
pub fn tag_key() -> impl Strategy<Value = String> {
    let known = sample::select(vec!["team", "Team", "TEAM", "cost centre", "Größe", "a+b@c=d/e:f_g.h-i"]);
    prop_oneof![known.prop_map(str::to_owned), text(&tag_characters(1, 20))].prop_filter("reserved", |key| {
        let key = key.to_lowercase();
        !key.starts_with("aws:") && !key.starts_with("lambdaroles.dev/")
    })
}

pub fn tag_value() -> impl Strategy<Value = String> {
    text(&tag_characters(0, 12)).prop_filter("reserved", |value| !value.to_lowercase().starts_with("aws:"))
}
