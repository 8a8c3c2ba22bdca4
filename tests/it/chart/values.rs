//! Which values the chart takes.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{CHART, helm};

#[test]
fn it_lints() {
    helm(&["lint", CHART, "--strict"], &json!({})).unwrap();
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for values in [
        json!({"admision": {}}),
        json!({"controller": {"resync": "often"}}),
        json!({"controller": {"resync": 600}}),
        json!({"controller": {"namespaces": "shop"}}),
        json!({"controller": {"classes": ["a,b"]}}),
        json!({"controller": {"log": {"format": "yaml"}}}),
        json!({"controller": {"clusterName": 7}}),
        json!({"image": {"digest": "sha256:short"}}),
        json!({"replicaCount": -1}),
        json!({"serviceAccount": {"roleArn": "arn:aws:iam::1:role/x"}}),
        json!({"serviceAccount": {"roleARN": "arn:aws:iam::123456789012:role/x"}}),
        json!({"commonLabels": {"tier": 1}}),
        json!({"metrics": {"serviceMonitor": true}}),
        json!({"metrics": {"port": 0}}),
        json!({"topologySpreadConstraints": [{}]}),
        json!({"networkPolicy": {"ports": []}}),
        json!({"defaultClass": {"name": ""}}),
        json!({"extraObjects": [1]}),
        json!({"admission": {"enable": true}}),
        json!({"admission": {"enabled": "yes"}}),
        json!({"admission": {"failurePolicy": "ignore"}}),
        json!({"admission": {"validationActions": []}}),
        json!({"admission": {"validationActions": ["Refuse"]}}),
        json!({"admission": {"validationActions": ["Deny", "Deny"]}}),
        // The API server takes no policy that warns of what it denies.
        json!({"admission": {"validationActions": ["Deny", "Warn"]}}),
    ] {
        let told = helm(&["template", "lambdaroles", CHART], &values).unwrap_err();
        assert!(told.contains("specifications of the schema"), "{values}: {told}");
    }
}

#[test]
fn values_that_contradict_each_other_are_refused_in_words() {
    for (values, told) in [
        (json!({"serviceAccount": {"create": false}}), "serviceAccount.name: names the service account"),
        (
            json!({"metrics": {"serviceMonitor": {"enabled": true}, "service": {"enabled": false}}}),
            "metrics.serviceMonitor.enabled: a ServiceMonitor finds the Pods by their Service",
        ),
    ] {
        let error = helm(&["template", "lambdaroles", CHART], &values).unwrap_err();
        assert!(error.contains(told), "{values}: {error}");
    }
}

/// Every value that is there stands in the schema with its own properties, so a typing error anywhere is found.
#[test]
fn the_schema_knows_each_value_and_no_other() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(CHART).join(name)).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    compare(&schema, &values, "");
}

fn compare(schema: &Value, values: &Value, path: &str) {
    let Some(properties) = schema["properties"].as_object() else { return };
    assert_eq!(schema["additionalProperties"], false, "{path}: takes anything");
    let mut known: Vec<_> = properties.keys().filter(|name| *name != "global").collect();
    let mut there: Vec<_> = values.as_object().unwrap().keys().collect();
    known.sort();
    there.sort();
    assert_eq!(known, there, "{path}");
    for (name, schema) in properties.iter().filter(|(name, _)| *name != "global") {
        compare(schema, &values[name], &format!("{path}.{name}"));
    }
}
