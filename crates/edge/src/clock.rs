//! The only reader of time: wall clock nanoseconds that never run backwards.

use fathometer_engine::units::Nanos;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where both clocks stood when the program first asked.
static START: OnceLock<(Instant, i64)> = OnceLock::new();

/// Nanoseconds since the Unix epoch. The wall clock is read once; from there the monotonic clock goes on, so that a step
/// of the wall clock (NTP, a person) cannot put one frame before another.
pub fn now() -> Nanos {
    let (instant, wall) = START.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        (Instant::now(), i64::try_from(wall).unwrap_or(i64::MAX))
    });
    Nanos(*wall).plus(i64::try_from(instant.elapsed().as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_runs_backwards_and_agrees_with_the_wall() {
        let mut last = now();
        for _ in 0..10_000 {
            let next = now();
            assert!(next >= last);
            last = next;
        }
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
        assert!((wall - now().0).abs() < 1_000_000_000, "{wall} against {last:?}");
    }
}
