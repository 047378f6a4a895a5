//! When orders come: events that call forth more events, so that trading comes in clusters (a Hawkes process with
//! exponential kernels, drawn by thinning).

use super::rng::{Rng, exp};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// A taker buys.
    Buy,
    /// A taker sells.
    Sell,
    /// An order is placed or taken out.
    Book,
}

const STREAMS: [Stream; 3] = [Stream::Buy, Stream::Sell, Stream::Book];

/// Expected children of one event (row) in each stream (column). Takers imitate takers of their own side most of all;
/// the spectral radius is about 0.6, well below the 1 at which activity would feed itself for ever.
const CHILDREN: [[f64; 3]; 3] = [[0.42, 0.10, 0.9], [0.10, 0.42, 0.9], [0.006, 0.006, 0.5]];
/// Rates at which excitement fades, per second, and the share of the children each brings.
const FADING: [f64; 2] = [40.0, 1.2];
const SHARE: [f64; 2] = [0.6, 0.4];

/// The state of the process.
pub(crate) struct Hawkes {
    base: [f64; 3],
    excited: [[f64; 2]; 3],
    at: Nanos,
    /// Total rate right after the last candidate: no later rate is above it until the next one.
    bound: f64,
}

impl Hawkes {
    /// A process with those mean rates per second of takers (both sides together) and of book events.
    pub(crate) fn new(takers: f64, book: f64, at: Nanos) -> Self {
        let mean = [takers / 2.0, takers / 2.0, book];
        let mut base = mean;
        for (to, rate) in base.iter_mut().enumerate() {
            let called: f64 = (0..3).map(|from| CHILDREN[from][to] * mean[from]).sum();
            *rate = (mean[to] - called).max(0.05 * mean[to]);
        }
        let excited = std::array::from_fn(|k| std::array::from_fn(|s| (mean[k] - base[k]) * SHARE[s]));
        Hawkes { base, excited, at, bound: 0.0 }
    }

    fn rate(&self, stream: usize, intensity: f64) -> f64 {
        self.base[stream] * intensity + self.excited[stream][0] + self.excited[stream][1]
    }

    /// When to look next, base rates being scaled by `intensity`.
    pub(crate) fn candidate(&mut self, intensity: f64, rng: &mut Rng) -> Nanos {
        self.bound = (0..3).map(|k| self.rate(k, intensity)).sum();
        let wait = rng.exponential(1.0 / self.bound.max(1e-9));
        self.at.plus((wait * NANOS_PER_SECOND as f64) as i64 + 1)
    }

    /// Whether an event happens at the candidate time `now`, and which.
    pub(crate) fn accept(&mut self, now: Nanos, intensity: f64, rng: &mut Rng) -> Option<Stream> {
        let seconds = now.since(self.at) as f64 / NANOS_PER_SECOND as f64;
        self.at = now;
        for (s, fading) in FADING.iter().enumerate() {
            let kept = exp(-fading * seconds);
            self.excited.iter_mut().for_each(|e| e[s] *= kept);
        }
        let mut draw = rng.unit() * self.bound;
        let which = (0..3).find(|k| {
            draw -= self.rate(*k, intensity);
            draw < 0.0
        })?;
        for (to, excited) in self.excited.iter_mut().enumerate() {
            for s in 0..2 {
                excited[s] += CHILDREN[which][to] * SHARE[s] * FADING[s];
            }
        }
        Some(STREAMS[which])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of takers and book events in each tenth of a second.
    fn counts(takers: f64, book: f64, seconds: i64) -> Vec<(u32, u32)> {
        let (mut hawkes, mut rng) = (Hawkes::new(takers, book, Nanos(0)), Rng::new(5, 5));
        let mut counts = vec![(0, 0); seconds as usize * 10];
        loop {
            let now = hawkes.candidate(1.0, &mut rng);
            let Some(cell) = counts.get_mut((now.0 / (NANOS_PER_SECOND / 10)) as usize) else { return counts };
            match hawkes.accept(now, 1.0, &mut rng) {
                Some(Stream::Book) => cell.1 += 1,
                Some(_) => cell.0 += 1,
                None => {}
            }
        }
    }

    #[test]
    fn mean_rates_are_as_asked_and_events_cluster() {
        let counts = counts(8.0, 120.0, 2_000);
        let n = counts.len() as f64;
        let takers = counts.iter().map(|c| f64::from(c.0)).sum::<f64>() / n;
        let book = counts.iter().map(|c| f64::from(c.1)).sum::<f64>() / n;
        assert!((takers / 0.8 - 1.0).abs() < 0.1 && (book / 12.0 - 1.0).abs() < 0.1, "{takers} {book}");
        let variance = counts.iter().map(|c| (f64::from(c.1) - book) * (f64::from(c.1) - book)).sum::<f64>() / n;
        assert!(variance / book > 1.5, "a Poisson process would have 1: {}", variance / book);
    }
}
