//! What is true at the moment of a scrape, rather than counted as it happens.

use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet},
    metrics::MetricType,
    registry::Unit,
};
use strum::IntoEnumIterator;

use super::labels::{AccountLabels, KindLabels, ObjectLabels, ShareLabels};
use crate::{aws::CredentialState, plan::status::State};

/// Which of the values below which a share of the roles lies are told.
const QUANTILES: [(&str, f64); 3] = [("0.5", 0.5), ("0.9", 0.9), ("1", 1.0)];

/// The objects, the queue and the credentials as they are.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    objects: BTreeMap<(String, String), BTreeMap<State, u64>>,
    ages: BTreeMap<(String, String, State), Duration>,
    inline_ratios: BTreeMap<String, Vec<f64>>,
    overdue: BTreeMap<String, Duration>,
    credentials: Vec<CredentialState>,
}

impl Snapshot {
    /// With the credentials of each account, and no objects yet.
    #[must_use]
    pub fn new(credentials: Vec<CredentialState>) -> Self {
        Self { credentials, ..Self::default() }
    }

    /// Adds an object that has been in its state for that long; `class` is empty for one that has none.
    pub fn count(&mut self, kind: &str, class: &str, state: State, age: Option<Duration>) {
        let (kind, class) = (kind.to_owned(), class.to_owned());
        *self.objects.entry((kind.clone(), class.clone())).or_default().entry(state).or_default() += 1;
        if let Some(age) = age {
            let longest = self.ages.entry((kind, class, state)).or_default();
            *longest = age.max(*longest);
        }
    }

    /// Adds a role of which the inline policies take up that share of their quota.
    pub fn inline_ratio(&mut self, class: &str, ratio: f64) {
        self.inline_ratios.entry(class.to_owned()).or_default().push(ratio);
    }

    /// Says for how long the object of the kind has been waiting whose look is overdue the longest.
    pub fn overdue(&mut self, kind: &str, overdue: Duration) {
        self.overdue.insert(kind.to_owned(), overdue);
    }

    /// Those that are empty are told too: an alert on a state needs a 0 to begin from.
    fn objects(&self) -> impl Iterator<Item = (ObjectLabels, u64)> {
        self.objects.iter().flat_map(|((kind, class), states)| {
            State::iter().map(move |state| {
                let labels = ObjectLabels { kind: kind.clone(), class: class.clone(), state: state.into() };
                (labels, states.get(&state).copied().unwrap_or_default())
            })
        })
    }

    fn ages(&self) -> impl Iterator<Item = (ObjectLabels, f64)> {
        self.ages.iter().map(|((kind, class, state), age)| {
            (ObjectLabels { kind: kind.clone(), class: class.clone(), state: state.into() }, age.as_secs_f64())
        })
    }

    fn inline_quantiles(&self) -> impl Iterator<Item = (ShareLabels, f64)> {
        self.inline_ratios.iter().flat_map(|(class, ratios)| {
            let mut ratios = ratios.clone();
            ratios.sort_by(f64::total_cmp);
            QUANTILES.into_iter().filter_map(move |(quantile, share)| {
                Some((ShareLabels { class: class.clone(), quantile }, nearest_rank(&ratios, share)?))
            })
        })
    }
}

/// The least of the sorted `values` that is not below `share` of them.
fn nearest_rank(values: &[f64], share: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^52 roles")]
    let reaches = |index: usize| (index + 1) as f64 >= share * values.len() as f64;
    (0..values.len()).find(|index| reaches(*index)).map(|index| values[index])
}

/// Who tells what is true now; nobody while this replica does not work.
type Source = Box<dyn Fn() -> Option<Snapshot> + Send + Sync>;

/// Asks for a snapshot at every scrape.
#[derive(Clone, Default)]
pub(super) struct Snapshots(Arc<Mutex<Option<Source>>>);

impl Snapshots {
    pub(super) fn come_from(&self, source: Source) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
    }
}

impl Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshots")
    }
}

impl Collector for Snapshots {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(snapshot) = source.as_ref().and_then(|source| source()) else { return Ok(()) };
        let help = "Objects by kind, class and state";
        gauges(&mut encoder, "objects", help, None, snapshot.objects())?;
        let help = "For how long the object has been in its state that has been in it the longest; not of those that are ready";
        let unit = Some(&Unit::Seconds);
        gauges(&mut encoder, "object_state_age", help, unit, snapshot.ages())?;
        let help = "Share of the quota of inline policies that the roles of a class take up";
        let unit = Unit::Other("ratio".to_owned());
        gauges(&mut encoder, "inline_policy_usage", help, Some(&unit), snapshot.inline_quantiles())?;
        let help = "For how long the object has been waiting whose look is overdue the longest";
        let overdue = snapshot.overdue.iter().map(|(kind, overdue)| (KindLabels::of(kind), overdue.as_secs_f64()));
        gauges(&mut encoder, "reconcile_overdue", help, Some(&Unit::Seconds), overdue)?;
        let account = |state: &CredentialState| AccountLabels { account: state.account.clone() };
        let help = "When the AWS credentials end, since the epoch; none for those without an end";
        let ends = snapshot
            .credentials
            .iter()
            .filter_map(|state| Some((account(state), state.expiry?.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())));
        let unit = Some(&Unit::Seconds);
        gauges(&mut encoder, "credentials_expiration_timestamp", help, unit, ends)?;
        let help = "Whether AWS credentials could not be fetched or renewed at the last attempt";
        let failing = snapshot.credentials.iter().map(|state| (account(state), u64::from(state.is_failing)));
        gauges(&mut encoder, "credentials_failing", help, None, failing)
    }
}

fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    samples: impl Iterator<Item = (L, V)>,
) -> Result<(), fmt::Error> {
    let mut samples = samples.peekable();
    // A family that is announced and has no sample is no error, but noise.
    if samples.peek().is_none() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in samples {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_kind_and_class_that_has_objects_is_told() {
        let mut snapshot = Snapshot::default();
        snapshot.count("LambdaExecutionRole", "teams", State::Ready, None);
        snapshot.count("LambdaExecutionRole", "teams", State::Ready, None);
        snapshot.count("LambdaExecutionRole", "teams", State::Stalled, Some(Duration::from_secs(9)));
        let told: Vec<_> = snapshot.objects().filter(|(_, count)| *count > 0).collect();
        let states: Vec<_> = told.iter().map(|(labels, count)| (labels.state, *count)).collect();
        assert_eq!(states, [("stalled", 1), ("ready", 2)]);
        assert_eq!(snapshot.objects().count(), State::iter().count());
    }

    #[test]
    fn the_longest_time_in_a_state_is_told() {
        let mut snapshot = Snapshot::default();
        for seconds in [3, 9, 6] {
            snapshot.count("LambdaRoleGrant", "teams", State::Stalled, Some(Duration::from_secs(seconds)));
        }
        let ages: Vec<_> = snapshot.ages().map(|(labels, seconds)| (labels.state, seconds)).collect();
        assert_eq!(ages, [("stalled", 9.0)]);
    }

    #[test]
    fn quantiles_are_values_of_roles() {
        let ratios: Vec<f64> = (1..=10).map(|tenth| f64::from(tenth) / 10.0).collect();
        assert_eq!(QUANTILES.map(|(_, share)| nearest_rank(&ratios, share)), [Some(0.5), Some(0.9), Some(1.0)]);
        assert_eq!(QUANTILES.map(|(_, share)| nearest_rank(&[0.3], share)), [Some(0.3); 3]);
        assert_eq!(nearest_rank(&[], 0.5), None);
    }
}
