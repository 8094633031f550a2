//! What a run measured, and the one line of JSON it prints.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Latencies beyond this are counted as this; the client gives up before.
const LATENCY_MICROS_MAX: u64 = 60_000_000;
/// Three significant digits: a latency of 1,234 µs is told from 1,235 µs, not 12,340 from 12,345.
const DIGITS: u8 = 3;

/// Latencies and statuses of one kind of request.
pub(crate) struct Tally {
    latency_micros: Histogram<u64>,
    statuses: BTreeMap<u16, u64>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let latency_micros = Histogram::new_with_max(LATENCY_MICROS_MAX, DIGITS)
            .expect("the bounds are constants that the histogram accepts");
        Self { latency_micros, statuses: BTreeMap::new() }
    }

    pub(crate) fn record(&mut self, status: u16, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_micros.saturating_record(micros);
        *self.statuses.entry(status).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.latency_micros.add(&other.latency_micros)?;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        Ok(())
    }

    /// How many requests were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.latency_micros.len()
    }

    /// Whether a server refused anything: then its speed says nothing.
    pub(crate) fn all_succeeded(&self) -> bool {
        self.statuses.keys().all(|status| (200..300).contains(status))
    }

    pub(crate) fn statuses(&self) -> Value {
        self.statuses.iter().map(|(status, count)| (status.to_string(), json!(count))).collect()
    }

    pub(crate) fn latency_ms(&self) -> Value {
        let at = |quantile| self.latency_micros.value_at_quantile(quantile) as f64 / 1000.0;
        json!({
            "p50": at(0.5),
            "p90": at(0.9),
            "p99": at(0.99),
            "p999": at(0.999),
            "max": self.latency_micros.max() as f64 / 1000.0,
        })
    }
}

/// `count` in `elapsed`, as a rate with one decimal.
pub(crate) fn per_second(count: u64, elapsed: Duration) -> f64 {
    (count as f64 / elapsed.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Tally, per_second};

    #[test]
    fn tallies_of_several_connections_add_up() {
        let mut all = Tally::new();
        for (status, millis) in [(200, 1), (200, 3), (503, 5)] {
            let mut one = Tally::new();
            one.record(status, Duration::from_millis(millis));
            all.add(&one).unwrap();
        }
        assert_eq!(all.answered(), 3);
        assert_eq!(all.statuses(), json!({"200": 2, "503": 1}));
        assert!((all.latency_ms()["p50"].as_f64().unwrap() - 3.0).abs() < 0.01);
        assert!(!all.all_succeeded());
    }

    #[test]
    fn a_rate_is_rounded_to_one_decimal() {
        assert_eq!(per_second(1000, Duration::from_secs(3)), 333.3);
    }
}
