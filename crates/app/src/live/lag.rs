//! How far the engine is behind the sockets: from the receipt of a frame to its metrics, as quantiles of the last seconds.

use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};

/// Buckets per doubling: a quantile is told within an eighth.
const STEPS: usize = 8;
const BUCKETS: usize = STEPS * 40;
/// Quantiles are those of this span and up to one more before it.
const SPAN_NANOS: i64 = 10 * NANOS_PER_SECOND;

/// Counts by size.
#[derive(Clone, Debug)]
pub struct Lag {
    now: [u32; BUCKETS],
    before: [u32; BUCKETS],
    began: Nanos,
}

impl Default for Lag {
    fn default() -> Self {
        Lag { now: [0; BUCKETS], before: [0; BUCKETS], began: Nanos(0) }
    }
}

impl Lag {
    /// One frame: when it was received, and when its metrics stood.
    pub fn add(&mut self, received: Nanos, done: Nanos) {
        if done.since(self.began) >= SPAN_NANOS {
            self.before = std::mem::replace(&mut self.now, [0; BUCKETS]);
            self.began = done;
        }
        let nanos = u64::try_from(done.since(received)).unwrap_or(0).max(1);
        if let Some(count) = self.now.get_mut(bucket(nanos)) {
            *count = count.saturating_add(1);
        }
    }

    /// The lag, milliseconds, that this share (0 to 1) of the frames did not exceed; `None` before the first.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        let counts = || self.now.iter().zip(&self.before).map(|(a, b)| u64::from(*a) + u64::from(*b));
        let total: u64 = counts().sum();
        let wanted = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let index = counts().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(upper_nanos(index) / 1e6)
    }
}

fn bucket(nanos: u64) -> usize {
    let octave = 63 - nanos.leading_zeros() as usize;
    let fraction = if octave >= 3 { nanos >> (octave - 3) } else { nanos << (3 - octave) } as usize & (STEPS - 1);
    (octave * STEPS + fraction).min(BUCKETS - 1)
}

/// The largest number in a bucket.
fn upper_nanos(index: usize) -> f64 {
    (1u64 << (index / STEPS)) as f64 * (1.0 + (index % STEPS + 1) as f64 / STEPS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_an_eighth() {
        let mut lag = Lag::default();
        assert_eq!(lag.quantile_ms(0.5), None);
        for micros in 1..=1_000 {
            lag.add(Nanos(0), Nanos(micros * 1_000));
        }
        for (share, ms) in [(0.5, 0.5), (0.99, 0.99), (1.0, 1.0)] {
            let told = lag.quantile_ms(share).unwrap();
            assert!((ms..=ms * 1.13).contains(&told), "{share}: {told}");
        }
    }

    #[test]
    fn old_lags_are_forgotten_and_a_clock_set_back_is_survived() {
        let mut lag = Lag::default();
        lag.add(Nanos(5_000_000), Nanos(4_000_000));
        assert!(lag.quantile_ms(1.0).unwrap() < 0.001);
        lag.add(Nanos(0), Nanos(1_000_000_000));
        for second in [11, 22, 33] {
            lag.add(Nanos(second * NANOS_PER_SECOND - 1_000), Nanos(second * NANOS_PER_SECOND));
        }
        assert!(lag.quantile_ms(1.0).unwrap() < 0.01);
    }
}
