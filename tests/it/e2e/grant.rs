//! Grants: statements that teams add to a role that they share, each in its own place.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use lambdaroles::api::{ConditionType, LambdaExecutionRole, LambdaRoleGrant, Reason};
use serde_json::{Value, json};

use crate::harness::{Objects, World, condition_of, namespaces};

const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A world with further namespaces, whose labels say `team: "yes"`; every one may use its class.
async fn shared(count: usize, class: Value) -> (World, Vec<String>) {
    let teams = namespaces(count, json!({"team": "yes"})).await;
    let arguments: Vec<&str> = teams.iter().flat_map(|team| ["--namespace", team]).collect();
    let of_namespace = |namespace: &str| {
        let names: Vec<&str> = teams.iter().map(String::as_str).chain([namespace]).collect();
        let mut spec = json!({
            "account": {"id": "123456789012", "region": "us-east-1"},
            "namespaces": {"names": names},
            "guardrails": {"sourceFunctions": ["$(namespace)-*"]},
        });
        json_patch::merge(&mut spec, &class);
        spec
    };
    let world = World::start_in(of_namespace, &arguments).await;
    (world, teams)
}

fn grants(world: &World, namespace: &str) -> Objects<LambdaRoleGrant> {
    Objects::in_namespace(&world.client, namespace)
}

/// A role that admits the teams.
fn role() -> Value {
    json!({
        "grants": {"from": "Selector", "selector": {"matchLabels": {"team": "yes"}}},
        "statements": [
            {"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::shared/*"], "sourceFunctionArns": ["$(namespace)-gateway"]},
        ],
    })
}

fn statement() -> Value {
    json!({"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::$(namespace)-$(name)/*"]})
}

/// A grant for the role `gateway` of the world.
fn grant(world: &World, fields: Value) -> Value {
    let mut spec = json!({
        "roleRef": {"namespace": world.namespace, "name": "gateway"},
        "sourceFunctionArns": ["$(namespace)-$(name)"],
        "statements": [statement()],
    });
    json_patch::merge(&mut spec, &fields);
    spec
}

fn policy_name(namespace: &str, name: &str) -> String {
    format!("lambdaroles+{namespace}+{name}")
}

/// Writes to inline policies since the last time they were forgotten, and how often each was made.
fn writes(world: &World) -> BTreeMap<(String, String), usize> {
    let mut writes = BTreeMap::new();
    for call in world.proxy.calls().into_iter().filter(|call| !call.is_repeated) {
        if let Some(policy) = call.parameters.get("PolicyName")
            && ["PutRolePolicy", "DeleteRolePolicy"].contains(&call.operation.as_str())
        {
            *writes.entry((call.operation, policy.clone())).or_default() += 1;
        }
    }
    writes
}

async fn inline(world: &World) -> BTreeMap<String, Value> {
    world.snapshot(&world.role_name("gateway")).await.inline.into_iter().collect()
}

async fn put(iam: &Client, role: &str, policy: &str, document: &str) {
    let request = iam.put_role_policy().role_name(role).policy_name(policy).policy_document(document);
    request.send().await.map(drop).unwrap();
}

/// What the role's status says of grants.
fn listed(role: &LambdaExecutionRole) -> Vec<(String, Option<String>)> {
    let grants = &role.status.as_ref().unwrap().grants;
    grants.iter().map(|entry| (entry.name.clone(), entry.reason.clone())).collect()
}

