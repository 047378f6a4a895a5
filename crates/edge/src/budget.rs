//! How much may be asked of a venue: weight per minute, requests in flight, and how long to stay away when told to.

use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use fathometer_engine::venue::rules::Budget;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The span over which weight is counted, ns.
const WINDOW_NANOS: i64 = 60 * NANOS_PER_SECOND;
/// Share of the budget that checks of live books may use, percent, so that a rebuild never finds it empty.
const AUDIT_PERCENT: u64 = 50;

/// How urgent a request is; the first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A book waits for it.
    Urgent,
    /// Clock offset, instruments, open interest.
    Chore,
    /// A check of a live book; may wait.
    Audit,
}

/// How long to wait before trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// First wait.
    pub min: Duration,
    /// Longest wait.
    pub max: Duration,
}

impl Patience {
    /// Grows by two with every failure up to `max`.
    pub fn ceiling(&self, failures: u32) -> Duration {
        self.min.saturating_mul(1u32.checked_shl(failures).unwrap_or(u32::MAX)).min(self.max)
    }

    /// Full jitter: anything from nothing up to the ceiling, so that many links do not come back at the same moment.
    pub fn wait(&self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(random_fraction())
    }

    /// Half jitter: between half the ceiling and the ceiling, for a single asker.
    pub fn wait_at_least_half(&self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(0.5 + random_fraction() / 2.0)
    }
}

/// From 0 up to, not including, 1.
pub(crate) fn random_fraction() -> f64 {
    // The standard library seeds every hasher state from the operating system.
    let bits = RandomState::new().hash_one(0u8) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

/// How long a throttling venue is left alone: what it asks, and on repetition more.
pub fn cooling(status: u16, retry_after: Option<Duration>, strikes: u32, rules: &Cooling) -> Duration {
    let own = if status == 418 { rules.banned } else { rules.throttled };
    let own = own.saturating_mul(1u32.checked_shl(strikes).unwrap_or(u32::MAX)).min(rules.max);
    match retry_after {
        // A first 429 with a time is taken at its word; after repetition, and for bans, ours grows beside it.
        Some(asked) if status == 429 && strikes == 0 => asked,
        Some(asked) if status == 429 => asked.max(own.min(asked.saturating_mul(2))),
        Some(asked) => asked.saturating_mul(1u32.checked_shl(strikes).unwrap_or(u32::MAX)).min(rules.max).max(asked),
        None => own,
    }
}

/// Waits where the venue names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooling {
    /// After a 429.
    pub throttled: Duration,
    /// After a 418: the shortest ban is two minutes.
    pub banned: Duration,
    /// Longest wait of our own making.
    pub max: Duration,
}

impl Default for Cooling {
    fn default() -> Self {
        Cooling { throttled: Duration::from_secs(30), banned: Duration::from_secs(120), max: Duration::from_secs(3600) }
    }
}

/// Whether a request may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Now; it is counted.
    Now,
    /// Not before then.
    At(Nanos),
    /// When one in flight has come back.
    WhenOneReturns,
    /// Never: the venue refused with that status.
    Never(u16),
}

/// The account of one venue. It reads no clock: the time comes in.
#[derive(Debug)]
pub struct Governor {
    weight_per_minute: u64,
    in_flight_max: u32,
    in_flight: u32,
    spent: VecDeque<(Nanos, u32)>,
    sum: u64,
    paused_until: Nanos,
    paused_at: Nanos,
    strikes: u32,
    refused: Option<u16>,
    cooling: Cooling,
}

impl Governor {
    /// A venue's budget as its rules state it, margin taken off.
    pub fn new(budget: Budget, cooling: Cooling) -> Self {
        Governor {
            weight_per_minute: u64::from(budget.weight_per_minute.max(1)),
            in_flight_max: budget.in_flight_max.max(1),
            in_flight: 0,
            spent: VecDeque::new(),
            sum: 0,
            paused_until: Nanos(i64::MIN),
            paused_at: Nanos(i64::MIN),
            strikes: 0,
            refused: None,
            cooling,
        }
    }

