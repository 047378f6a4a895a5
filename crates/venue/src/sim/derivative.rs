//! What a perpetual has beyond its book: mark and index price, funding, open interest, and positions that can be forced
//! out.

use super::flow::Market;
use super::order_book::sign;
use super::rng::Rng;
use crate::market::What;
use fathometer_engine::units::{Decimal, NANOS_PER_SECOND, Nanos, Price, Side, Size};
use std::collections::BTreeMap;

/// Mark and index are told this often, in nanoseconds.
const MARK_EVERY: i64 = NANOS_PER_SECOND;
/// Open interest is told every so many marks, and funding likewise.
const OPEN_INTEREST_EVERY: u64 = 3;
const FUNDING_EVERY: u64 = 10;
/// Funding is paid at 0, 8 and 16 o'clock UTC.
const FUNDING_INTERVAL: i64 = 8 * 3600 * NANOS_PER_SECOND;
/// Interest part of funding per interval, how far the premium may move it, and the most it may be, as fractions.
const INTEREST: f64 = 1e-4;
const DAMPER: f64 = 5e-4;
const FUNDING_MOST: f64 = 3e-3;
/// Worth (quote currency) over which the impact price is taken.
const IMPACT_WORTH: f64 = 25_000.0;
/// Marks over which the basis in the mark price is averaged.
const BASIS_SPAN: f64 = 60.0;
/// Positions near liquidation that are remembered per side; at the end of it the furthest from its price is let go.
const POSITIONS: usize = 256;
/// Forced orders per mark at most: the rest waits for the next one.
const FORCED_PER_MARK: usize = 4;

/// The state of one perpetual.
pub(crate) struct Derivative {
    pub(crate) next: Nanos,
    marks: u64,
    basis: f64,
    /// Sum and number of premiums in this funding interval, and when it ends.
    premium: (f64, u64),
    funding_next: Nanos,
    rate: f64,
    open_interest: i64,
    told_open_interest: i64,
    /// Mark and index as last told.
    told: Vec<What>,
    /// Positions by the mark price (units) at which they are forced out, longs and shorts.
    positions: [BTreeMap<i64, i64>; 2],
}

/// What came of a look at the mark price.
pub(crate) struct Report {
    /// To be told at once.
    pub(crate) told: Vec<What>,
    /// Sizes to be forced out, and whether the order buys.
    pub(crate) forced: Vec<(Size, bool)>,
}

impl Derivative {
    /// A perpetual with that open interest (units) that first reports at `first`.
    pub(crate) fn new(open_interest: i64, first: Nanos) -> Self {
        Derivative {
            next: first,
            marks: 0,
            basis: 0.0,
            premium: (0.0, 0),
            funding_next: funding_after(first),
            rate: INTEREST,
            open_interest,
            told_open_interest: 0,
            told: Vec::new(),
            positions: Default::default(),
        }
    }

    /// A fill opened and closed positions: both sides opened, both closed, or one handed over to the other.
    pub(crate) fn filled(&mut self, price: i64, size: i64, target: f64, taker_buy: bool, rng: &mut Rng) {
        let opening = 0.35 + 0.2 * (1.0 - self.open_interest as f64 / target).clamp(-1.0, 1.0);
        match rng.unit() {
            u if u < opening => {
                self.open_interest += size;
                if rng.chance(0.05) {
                    // Liquidated when the margin of 1/leverage is used up but for the maintenance margin of 0.4 %.
                    let leverage = [10.0, 20.0, 50.0, 100.0, 125.0][rng.below(5)];
                    self.remember(price, 1.0 / leverage - 0.004, size, taker_buy);
                }
            }
            u if u > 0.65 => self.open_interest = (self.open_interest - size).max(size),
            _ => {}
        }
    }

    /// Puts positions opened at earlier prices in place.
    pub(crate) fn populate(&mut self, price: f64, median: f64, rng: &mut Rng) {
        for _ in 0..POSITIONS / 2 {
            for long in [true, false] {
                let size = rng.lognormal(median, 1.2);
                let distance = 0.0012 + rng.exponential(0.006);
                self.remember(price as i64, distance, size as i64 + 1, long);
            }
        }
    }

    fn remember(&mut self, price: i64, distance: f64, size: i64, long: bool) {
        let away = (price as f64 * distance.clamp(0.0, 0.5)) as i64;
        let positions = &mut self.positions[usize::from(!long)];
        *positions.entry(if long { price - away } else { price + away }).or_default() += size;
        if positions.len() > POSITIONS {
            let _furthest = if long { positions.pop_first() } else { positions.pop_last() };
        }
    }

