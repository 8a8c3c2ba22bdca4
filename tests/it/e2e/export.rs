//! Roles that are handed over to workloads by a ConfigMap.

use futures::StreamExt;
use k8s_openapi::api::{core::v1::ConfigMap, rbac::v1::PolicyRule};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use lambdaroles::{
    api::{ConditionType, Reason},
    cluster::permissions::{export_policy_rules, policy_rules},
};
use serde_json::{Value, json};

use crate::harness::{Account, Fault, World, condition, patiently};

fn config_maps(world: &World) -> Api<ConfigMap> {
    Api::namespaced(world.client.clone(), &world.namespace)
}

fn export(name: &str) -> Value {
    json!({"export": {"configMap": {"name": name}}})
}

async fn put(world: &World, name: &str, data: Value) -> ConfigMap {
    let object = serde_json::from_value(json!({"metadata": {"name": name}, "data": data})).unwrap();
    config_maps(world).create(&PostParams::default(), &object).await.unwrap()
}

async fn merge(world: &World, name: &str, patch: Value) {
    config_maps(world).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

fn data(config_map: &ConfigMap) -> Value {
    json!(config_map.data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_ready_has_been_handed_over_and_its_config_map_goes_with_it() {
    let world = World::start_with(&["--settle", "2s"]).await;
    world.create("orders", export("orders-role")).await;
    let waiting = world.condition("orders", ConditionType::Exported, "False", Reason::RoleNotReady).await;
    assert_eq!(condition(&waiting, ConditionType::Ready).unwrap().reason, "PropagationPending");
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none(), "a role that is not usable yet");

    let object = world.ready("orders").await;
    let written = config_maps(&world).get("orders-role").await.unwrap();
    let status = object.status.clone().unwrap();
    let expected = json!({
        "roleArn": status.role_arn, "roleName": status.role_name, "roleId": status.role_id, "accountId": status.account_id,
    });
    assert_eq!(data(&written), expected);
    assert_eq!(condition(&object, ConditionType::Exported).unwrap().status, "True");
    assert_eq!(status.export.unwrap().config_map, "orders-role");
    let owner = &written.owner_references()[0];
    assert_eq!((owner.kind.as_str(), owner.controller), ("LambdaExecutionRole", Some(true)));
    assert_eq!(Some(&owner.uid), object.metadata.uid.as_ref());
    assert_eq!(written.labels()["app.kubernetes.io/managed-by"], "lambdaroles");
    assert_eq!(written.labels()["lambdaroles.dev/role"], "orders");
    world.events("orders", Reason::Exported, 1).await;

    world.delete("orders").await;
    world.gone("orders").await;
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none());
}

/// Who waits for a ConfigMap looks whether it is there, not what is in it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_never_sees_the_config_map_without_its_keys() {
    let world = World::start().await;
    let begin = config_maps(&world).list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let object = world.create_ready("orders", export("orders-role")).await;
    let arn = object.status.unwrap().role_arn.unwrap();
    world.change("orders", json!({"export": {"configMap": {"keys": {"roleArn": "ROLE_ARN"}}}})).await;
    world.ready("orders").await;
    world.delete("orders").await;
    world.gone("orders").await;

    // All that happened since.
    let params = WatchParams::default().fields("metadata.name=orders-role");
    let mut events = config_maps(&world).watch(&params, &begin).await.unwrap().boxed();
    let mut seen = Vec::new();
    patiently("the removal", async {
        loop {
            match events.next().await.unwrap().unwrap() {
                WatchEvent::Added(config_map) | WatchEvent::Modified(config_map) => {
                    seen.push(config_map.data.unwrap_or_default());
                }
                WatchEvent::Deleted(_) => break,
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    let keys: Vec<Vec<&str>> = seen.iter().map(|data| data.keys().map(String::as_str).collect()).collect();
    assert_eq!(keys, [vec!["accountId", "roleArn", "roleId", "roleName"], vec!["ROLE_ARN"]]);
    assert!(seen[0]["roleArn"] == arn && seen[1]["ROLE_ARN"] == arn, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_or_deleted_by_hand_is_put_back_and_what_others_added_stays() {
    let world = World::start().await;
    world.create_ready("orders", export("orders-role")).await;
    let before = config_maps(&world).get("orders-role").await.unwrap();
    let edit = json!({"data": {"roleArn": "arn:aws:iam::666666666666:role/other", "roleName": null, "theirs": "x"}});
    merge(&world, "orders-role", edit).await;
    world.look("orders").await;
    let mut expected = data(&before);
    expected["theirs"] = json!("x");
    assert_eq!(data(&config_maps(&world).get("orders-role").await.unwrap()), expected);

    config_maps(&world).delete("orders-role", &DeleteParams::default()).await.unwrap();
    world.look("orders").await;
    assert_eq!(data(&config_maps(&world).get("orders-role").await.unwrap()), data(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_keys_another_name_and_no_name_leave_nothing_behind() {
    let world = World::start().await;
    let object = world.create_ready("orders", export("orders-role")).await;
    let arn = object.status.unwrap().role_arn.unwrap();
    world.change("orders", json!({"export": {"configMap": {"keys": {"roleArn": "ROLE_ARN"}}}})).await;
    world.ready("orders").await;
    let written = config_maps(&world).get("orders-role").await.unwrap();
    assert_eq!(data(&written), json!({"ROLE_ARN": arn}));

    world.change("orders", export("renamed")).await;
    world.ready("orders").await;
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none());
    assert_eq!(data(&config_maps(&world).get("renamed").await.unwrap()), json!({"ROLE_ARN": arn}));

    world.change("orders", json!({"export": null})).await;
    let object = world.ready("orders").await;
    assert!(config_maps(&world).get_opt("renamed").await.unwrap().is_none());
    assert!(condition(&object, ConditionType::Exported).is_none());
    assert!(object.status.unwrap().export.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_of_somebody_else_is_not_touched_and_the_object_says_so() {
    let world = World::start().await;
    let theirs = put(&world, "settings", json!({"roleArn": "mine"})).await;
    world.create("orders", export("settings")).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::ConfigMapConflict).await;
    assert_eq!(condition(&object, ConditionType::Ready).unwrap().status, "False");
    assert_eq!(condition(&object, ConditionType::Synced).unwrap().status, "True", "IAM has converged all the same");
    let message = &condition(&object, ConditionType::Exported).unwrap().message;
    assert!(message.contains("ConfigMap settings exists already"), "{message}");
    assert!(world.role_exists(&world.role_name("orders")).await);
    assert_eq!(config_maps(&world).get("settings").await.unwrap(), theirs);

    // The second role that asks for the ConfigMap of the first.
    world.create_ready("first", export("shared")).await;
    world.create("second", export("shared")).await;
    let second = world.condition("second", ConditionType::Exported, "False", Reason::ConfigMapConflict).await;
    let message = &condition(&second, ConditionType::Exported).unwrap().message;
    assert!(message.contains("belongs to LambdaExecutionRole first"), "{message}");

    world.delete("orders").await;
    world.delete("second").await;
    world.gone("orders").await;
    world.gone("second").await;
    assert_eq!(config_maps(&world).get("settings").await.unwrap(), theirs);
    assert!(config_maps(&world).get_opt("shared").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_that_is_taken_leaves_the_config_map_of_the_old_one() {
    let world = World::start().await;
    world.create_ready("orders", export("orders-role")).await;
    let written = config_maps(&world).get("orders-role").await.unwrap();
    let theirs = put(&world, "settings", json!({"roleArn": "mine"})).await;
    world.change("orders", export("settings")).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::ConfigMapConflict).await;
    assert_eq!(object.status.unwrap().export.unwrap().config_map, "orders-role");
    assert_eq!(config_maps(&world).get("orders-role").await.unwrap(), written);

    world.change("orders", export("renamed")).await;
    world.ready("orders").await;
    assert_eq!(data(&config_maps(&world).get("renamed").await.unwrap()), data(&written));
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none());
    assert_eq!(config_maps(&world).get("settings").await.unwrap(), theirs);
}

/// What a controller leaves that gets no further than one step of a renaming: the status names all that may be there.
#[tokio::test(flavor = "multi_thread")]
async fn a_renaming_that_is_cut_off_before_or_after_the_new_one_is_made_leaves_nothing_behind() {
    let mut world = World::start().await;
    let account = Account::with(&world.client, &world.namespace, without("create")).await;
    let kubeconfig = account.kubeconfig();
    world.create_ready("orders", export("orders-role")).await;
    for (verb, name, there) in [("create", "before", vec!["orders-role"]), ("delete", "after", vec!["after", "last"])] {
        world.controller.kill().await.unwrap();
        account.grant(without(verb)).await;
        world.restart_controller(&["--kubeconfig", kubeconfig.to_str().unwrap()]);
        world.change("orders", export(name)).await;
        world.condition("orders", ConditionType::Stalled, "True", Reason::ExportFailed).await;
        world.controller.kill().await.unwrap();
        assert_eq!(names(&world).await, there);

        world.change("orders", export("last")).await;
        world.restart_controller(&[]);
        let object = world.ready("orders").await;
        assert_eq!(names(&world).await, ["last"]);
        assert!(object.status.unwrap().export.unwrap().previous.is_empty());
    }
}

/// The rights of a controller but for one on ConfigMaps.
fn without(verb: &str) -> Vec<PolicyRule> {
    let mut of_export = export_policy_rules();
    for rule in &mut of_export {
        rule.verbs.retain(|own| own != verb);
    }
    policy_rules().into_iter().chain(of_export).collect()
}

/// Names of the ConfigMaps that were exported.
async fn names(world: &World) -> Vec<String> {
    let params = ListParams::default().labels("app.kubernetes.io/managed-by=lambdaroles");
    let found = config_maps(world).list(&params).await.unwrap();
    found.iter().map(ResourceExt::name_any).collect()
}

/// Under `Keep` what is about to be put on a role is announced in the status, and so is a ConfigMap before it is made.
#[tokio::test(flavor = "multi_thread")]
async fn the_announcement_of_a_config_map_does_not_take_back_that_of_a_policy() {
    let world = World::start().await;
    let begin = world.roles.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let spec = json!({
        "unlisted": {"managedPolicies": "Keep"},
        "managedPolicies": [{"aws": "AWSLambdaBasicExecutionRole"}],
        "export": {"configMap": {"name": "orders-role"}},
    });
    world.create_ready("orders", spec).await;

    let params = WatchParams::default().fields("metadata.name=orders");
    let mut events = world.roles.watch(&params, &begin).await.unwrap().boxed();
    let mut seen = Vec::new();
    patiently("the role to be ready", async {
        loop {
            match events.next().await.unwrap().unwrap() {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    let is_ready = condition(&object, ConditionType::Ready).is_some_and(|ready| ready.status == "True");
                    let status = object.status.unwrap_or_default();
                    seen.push((status.managed_policies.len(), status.export.is_some()));
                    if is_ready {
                        break;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    seen.dedup();
    assert_eq!(seen, [(0, false), (1, false), (1, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_goes_on_by_itself_when_the_name_is_free() {
    let world = World::start().await;
    put(&world, "settings", json!({})).await;
    world.create("orders", export("settings")).await;
    world.condition("orders", ConditionType::Stalled, "True", Reason::ConfigMapConflict).await;
    config_maps(&world).delete("settings", &DeleteParams::default()).await.unwrap();
    world.ready("orders").await;
    assert_eq!(config_maps(&world).get("settings").await.unwrap().owner_references().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_that_find_an_export_in_place_write_nothing_to_the_api_server() {
    let world = World::start_with(&["--resync", "300ms"]).await;
    let before = world.create_ready("orders", export("orders-role")).await;
    let written = config_maps(&world).get("orders-role").await.unwrap();
    let version = world.get("orders").await.metadata.resource_version;
    world.proxy.forget();
    patiently("four looks", async {
        while world.proxy.counts().get("GetRole").is_none_or(|looks| *looks < 4) {
            world.proxy.next_call().await;
        }
    })
    .await;
    assert_eq!(config_maps(&world).get("orders-role").await.unwrap(), written);
    assert_eq!(world.get("orders").await.metadata.resource_version, version);
    assert_eq!(world.get("orders").await.status, before.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_suspension_the_config_map_stays_as_it_is() {
    let world = World::start().await;
    world.create_ready("orders", export("orders-role")).await;
    world.change("orders", json!({"suspend": true, "export": {"configMap": {"name": "renamed"}}})).await;
    world.condition("orders", ConditionType::Exported, "Unknown", Reason::Suspended).await;
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_some());
    assert!(config_maps(&world).get_opt("renamed").await.unwrap().is_none());
    world.change("orders", json!({"suspend": false})).await;
    world.ready("orders").await;
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none());
    assert!(config_maps(&world).get_opt("renamed").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_retained_keeps_no_config_map() {
    let world = World::start().await;
    let spec = json!({"deletionPolicy": "Retain", "export": {"configMap": {"name": "orders-role"}}});
    world.create_ready("orders", spec).await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(world.role_exists(&world.role_name("orders")).await);
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_exports_the_controller_says_so_and_touches_no_config_map() {
    let world = World::start_with(&["--export", "false"]).await;
    world.create("orders", export("orders-role")).await;
    let object = world.condition("orders", ConditionType::Exported, "False", Reason::ExportDisabled).await;
    let message = &condition(&object, ConditionType::Exported).unwrap().message;
    assert!(message.contains("--export=false"), "{message}");
    world.condition("orders", ConditionType::Ready, "False", Reason::ExportDisabled).await;
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none());
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&world.role_name("orders")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_runs_without_exports_from_now_on_says_that_what_it_wrote_stays() {
    let mut world = World::start().await;
    world.create_ready("orders", export("orders-role")).await;
    let written = config_maps(&world).get("orders-role").await.unwrap();
    world.controller.kill().await.unwrap();
    world.restart_controller(&["--export", "false"]);
    let object = world.condition("orders", ConditionType::Exported, "False", Reason::ExportDisabled).await;
    let message = &condition(&object, ConditionType::Exported).unwrap().message;
    assert!(message.contains("orders-role stays as it is"), "{message}");
    world.change("orders", json!({"export": null})).await;
    let object = world.ready("orders").await;
    let message = &condition(&object, ConditionType::Exported).unwrap().message;
    assert!(message.contains("asks for no ConfigMap any more, but orders-role stays"), "{message}");
    assert_eq!(config_maps(&world).get("orders-role").await.unwrap(), written);

    world.controller.kill().await.unwrap();
    world.restart_controller(&[]);
    world.until("nothing is left", "orders", |object| condition(object, ConditionType::Exported).is_none()).await;
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_none());
    world.events("orders", Reason::ExportRemoved, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_that_cannot_be_written_is_told_and_the_role_converges_all_the_same() {
    let world = World::start().await;
    world.create_ready("orders", export("orders-role")).await;
    // Somebody makes it immutable, with other values.
    merge(&world, "orders-role", json!({"data": {"roleArn": "other"}, "immutable": true})).await;
    world.change("orders", json!({"description": "changed"})).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::ExportFailed).await;
    let message = &condition(&object, ConditionType::Exported).unwrap().message;
    assert!(message.contains("ConfigMap orders-role") && message.contains("immutable"), "{message}");
    assert_eq!(world.snapshot(&world.role_name("orders")).await.description, "changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_iam_that_fails_leaves_the_config_map_and_what_is_said_of_it() {
    let world = World::start().await;
    world.create_ready("orders", export("orders-role")).await;
    world.proxy.fault("GetRole", 1000, Fault::THROTTLED);
    let object = world.look("orders").await;
    assert_eq!(condition(&object, ConditionType::Reconciling).unwrap().reason, "Throttled");
    assert_eq!(condition(&object, ConditionType::Exported).unwrap().status, "True");
    assert!(config_maps(&world).get_opt("orders-role").await.unwrap().is_some());
    world.proxy.heal();
    world.ready("orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_lacks_is_named_and_what_it_is_given_for_follows_by_itself() {
    let mut world = World::start().await;
    let account = Account::with(&world.client, &world.namespace, policy_rules()).await;
    let kubeconfig = account.kubeconfig();
    world.restart_controller(&["--kubeconfig", kubeconfig.to_str().unwrap()]);
    world.create("orders", export("orders-role")).await;
    let object = world.condition("orders", ConditionType::Stalled, "True", Reason::ExportFailed).await;
    let message = &condition(&object, ConditionType::Exported).unwrap().message;
    assert!(message.contains("cannot get resource \"configmaps\""), "{message}");
    account.grant(policy_rules().into_iter().chain(export_policy_rules()).collect()).await;
    world.ready("orders").await;

    // On the way out the garbage collector is left to it.
    account.grant(policy_rules()).await;
    world.delete("orders").await;
    world.gone("orders").await;
    let left = config_maps(&world).get("orders-role").await.unwrap();
    assert_eq!(left.owner_references().len(), 1);
}
