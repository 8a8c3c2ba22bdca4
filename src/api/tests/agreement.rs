//! Values on either side of a rule's edge: the API server and the controller must draw the line in the same place,
//! whatever they say.

use super::{CLASS, at_admission, of_fields, spec};
use crate::{api::rule, plan::class::check};

/// Letters, marks, symbols, numbers and spaces of every kind.
const CHARACTERS: &str =
    "aZ09éſⅷ½Ⓐ\u{93f}\u{301}\u{a0}\u{2028}\u{3000}\u{200b}\u{7f}\u{85}\t\n_.:/=+-@&#~!\u{1F600}²ªß漢Ж";

fn quoted(text: &str) -> String {
    // YAML takes no DEL as it is, JSON does.
    serde_json::to_string(text).unwrap().replace('\u{7f}', r"\u007f")
}

fn statement(members: &str) -> String {
    format!("{{statements: [{{effect: Allow, actions: ['*'], resources: ['*'], {members}}}]}}")
}

fn trust(members: &str) -> String {
    format!("{{trust: {{statements: [{{effect: Allow, {members}}}]}}}}")
}

fn assert_agreed(specs: impl IntoIterator<Item = String>) {
    for yaml in specs {
        let spec = spec(&yaml);
        let (admission, controller) = (at_admission(&spec), of_fields(&spec));
        assert_eq!(
            admission.is_empty(),
            controller.is_empty(),
            "{yaml}\nadmission: {admission:?}\ncontroller: {controller:?}"
        );
    }
}

#[test]
fn on_characters() {
    for c in CHARACTERS.chars().map(String::from) {
        assert_agreed([
            format!("{{tags: {{a: {}}}}}", quoted(&c)),
            format!("{{tags: {{{}: b}}}}", quoted(&c)),
            format!("{{description: {}}}", quoted(&c)),
            format!("{{roleName: {}}}", quoted(&c)),
            format!("{{path: {}}}", quoted(&format!("/{c}/"))),
            format!("{{managedPolicies: [{{aws: {}}}]}}", quoted(&c)),
            format!("{{managedPolicies: [{{arn: {}}}]}}", quoted(&format!("arn:aws:iam::aws:policy/{c}"))),
            statement(&format!("sid: {}", quoted(&c))),
            statement(&format!("sourceFunctionArns: [{}]", quoted(&c))),
            trust(&format!("principals: {{service: [{}]}}", quoted(&format!("{c}.x")))),
            trust(&format!("principals: {{aws: ['*']}}, actions: [{}]", quoted(&format!("sts:{c}")))),
        ]);
    }
}

#[test]
fn on_paths_and_names_of_policies() {
    assert_agreed(["/", "//", "///", "/a", "a/", "/a/", "/a//b/", "/a b/"].map(|path| format!("{{path: '{path}'}}")));
    let names = ["a/b", "a//b", "/a", "a/", "a b", "arn:aws:iam::aws:policy/x"];
    assert_agreed(names.map(|name| format!("{{managedPolicies: [{{aws: '{name}'}}]}}")));
    let arns = [
        "arn:aws:iam::aws:policy/x",
        "arn:AWS:iam::aws:policy/x",
        "arn:aws:iam:us-east-1:aws:policy/x",
        "arn::iam::aws:policy/x-yz",
        "arn:aws:iam::12345678901:policy/x",
        "arn:aws:iam::aws:policy/x:y",
    ];
    assert_agreed(arns.map(|arn| format!("{{permissionsBoundary: {{arn: '{arn}'}}}}")));
}

/// ASCII, as `kube/cel` counts bytes where the API server counts characters.
#[test]
fn on_the_length_of_tag_keys() {
    assert_agreed(
        [rule::TAG_KEY_MAX, rule::TAG_KEY_MAX + 1].map(|length| format!("{{tags: {{{}: x}}}}", "k".repeat(length))),
    );
}

#[test]
fn on_intervals() {
    let intervals = [
        "30s", "29s", "24h", "24h1s", "1440m", "1h1h", "0h30s", "1.5h", "90000ms", "-1m", "1h-1m", "1d", "", "m", " 1m",
    ];
    assert_agreed(intervals.map(|interval| format!("{{resyncInterval: '{interval}'}}")));
}

