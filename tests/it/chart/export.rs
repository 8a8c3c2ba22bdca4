//! The admission policy that holds the controller to the ConfigMaps that it exports, as Helm renders it, evaluated as the API server
//! does it.

use std::collections::HashMap;

use kube::core::cel::{
    KubeCelExt,
    cel::{
        Context, Value as Cel,
        parser::{Expression, Parser},
    },
};
use rstest::rstest;
use serde_json::{Value, json};

use super::{named, rendered, template};

const POLICY: &str = "lambdaroles-export";

const CONTROLLER: &str = "system:serviceaccount:lambdaroles-system:lambdaroles";

/// What the API server says to a request: the messages of what it refuses. An object that is not there is null.
fn refusals(by: &str, old: &Value, object: &Value) -> Vec<String> {
    let policy = named("ValidatingAdmissionPolicy", POLICY, &rendered(&json!({})));
    let list = |field: &str| policy["spec"][field].as_array().unwrap().clone();
    let operation = match (old, object) {
        (Value::Null, _) => "CREATE",
        (_, Value::Null) => "DELETE",
        (_, _) => "UPDATE",
    };
    let mut context = Context::default().with_all();
    context.add_variable("object", object.clone()).unwrap();
    context.add_variable("oldObject", old.clone()).unwrap();
    let request = json!({"operation": operation, "userInfo": {"username": by}});
    context.add_variable("request", request).unwrap();
    if !list("matchConditions").iter().all(|condition| is_true(&condition["expression"], &context)) {
        return Vec::new();
    }
    let mut known: HashMap<String, Cel> = HashMap::new();
    for variable in list("variables") {
        context.add_variable_from_value("variables", known.clone());
        let value = Cel::resolve(&parsed(&variable["expression"]), &context).unwrap();
        known.insert(variable["name"].as_str().unwrap().to_owned(), value);
    }
    context.add_variable_from_value("variables", known);
    let refused = list("validations").into_iter().filter(|validation| !is_true(&validation["expression"], &context));
    let told = refused.map(|validation| match validation["message"].as_str() {
        Some(message) => message.to_owned(),
        None => match Cel::resolve(&parsed(&validation["messageExpression"]), &context) {
            Ok(Cel::String(message)) => message.to_string(),
            other => panic!("no message: {other:?}"),
        },
    });
    told.collect()
}

