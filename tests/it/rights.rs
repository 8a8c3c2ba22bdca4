//! The controller's own rights: the page that a user prints, and whether a controller gets by with them.

use std::process::{Command, Output};

use lambdaroles::{api::LambdaRoleClassSpec, policy::Document};
use serde_json::{Value, from_slice, from_value, json};

use crate::harness::{World, rights};

const ACCOUNT: &str = "123456789012";

const CLUSTER: &str = "rights-test";

/// A class of one namespace, with a boundary, a path and a policy of its own.
fn class(namespace: &str) -> Value {
    let policy = |name: &str| format!("arn:aws:iam::{ACCOUNT}:policy/{namespace}-{name}");
    json!({
        "account": {"id": ACCOUNT},
        "namespaces": {"names": [namespace]},
        "naming": {"path": format!("/lambda/{namespace}/")},
        "guardrails": {
            "permissionsBoundary": {"arn": policy("boundary")},
            "managedPolicies": {"allowed": [policy("allowed")]},
            "trust": {"self": true},
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_lives_and_dies_by_the_printed_policy_alone() {
    let world = World::start_in(class, &["--cluster-name", CLUSTER]).await;
    world.customer_policy("boundary").await;
    let allowed = world.customer_policy("allowed").await;
    let foreign = world.customer_policy("foreign").await;
    let role = world.role_name("orders");
    let spec = json!({
        "managedPolicies": [{"arn": allowed}],
        "tags": {"team": "shop", "stage": "test"},
        "statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::orders/*"]}],
        "trust": {"self": true},
    });
    world.create_ready("orders", spec).await;
    world.change("orders", json!({"description": "changed", "tags": {"team": "orders", "stage": null}})).await;
    world.ready("orders").await;
    // By hand: what was forced is gone, what is not allowed is there.
    world.iam.delete_role_permissions_boundary().role_name(&role).send().await.unwrap();
    world.iam.attach_role_policy().role_name(&role).policy_arn(&foreign).send().await.unwrap();
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let put = world.iam.put_role_policy().role_name(&role).policy_name("mine").policy_document(document);
    put.send().await.unwrap();
    let detach = world.iam.detach_role_policy().role_name(&role).policy_arn(&allowed);
    detach.send().await.unwrap();
    world.look("orders").await;
    world.ready("orders").await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert!(!world.role_exists(&role).await);

    let calls = world.proxy.history();
    let class: LambdaRoleClassSpec = from_value(class(&world.namespace)).unwrap();
    rights::assert_allowed(&calls, ACCOUNT, &rights::policy_of(&class, CLUSTER));

    // The same calls under other policies: each difference is noticed.
    let denied = |class: &LambdaRoleClassSpec, cluster: &str| {
        rights::denied(&calls, ACCOUNT, &rights::policy_of(class, cluster)).join("\n")
    };
    let other_cluster = denied(&class, "another");
    for action in ["CreateRole", "TagRole", "PutRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRole"] {
        assert!(other_cluster.contains(&format!("asks for iam:{action} on")), "{action}: {other_cluster}");
    }
    let mut other = class.clone();
    other.guardrails.permissions_boundary.as_mut().unwrap().arn = Some(foreign.clone());
    let other_boundary = denied(&other, CLUSTER);
    for action in ["CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy", "UpdateAssumeRolePolicy"] {
        assert!(other_boundary.contains(&format!("asks for iam:{action} on")), "{action}: {other_boundary}");
    }
    let mut other = class.clone();
    other.guardrails.managed_policies.allowed = Some(vec![foreign]);
    let other_policies = denied(&other, CLUSTER);
    assert!(other_policies.contains("asks for iam:AttachRolePolicy on"), "{other_policies}");
    assert!(!other_policies.contains("asks for iam:DetachRolePolicy on"), "{other_policies}");
    let mut other = class;
    other.naming.path = Some("/elsewhere/".to_owned());
    let other_path = denied(&other, CLUSTER);
    assert!(other_path.contains(&format!("role/lambda/{}/{role}", world.namespace)), "{other_path}");
    assert!(!other_path.contains("asks for iam:GetRole on"), "{other_path}");
}

const CLASS: &str = r#"
apiVersion: lambdaroles.dev/v1alpha1
kind: LambdaRoleClass
metadata: {name: production}
spec:
  account: {id: "111122223333"}
  namespaces: {names: ["*"]}
  naming: {path: "/lambda/$(namespace)/"}
  guardrails: {permissionsBoundary: {arn: "arn:aws:iam::$(accountId):policy/lambda-boundary"}}
"#;

const FAR: &str = r#"
---
apiVersion: lambdaroles.dev/v1alpha1
kind: LambdaRoleClass
metadata: {name: analytics}
spec:
  account: {id: "444455556666", assumeRole: [{arn: "arn:aws:iam::444455556666:role/lambdaroles", externalId: production}]}
  namespaces: {names: ["*"]}
"#;

/// `lambdaroles controller-policy` over manifests in a file.
fn print(manifests: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("classes.yaml"), manifests).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambdaroles"));
    // Settings of whoever runs the tests must not count.
    command.env_clear().arg("controller-policy").arg("--class").arg(folder.path());
    command.args(arguments).output().unwrap()
}

