//! What is listed and how it is traded: an instrument with the habits of those who trade it.

use super::rng::Rng;
use anyhow::{Result, ensure};
use fathometer_engine::instrument::{Contract, Instrument};
use fathometer_engine::units::{Decimal, MAX_UNITS, POW10};

/// The habits of those who trade one instrument in a calm market.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Changes of price levels per second.
    pub changes_per_second: f64,
    /// Taker orders per second.
    pub takers_per_second: f64,
    /// Short-lived orders near the touch, per side.
    pub near_orders: usize,
    /// Patient orders across the depth, per side.
    pub far_orders: usize,
    /// Median worth of a resting order, in quote currency.
    pub order_worth: f64,
    /// Median worth of a taker order, in quote currency.
    pub taker_worth: f64,
    /// Time in which the price here follows the fundamental price, in milliseconds.
    pub lag_ms: f64,
    /// Standard deviation of the price's own distance from the fundamental price, in basis points.
    pub basis_bps: f64,
    /// Worth of all open positions, in quote currency; 0 for spot.
    pub open_interest: f64,
}

/// One listing of the simulation.
#[derive(Clone, Debug)]
pub struct Listing {
    pub(super) instrument: Instrument,
    pub(super) price: f64,
    pub(super) habits: Habits,
    /// Price and size steps, in units.
    pub(super) tick: i64,
    pub(super) lot: i64,
    /// Price units in one quote currency, size units in one coin or contract.
    pub(super) price_units: f64,
    size_units: f64,
    /// Steps of rounder and rounder prices, in units, at which patient orders gather.
    round: [i64; 3],
}

impl Listing {
    /// An instrument that begins at `price` (in quote currency) and is traded with those habits.
    ///
    /// # Errors
    /// When the instrument lacks what trading needs (base coin, contract, tick and lot that fit its scale), or the price
    /// is not far enough from zero for a book to have depth.
    pub fn new(instrument: Instrument, price: f64, habits: Habits) -> Result<Self> {
        let id = instrument.id();
        let step = |name, step: Option<Decimal>, decimals| match step.map(|s| s.at(decimals)) {
            Some(Ok(units)) if units > 0 => Ok(units),
            _ => anyhow::bail!(
                "{id}: the {name} is missing or finer than the scale; give one of at most {decimals} decimal places"
            ),
        };
        let (tick, lot) = (
            step("tick", instrument.tick, instrument.scale.price)?,
            step("lot", instrument.lot, instrument.scale.size)?,
        );
        ensure!(!instrument.base.is_empty(), "{id}: the base coin is unknown; name it");
        ensure!(instrument.contract != Contract::Unknown, "{id}: the value of a contract is unknown; give it");
        let price_units = POW10[instrument.scale.price as usize] as f64;
        let size_units = POW10[instrument.scale.size as usize] as f64;
        let ticks = price * price_units / tick as f64;
        ensure!(
            ticks >= 2_000.0 && price * price_units * 8.0 < MAX_UNITS as f64,
            "{id}: a price of {price} is {ticks} ticks; take a tick of which it has at least 2000, and fewer decimal places if it is huge"
        );
        let positive = |x: f64| x.is_finite() && x > 0.0;
        ensure!(
            [
                habits.changes_per_second,
                habits.takers_per_second,
                habits.order_worth,
                habits.taker_worth,
                habits.lag_ms
            ]
            .into_iter()
            .all(positive)
                && habits.near_orders > 0
                && habits.far_orders > 0,
            "{id}: every rate, count and worth of the habits must be above zero"
        );
        let round = [2e-5, 1e-4, 1e-3].map(|share| nice(price * price_units * share, tick));
        Ok(Listing { instrument, price, habits, tick, lot, price_units, size_units, round })
    }

    /// The instrument.
    pub fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Size units of that much quote currency at a price in units, before rounding.
    pub(super) fn size_of_worth(&self, worth: f64, price: f64) -> f64 {
        let count = match self.instrument.contract {
            Contract::Linear(value) => worth * self.price_units / (price * value.to_f64()),
            Contract::Inverse(value) => worth / value.to_f64(),
            Contract::Base | Contract::Unknown => worth * self.price_units / price,
        };
        count * self.size_units
    }

    /// Quote currency in a size (units) at a price (units).
    pub(super) fn worth(&self, size: i64, price: f64) -> f64 {
        size as f64 / self.size_of_worth(1.0, price)
    }

    /// A size as people write it: often a round number, always a multiple of the lot.
    pub(super) fn tidy(&self, size: f64, rng: &mut Rng) -> i64 {
        let digits = match rng.unit() {
            u if u < 0.30 => 1,
            u if u < 0.55 => 2,
            _ => 4,
        };
        let mut step = 1.0;
        while size >= step * POW10[digits] as f64 {
            step *= 10.0;
        }
        let lots = ((size / step).round() * step / self.lot as f64).round();
        (lots.min(MAX_UNITS as f64 / 1e4 / self.lot as f64) as i64).max(1) * self.lot
    }

    /// A price as patient people choose it: often a round one; `down` for bids, so that no one crosses by rounding.
    pub(super) fn round_price(&self, price: f64, down: bool, rng: &mut Rng) -> i64 {
        let step = match rng.unit() {
            u if u < 0.22 => self.round[0],
            u if u < 0.36 => self.round[1],
            u if u < 0.44 => self.round[2],
            _ => self.tick,
        };
        self.snap(price, step, down)
    }

    /// The multiple of `step` below (or above) a price, both in units; never below one tick.
    pub(super) fn snap(&self, price: f64, step: i64, down: bool) -> i64 {
        let steps = price / step as f64;
        (if down { steps.floor() } else { steps.ceil() } as i64 * step).max(self.tick)
    }
}

/// The largest of 1, 5, 10, 50, 100 ... ticks that is no more than `units`.
fn nice(units: f64, tick: i64) -> i64 {
    let mut step = tick;
    while (step * 10) as f64 <= units {
        step *= 10;
    }
    if (step * 5) as f64 <= units { step * 5 } else { step }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::preset::demo_listings;

    #[test]
    fn sizes_are_multiples_of_the_lot_worth_what_was_asked() {
        let mut rng = Rng::new(1, 1);
        for listing in demo_listings() {
            let price = listing.price * listing.price_units;
            for worth in [5_000.0, 80_000.0, 1_000_000.0] {
                let size = listing.tidy(listing.size_of_worth(worth, price), &mut rng);
                let got = listing.worth(size, price);
                assert!(
                    size % listing.lot == 0 && got / worth < 1.7 && got / worth > 0.5,
                    "{}: {got}",
                    listing.instrument.id()
                );
            }
        }
    }

    #[test]
    fn round_prices_are_round_and_on_the_safe_side() {
        let btc = &demo_listings()[0];
        assert_eq!(btc.round, [100, 500, 5_000]);
        assert_eq!((btc.snap(640_123.4, 100, true), btc.snap(640_123.4, 100, false)), (640_100, 640_200));
    }

    #[test]
    fn what_lacks_a_tick_is_refused_with_a_reason() {
        let mut listing = demo_listings().remove(0);
        listing.instrument.tick = None;
        let error = Listing::new(listing.instrument, 60_000.0, listing.habits).unwrap_err().to_string();
        assert!(error.contains("binance:BTCUSDT") && error.contains("tick"), "{error}");
    }
}