fn parsed(text: &Value) -> Expression {
    Parser::default().parse(text.as_str().unwrap()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn is_true(text: &Value, context: &Context<'_>) -> bool {
    match Cel::resolve(&parsed(text), context) {
        Ok(Cel::Bool(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn config_map(owners: &Value, data: &Value) -> Value {
    json!({"metadata": {"name": "orders-role", "namespace": "shop", "ownerReferences": owners}, "data": data})
}

fn owner(api_version: &str, kind: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "name": "orders", "uid": "1", "controller": true})
}

fn exported(data: &Value) -> Value {
    config_map(&json!([owner("lambdaroles.dev/v1alpha1", "LambdaExecutionRole")]), data)
}

fn names() -> Value {
    json!({
        "roleArn": "arn:aws-us-gov:iam::123456789012:role/lambda/shop-orders",
        "roleName": "shop-orders+a=b,c.d@e_f",
        "roleId": "AROAEXAMPLEEXAMPLEEX",
        "accountId": "123456789012",
    })
}

#[test]
fn what_an_export_does_is_admitted() {
    let written = exported(&names());
    let mut with_theirs = names();
    with_theirs["theirs"] = json!("several\nlines: []");
    let mut without_data = written.clone();
    without_data.as_object_mut().unwrap().remove("data");
    let mut edited = with_theirs.clone();
    edited["roleArn"] = json!("several\nlines");
    for (old, object) in [
        (Value::Null, written.clone()),
        (exported(&edited), exported(&with_theirs)),
        (exported(&with_theirs), exported(&json!({"theirs": "several\nlines: []"}))),
        (written, Value::Null),
        (without_data.clone(), exported(&names())),
        (exported(&names()), without_data),
    ] {
        assert_eq!(refusals(CONTROLLER, &old, &object), [] as [String; 0], "{old} -> {object}");
    }
}

#[rstest]
#[case::nobodys(json!({"metadata": {"name": "aws-auth", "namespace": "kube-system"}}))]
#[case::an_owner_that_does_not_control(config_map(
    &json!([{"apiVersion": "lambdaroles.dev/v1alpha1", "kind": "LambdaExecutionRole", "name": "orders", "uid": "1"}]),
    &json!({})
))]
#[case::another_kinds(config_map(&json!([owner("lambdaroles.dev/v1alpha1", "LambdaRoleGrant")]), &json!({})))]
#[case::another_groups(config_map(&json!([owner("lambdaroles.dev.example.com/v1", "LambdaExecutionRole")]), &json!({})))]
#[case::a_deployments(config_map(&json!([owner("apps/v1", "Deployment")]), &json!({})))]
fn a_config_map_of_others_is_neither_made_nor_changed_nor_taken_nor_removed(#[case] foreign: Value) {
    let own = exported(&names());
    for (old, object) in [
        (Value::Null, foreign.clone()),
        (foreign.clone(), foreign.clone()),
        (foreign.clone(), own.clone()),
        (own, foreign.clone()),
        (foreign, Value::Null),
    ] {
        let told = refusals(CONTROLLER, &old, &object);
        assert!(told.len() == 1 && told[0].contains("controlling owner is a LambdaExecutionRole"), "{told:?}");
        assert_eq!(
            refusals("system:serviceaccount:shop:lambdaroles", &old, &object),
            [] as [String; 0],
            "somebody else"
        );
    }
}

#[rstest]
#[case::a_mapping_of_roles("- rolearn: arn:aws:iam::666666666666:role/x\n  groups: [system:masters]\n")]
#[case::a_mapping_on_one_line("[{rolearn: x, groups: [\"system:masters\"]}]")]
#[case::behind_an_arn("arn:aws:iam::123456789012:role/x\n- rolearn: y")]
#[case::empty("")]
fn what_no_role_is_called_is_not_written(#[case] value: &str) {
    for old in [Value::Null, exported(&names()), exported(&json!({"mapRoles": "other"}))] {
        let told = refusals(CONTROLLER, &old, &exported(&json!({"mapRoles": value})));
        assert!(told.len() == 1 && told[0].ends_with("not data.mapRoles"), "{told:?}");
    }
    let mut binary = exported(&names());
    binary["binaryData"] = json!({"x": "AA=="});
    for old in [Value::Null, exported(&names())] {
        let told = refusals(CONTROLLER, &old, &binary);
        assert!(told.len() == 1 && told[0].contains("binaryData"), "{told:?}");
    }
    assert_eq!(refusals(CONTROLLER, &binary, &binary), [] as [String; 0], "what somebody else put there stays");
}

#[test]
fn the_policy_holds_the_service_account_that_has_the_right_and_there_is_none_without_it() {
    let values = json!({"serviceAccount": {"create": false, "name": "platform"}});
    let policy = named("ValidatingAdmissionPolicy", POLICY, &rendered(&values));
    let condition = policy["spec"]["matchConditions"][0]["expression"].as_str().unwrap();
    assert!(condition.contains("'system:serviceaccount:lambdaroles-system:platform'"), "{condition}");
    assert_eq!(policy["spec"]["failurePolicy"], "Fail");
    let binding = named("ValidatingAdmissionPolicyBinding", POLICY, &rendered(&values));
    assert_eq!(binding["spec"], json!({"policyName": POLICY, "validationActions": ["Deny", "Audit"]}));
    for (values, cluster) in [
        (json!({"controller": {"export": false}}), &[] as &[&str]),
        (json!({"rbac": {"exportedConfigMapsOnly": false}}), &[]),
        (json!({}), &["--kube-version", "1.29.0"]),
    ] {
        let manifests = template(&values, cluster).unwrap();
        let is_policy = |manifest: &Value| {
            manifest["kind"].to_string().contains("Admission") && manifest["metadata"]["name"] == POLICY
        };
        assert!(!manifests.iter().any(|(_, manifest)| is_policy(manifest)), "{values}");
    }
}
