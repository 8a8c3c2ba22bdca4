//! `lambdaroles render` and `lambdaroles lint`, as a user runs them: no cluster, no AWS.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const ACCOUNT: [&str; 2] = ["--account-id", "123456789012"];

/// What a command says that is given `input`.
pub fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lambdaroles"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // Settings of whoever runs the tests must not count.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no input has closed it already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn manifest(spec: &str) -> String {
    format!(
        "apiVersion: lambdaroles.dev/v1alpha1\nkind: LambdaExecutionRole\nmetadata: {{name: orders, namespace: shop}}\nspec: {spec}\n"
    )
}

/// `lambdaroles COMMAND - --account-id …` over one manifest.
fn over(command: &str, arguments: &[&str], spec: &str) -> Output {
    run(&[&[command, "-"], &ACCOUNT[..], arguments].concat(), &manifest(spec))
}

#[test]
fn the_examples_have_no_errors_and_render() {
    let output = run(&[&["lint", "examples"], &ACCOUNT[..]].concat(), "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let output = run(&[&["render", "examples", "--output", "json"], &ACCOUNT[..]].concat(), "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let rendered = json_of(&output);
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let texts = files.map(|path| std::fs::read_to_string(path).unwrap());
    let count = |text: &str, kind: &str| text.matches(&format!("kind: {kind}\n")).count();
    let made = texts.map(|text| count(&text, "LambdaExecutionRole") + count(&text, "LambdaManagedPolicy"));
    assert_eq!(rendered.as_array().unwrap().len(), made.sum::<usize>());
    let policies = rendered.as_array().unwrap().iter().filter(|rendered| rendered["policyName"].is_string());
    assert!(policies.count() > 0, "{rendered:#}");
}

/// The verdict is the controller's, before anything is applied.
#[test]
fn every_attack_is_refused_offline_for_what_it_is() {
    let lint = |files: &[&str]| run(&[&["lint", "--namespace", "shop", "--output", "json"], files].concat(), "");
    let output = lint(&["tests/attacks", "tests/attacks/class", "tests/attacks/others"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    let findings = report["findings"].as_array().unwrap();
    let mut attacks = 0;
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")).unwrap() {
        let file = file.unwrap().path();
        if file.is_dir() {
            continue;
        }
        for attack in serde_saphyr::from_multiple::<Value>(&std::fs::read_to_string(file).unwrap()).unwrap() {
            attacks += 1;
            let metadata = &attack["metadata"];
            let expected = metadata["annotations"]["refused"].as_str().unwrap();
            let is_told = |finding: &&Value| {
                let said = format!("{}: {}", finding["path"].as_str().unwrap(), finding["message"].as_str().unwrap());
                finding["name"] == metadata["name"] && finding["severity"] == "Error" && said.contains(expected)
            };
            assert!(findings.iter().any(|finding| is_told(&finding)), "{metadata}: {findings:#?}");
        }
    }
    assert!(attacks >= 60);
}

#[test]
fn a_kind_that_there_is_not_is_told_and_not_passed_over() {
    for kind in ["LambdaPolicy", "lambdamanagedpolicy"] {
        let manifest = format!("apiVersion: lambdaroles.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: orders}}\n");
        let output = run(&["lint", "-"], &manifest);
        assert_eq!(output.status.code(), Some(1));
        let told = text(&output.stdout);
        assert!(told.contains(&format!("error InvalidField: kind: {kind} is no kind of lambdaroles.dev")), "{told}");
        assert!(told.contains("LambdaManagedPolicy"), "{told}");
    }
}

#[test]
fn whom_a_role_or_a_policy_admits_by_labels_that_no_manifest_tells_is_a_warning() {
    let objects = "\
apiVersion: lambdaroles.dev/v1alpha1
kind: LambdaExecutionRole
metadata: {name: gateway, namespace: platform}
spec: {grants: {from: Selector, selector: {matchLabels: {tier: web}}}}
---
apiVersion: lambdaroles.dev/v1alpha1
kind: LambdaManagedPolicy
metadata: {name: tables, namespace: platform}
spec:
  allowedNamespaces: {selector: {matchLabels: {tier: web}}}
  statements: [{effect: Allow, actions: ['dynamodb:Query'], resources: ['arn:aws:dynamodb:us-east-1:123456789012:table/a']}]
---
apiVersion: lambdaroles.dev/v1alpha1
kind: LambdaExecutionRole
metadata: {name: orders, namespace: shop}
spec: {managedPolicies: [{ref: {name: tables, namespace: platform}}]}
---
apiVersion: lambdaroles.dev/v1alpha1
kind: LambdaRoleGrant
metadata: {name: orders, namespace: shop}
spec:
  roleRef: {name: gateway, namespace: platform}
  sourceFunctionArns: [shop-orders]
  statements: [{effect: Allow, actions: ['dynamodb:Query'], resources: ['arn:aws:dynamodb:us-east-1:123456789012:table/a']}]
---
";
    let lint = |labels: Option<&str>| {
        let namespace = labels
            .map(|labels| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}}}\n"));
        let input = objects.to_owned() + &namespace.unwrap_or_default();
        let output = run(&["lint", "--account-id", "123456789012", "-"], &input);
        (output.status.code(), text(&output.stdout))
    };
    let (code, told) = lint(None);
    assert_eq!((code, told.matches("warning NamespaceNotRead").count()), (Some(0), 2), "{told}");
    let (code, told) = lint(Some("{tier: web}"));
    assert_eq!((code, told.matches("NamespaceNotRead").count()), (Some(0), 0), "{told}");
    let (code, told) = lint(Some("{tier: data}"));
    assert_eq!((code, told.matches("error ").count()), (Some(1), 2), "{told}");
}

