//! Bars of one second of event time since the last gap: the return of mid and what takers bought and sold in it.
//!
//! A bar ends at a whole second; its mid is the one that stood just before. Whatever interrupts the book begins anew, so
//! bars follow each other without a hole. Ranges of mid are kept over ten seconds: a second has too few quotes for its
//! range to mean much.

use super::log::ln_ratio;
use super::trades::OneKind;
use super::{Best, Params, Reason, Seen};
use crate::event::{Event, Trade};
use crate::instrument::{Contract, Instrument};
use crate::units::{NANOS_PER_SECOND, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Length of a bar, seconds.
pub(super) const BAR_SECONDS: f64 = 1.0;
const BAR_NS: i64 = NANOS_PER_SECOND;
/// Bars in a range of mid.
pub(super) const RANGE_BARS: i64 = 10;
/// Bars that an estimate needs at least: the error of a variance is then about sqrt(2 / 30) = 26 %.
pub(super) const BARS_MIN: usize = 30;
/// Seconds in a year of a market that never closes.
const YEAR_SECONDS: f64 = 365.0 * 24.0 * 3600.0;

/// One second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bar {
    /// ln of mid at its end over mid at its start.
    pub(super) change: f64,
    /// Bought by takers, quote currency.
    pub(super) buy: f64,
    /// Sold by takers, quote currency.
    pub(super) sell: f64,
}

/// The bars of the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Bars {
    count: usize,
    /// The end of the bar that is being filled.
    next: Option<Nanos>,
    /// Mid now, and at the start of the bar.
    mid: Option<f64>,
    open: Option<f64>,
    filling: [f64; 2],
    /// Lowest and highest mid of the range that is being filled, if all of it was seen.
    range: Option<[f64; 2]>,
    bars: VecDeque<Bar>,
    /// Squared ln(high / low) of the ranges.
    ranges: VecDeque<f64>,
    /// Goes up whenever something of the above but what is being filled changes.
    version: u64,
    trades: OneKind,
    contract: Option<Contract>,
}

impl Bars {
    pub(super) fn new(params: &Params) -> Self {
        Bars {
            count: params.bars(),
            next: None,
            mid: None,
            open: None,
            filling: [0.0; 2],
            range: None,
            bars: VecDeque::with_capacity(params.bars()),
            ranges: VecDeque::with_capacity(params.bars() / RANGE_BARS as usize),
            version: 0,
            trades: OneKind::default(),
            contract: None,
        }
    }

    /// The bars, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Bar> {
        self.bars.iter()
    }

    /// How many bars there are.
    pub(super) fn len(&self) -> usize {
        self.bars.len()
    }

    /// Squared ln(high / low) of mid per range, oldest first.
    pub(super) fn ranges(&self) -> &VecDeque<f64> {
        &self.ranges
    }

    /// An event, with the best levels after it.
    #[inline]
    pub(super) fn on(&mut self, seen: &Seen<'_>, best: Option<Best>) {
        self.pass(seen.at);
        match &seen.stamped.event {
            Event::Depth(_) => match best {
                Some(Best { mid, .. }) => {
                    self.mid = Some(mid);
                    if let Some([low, high]) = &mut self.range {
                        (*low, *high) = (low.min(mid), high.max(mid));
                    }
                }
                None => self.clear(),
            },
            Event::Trade(trade) => self.on_trade(seen, trade),
            _ => {}
        }
    }

    fn on_trade(&mut self, seen: &Seen<'_>, trade: &Trade) {
        let contract = seen.instrument.contract;
        if self.contract.replace(contract).is_some_and(|before| before != contract) {
            self.clear_bars(); // amounts were told in other units
        }
        if self.trades.counts(seen.at, trade)
            && let Some(worth) = worth(seen.instrument, trade)
            && let Some(sum) = self.filling.get_mut(usize::from(!trade.taker_buy))
        {
            *sum += worth;
        }
    }

    /// The book is no longer believed.
    pub(super) fn clear(&mut self) {
        self.mid = None;
        self.range = None;
        self.clear_bars();
    }

    fn clear_bars(&mut self) {
        self.open = None;
        self.filling = [0.0; 2];
        if !(self.bars.is_empty() && self.ranges.is_empty()) {
            self.bars.clear();
            self.ranges.clear();
            self.version += 1;
        }
    }

    /// Ends the bars that end at or before that instant.
    #[inline]
    pub(super) fn pass(&mut self, at: Nanos) {
        match self.next {
            Some(next) if at < next => {}
            _ => self.end(at),
        }
    }

    #[cold]
    fn end(&mut self, at: Nanos) {
        let last = at.0.saturating_sub(at.0.rem_euclid(BAR_NS));
        let passed = self.next.map_or(0, |next| last.saturating_sub(next.0) / BAR_NS + 1);
        // After a long silence only the window's own bars matter.
        let from = passed - passed.min(self.count as i64 + RANGE_BARS);
        for bar in from..passed {
            let end = self.next.map_or(0, |next| next.0.saturating_add(bar.saturating_mul(BAR_NS)));
            self.end_one(end.div_euclid(BAR_NS).rem_euclid(RANGE_BARS) == 0);
        }
        self.next = Some(Nanos(last).plus(BAR_NS));
    }

    fn end_one(&mut self, ends_range: bool) {
        let [buy, sell] = std::mem::take(&mut self.filling);
        if let (Some(open), Some(mid)) = (self.open, self.mid) {
            let change = ln_ratio(mid, open);
            push(&mut self.bars, self.count, Bar { change, buy, sell });
            self.version += 1;
        }
        self.open = self.mid;
        if ends_range {
            if let Some([low, high]) = self.range {
                let ln = ln_ratio(high, low);
                push(&mut self.ranges, (self.count / RANGE_BARS as usize).max(1), ln * ln);
            }
            self.range = self.mid.map(|mid| [mid; 2]);
        }
    }

    /// Volatility in percent a year of a variance per bar.
    pub(super) fn annual_pct(variance: f64) -> f64 {
        (variance / BAR_SECONDS * YEAR_SECONDS).sqrt() * 100.0
    }
}

/// What a trade is worth, quote currency; `None` while the contract is unknown.
pub(super) fn worth(instrument: &Instrument, trade: &Trade) -> Option<f64> {
    let scale = instrument.scale;
    instrument.quote_amount(scale.price_f64(trade.price), scale.size_f64(trade.size))
}

fn push<T>(ring: &mut VecDeque<T>, count: usize, item: T) {
    if ring.len() >= count {
        ring.pop_front();
    }
    ring.push_back(item);
}

/// An estimate over the bars, made anew only when they have changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Estimate<T> {
    made: Option<(u64, Result<T, Reason>)>,
}

impl<T: Copy> Estimate<T> {
    pub(super) fn of(&mut self, bars: &Bars, make: impl FnOnce(&Bars) -> Result<T, Reason>) -> Result<T, Reason> {
        match self.made {
            Some((version, made)) if version == bars.version => made,
            _ => self.made.insert((bars.version, make(bars))).1,
        }
    }
}
