//! Clock jump: the time between the venue's clock and ours changes at a stroke.

use super::rolling::EverySecond;
use super::{About, Detector, Family, Finding, Found, Gauge, Look, Measure, Pace, Skip};
use crate::alert::Severity;
use crate::units::{NANOS_PER_MILLI, Nanos};
use crate::zscore::{ZScore, ZScoreParams};
use serde::{Deserialize, Serialize};

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// That far from the median of the last minute is a warning, ms.
    pub warning_ms: f64,
    /// That far is critical, ms.
    pub critical_ms: f64,
    /// And that many times the usual spread of the delay.
    pub mad_multiple: f64,
    /// How long it has to last, ms.
    pub persist_ms: u32,
}

impl Default for Params {
    fn default() -> Self {
        Params { warning_ms: 1_000.0, critical_ms: 10_000.0, mad_multiple: 10.0, persist_ms: 2_000 }
    }
}

/// Seconds of the median.
const WINDOW: ZScoreParams = ZScoreParams { enabled: true, window_size: 60, min_samples: 20, reset_on_gap: false };
/// Frames that have to say so.
const FRAMES_MIN: u64 = 5;
/// After so many seconds the new distance is what is usual.
const LASTS_MAX: u32 = 60;

/// How far the clocks were apart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClockJump {
    delays_ms: Option<ZScore>,
    second: EverySecond,
    since: Option<Nanos>,
    /// Frames when it began.
    frames: u64,
    withheld: u32,
}

impl Detector for ClockJump {
    type Params = Params;

    const ABOUT: About = About {
        id: "clock_jump",
        title: "Clock jump or held-up messages",
        family: Family::Feed,
        sees: "Sees that receive time minus the venue's own time leaves its median of a minute by a second and more, for two \
               seconds. Smaller than before means that a clock was set, since no message arrives before it was sent; larger \
               may as well be messages that were held up. Cannot see a drift slower than a second in a minute.",
        source: "definition: receive time - venue time; median and median absolute deviation of 60 s",
        needs_book: false,
        pace: Pace { clear_ms: 5_000, cooldown_ms: 30_000 },
    };

    fn look(&mut self, look: &Look<'_>, params: &Params, found: &mut Found) {
        let Some(delay) = look.latency_raw_ns else { return found.skip(Skip::NoData) };
        let delay_ms = delay as f64 / NANOS_PER_MILLI as f64;
        let usual = self.delays_ms.get_or_insert_with(|| ZScore::new(WINDOW));
        let due = self.second.due(look.at);
        let Ok(of) = usual.baseline() else {
            if due {
                usual.push(delay_ms);
            }
            found.gauge(Gauge { measure: None, warmup: Some(usual.progress()) });
            return found.skip(Skip::ZscoreWarmup);
        };
        let (away, noise) = (delay_ms - of.median, of.mad * crate::zscore::MAD_SCALE * params.mad_multiple);
        let cut = params.warning_ms.max(noise);
        let measure = Measure::new("delay_change_ms", away, Some(cut));
        found.gauge(Gauge { measure: Some(measure.clone()), warmup: None });
        if away.abs() < cut {
            if due {
                usual.push(delay_ms);
            }
            (self.since, self.withheld) = (None, 0);
            return;
        }
        if due {
            self.withheld += 1;
            if self.withheld > LASTS_MAX {
                (self.delays_ms, self.since, self.withheld) = (None, None, 0);
                return;
            }
        }
        if self.since.is_none() {
            self.frames = look.counters.frames;
        }
        let since = *self.since.get_or_insert(look.at);
        if look.counters.frames - self.frames.min(look.counters.frames) < FRAMES_MIN {
            return; // one message that was odd is no clock
        }
        if look.at.since(since) < i64::from(params.persist_ms) * NANOS_PER_MILLI {
            return; // without a break, which no noisy line does
        }
        let what = if away < 0.0 {
            "a clock was set: messages seem to arrive sooner"
        } else {
            "a clock was set or messages are held up: they arrive later"
        };
        found.raise(Finding {
            key: u64::from(away < 0.0),
            severity: if away.abs() >= params.critical_ms { Severity::Critical } else { Severity::Warning },
            persist_ms: 0,
            holds: false,
            since,
            text: format!("{what} than usual by {:.1} s", away.abs() / 1e3),
            evidence: vec![
                measure,
                Measure::new("delay_ms", delay_ms, None),
                Measure::new("median_delay_ms", of.median, None),
            ],
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::detector::tests::Stage;

    #[test]
    fn fires_when_the_clocks_come_apart_either_way() {
        for (ms, word) in [(-1_500, "sooner"), (2_500, "later")] {
            let mut stage = Stage::new();
            stage.latency_raw_ns = Some(-1_270_000_000); // a receiver that is behind all the time is no jump
            stage.run(30_000);
            assert_eq!(stage.fired("clock_jump"), []);
            stage.latency_raw_ns = Some(-1_270_000_000 + ms * 1_000_000);
            stage.run(3_000);
            // Fails when the sign is lost, or when the median learns from what is judged.
            assert_eq!(stage.fired("clock_jump").len(), 1);
            assert!(stage.fired("clock_jump")[0].1.contains(word));
        }
    }

    #[test]
    fn one_late_message_and_a_noisy_line_are_none() {
        let mut stage = Stage::new();
        stage.run(30_000);
        stage.latency_raw_ns = Some(4_000_000_000);
        stage.run(1_000);
        for i in 0..600 {
            stage.latency_raw_ns = Some(5_000_000 + (i % 7) * 200_000_000);
            stage.run(100);
        }
        // Fails when persistence, or the usual spread of the delay, is left out.
        assert_eq!(stage.fired("clock_jump"), []);
    }
}
