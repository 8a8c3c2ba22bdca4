//! The alerts, judged by real promtool, and the dashboard. `make test` says where promtool is; `hack/check-dashboard` holds the
//! dashboard to Grafana's types.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use promql_parser::{
    label::MatchOp,
    parser::{Expr, LabelModifier, VectorSelector},
};
use serde_json::Value;

const ALERTS: &str = "charts/lambdaroles/files/alerts.yaml";
const RULE_TESTS: &str = "tests/alerts/lambdaroles.yaml";
const RUNBOOKS: &str = "docs/runbooks";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file(path)).unwrap()).unwrap()
}

fn rules() -> Vec<Value> {
    let groups = yaml(ALERTS)["groups"].as_array().unwrap().clone();
    groups.into_iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn names() -> BTreeSet<String> {
    rules().into_iter().map(|rule| rule["alert"].as_str().unwrap().to_owned()).collect()
}

fn promtool(arguments: &[&str]) {
    let promtool = env::var_os("PROMTOOL").filter(|path| !path.is_empty()).unwrap_or_else(|| {
        panic!("PROMTOOL names no promtool: run `make test`, or set it; hack/fetch-control-plane --help says where it comes from")
    });
    let output = Command::new(promtool).args(arguments).current_dir(file("")).output().unwrap();
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {told}");
}

#[test]
fn each_fires_on_what_it_is_for_and_not_on_what_is_nearly_that() {
    promtool(&["check", "rules", ALERTS]);
    promtool(&["test", "rules", RULE_TESTS]);
    let mut fires = BTreeMap::<String, BTreeSet<bool>>::new();
    for test in yaml(RULE_TESTS)["tests"].as_array().unwrap() {
        for case in test["alert_rule_test"].as_array().unwrap() {
            let does_fire = !case["exp_alerts"].as_array().unwrap().is_empty();
            fires.entry(case["alertname"].as_str().unwrap().to_owned()).or_default().insert(does_fire);
        }
    }
    assert_eq!(fires.keys().cloned().collect::<BTreeSet<_>>(), names());
    assert!(fires.values().all(|seen| seen.len() == 2), "each is tested both ways: {fires:?}");
}

#[test]
fn each_has_a_runbook_that_the_index_leads_to_and_there_is_no_other() {
    let pages = fs::read_dir(file(RUNBOOKS)).unwrap().map(|entry| entry.unwrap().path());
    let pages: BTreeSet<_> = pages.map(|page| page.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let mut expected = names();
    let index = fs::read_to_string(file(RUNBOOKS).join("README.md")).unwrap();
    for rule in rules() {
        let (name, severity) = (rule["alert"].as_str().unwrap(), rule["labels"]["severity"].as_str().unwrap());
        assert!(index.contains(&format!("| [{name}]({name}.md) | {severity} |")), "{name} in the index");
        let page = fs::read_to_string(file(RUNBOOKS).join(format!("{name}.md"))).unwrap();
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        for section in ["## Meaning\n", "## Impact\n", "## Diagnosis\n", "## Mitigation\n"] {
            assert!(page.contains(section), "{section} of {name}");
        }
    }
    expected.insert("README".to_owned());
    assert_eq!(pages, expected);
}

/// Every metric that the controller exports, with its labels, as the reference lists them: a test of the metrics holds it to them.
fn exported() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(file("docs/reference/metrics.md")).unwrap();
    let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = page.lines().filter(|line| line.starts_with("| `lambdaroles_"));
    let rows = rows.map(|row| row.split(" | ").map(code).collect::<Vec<_>>());
    rows.map(|cells| (cells[0][0].clone(), cells[1].iter().cloned().collect())).collect()
}

/// What Prometheus itself puts on series, and the buckets of histograms.
const COMMON: [&str; 4] = ["cluster", "job", "le", "namespace"];

fn assert_known(query: &str) {
    let query = promql_parser::parser::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let exported = exported();
    let mut labels = BTreeSet::new();
    let mut selectors = Vec::new();
    walk(&query, &mut selectors, &mut labels);
    assert!(!selectors.is_empty(), "{query} reads no metric");
    let mut known: BTreeSet<String> = COMMON.map(str::to_owned).into();
    for selector in selectors {
        let name = selector.name.clone().unwrap_or_else(|| panic!("a selector without a metric in {query}"));
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let of_metric = exported.get(&name).or_else(|| base.and_then(|base| exported.get(base)));
        let of_metric = of_metric.unwrap_or_else(|| panic!("{query}: nobody exports {name}"));
        known.extend(of_metric.iter().cloned());
        for matcher in &selector.matchers.matchers {
            let is_known = of_metric.contains(&matcher.name) || COMMON.contains(&matcher.name.as_str());
            assert!(is_known, "{query}: {name} has no label {}", matcher.name);
            assert!(!matcher.value.is_empty() || matcher.op != MatchOp::Equal, "{query}: {} is nothing", matcher.name);
        }
    }
    for label in labels {
        assert!(known.contains(&label), "{query}: no metric of it has the label {label}");
    }
}

/// Collects the selectors of an expression, and the labels by which it aggregates and joins.
fn walk<'a>(expression: &'a Expr, selectors: &mut Vec<&'a VectorSelector>, labels: &mut BTreeSet<String>) {
    let mut of = |modifier: &Option<LabelModifier>| {
        if let Some(LabelModifier::Include(names) | LabelModifier::Exclude(names)) = modifier {
            labels.extend(names.labels.iter().cloned());
        }
    };
    match expression {
        Expr::Aggregate(aggregate) => {
            of(&aggregate.modifier);
            walk(&aggregate.expr, selectors, labels);
        }
        Expr::Unary(unary) => walk(&unary.expr, selectors, labels),
        Expr::Binary(binary) => {
            of(&binary.modifier.as_ref().and_then(|modifier| modifier.matching.clone()));
            walk(&binary.lhs, selectors, labels);
            walk(&binary.rhs, selectors, labels);
        }
        Expr::Paren(paren) => walk(&paren.expr, selectors, labels),
        Expr::Subquery(subquery) => walk(&subquery.expr, selectors, labels),
        Expr::VectorSelector(selector) => selectors.push(selector),
        Expr::MatrixSelector(selector) => selectors.push(&selector.vs),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| walk(argument, selectors, labels)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => {}
        Expr::Extension(_) => panic!("an extension of PromQL: {expression}"),
    }
}

