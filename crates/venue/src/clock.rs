//! The exchange's clock: the wall clock at the start, then steady and never backwards, at a chosen speed.

use fathometer_engine::units::Nanos;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Exchange time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Nanos,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// Starts at the wall clock's now; `speed` is exchange seconds per real second.
    pub(crate) fn start(speed: f64) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let origin = Nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX));
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Clock { origin, started: Instant::now(), speed }
    }

    /// Now.
    pub(crate) fn now(&self) -> Nanos {
        let elapsed = self.started.elapsed();
        let nanos = if self.speed == 1.0 {
            i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
        } else {
            (elapsed.as_secs_f64() * self.speed * 1e9) as i64
        };
        self.origin.plus(nanos)
    }
}