    /// Looks at the market and reports; `index` is in quote currency.
    pub(crate) fn report(&mut self, now: Nanos, index: f64, market: &Market) -> Report {
        self.next = now.plus(MARK_EVERY);
        let units = market.listing.price_units;
        let mid = market.mid() / units;
        let premium = self.premium_of(index, market);
        let mut told = Vec::new();
        if now >= self.funding_next {
            self.premium = (0.0, 0);
            self.funding_next = funding_after(now);
        }
        self.premium = (self.premium.0 + premium, self.premium.1 + 1);
        let average = self.premium.0 / self.premium.1 as f64;
        self.rate = (average + (INTEREST - average).clamp(-DAMPER, DAMPER)).clamp(-FUNDING_MOST, FUNDING_MOST);
        self.basis += (mid - index - self.basis) / if self.marks == 0 { 1.0 } else { BASIS_SPAN };
        // The median of three: what funding says, what the averaged basis says, and what was traded.
        let left = self.funding_next.since(now) as f64 / FUNDING_INTERVAL as f64;
        let mut three = [index * (1.0 + self.rate * left), index + self.basis, mid];
        three.sort_by(f64::total_cmp);
        let mark = three[1];
        let decimals = market.listing.instrument.scale.price + 2;
        let decimal = |x: f64| Decimal::new((x * units * 100.0).round() as i64, decimals);
        told.push(What::Index(decimal(index)));
        told.push(What::Mark(decimal(mark)));
        self.told.clone_from(&told);
        if self.marks.is_multiple_of(FUNDING_EVERY) {
            told.push(self.funding());
        }
        if self.marks.is_multiple_of(OPEN_INTEREST_EVERY) && self.open_interest != self.told_open_interest {
            self.told_open_interest = self.open_interest;
            told.push(self.open_interest(market));
        }
        self.marks += 1;
        Report { told, forced: self.force((mark * units).round() as i64) }
    }

    /// Everything as it stands, for those who begin to listen.
    pub(crate) fn state(&self, market: &Market) -> Vec<What> {
        let mut state = self.told.clone();
        state.extend([self.funding(), self.open_interest(market)]);
        state
    }

    fn funding(&self) -> What {
        What::Funding { rate: Decimal::new((self.rate * 1e8).round() as i64, 8), next: self.funding_next }
    }

    fn open_interest(&self, market: &Market) -> What {
        What::OpenInterest(Decimal::new(self.open_interest, market.listing.instrument.scale.size))
    }

    /// Positions whose price the mark has reached, out of the pool.
    fn force(&mut self, mark: i64) -> Vec<(Size, bool)> {
        let mut forced = Vec::new();
        while forced.len() < FORCED_PER_MARK {
            let [longs, shorts] = &mut self.positions;
            let long = longs.last_entry().filter(|e| *e.key() >= mark);
            let short = shorts.first_entry().filter(|e| *e.key() <= mark);
            let (size, buy) = match (long, short) {
                (Some(position), _) => (position.remove(), false),
                (None, Some(position)) => (position.remove(), true),
                (None, None) => break,
            };
            self.open_interest = (self.open_interest - size).max(size);
            forced.push((Size(size), buy));
        }
        forced
    }

    /// Premium of the price at which `IMPACT_WORTH` can be traded over the index, as a fraction.
    fn premium_of(&self, index: f64, market: &Market) -> f64 {
        let impact = |side: Side| {
            let (mut left, mut paid) = (IMPACT_WORTH, 0.0);
            for level in market.book.levels(side) {
                let worth = market.listing.worth(level.size.0, level.price.0 as f64).min(left);
                paid += worth * level.price.0 as f64;
                left -= worth;
                if left <= 0.0 {
                    break;
                }
            }
            paid / (IMPACT_WORTH - left).max(1e-9) / market.listing.price_units
        };
        let above = (impact(Side::Bid) - index).max(0.0);
        let below = (index - impact(Side::Ask)).max(0.0);
        (above - below) / index
    }
}

/// When funding is paid next after `now`.
fn funding_after(now: Nanos) -> Nanos {
    Nanos((now.0.div_euclid(FUNDING_INTERVAL) + 1) * FUNDING_INTERVAL)
}

/// The price that tells a forced order: its average, on the tick that is worse for it.
pub(crate) fn forced_price(worth: f64, size: i64, buy: bool, market: &Market) -> Price {
    let side = if buy { Side::Ask } else { Side::Bid };
    Price(market.listing.snap(worth / size.max(1) as f64, market.listing.tick, sign(side) < 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn funding_is_paid_at_midnight_eight_and_sixteen() {
        let hour = 3600 * NANOS_PER_SECOND;
        for (now, next) in [(0, 8), (7, 8), (8, 16), (15, 16), (23, 24)] {
            assert_eq!(funding_after(Nanos(now * hour)), Nanos(next * hour));
        }
    }

    #[test]
    fn positions_are_forced_out_only_when_the_mark_reaches_them_nearest_first() {
        let mut d = Derivative::new(1_000, Nanos(0));
        d.remember(10_000, 0.01, 7, true);
        d.remember(10_000, 0.02, 8, true);
        d.remember(10_000, 0.01, 9, false);
        assert_eq!(d.force(9_901), []);
        assert_eq!(d.force(9_900), [(Size(7), false)]);
        assert_eq!(d.force(10_100), [(Size(9), true)]);
        assert_eq!(d.force(9_000), [(Size(8), false)]);
        assert_eq!(d.open_interest, 1_000 - 7 - 9 - 8);
    }

    #[test]
    fn no_more_positions_are_remembered_than_there_is_room_for() {
        let (mut d, mut rng) = (Derivative::new(1_000, Nanos(0)), Rng::new(1, 1));
        for _ in 0..20 {
            d.populate(1e9, 1_000.0, &mut rng);
        }
        assert_eq!(d.positions.each_ref().map(BTreeMap::len), [POSITIONS; 2]);
    }
}