#[test]
fn each_reads_metrics_that_are_exported_and_labels_that_they_have() {
    for rule in rules() {
        assert_known(rule["expr"].as_str().unwrap());
    }
}

#[test]
#[should_panic(expected = "nobody exports lambdaroles_nothing")]
fn a_query_of_what_is_not_exported_is_found_out() {
    assert_known("rate(lambdaroles_nothing[5m])");
}

#[test]
#[should_panic(expected = "has no label object")]
fn a_query_by_a_label_that_is_not_there_is_found_out() {
    assert_known("lambdaroles_objects{object=\"orders\"}");
}

const DASHBOARD: &str = "charts/lambdaroles/files/dashboard.json";

/// Units of Grafana that the dashboard uses: `panels[].fieldConfig.defaults.unit` is any text to its schema.
/// <https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts>
const UNITS: [&str; 5] = ["none", "percentunit", "s", "ops", "reqps"];

fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(file(DASHBOARD)).unwrap()).unwrap()
}

fn panels() -> Vec<Value> {
    dashboard()["panels"].as_array().unwrap().clone()
}

/// A query as Grafana sends it.
fn sent(query: &str) -> String {
    ["$class", "$kind", "$account", "$job"]
        .into_iter()
        .fold(query.to_owned(), |query, variable| query.replace(variable, ".*"))
        .replace("$__rate_interval", "5m")
        .replace("$__range", "6h")
}

#[test]
fn every_query_of_the_dashboard_reads_metrics_that_are_exported() {
    for panel in panels().iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let query = sent(target["expr"].as_str().unwrap());
            assert!(!query.contains('$'), "an unknown variable: {query}");
            assert_known(&query);
        }
        assert!(UNITS.contains(&panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap()), "{panel}");
    }
    for variable in dashboard()["templating"]["list"].as_array().unwrap().iter().filter(|v| v["type"] == "query") {
        let query = variable["query"]["query"].as_str().unwrap();
        let (metric, label) =
            query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap().split_once(", ").unwrap();
        assert!(exported()[metric].contains(label) || COMMON.contains(&label), "{query}");
    }
}

#[test]
fn the_dashboard_shows_every_metric_but_those_that_events_and_logs_tell_better() {
    let text = fs::read_to_string(file(DASHBOARD)).unwrap();
    let is_shown = |name: &str| text.contains(name.trim_end_matches("_total"));
    let hidden: Vec<_> = exported().into_keys().filter(|name| !is_shown(name)).collect();
    let expected = [
        "lambdaroles_managed_policy_changed_actions_total",
        "lambdaroles_managed_policy_changes_total",
        "lambdaroles_start_time_seconds",
    ];
    assert_eq!(hidden, expected);
}

#[test]
fn panels_have_a_title_a_text_and_an_id_of_their_own_read_the_chosen_source_and_lie_on_no_other() {
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let place = |edge: &str| panel["gridPos"][edge].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{panel}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "something lies under {}", panel["title"]);
            }
        }
        assert!(!panel["title"].as_str().unwrap().is_empty());
        if panel["type"] != "row" {
            assert!(!panel["description"].as_str().unwrap().is_empty(), "{panel}");
            let targets = panel["targets"].as_array().unwrap().iter();
            assert!(targets.chain([&panel]).all(|reads| reads["datasource"]["uid"] == "${datasource}"), "{panel}");
        }
    }
}