/// Ten grants and their deletions, each after its grant, in an order that the seed decides.
fn shuffled(grants: &[(String, String)], seed: u64) -> Vec<(bool, (String, String))> {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut to_come, mut there, mut order) = (grants.to_vec(), Vec::new(), Vec::new());
    while !(to_come.is_empty() && there.is_empty()) {
        let comes = there.is_empty() || (!to_come.is_empty() && random.bool());
        let from = if comes { &mut to_come } else { &mut there };
        let grant = from.swap_remove(random.usize(..from.len()));
        if comes {
            there.push(grant.clone());
        }
        order.push((comes, grant));
    }
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_grants_of_five_teams_come_and_go_in_any_order_and_the_role_s_own_policy_is_never_written() {
    let (world, teams) = Box::pin(shared(5, json!({}))).await;
    world.create_ready("gateway", role()).await;
    let own = inline(&world).await["lambdaroles"].clone();
    let all: Vec<(String, String)> =
        teams.iter().flat_map(|team| ["orders", "invoices"].map(|name| (team.clone(), name.to_owned()))).collect();
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    world.proxy.forget();
    for (comes, (team, name)) in shuffled(&all, seed) {
        let grants = grants(&world, &team);
        if comes {
            grants.create_ready(&name, grant(&world, json!({}))).await;
            let document = &inline(&world).await[&policy_name(&team, &name)];
            let functions = format!("arn:aws:lambda:us-east-1:123456789012:function:{team}-{name}");
            assert!(document.to_string().contains(&functions), "{document}");
        } else {
            grants.delete(&name).await;
            grants.gone(&name).await;
            assert!(!inline(&world).await.contains_key(&policy_name(&team, &name)), "seed {seed}");
        }
    }
    let once: BTreeMap<(String, String), usize> = all
        .iter()
        .flat_map(|(team, name)| {
            ["PutRolePolicy", "DeleteRolePolicy"].map(|operation| ((operation.to_owned(), policy_name(team, name)), 1))
        })
        .collect();
    assert_eq!(writes(&world), once, "seed {seed}");
    assert_eq!(world.proxy.writes().len(), 20, "seed {seed}: {:?}", world.proxy.writes());
    assert_eq!(inline(&world).await, BTreeMap::from([("lambdaroles".to_owned(), own)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_that_come_at_once_are_put_once_each() {
    let (world, teams) = Box::pin(shared(5, json!({}))).await;
    world.create_ready("gateway", role()).await;
    world.proxy.forget();
    for team in &teams {
        for name in ["orders", "invoices"] {
            grants(&world, team).create(name, grant(&world, json!({}))).await;
        }
    }
    for team in &teams {
        for name in ["orders", "invoices"] {
            grants(&world, team).ready(name).await;
        }
    }
    assert_eq!(world.proxy.writes(), vec!["PutRolePolicy"; 10]);
    assert_eq!(writes(&world).values().sum::<usize>(), 10);
    assert!(writes(&world).values().all(|count| *count == 1));
    world.proxy.forget();
    world.look("gateway").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0], "a second look changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_grant_blocks_neither_the_role_nor_the_others_and_an_edit_costs_one_write() {
    let (world, teams) = Box::pin(shared(2, json!({}))).await;
    world.create_ready("gateway", role()).await;
    let (shop, billing) = (grants(&world, &teams[0]), grants(&world, &teams[1]));
    billing.create_ready("good", grant(&world, json!({}))).await;
    // Functions of another team.
    let thief = json!({"sourceFunctionArns": [format!("{}-good", teams[1])]});
    shop.create("bad", grant(&world, thief)).await;
    let bad = shop.condition("bad", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    assert!(condition_of(&bad, ConditionType::Stalled).is_some());
    assert!(bad.metadata.finalizers.is_none(), "it holds its own deletion up");
    let message = condition_of(&bad, ConditionType::Accepted).unwrap().message;
    assert!(message.contains("spec.sourceFunctionArns[0]"), "{message}");
    world.until("the bad grant in the role's status", "gateway", |role| listed(role).len() == 2).await;
    let role = world.ready("gateway").await;
    assert_eq!(listed(&role).iter().filter(|(_, reason)| reason.is_some()).count(), 1);
    world.proxy.forget();
    shop.change("bad", json!({"sourceFunctionArns": ["$(namespace)-bad"]})).await;
    shop.ready("bad").await;
    billing.ready("good").await;
    assert_eq!(world.proxy.writes(), ["PutRolePolicy"]);
    // One that becomes bad keeps what it has.
    let before = inline(&world).await;
    world.proxy.forget();
    shop.change("bad", json!({"sourceFunctionArns": [format!("{}-x", teams[1])]})).await;
    shop.condition("bad", ConditionType::Accepted, "False", Reason::GuardrailViolation).await;
    world.look("gateway").await;
    assert_eq!(world.proxy.writes(), [] as [String; 0]);
    assert_eq!(inline(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_admits_whom_it_says_and_whom_it_does_not_any_more_loses_what_it_had() {
    let (world, teams) = Box::pin(shared(1, json!({}))).await;
    let mut closed = role();
    closed["grants"] = json!({"from": "SameNamespace"});
    world.create_ready("gateway", closed).await;
    let (team, policy) = (grants(&world, &teams[0]), policy_name(&teams[0], "orders"));
    world.proxy.forget();
    team.create("orders", grant(&world, json!({}))).await;
    team.condition("orders", ConditionType::Accepted, "False", Reason::GrantNotAdmitted).await;
    assert_eq!(world.proxy.calls(), [], "whom a role does not admit costs it nothing");
    world.change("gateway", json!({"grants": role()["grants"]})).await;
    team.ready("orders").await;
    assert!(inline(&world).await.contains_key(&policy));
    world.change("gateway", json!({"grants": {"from": "None", "selector": null}})).await;
    let refused = team.condition("orders", ConditionType::Accepted, "False", Reason::GrantNotAdmitted).await;
    assert!(condition_of(&refused, ConditionType::Accepted).unwrap().message.contains(&teams[0]));
    world.until("a role without grants", "gateway", |role| listed(role).is_empty()).await;
    assert!(!inline(&world).await.contains_key(&policy));
    // Nor does a role that is refused itself keep it.
    world.change("gateway", json!({"grants": role()["grants"]})).await;
    team.ready("orders").await;
    world.change("gateway", json!({"grants": {"from": "None", "selector": null}, "statements": [{"effect": "Allow", "actions": ["nonsense"], "resources": ["*"]}]})).await;
    world.condition("gateway", ConditionType::Ready, "False", Reason::InvalidSpec).await;
    world.until("a role without grants", "gateway", |role| listed(role).is_empty()).await;
    let inline = inline(&world).await;
    assert!(!inline.contains_key(&policy) && inline.contains_key("lambdaroles"), "{inline:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_may_come_before_its_role_and_goes_with_it() {
    let (world, teams) = Box::pin(shared(1, json!({}))).await;
    let (team, own) = (grants(&world, &teams[0]), grants(&world, &world.namespace));
    team.create("orders", grant(&world, json!({}))).await;
    own.create("here", grant(&world, json!({}))).await;
    // Who is elsewhere is not told whether there is a role.
    team.condition("orders", ConditionType::Accepted, "False", Reason::GrantNotAdmitted).await;
    own.condition("here", ConditionType::Accepted, "False", Reason::RoleNotFound).await;
    world.create("gateway", role()).await;
    team.ready("orders").await;
    own.condition("here", ConditionType::Accepted, "False", Reason::GrantNotAdmitted).await;
    world.delete("gateway").await;
    world.gone("gateway").await;
    team.condition("orders", ConditionType::Accepted, "False", Reason::GrantNotAdmitted).await;
    own.condition("here", ConditionType::Accepted, "False", Reason::RoleNotFound).await;
    for (grants, name) in [(&team, "orders"), (&own, "here")] {
        grants.delete(name).await;
        grants.gone(name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deletion_of_a_grant_of_a_suspended_role_waits_and_says_so() {
    let (world, teams) = Box::pin(shared(1, json!({}))).await;
    world.create_ready("gateway", role()).await;
    let team = grants(&world, &teams[0]);
    team.create_ready("orders", grant(&world, json!({}))).await;
    world.change("gateway", json!({"suspend": true})).await;
    world.condition("gateway", ConditionType::Synced, "Unknown", Reason::Suspended).await;
    team.delete("orders").await;
    let blocked = team
        .until("a deletion that waits", "orders", |grant| {
            condition_of(grant, ConditionType::DeletionBlocked).is_some_and(|blocked| blocked.reason == "Suspended")
        })
        .await;
    assert!(condition_of(&blocked, ConditionType::DeletionBlocked).unwrap().message.contains("gateway"));
    assert!(inline(&world).await.contains_key(&policy_name(&teams[0], "orders")));
    world.change("gateway", json!({"suspend": false})).await;
    team.gone("orders").await;
    assert!(!inline(&world).await.contains_key(&policy_name(&teams[0], "orders")));
}

/// Statements that make about so many characters.
fn of_size(characters: usize) -> Value {
    let resources: Vec<String> =
        (0..characters / 100).map(|n| format!("arn:aws:s3:::{}/{n:03}", "x".repeat(80))).collect();
    json!({"statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": resources}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_fit_is_told_and_goes_in_when_another_leaves() {
    let (world, teams) = Box::pin(shared(2, json!({}))).await;
    world.create_ready("gateway", role()).await;
    let (shop, billing) = (grants(&world, &teams[0]), grants(&world, &teams[1]));
    shop.create_ready("first", grant(&world, of_size(4_500))).await;
    shop.create_ready("second", grant(&world, of_size(4_500))).await;
    billing.create("late", grant(&world, of_size(3_000))).await;
    let full = billing.condition("late", ConditionType::Accepted, "False", Reason::NoRoomForGrant).await;
    let message = condition_of(&full, ConditionType::Accepted).unwrap().message;
    assert!(message.contains("of the 10240"), "{message}");
    world.ready("gateway").await;
    // A small one still goes in.
    billing.create_ready("small", grant(&world, json!({}))).await;
    world.proxy.forget();
    shop.delete("first").await;
    billing.ready("late").await;
    shop.gone("first").await;
    assert_eq!(world.proxy.writes(), ["DeleteRolePolicy", "PutRolePolicy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_edit_of_a_grant_s_policy_is_undone_and_said_in_an_event() {
    let (world, teams) = Box::pin(shared(1, json!({}))).await;
    world.create_ready("gateway", role()).await;
    let team = grants(&world, &teams[0]);
    team.create_ready("orders", grant(&world, json!({}))).await;
    let (name, policy, before) = (world.role_name("gateway"), policy_name(&teams[0], "orders"), inline(&world).await);
    for edit in [Some(OPEN), None] {
        if let Some(document) = edit {
            put(&world.iam, &name, &policy, document).await;
        } else {
            world.iam.delete_role_policy().role_name(&name).policy_name(&policy).send().await.unwrap();
        }
        // A policy that looks like a grant's, and is nobody's.
        put(&world.iam, &name, "lambdaroles+nobody+nothing", OPEN).await;
        world.look("gateway").await;
        assert_eq!(inline(&world).await, before);
    }
    world.events("gateway", Reason::DriftCorrected, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_on_the_role_is_kept_beside_grants_and_grants_are_never_taken_for_it() {
    let (world, teams) =
        Box::pin(shared(1, json!({"guardrails": {"permissions": {"exempted": [{"actions": ["*"]}]}}}))).await;
    let mut keeping = role();
    keeping["unlisted"] = json!({"inlinePolicies": "Keep"});
    world.create_ready("gateway", keeping).await;
    put(&world.iam, &world.role_name("gateway"), "theirs", OPEN).await;
    let team = grants(&world, &teams[0]);
    team.create_ready("orders", grant(&world, json!({}))).await;
    let expected = ["lambdaroles".to_owned(), policy_name(&teams[0], "orders"), "theirs".to_owned()];
    assert_eq!(inline(&world).await.into_keys().collect::<Vec<_>>(), expected);
    team.delete("orders").await;
    team.gone("orders").await;
    assert_eq!(inline(&world).await.into_keys().collect::<Vec<_>>(), ["lambdaroles", "theirs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_outlive_a_restart_of_the_controller() {
    let (mut world, teams) = Box::pin(shared(2, json!({}))).await;
    world.create_ready("gateway", role()).await;
    for team in &teams {
        grants(&world, team).create_ready("orders", grant(&world, json!({}))).await;
    }
    let before = inline(&world).await;
    world.controller.kill().await.unwrap();
    // What goes while nobody looks is gone from IAM when somebody does.
    let gone = grants(&world, &teams[1]);
    gone.delete("orders").await;
    world.proxy.forget();
    let arguments: Vec<&str> = teams.iter().flat_map(|team| ["--namespace", team]).collect();
    world.restart_controller(&arguments);
    gone.gone("orders").await;
    world.look("gateway").await;
    assert_eq!(world.proxy.writes(), ["DeleteRolePolicy"]);
    let mut left = before;
    left.remove(&policy_name(&teams[1], "orders"));
    assert_eq!(inline(&world).await, left);
}