#[test]
fn a_role_is_judged_by_the_class_that_it_would_have() {
    let class = |namespaces: &str| {
        format!(
            "apiVersion: lambdaroles.dev/v1alpha1\nkind: LambdaRoleClass\nmetadata: {{name: production}}\nspec: {{account: {{id: '123456789012'}}, namespaces: {namespaces}}}\n---\n"
        )
    };
    let role =
        manifest("{className: production, statements: [{effect: Allow, actions: ['iam:PassRole'], resources: ['*']}]}");
    let lint = |input: String| text(&run(&["lint", "-"], &input).stdout);
    let refused = lint(class("{names: [shop]}") + &role);
    assert!(refused.contains("error GuardrailViolation: spec.statements[0].actions[0]: "), "{refused}");
    let not_selected = lint(class("{names: [other]}") + &role);
    assert!(not_selected.contains("error ClassNotUsable: spec.className: "), "{not_selected}");
    let by_label = class("{selector: {matchLabels: {team: shop}}}");
    assert!(
        lint(by_label.clone() + &role).contains("GuardrailViolation"),
        "a namespace that nobody tells of may have any label"
    );
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: billing}}\n---\n";
    assert!(lint(by_label + namespace + &role).contains("ClassNotUsable"));
    let faulty = lint(class("{names: [shop]}, guardrails: {sourceFunctions: ['$(team)-*']}"));
    assert!(faulty.contains("error InvalidField: spec.guardrails.sourceFunctions[0]: "), "{faulty}");
}

