//! How fast we may be: frames per second on one connection, connections per venue.

use crate::budget::{Cooling, cooling};
use crate::net::{NetError, Stage};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Frames that we send on one connection, pongs included.
#[derive(Debug)]
pub(super) struct FramePace {
    per_second_max: usize,
    sent: VecDeque<Nanos>,
}

impl FramePace {
    pub(super) fn new(per_second_max: u32) -> Self {
        FramePace { per_second_max: per_second_max.max(1) as usize, sent: VecDeque::new() }
    }

    /// A frame leaves, a pong for example, which cannot wait.
    pub(super) fn sent(&mut self, now: Nanos) {
        if self.sent.len() >= self.per_second_max {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// When the next frame that can wait may leave. One place is left free for a pong, where there is more than one.
    pub(super) fn next(&mut self, now: Nanos) -> Nanos {
        while self.sent.front().is_some_and(|at| now.since(*at) >= NANOS_PER_SECOND) {
            self.sent.pop_front();
        }
        let ours_max = (self.per_second_max - 1).max(1);
        match self.sent.len().checked_sub(ours_max).and_then(|over| self.sent.get(over)) {
            Some(blocking) => blocking.plus(NANOS_PER_SECOND),
            None => now,
        }
    }
}

/// Span over which connection attempts are counted, ns, and how many are allowed in it: below Binance's 300 per 5 minutes.
const OPENS_WINDOW_NANOS: i64 = 300 * NANOS_PER_SECOND;
const OPENS_MAX: usize = 250;

/// Whether a connection may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    At(Nanos),
    /// The venue refused this place; no one tries again.
    Never(NetError),
}

/// The door to one venue, before which all its connections queue.
#[derive(Debug)]
pub(super) struct Gate {
    spacing: Duration,
    cooling: Cooling,
    state: Mutex<GateState>,
}

#[derive(Debug)]
struct GateState {
    opens: VecDeque<Nanos>,
    paused_until: Nanos,
    strikes: u32,
    refused: Option<NetError>,
}

impl Gate {
    pub(super) fn new(spacing: Duration, cooling: Cooling) -> Self {
        let state = GateState { opens: VecDeque::new(), paused_until: Nanos(i64::MIN), strikes: 0, refused: None };
        Gate { spacing, cooling, state: Mutex::new(state) }
    }

    /// Asks to open a connection; `Now` counts it.
    pub(super) fn turn(&self, now: Nanos) -> Turn {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &state.refused {
            return Turn::Never(error.clone());
        }
        while state.opens.front().is_some_and(|at| now.since(*at) >= OPENS_WINDOW_NANOS) {
            state.opens.pop_front();
        }
        let spacing = i64::try_from(self.spacing.as_nanos()).unwrap_or(i64::MAX);
        let spaced = state.opens.back().map_or(now, |last| last.plus(spacing));
        let full = if state.opens.len() >= OPENS_MAX { state.opens.front() } else { None };
        let counted = full.map_or(now, |first| first.plus(OPENS_WINDOW_NANOS));
        let at = spaced.max(counted).max(state.paused_until);
        if at > now {
            return Turn::At(at);
        }
        state.opens.push_back(now);
        Turn::Now
    }

    /// A connection was opened.
    pub(super) fn succeeded(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).strikes = 0;
    }

    /// A connection was not opened: a throttling venue is left alone by everybody, a refusing one for good.
    pub(super) fn failed(&self, now: Nanos, error: &NetError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if error.is_refusal() {
            state.refused = Some(error.clone());
        }
        if let (true, Stage::Http(status)) = (error.is_throttle(), error.stage) {
            let wait = cooling(status, error.retry_after, state.strikes, &self.cooling);
            state.paused_until = state.paused_until.max(now.plus(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)));
            state.strikes = state.strikes.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: i64) -> Nanos {
        Nanos::from_millis(n)
    }

    #[test]
    fn frames_are_spread_and_pongs_count() {
        let mut pace = FramePace::new(4);
        for i in 0..3 {
            assert_eq!(pace.next(ms(i)), ms(i));
            pace.sent(ms(i));
        }
        assert_eq!(pace.next(ms(3)), ms(1000));
        pace.sent(ms(3)); // a pong takes the fourth place
        assert_eq!(pace.next(ms(4)), ms(1001));
        assert_eq!(pace.next(ms(1001)), ms(1001));
        let mut single = FramePace::new(1);
        single.sent(ms(0));
        assert_eq!(single.next(ms(1)), ms(1000));
    }

    #[test]
    fn no_second_ever_holds_more_frames_than_allowed() {
        let (mut pace, mut now, mut sent) = (FramePace::new(5), ms(0), Vec::new());
        while sent.len() < 40 {
            now = pace.next(now).max(now);
            pace.sent(now);
            sent.push(now);
        }
        for pair in sent.windows(5) {
            assert!(pair[4].since(pair[0]) >= NANOS_PER_SECOND);
        }
    }

    #[test]
    fn connections_are_spaced_and_counted() {
        let gate = Gate::new(Duration::from_millis(350), Cooling::default());
        assert_eq!(gate.turn(ms(0)), Turn::Now);
        assert_eq!(gate.turn(ms(1)), Turn::At(ms(350)));
        for i in 1..250 {
            assert_eq!(gate.turn(ms(350 * i)), Turn::Now);
        }
        assert_eq!(gate.turn(ms(350 * 250)), Turn::At(ms(300_000)));
    }

    #[test]
    fn throttling_pauses_and_refusal_closes_the_door() {
        let gate = Gate::new(Duration::ZERO, Cooling::default());
        let mut error = NetError::new("h:1", Stage::Http(429), String::new());
        error.retry_after = Some(Duration::from_secs(3));
        gate.failed(ms(0), &error);
        assert_eq!(gate.turn(ms(1)), Turn::At(ms(3000)));
        error.stage = Stage::Http(451);
        gate.failed(ms(4000), &error);
        assert_eq!(gate.turn(ms(9_000_000)), Turn::Never(error));
    }
}