#[test]
fn on_functions() {
    let name = "f".repeat(64);
    let longer = format!("{name}f");
    let functions = [
        &name,
        &longer,
        "",
        "*",
        "function:f",
        "arn:aws:lambda:eu-west-1:111122223333:function:f:",
        "arn:aws:lambda:eu-west-1:111122223333:function::x",
        "arn:aws2:lambda:eu-west-1:111122223333:function:f",
        "arn:aws:lambda:*:?:function:f",
        "arn:aws:lambda:EU:1:function:f",
        "arn:aws:*:eu-west-1:1:function:f",
        "arn:aws:s3:a:b:c:d:e",
    ];
    assert_agreed(functions.map(|function| statement(&format!("sourceFunctionArns: ['{function}']"))));
}

#[test]
fn on_principals() {
    let principals = [
        "*",
        "**",
        "111122223333",
        "11112222333",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:",
        "arn:aws:s3::111122223333:x",
        "arn:a*:iam::111122223333:root",
        "AROAEXAMPLEEXAMPLEEX",
    ];
    assert_agreed(principals.map(|principal| trust(&format!("principals: {{aws: ['{principal}']}}"))));
    let providers = ["a.b", "ab", "arn:a.b", "arn:aws:iam::1:x", "arn:aws:cognito-identity:r:a:x", "arn:aws:s3:::x.y"];
    assert_agreed(providers.map(|provider| trust(&format!("principals: {{federated: ['{provider}']}}"))));
}

#[test]
fn on_names_and_keys_of_config_maps() {
    let names = ["a", "a.b", "a..b", ".a", "a.", "-a", "a-.b", "A", "a_b", "a b", "4", "a-b.4-c"];
    assert_agreed(names.map(|name| format!("{{export: {{configMap: {{name: '{name}'}}}}}}")));
    let keys = ["a", "ROLE_ARN", "a.b", ".a", ".", "..", "...", "..a", "a..", "-", "a/b", "a b", "ä", "a=b"];
    let fields = ["roleArn", "roleName", "roleId", "accountId"];
    let key = |field: &str, key: &str| format!("{{export: {{configMap: {{name: a, keys: {{{field}: '{key}'}}}}}}}}");
    assert_agreed(fields.iter().flat_map(|field| keys.iter().map(|text| key(field, text))));
    let pairs =
        fields.iter().flat_map(|one| fields.iter().filter(move |other| *other > one).map(move |other| (one, other)));
    assert_agreed(pairs.flat_map(|(one, other)| {
        ["a", "b"].map(|text| format!("{{export: {{configMap: {{name: a, keys: {{{one}: a, {other}: '{text}'}}}}}}}}"))
    }));
}

#[test]
fn on_operators() {
    assert_agreed(operators().map(|operator| statement(&format!("conditions: {{'{operator}': {{'aws:x': y}}}}"))));
}

/// Every operator of IAM's with every prefix and suffix, and some that it does not know.
fn operators() -> impl Iterator<Item = String> {
    const BASES: &str = "StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike \
        NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals \
        DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals \
        Bool BinaryEquals IpAddress NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike Null \
        StringNotLikeIgnoreCase NumericNotLessThan BoolNot stringequals";
    BASES.split(' ').flat_map(|base| {
        let prefixed = ["", "ForAllValues:", "ForAnyValue:", "ForAll:"].map(|prefix| format!("{prefix}{base}"));
        prefixed
            .into_iter()
            .flat_map(|operator| ["", "IfExists", "ifExists"].map(|suffix| format!("{operator}{suffix}")))
    })
}

/// Classes whose account, or whose spec, has `members` too.
fn assert_agreed_on_classes(accounts: impl IntoIterator<Item = String>, classes: impl IntoIterator<Item = String>) {
    let account = |members| format!("{{account: {{id: '123456789012', {members}}}, namespaces: {{}}}}");
    let class = |members| format!("{{account: {{id: '123456789012'}}, {members}}}");
    for yaml in accounts.into_iter().map(account).chain(classes.into_iter().map(class)) {
        let spec = spec(&yaml);
        let faults = check(&serde_json::from_value(spec.clone()).unwrap()).err().unwrap_or_default();
        let admission = CLASS.at_admission(&spec);
        assert_eq!(admission.is_empty(), faults.is_empty(), "{yaml}\nadmission: {admission:?}\ncontroller: {faults:?}");
    }
}