#[test]
fn a_class_is_a_manifest_like_another_and_one_that_is_none_leaves_no_role_unjudged() {
    let class = |version: &str, name: &str, spec: &str| {
        format!(
            "apiVersion: lambdaroles.dev/{version}\nkind: LambdaRoleClass\nmetadata: {name}\nspec: {{account: {{id: '123456789012'}}, {spec}}}\n---\n"
        )
    };
    let sound = class("v1alpha1", "{name: production}", "namespaces: {names: [shop]}");
    let role = manifest("{className: production}");
    let lint = |input: String| text(&run(&["lint", "-"], &input).stdout);
    assert_eq!(lint(sound.clone()), "0 errors, 0 warnings in 1 manifest\n");
    assert_eq!(run(&["render", "-"], &sound).status.code(), Some(0));
    let unreadable = lint(class("v1alpha1", "{name: production}", "namespaces: {}, guardRails: {}") + &role);
    assert!(unreadable.contains("-: production\n  error InvalidField: spec.guardRails: is no field"), "{unreadable}");
    assert!(unreadable.contains("error ClassNotUsable: spec.className: "), "{unreadable}");
    assert!(unreadable.ends_with("2 errors, 0 warnings in 2 manifests\n"), "{unreadable}");
    for (faulty, path) in [
        (sound.clone() + &sound, "metadata.name: is that of another"),
        (class("v1alpha1", "{}", "namespaces: {}"), "metadata.name: is missing"),
        (class("v1alpha1", "{name: A_b}", "namespaces: {}"), "metadata.name: A_b is none"),
        (class("v1beta9", "{name: production}", "namespaces: {}"), "apiVersion: must be lambdaroles.dev/v1alpha1"),
    ] {
        let told = lint(faulty);
        assert!(told.contains(&format!("error InvalidField: {path}")), "{told}");
    }
}

