use std::time::{Duration, SystemTime};

use super::*;
use crate::{
    aws::{CallOutcome, CredentialState},
    plan::status::State,
    policy::change::{ActionChanges, Changes},
};

const KIND: &str = "LambdaExecutionRole";

fn change() -> PolicyChange {
    let allowed = Changes { added: vec!["s3:Get*".to_owned()], ..Changes::default() };
    PolicyChange { from: "v1".to_owned(), actions: Some(ActionChanges { allowed, ..ActionChanges::default() }) }
}

fn call() -> Call {
    Call {
        account: "111122223333".to_owned(),
        service: "IAM".to_owned(),
        operation: "GetRole".to_owned(),
        outcome: CallOutcome::Throttled,
        waited: Duration::from_millis(1500),
        duration: Duration::from_millis(20),
    }
}

fn snapshot() -> Snapshot {
    let account = "111122223333".to_owned();
    let expiry = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1000));
    let mut snapshot = Snapshot::new(vec![CredentialState { account, expiry, is_failing: true }]);
    snapshot.count(KIND, "teams", State::Ready, None);
    snapshot.count(KIND, "teams", State::Stalled, Some(Duration::from_mins(1)));
    snapshot.inline_ratio("teams", 0.25);
    snapshot.overdue(KIND, Duration::from_secs(7));
    snapshot
}

/// With a sample of every metric.
fn metrics() -> Arc<Metrics> {
    let metrics = Metrics::new();
    metrics.pass(KIND).ended(PassResult::Synced);
    drop(metrics.wait(KIND));
    metrics.call(call());
    metrics.drift(KIND, "teams", true);
    metrics.watch_failed(KIND);
    metrics.managed_policy_changed("111122223333", "arn:aws:iam::aws:policy/Example", &change());
    metrics.observe(|| Some(snapshot()));
    metrics
}

#[test]
fn the_page_on_metrics_has_a_row_for_each_with_all_its_labels_and_no_other() {
    let page = include_str!("../../../docs/reference/metrics.md");
    let text = metrics().encode().unwrap();
    let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket")).collect();
    let name = |sample: &str| {
        let name = sample.split(['{', ' ']).next().unwrap();
        name.trim_end_matches("_sum").trim_end_matches("_count").to_owned()
    };
    for sample in &samples {
        let name = name(sample);
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} is not on the page"));
        let labels = sample.split_once('{').map(|(_, labels)| labels.split("\",").collect::<Vec<_>>());
        for label in labels.into_iter().flatten() {
            let label = label.split('=').next().unwrap();
            assert!(row.contains(&format!("`{label}`")), "{label} of {name} is not on the page");
        }
    }
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `lambdaroles_")?.split('`').next());
    for row in rows {
        let row = format!("lambdaroles_{row}");
        assert!(samples.iter().any(|sample| name(sample) == row), "there is no {row}");
    }
}

/// What Prometheus and its operator put on every target: a label of ours of that name would be renamed `exported_…`, and every
/// query of it would read theirs.
#[test]
fn no_label_is_one_that_a_target_has() {
    const OF_TARGETS: [&str; 9] =
        ["cluster", "container", "endpoint", "instance", "job", "namespace", "node", "pod", "service"];
    for line in metrics().encode().unwrap().lines().filter(|line| !line.starts_with('#')) {
        for label in OF_TARGETS {
            assert!(!line.contains(&format!("{{{label}=")) && !line.contains(&format!(",{label}=")), "{line}");
        }
    }
}

#[test]
fn the_pass_that_has_waited_longest_tells_for_how_long() {
    let metrics = Metrics::new();
    assert_eq!(metrics.longest_wait(KIND), Duration::ZERO);
    let (first, second) = (metrics.wait(KIND), metrics.wait(KIND));
    let began = first.started;
    assert!(metrics.longest_wait(KIND) <= began.elapsed());
    drop(first);
    assert!(metrics.longest_wait(KIND) <= second.started.elapsed());
    assert_eq!(metrics.longest_wait("LambdaRoleGrant"), Duration::ZERO);
    drop(second);
    assert_eq!(metrics.longest_wait(KIND), Duration::ZERO);
}

#[test]
fn drift_that_may_come_is_counted_from_0() {
    let metrics = Metrics::new();
    metrics.watch_drift(KIND, "teams");
    for counter in ["drift_found", "drift_corrected"] {
        let line = format!("lambdaroles_{counter}_total{{kind=\"LambdaExecutionRole\",class=\"teams\"}} 0");
        assert!(metrics.encode().unwrap().lines().any(|told| told == line));
    }
}

#[test]
fn what_is_true_now_is_told_as_long_as_somebody_tells_it() {
    let metrics = metrics();
    let has = |line: &str| metrics.encode().unwrap().lines().any(|told| told == line);
    let ready = "lambdaroles_objects{kind=\"LambdaExecutionRole\",class=\"teams\",state=\"ready\"} 1";
    assert!(has(ready));
    assert!(has("lambdaroles_objects{kind=\"LambdaExecutionRole\",class=\"teams\",state=\"refused\"} 0"));
    assert!(has("lambdaroles_inline_policy_usage_ratio{class=\"teams\",quantile=\"1\"} 0.25"));
    assert!(has("lambdaroles_reconcile_overdue_seconds{kind=\"LambdaExecutionRole\"} 7.0"));
    assert!(has("lambdaroles_credentials_expiration_timestamp_seconds{account=\"111122223333\"} 1000.0"));
    assert!(has("lambdaroles_credentials_failing{account=\"111122223333\"} 1"));
    metrics.observe(|| None);
    assert!(!has(ready));
}

#[test]
fn a_pass_is_in_hand_until_it_ends_or_is_dropped_and_one_that_looked_at_nothing_has_no_time() {
    let metrics = Metrics::new();
    let has = |line: &str| metrics.encode().unwrap().lines().any(|told| told == line);
    let (ended, dropped, waits) = (metrics.pass(KIND), metrics.pass(KIND), metrics.wait(KIND));
    assert!(has("lambdaroles_reconcile_active{kind=\"LambdaExecutionRole\"} 2"));
    assert!(has("lambdaroles_reconcile_waiting{kind=\"LambdaExecutionRole\"} 1"));
    ended.ended(PassResult::Skipped);
    drop((dropped, waits));
    assert!(has("lambdaroles_reconcile_active{kind=\"LambdaExecutionRole\"} 0"));
    assert!(has("lambdaroles_reconcile_waiting{kind=\"LambdaExecutionRole\"} 0"));
    assert!(has("lambdaroles_reconcile_total{kind=\"LambdaExecutionRole\",result=\"skipped\"} 1"));
    assert!(!metrics.encode().unwrap().contains("reconcile_duration_seconds_count"));
    metrics.pass(KIND).ended(PassResult::Synced);
    assert!(has("lambdaroles_reconcile_duration_seconds_count{kind=\"LambdaExecutionRole\"} 1"));
}

#[test]
fn a_change_of_which_nobody_can_tell_the_actions_is_counted_all_the_same() {
    let metrics = Metrics::new();
    metrics.managed_policy_changed("111122223333", "Example", &PolicyChange { actions: None, ..change() });
    let text = metrics.encode().unwrap();
    assert!(text.contains("lambdaroles_managed_policy_changes_total{account=\"111122223333\",policy=\"Example\"} 1"));
    assert!(!text.contains("changed_actions_total{"), "{text}");
}