#[test]
fn on_characters_of_classes() {
    let role = "arn: 'arn:aws:iam::123456789012:role/a'";
    for c in CHARACTERS.chars().chain("*?$()".chars()).map(String::from) {
        let c = quoted(&c);
        let [partition, region, url, path, arn] = ["aws-", "eu-", "http://", "/", "arn:aws:iam::123456789012:role/"]
            .map(|before| c.replacen('"', &format!("\"{before}"), 1));
        let path = format!("{}/\"", path.trim_end_matches('"'));
        assert_agreed_on_classes(
            [
                format!("partition: {partition}"),
                format!("region: {region}"),
                format!("functionRegions: [{region}]"),
                format!("endpointUrl: {url}"),
                format!("assumeRole: [{{arn: {arn}}}]"),
                format!("assumeRole: [{{{role}, externalId: {c}}}]"),
                format!("assumeRole: [{{{role}, sessionName: {c}}}]"),
                format!("assumeRole: [{{{role}, sessionTags: {{{c}: b}}}}]"),
                format!("assumeRole: [{{{role}, sessionTags: {{a: {c}}}}}]"),
            ],
            [
                format!("namespaces: {{names: [{c}]}}"),
                format!("namespaces: {{}}, naming: {{path: {path}}}"),
                format!("namespaces: {{}}, naming: {{roleName: {c}}}"),
                format!("namespaces: {{}}, guardrails: {{tags: {{forced: {{{c}: b}}}}}}"),
                format!("namespaces: {{}}, guardrails: {{tags: {{forced: {{a: {c}}}}}}}"),
                format!("namespaces: {{}}, defaults: {{tags: {{{c}: b}}}}"),
                format!("namespaces: {{}}, defaults: {{tags: {{a: {c}}}}}"),
            ],
        );
    }
}

#[test]
fn on_accounts_and_names_of_classes() {
    let partitions = ["aws", "aws-", "aws--cn", "aws-us-gov", "aws-Cn", "aws-c1", "awsx", "-aws", "xaws", ""];
    let regions = ["us", "us-", "-us", "us-e", "us--e", "us-gov-west-1", "us1-east", "us-East-1", "us-*", "US-east-1"];
    let urls = ["http://", "https://x", "HTTP://x", "ftp://x", "http:/x", " http://x", "http://a b", "https://a/?b#c"];
    let arns = [
        "arn:aws:iam::123456789012:role/a/b",
        "arn:aws-cn:iam::123456789012:role/a",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/a:b",
        "arn:aws:iam::123456789012:roles/a",
        "arn:aws:iam:eu-west-1:123456789012:role/a",
        "arn:aws:iam::12345678901:role/a",
        "arn:aws:iam::1234567890123:role/a",
        "arn:aws:iam::aws:role/a",
        "arn:aws:iam::$(accountId):role/a",
        "arn:aws:sts::123456789012:role/a",
        "arn:x:iam::123456789012:role/a",
        "arn:aws:iam::123456789012",
        "a",
    ];
    let accounts = [("partition", &partitions[..]), ("region", &regions), ("endpointUrl", &urls)];
    let accounts =
        accounts.iter().flat_map(|(field, texts)| texts.iter().map(move |text| format!("{field}: '{text}'")));
    let paths = ["/", "//", "///", "a", "/a", "a/", "/a/", "/a//b/", "/$(name)/", "/$(name)/x", "/a b/"];
    let names =
        ["$(name)", "a$(namespace)b", "$(name", "$name", "$()", "$$(name)", "$(name)/", "a/b", ")", "$(name)$("];
    let tags = ["$(name)", "$(name)aws:x", "aws:$(name)", "$(", "$()", "$(name", "$(na me)", "(name)", "${x}", ""];
    let namings = [("path", &paths[..]), ("roleName", &names[..])];
    let namings = namings.iter().flat_map(|(field, texts)| {
        texts.iter().map(move |text| format!("namespaces: {{}}, naming: {{{field}: '{text}'}}"))
    });
    let tags = tags.iter().flat_map(|value| {
        [
            format!("namespaces: {{}}, defaults: {{tags: {{a: '{value}'}}}}"),
            format!("namespaces: {{}}, guardrails: {{tags: {{forced: {{a: '{value}'}}}}}}"),
        ]
    });
    assert_agreed_on_classes(
        accounts.chain(arns.map(|arn| format!("assumeRole: [{{arn: '{arn}'}}]"))),
        namings.chain(tags).collect::<Vec<_>>(),
    );
}

#[test]
fn on_selectors_of_classes() {
    for operator in ["In", "NotIn", "Exists", "DoesNotExist"] {
        let requirements = ["", ", values: []", ", values: [a]", ", values: [a, b]"].map(|values| {
            format!("namespaces: {{selector: {{matchExpressions: [{{key: team, operator: {operator}{values}}}]}}}}")
        });
        assert_agreed_on_classes([], requirements);
    }
}