#[test]
fn render_prints_what_iam_would_get() {
    let spec = "{roleName: orders-$(nothing), path: /lambda/}";
    assert_eq!(over("render", &[], spec).status.code(), Some(1));

    let spec = r#"{path: /lambda/, tags: {team: shop}, features: [{name: Tracing}], statements: [{sid: Write, effect: Allow, actions: ["s3:PutObject"], resources: ["arn:$(partition):s3:::archive/*"], sourceFunctionArns: [orders]}]}"#;
    let output = over("render", &["--output", "json", "--region", "cn-north-1", "--cluster-name", "north"], spec);
    let rendered = json_of(&output);
    let role = &rendered[0];
    assert_eq!(role["roleName"], "shop-orders");
    assert_eq!(role["path"], "/lambda/");
    assert_eq!(role["tags"]["lambdaroles.dev/cluster"], "north");
    assert_eq!(role["managedPolicies"], json!(["arn:aws-cn:iam::aws:policy/AWSXRayDaemonWriteAccess"]));
    assert_eq!(
        role["inlinePolicies"]["lambdaroles"],
        json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "Write", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws-cn:s3:::archive/*",
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders"}},
        }]})
    );
    let yaml: Value = serde_saphyr::from_str(&text(&over("render", &[], spec).stdout)).unwrap();
    assert_eq!(yaml["trustPolicy"]["Statement"][0]["Principal"]["Service"], "lambda.amazonaws.com");
}

#[test]
fn what_leads_to_no_role_is_told_on_standard_error_and_does_not_hide_the_others() {
    let input = format!("{}---\n{}", manifest("{path: lambda}"), manifest("{}"));
    let output = run(&[&["render", "-", "-o", "json"], &ACCOUNT[..]].concat(), &input);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json_of(&output).as_array().unwrap().len(), 1);
    let told = text(&output.stderr);
    assert!(
        told.contains("-: shop/orders leads to no role or policy\n  InvalidField: spec.path: a path begins"),
        "{told}"
    );
}

#[test]
fn lint_tells_errors_and_warnings_and_ends_with_1_only_for_errors() {
    let warned = r#"{statements: [{effect: Allow, actions: ["s3:*"], resources: ["arn:aws:s3:::b/*"]}]}"#;
    let output = over("lint", &[], warned);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.starts_with("-: shop/orders\n  warning WildcardAction: spec.statements[0].actions[0]: "), "{told}");
    assert!(told.ends_with("0 errors, 1 warning in 1 manifest\n"), "{told}");

    let refused = r#"{statements: [{effect: Allow, actions: ["kms:Decrypt"], resources: ["arn:aws:kms:us-east-1:123456789012:key/k"], sourceFunctionArns: [orders]}]}"#;
    let output = over("lint", &["--output", "json"], refused);
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    assert_eq!((&report["errors"], &report["manifests"]), (&json!(1), &json!(1)));
    let finding = &report["findings"][0];
    assert_eq!(finding["code"], "ScopeBreaksServiceCall");
    assert_eq!(finding["severity"], "Error");
    assert_eq!((&finding["namespace"], &finding["name"]), (&json!("shop"), &json!("orders")));
    assert!(finding["path"].as_str().unwrap().starts_with("spec.statements[0]"), "{finding}");
    assert!(finding["fix"].as_str().unwrap().contains("ignoreFindings: [ScopeBreaksServiceCall]"), "{finding}");
}

#[test]
fn fields_that_the_api_does_not_have_and_values_of_the_wrong_kind_are_named() {
    let told = |spec: &str| text(&over("lint", &[], spec).stdout);
    let unknown = told(
        "{rolName: orders, trust: {edgy: true}, statements: [{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*'], action: x}]}",
    );
    for field in ["spec.rolName", "spec.trust.edgy", "spec.statements[0].action"] {
        assert!(
            unknown.contains(&format!("error InvalidField: {field}: is no field of a LambdaExecutionRole")),
            "{unknown}"
        );
    }
    let wrong = told("{statements: [{effect: Maybe, actions: [], resources: []}]}");
    assert!(wrong.contains("error InvalidField: spec.statements[0].effect: "), "{wrong}");
}

#[test]
fn what_the_api_server_would_refuse_is_told_all_at_once() {
    let told = |input: &str| text(&run(&[&["lint", "-"], &ACCOUNT[..]].concat(), input).stdout);
    let shape =
        told(&manifest("{roleName: 12, suspend: 'yes', statements: {a: b}, features: [{name: SnapStart}, {}]}"));
    for fault in [
        "spec.roleName: must be a string, not 12: put it in quotes",
        "spec.suspend: must be true or false, not \"yes\"",
        "spec.statements: must be a list, not an object",
        "spec.features[0].name: must be one of Logging, Tracing,",
        "spec.features[1].name: is missing",
    ] {
        assert!(shape.contains(&format!("error InvalidField: {fault}")), "{fault}: {shape}");
    }
    let statement = "{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*']}";
    let many = told(&manifest(&format!("{{statements: [{}]}}", [statement; 101].join(", "))));
    assert!(many.contains("error InvalidField: spec.statements: has 101 items, and 100 are allowed"), "{many}");
    let twice = told(&manifest(
        "{statements: [{effect: Deny, actions: [], resources: ['*'], ignoreFindings: [WildcardAction, WildcardAction]}]}",
    ));
    assert!(twice.contains("spec.statements[0].ignoreFindings: has WildcardAction twice"), "{twice}");
    assert_eq!(twice.matches("spec.statements[0].actions: ").count(), 1, "{twice}");
    let object = "apiVersion: lambdaroles.dev/v9\nkind: LambdaExecutionRole\nmetadata: {name: Orders_1}\n";
    let identity = told(object);
    for fault in ["apiVersion: must be lambdaroles.dev/v1alpha1", "metadata.name: Orders_1 is none", "spec: is missing"]
    {
        assert!(identity.contains(&format!("error InvalidField: {fault}")), "{fault}: {identity}");
    }
}

/// What is refused in a cluster is refused before, whatever version its API server has.
#[test]
fn every_invalid_manifest_is_refused_offline() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/invalid");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let output = run(&[&["lint", file.to_str().unwrap()], &ACCOUNT[..]].concat(), "");
        assert_eq!(output.status.code(), Some(1), "{}: {}", file.display(), text(&output.stdout));
        count += 1;
    }
    assert!(count > 60, "{count}");
}

#[rstest::rstest]
#[case::none(0, None)]
#[case::fewer_than_none(-1, Some("is -1, and must be 0 at least"))]
#[case::most(5000, None)]
#[case::more(5001, Some("is 5001, and must be 5000 at most"))]
fn a_number_is_within_its_bounds(#[case] most_roles: i32, #[case] fault: Option<&str>) {
    let class = format!(
        "apiVersion: lambdaroles.dev/v1alpha1\nkind: LambdaRoleClass\nmetadata: {{name: production}}\nspec: {{account: {{id: '123456789012'}}, namespaces: {{}}, guardrails: {{maxRolesPerNamespace: {most_roles}}}}}\n"
    );
    let told = text(&run(&["lint", "-"], &class).stdout);
    let expected = fault.map(|fault| format!("error InvalidField: spec.guardrails.maxRolesPerNamespace: {fault}"));
    assert!(told.contains(expected.as_deref().unwrap_or("0 errors")), "{told}");
}

#[test]
fn a_null_is_an_absent_field_as_the_api_server_has_it_but_not_where_it_is_a_value() {
    let output =
        over("lint", &[], "{path: null, tags: {team: null}, features: , trust: {self: ~}, deletionPolicy: null}");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let value = "{statements: [{effect: Deny, actions: ['s3:*'], resources: ['*'], conditions: {StringEquals: {'aws:RequestedRegion': null}}}]}";
    assert_eq!(over("lint", &[], value).status.code(), Some(1));
}

#[test]
fn what_a_chart_renders_for_a_whole_cluster_is_read() {
    let other = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let input = other.repeat(1500) + "---\n" + &manifest("{}");
    let output = run(&[&["lint", "-"], &ACCOUNT[..]].concat(), &input);
    assert_eq!(text(&output.stdout), "0 errors, 0 warnings in 1 manifest\n", "{}", text(&output.stderr));
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    for arguments in [["render", "examples"], ["lint", "examples"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lambdaroles"))
            .args([&arguments[..], &ACCOUNT[..]].concat())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_read_ends_with_2_and_says_why() {
    let cases: [(&[&str], &str, &str); 7] = [
        (&["lint", "no-such-file.yaml", "--account-id", "123456789012"], "", "cannot read no-such-file.yaml"),
        (&["lint", "-", "--account-id", "123456789012"], "a: [", "-: "),
        (
            &["lint", "-", "--account-id", "123456789012"],
            "a: 1\na: 2\n",
            "duplicate mapping key `a` is not allowed here",
        ),
        (
            &["lint", "-", "--account-id", "123456789012"],
            "kind: ConfigMap\n",
            "none of LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleGrant and LambdaRoleClass is in these files",
        ),
        (&["lint", "-", "--account-id", "12345"], "", "an account id has twelve digits"),
        (&["lint", "-"], &manifest("{}"), "--account-id"),
        (&["render"], "", "FILE"),
    ];
    for (arguments, input, message) in cases {
        let output = run(arguments, input);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn other_kinds_are_passed_over_and_lists_are_looked_into() {
    let role =
        r#"{"apiVersion":"lambdaroles.dev/v1alpha1","kind":"LambdaExecutionRole","metadata":{"name":"a"},"spec":{}}"#;
    let input =
        format!(r#"{{"apiVersion":"v1","kind":"List","items":[{role},{{"apiVersion":"v1","kind":"Secret"}},{role}]}}"#);
    let output = run(&[&["render", "-", "-o", "json", "-n", "team"], &ACCOUNT[..]].concat(), &input);
    let rendered = json_of(&output);
    assert_eq!(rendered.as_array().unwrap().len(), 2);
    assert_eq!(rendered[0]["roleName"], "team-a");
}

#[test]
fn help_teaches() {
    let help = text(&run(&["lint", "--help"], "").stdout);
    for part in ["before they are applied", "Exit status", "--account-id", "standard input"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
