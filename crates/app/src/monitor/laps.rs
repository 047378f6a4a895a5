//! How long the engine's stages take, measured with a real clock in the live loop.

use fathometer_edge::clock;
use fathometer_engine::engine::{Stage, Stopwatch};
use fathometer_engine::units::Nanos;

/// One frame in so many is measured. A reading of the clock costs 25 to 50 ns and a frame about seven of them, which would
/// be 5 to 10 % of the 3 to 4 us that a frame takes; every fourth is about 2 %.
const EVERY: u32 = 4;

/// Adds up a step's laps by stage.
#[derive(Debug, Default)]
pub struct Laps {
    turn: u32,
    measuring: bool,
    last: Nanos,
    nanos: [i64; 3],
}

impl Laps {
    /// A frame begins; whether it is one of those that are measured.
    pub fn begin(&mut self) -> bool {
        self.turn = (self.turn + 1) % EVERY;
        self.measuring = self.turn == 0;
        if self.measuring {
            self.nanos = [0; 3];
            self.last = clock::now();
        }
        self.measuring
    }

    /// Something begins that is not measured.
    pub fn pass(&mut self) {
        self.measuring = false;
    }

    /// What the frame came to, nanoseconds: decode, book, metrics; `None` if it was not measured.
    pub fn taken(&self) -> Option<[i64; 3]> {
        self.measuring.then_some(self.nanos)
    }
}

impl Stopwatch for Laps {
    #[inline]
    fn lap(&mut self, stage: Stage) {
        if self.measuring {
            let now = clock::now();
            if let Some(nanos) = self.nanos.get_mut(stage as usize) {
                *nanos += now.since(self.last);
            }
            self.last = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fourth_frame_is_measured_by_stage() {
        let mut laps = Laps::default();
        let mut measured = 0;
        for _ in 0..40 {
            if laps.begin() {
                measured += 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
                laps.lap(Stage::Decode);
                laps.lap(Stage::Metrics);
                let [decode, book, metrics] = laps.taken().unwrap();
                assert!(decode >= 1_000_000 && book == 0 && metrics < decode, "{decode} {book} {metrics}");
            } else {
                laps.lap(Stage::Decode);
                assert_eq!(laps.taken(), None);
            }
        }
        assert_eq!(measured, 10);
    }
}