const NAMED: [&str; 2] = ["--cluster-name", "production-eu"];

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_page_has_what_each_role_needs_and_the_rights_in_the_cluster() {
    let output = print(&format!("{CLASS}{FAR}"), &[&NAMED[..], &["--output", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page: Value = from_slice(&output.stdout).unwrap();
    let arns: Vec<&str> =
        page["roles"].as_array().unwrap().iter().map(|role| role["roleArn"].as_str().unwrap()).collect();
    assert_eq!(arns, ["arn:aws:iam::111122223333:role/lambdaroles", "arn:aws:iam::444455556666:role/lambdaroles"]);
    let own = &page["roles"][0];
    assert_eq!((&own["classes"], &own["warnings"]), (&json!(["production"]), &json!([])));
    let policy = Document::parse(&own["identityPolicy"].to_string()).unwrap();
    assert_eq!(own["identityPolicyCharacters"], policy.characters());
    assert!(policy.to_string().contains("production-eu"));
    let assumed_by: Vec<_> = own["trustPolicies"].as_array().unwrap().iter().map(|trust| &trust["assumedBy"]).collect();
    assert_eq!(assumed_by, ["webIdentity", "podIdentity"]);
    let spoke = &page["roles"][1]["trustPolicies"][0]["document"]["Statement"][0];
    assert_eq!(spoke["Principal"]["AWS"], "arn:aws:iam::111122223333:role/lambdaroles");
    assert_eq!(spoke["Condition"]["StringEquals"]["sts:ExternalId"], "production");
    let rules = serde_json::to_value(lambdaroles::cluster::permissions::policy_rules()).unwrap();
    assert_eq!(page["clusterRole"]["rules"], rules);
    let rules = serde_json::to_value(lambdaroles::cluster::permissions::export_policy_rules()).unwrap();
    assert_eq!(page["exportClusterRole"]["rules"], rules);
    let rules = serde_json::to_value(lambdaroles::cluster::permissions::lease_policy_rules()).unwrap();
    assert_eq!(page["leaseRole"]["rules"], rules);
}

#[test]
fn the_page_for_people_is_text_with_documents_that_can_be_copied() {
    let service_account = ["--service-account", "platform/controller", "--role", "platform/controller"];
    let provider = ["--oidc-provider", "https://oidc.example.com/id/1"];
    let output = print(CLASS, &[&NAMED[..], &service_account[..], &provider[..]].concat());
    let page = text(&output.stdout);
    assert!(page.contains(
        "# arn:aws:iam::111122223333:role/platform/controller\n# account 111122223333, classes: production\n"
    ));
    assert!(page.contains(r#""oidc.example.com/id/1:sub": "system:serviceaccount:platform:controller""#), "{page}");
    assert!(page.contains("kind: ClusterRole\nmetadata:\n  name: controller\n"), "{page}");
    let documents = page.split("\n{\n").skip(1).map(|rest| format!("{{{}}}", rest.split("\n}\n").next().unwrap()));
    let documents: Vec<_> = documents.map(|document| Document::parse(&document)).collect();
    assert_eq!(documents.len(), 3);
    assert!(documents.iter().all(Result::is_ok), "{documents:?}");
}

#[test]
fn what_is_wider_than_it_need_be_is_told() {
    let output = print(FAR, &[&NAMED[..], &["--account-id", "111122223333"]].concat());
    let page = text(&output.stdout);
    assert!(page.contains("# warning: class analytics forces no permissions boundary"), "{page}");
    assert!(page.contains("# account 111122223333, classes: no class; leads to other roles\n"), "{page}");
}

#[test]
fn what_cannot_be_used_is_told_and_ends_with_2() {
    let refused = |manifests: &str, message: &str| {
        let output = print(manifests, &NAMED);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    };
    refused("{}", "no LambdaRoleClass is in these files");
    refused(FAR, "every class assumes a role: give the account of the controller's own role with --account-id");
    refused(&CLASS.replace("naming:", "names:"), "spec.names: is no field of a LambdaRoleClass");
    refused(&CLASS.replace("\"111122223333\"", "account-1234"), "spec.account.id: ");
    refused(&CLASS.replace("$(accountId)", "$(account)"), "spec.guardrails.permissionsBoundary.arn: holds $(account)");
    let other = format!("{CLASS}---{}", CLASS.replace("111122223333", "444455556666"));
    refused(&other, "classes without assumeRole are of accounts 111122223333, 444455556666");
    let output = print(CLASS, &[]);
    assert!(text(&output.stderr).contains("--cluster-name"), "{}", text(&output.stderr));
}