    /// Asks to send a request of that weight; `Now` counts it as sent.
    pub fn admit(&mut self, now: Nanos, weight: u32, priority: Priority) -> Admission {
        if let Some(status) = self.refused {
            return Admission::Never(status);
        }
        if now < self.paused_until {
            return Admission::At(self.paused_until);
        }
        if self.in_flight >= self.in_flight_max {
            return Admission::WhenOneReturns;
        }
        self.forget_before(now.plus(-WINDOW_NANOS));
        let audit = priority == Priority::Audit;
        let limit = if audit { self.weight_per_minute * AUDIT_PERCENT / 100 } else { self.weight_per_minute };
        // A single request beyond the limit goes when nothing else is counted, else it would wait for ever.
        if self.sum > 0 && self.sum + u64::from(weight) > limit {
            return Admission::At(self.room_at(u64::from(weight), limit));
        }
        self.count(now, weight);
        self.in_flight += 1;
        Admission::Now
    }

    /// An answer came, or none did (`status` `None`). Returns how long the venue is left alone from now on, where that
    /// is news.
    pub fn answered(
        &mut self,
        now: Nanos,
        sent: Nanos,
        status: Option<u16>,
        retry_after: Option<Duration>,
        used_weight: Option<u64>,
    ) -> Option<Duration> {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.forget_before(now.plus(-WINDOW_NANOS));
        if let Some(used) = used_weight.filter(|used| *used > self.sum) {
            // Others behind our address spend too.
            self.count(now, u32::try_from(used - self.sum).unwrap_or(u32::MAX));
        }
        match status {
            Some(status @ (429 | 418)) => {
                // Answers to what had left before the pause say nothing new of our manners.
                let repeated = sent <= self.paused_at;
                let strikes = if repeated { self.strikes.saturating_sub(1) } else { self.strikes };
                let wait = cooling(status, retry_after, strikes, &self.cooling);
                let until = now.plus(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX));
                let news = until > self.paused_until && !repeated;
                self.paused_until = self.paused_until.max(until);
                self.paused_at = now;
                if !repeated {
                    self.strikes = self.strikes.saturating_add(1);
                }
                news.then_some(wait)
            }
            Some(status @ (403 | 451)) => {
                self.refused = Some(status);
                None
            }
            Some(200..=299) => {
                self.strikes = 0;
                None
            }
            _ => None,
        }
    }

    /// The status with which the venue refused for good.
    pub fn refused(&self) -> Option<u16> {
        self.refused
    }

    /// Weight spent within the last minute, others' included where the venue tells.
    pub fn used(&mut self, now: Nanos) -> u64 {
        self.forget_before(now.plus(-WINDOW_NANOS));
        self.sum
    }

    fn count(&mut self, now: Nanos, weight: u32) {
        self.spent.push_back((now, weight));
        self.sum += u64::from(weight);
    }

    fn forget_before(&mut self, start: Nanos) {
        while let Some((_, weight)) = self.spent.front().copied().filter(|(at, _)| *at <= start) {
            self.sum -= u64::from(weight);
            self.spent.pop_front();
        }
    }

    /// When enough of what is counted has left the window.
    fn room_at(&self, weight: u64, limit: u64) -> Nanos {
        let mut left = self.sum;
        for (at, spent) in &self.spent {
            left -= u64::from(*spent);
            if left == 0 || left + weight <= limit {
                return at.plus(WINDOW_NANOS);
            }
        }
        Nanos(i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Admission::*;
    use Priority::*;

    fn governor(weight_per_minute: u32, in_flight_max: u32) -> Governor {
        Governor::new(Budget { weight_per_minute, in_flight_max }, Cooling::default())
    }

    fn at(seconds: i64) -> Nanos {
        Nanos(seconds * NANOS_PER_SECOND)
    }

    #[test]
    fn weight_slides_with_the_minute() {
        let mut g = governor(900, 100);
        for i in 0..18 {
            assert_eq!(g.admit(at(i), 50, Urgent), Now);
        }
        assert_eq!(g.admit(at(18), 50, Urgent), At(at(60)));
        assert_eq!(g.admit(at(18), 100, Urgent), At(at(61)));
        assert_eq!(g.admit(at(60), 50, Urgent), Now);
        assert_eq!(g.used(at(60)), 900);
        assert_eq!(g.used(at(200)), 0);
    }

    #[test]
    fn audits_leave_room_for_rebuilds() {
        let mut g = governor(1000, 100);
        for _ in 0..10 {
            assert_eq!(g.admit(at(0), 50, Audit), Now);
        }
        assert_eq!(g.admit(at(0), 50, Audit), At(at(60)));
        assert_eq!(g.admit(at(0), 50, Urgent), Now);
    }

    #[test]
    fn a_request_heavier_than_the_limit_goes_alone() {
        let mut g = governor(100, 2);
        assert_eq!(g.admit(at(0), 250, Urgent), Now);
        assert_eq!(g.admit(at(1), 1, Urgent), At(at(60)));
        assert_eq!(g.admit(at(60), 250, Urgent), Now);
    }

    #[test]
    fn no_more_in_flight_than_allowed() {
        let mut g = governor(1000, 2);
        assert_eq!(g.admit(at(0), 1, Urgent), Now);
        assert_eq!(g.admit(at(0), 1, Urgent), Now);
        assert_eq!(g.admit(at(0), 1, Urgent), WhenOneReturns);
        g.answered(at(1), at(0), Some(200), None, None);
        assert_eq!(g.admit(at(1), 1, Urgent), Now);
    }

    #[test]
    fn what_others_spend_is_counted() {
        let mut g = governor(1000, 9);
        g.admit(at(0), 50, Urgent);
        g.answered(at(1), at(0), Some(200), None, Some(980));
        assert_eq!(g.used(at(1)), 980);
        assert_eq!(g.admit(at(2), 50, Urgent), At(at(60)));
        assert_eq!(g.admit(at(2), 100, Urgent), At(at(61)));
        g.answered(at(3), at(0), Some(200), None, Some(100)); // a fresh minute at the venue takes nothing back
        assert_eq!(g.used(at(3)), 980);
    }

    #[test]
    fn retry_after_is_obeyed_and_bans_grow() {
        let mut g = governor(1000, 9);
        let seconds = Duration::from_secs;
        assert_eq!(g.answered(at(1), at(0), Some(429), Some(seconds(7)), None), Some(seconds(7)));
        assert_eq!(g.admit(at(7), 1, Urgent), At(at(8)));
        assert_eq!(g.answered(at(2), at(0), Some(429), Some(seconds(7)), None), None, "left before the pause: no news");
        assert_eq!(g.answered(at(20), at(10), Some(418), Some(seconds(300)), None), Some(seconds(600)));
        assert_eq!(g.admit(at(600), 1, Urgent), At(at(620)));
        assert_eq!(g.answered(at(700), at(650), Some(418), None, None), Some(seconds(480)));
        g.answered(at(2000), at(1900), Some(200), None, None);
        assert_eq!(g.answered(at(2001), at(2000), Some(418), None, None), Some(seconds(120)));
        assert_eq!(
            cooling(418, Some(seconds(86_400)), 3, &Cooling::default()),
            seconds(86_400),
            "never less than asked"
        );
    }

    #[test]
    fn a_refusal_is_final() {
        for status in [403, 451] {
            let mut g = governor(1000, 9);
            g.answered(at(0), at(0), Some(status), None, None);
            assert_eq!(g.admit(at(1_000_000), 1, Urgent), Never(status));
        }
    }

    #[test]
    fn backoff_doubles_to_its_ceiling_and_jitters_below() {
        let p = Patience { min: Duration::from_secs(1), max: Duration::from_secs(30) };
        let ceilings: Vec<u64> = (0..7).map(|n| p.ceiling(n).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(p.ceiling(u32::MAX), p.max);
        let waits: Vec<Duration> = (0..200).map(|_| p.wait(3)).collect();
        assert!(waits.iter().all(|w| *w < Duration::from_secs(8)));
        assert!(waits.iter().max().unwrap().saturating_sub(*waits.iter().min().unwrap()) > Duration::from_secs(4));
    }
}
