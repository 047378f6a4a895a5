//! Writes families of one kind: a head, and a sample for each set of labels.

use crate::monitor::rolling::Rolling;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::fmt;

/// Names and values.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The page under way.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
    /// Numbers that go up and down; a family without samples is left out.
    pub(super) fn gauges(&mut self, name: &str, help: &str, rows: Vec<(Labels, f64)>) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, rows, |encoder, value| encoder.encode_gauge(&value))
    }

    /// Numbers that only go up; `_total` is added to the name.
    pub(super) fn counters(&mut self, name: &str, help: &str, rows: Vec<(Labels, u64)>) -> fmt::Result {
        self.family(name, help, MetricType::Counter, rows, |encoder, value| {
            encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    /// One number that goes up and down, where it is known.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: Option<f64>) -> fmt::Result {
        self.gauges(name, help, value.map(|value| (Labels::new(), value)).into_iter().collect())
    }

    /// One number that only goes up.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counters(name, help, vec![(Labels::new(), value)])
    }

    /// One number with a fraction that only goes up.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: Option<f64>) -> fmt::Result {
        let rows = value.map(|value| (Labels::new(), value)).into_iter().collect();
        self.family(name, help, MetricType::Counter, rows, |encoder, value| {
            encoder.encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    /// Durations since the start, in seconds, between buckets given in nanoseconds.
    pub(super) fn histograms(
        &mut self,
        name: &str,
        help: &str,
        buckets: &[i64],
        rows: Vec<(Labels, &Rolling)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Histogram, rows, |encoder, rolling| {
            let (below, count, sum_nanos) = rolling.cumulative(buckets);
            let mut before = 0;
            let mut counts: Vec<(f64, u64)> = Vec::with_capacity(buckets.len() + 1);
            for (edge, below) in buckets.iter().zip(below) {
                counts.push((*edge as f64 / 1e9, below - before));
                before = below;
            }
            counts.push((f64::INFINITY, count - before));
            encoder.encode_histogram::<NoLabelSet>(sum_nanos / 1e9, count, &counts, None)
        })
    }

    fn family<T>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: Vec<(Labels, T)>,
        write: impl Fn(&mut MetricEncoder<'_>, T) -> fmt::Result,
    ) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        let name = format!("fathometer_{name}");
        let mut encoder = self.0.encode_descriptor(&name, help, None, kind)?;
        for (labels, value) in rows {
            if labels.is_empty() {
                write(&mut encoder, value)?;
            } else {
                write(&mut encoder.encode_family(&labels)?, value)?;
            }
        }
        Ok(())
    }
}
