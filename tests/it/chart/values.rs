//! Which values the chart takes.

use std::{collections::BTreeSet, fs, path::Path};

use clap::Parser;
use lambdaroles::cli::Arguments;
use serde_json::{Value, json};

use super::{CHART, helm, of_kind, rendered};

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
        // With these the controller ends as soon as it starts.
        json!({"controller": {"resync": "0s"}}),
        json!({"controller": {"resync": "0h0.0s"}}),
        json!({"controller": {"awsPolicyInterval": "0s"}}),
        json!({"controller": {"leaderElection": {"leaseDuration": "0s"}}}),
        json!({"controller": {"leaderElection": {"renewDeadline": "0s"}}}),
        json!({"controller": {"leaderElection": {"retryPeriod": "0s"}}}),
        json!({"controller": {"adminListen": "localhost:8081"}}),
        json!({"controller": {"adminListen": ":8081"}}),
        json!({"controller": {"adminListen": "::1:8081"}}),
        json!({"controller": {"adminListen": "127.0.0.256:8081"}}),
        json!({"controller": {"adminListen": "127.0.0.1:65536"}}),
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
        json!({"traces": {"otlpEndpoint": "collector:4317"}}),
        json!({"traces": {"samplingRatio": 2}}),
        json!({"controller": {"adminListen": "8081"}}),
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
fn what_the_schema_takes_the_controller_takes() {
    for controller in [
        json!({"settle": "0s"}),
        json!({"resync": "0.5s", "awsPolicyInterval": "1h0m"}),
        json!({"leaderElection": {"leaseDuration": "10s", "renewDeadline": "1s", "retryPeriod": "0s100ms"}}),
        json!({"adminListen": ""}),
        json!({"adminListen": "0.0.0.0:65535"}),
        json!({"adminListen": "[::1]:8081"}),
        json!({"adminListen": "[::ffff:127.0.0.1]:8081"}),
    ] {
        let manifests = rendered(&json!({"controller": controller}));
        let container = &of_kind("Deployment", &manifests)["spec"]["template"]["spec"]["containers"][0];
        let arguments = container["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap());
        Arguments::try_parse_from(["lambdaroles"].into_iter().chain(arguments))
            .unwrap_or_else(|error| panic!("{controller}: {error}"));
    }
}

/// Server-side apply takes no list of variables that has a name twice.
#[test]
fn a_variable_of_the_values_takes_the_place_of_the_charts_own() {
    let own = ["OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "POD_NAME", "OTEL_RESOURCE_ATTRIBUTES"];
    // Each set of them.
    for chosen in 0..1 << own.len() {
        let given: Vec<Value> = (0..own.len())
            .filter(|number| chosen & (1 << number) != 0)
            .map(|number| json!({"name": own[number], "value": "given"}))
            .collect();
        let variables = variables_with_traces(&given);
        let names: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        assert!(given.iter().all(|variable| variables.contains(variable)), "{given:?}: {variables:?}");
        assert!(names.contains(&"OTEL_TRACES_SAMPLER") && names.contains(&"OTEL_RESOURCE_ATTRIBUTES"), "{names:?}");
        // Kubernetes replaces $(POD_NAME) only by what stands before it.
        let place = |name| names.iter().position(|other| *other == name);
        let refers = variables.iter().any(|variable| variable["value"].as_str().unwrap_or_default().contains("$("));
        assert!(!refers || place("POD_NAME").unwrap() < place("OTEL_RESOURCE_ATTRIBUTES").unwrap(), "{names:?}");
    }
}

/// Another sampler than the chart's does without its argument, which means something else there.
#[test]
fn a_sampler_of_the_values_does_without_the_argument_of_the_charts_own() {
    let variables = variables_with_traces(&[json!({"name": "OTEL_TRACES_SAMPLER", "value": "always_on"})]);
    assert!(!variables.iter().any(|variable| variable["name"] == "OTEL_TRACES_SAMPLER_ARG"), "{variables:?}");
}

/// The controller's variables, with traces and with these in the values.
fn variables_with_traces(given: &[Value]) -> Vec<Value> {
    let values = json!({"traces": {"otlpEndpoint": "http://collector:4318"}, "controller": {"env": given}});
    let deployment = of_kind("Deployment", &rendered(&values));
    deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap().clone()
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

#[test]
fn every_alert_is_in_the_rule_with_its_runbook_but_those_that_are_left_out() {
    let alerts = |values: Value| -> Vec<(String, Value)> {
        let rule = of_kind("PrometheusRule", &rendered(&json!({"metrics": {"prometheusRule": values}})));
        let rules = rule["spec"]["groups"][0]["rules"].as_array().unwrap().clone();
        let told =
            |rule: Value| (rule["alert"].as_str().unwrap().to_owned(), rule["annotations"]["runbook_url"].clone());
        rules.into_iter().map(told).collect()
    };
    let all = alerts(json!({"enabled": true, "runbookUrl": "https://runbooks.example.com/"}));
    let file = fs::read_to_string("charts/lambdaroles/files/alerts.yaml").unwrap();
    assert_eq!(all.len(), file.matches("- alert: ").count());
    for (name, url) in &all {
        assert_eq!(*url, format!("https://runbooks.example.com/{name}.md"));
    }
    let without = alerts(json!({"enabled": true, "disabled": ["LambdaRolesObjectsSuspended"]}));
    assert_eq!(without.len(), all.len() - 1);
    assert!(without.iter().all(|(name, url)| name != "LambdaRolesObjectsSuspended" && url.is_null()));
}

#[test]
fn the_dashboard_is_whole_in_the_config_map_that_the_sidecar_of_grafana_finds() {
    let manifests = rendered(&json!({"metrics": {"dashboard": {"enabled": true}}}));
    let config_map = of_kind("ConfigMap", &manifests);
    assert_eq!(config_map["metadata"]["labels"]["grafana_dashboard"], "1");
    let dashboard: Value = serde_json::from_str(config_map["data"]["lambdaroles.json"].as_str().unwrap()).unwrap();
    let file = fs::read_to_string("charts/lambdaroles/files/dashboard.json").unwrap();
    assert_eq!(dashboard, serde_json::from_str::<Value>(&file).unwrap());
}

/// With a CRD go its objects, and with them their roles.
#[test]
fn what_helm_keeps_argo_cd_keeps_as_well() {
    let manifests = rendered(&json!({}));
    let crds: Vec<_> = manifests.iter().filter(|manifest| manifest["kind"] == "CustomResourceDefinition").collect();
    assert_eq!(crds.len(), 4);
    for crd in crds {
        let annotations = &crd["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/resource-policy"], "keep");
        assert_eq!(annotations["argocd.argoproj.io/sync-options"], "Prune=false");
    }
}
