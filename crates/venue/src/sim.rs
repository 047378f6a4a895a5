//! Simulated order flow: several correlated markets, each a real order book of anonymous orders in price-time priority.
//!
//! The same seed gives the same market to the byte, on every machine and however `advance` is cut into calls: each
//! listing, each underlying and the weather draw from streams of their own, and everything happens at a drawn time.

mod derivative;
mod flow;
mod fundamental;
mod hawkes;
mod listing;
mod order_book;
mod preset;
mod regime;
mod rng;
#[cfg(test)]
mod tests;

pub use listing::{Habits, Listing};
pub use order_book::{Change, OrderBook, OrderRef, Pool};
pub(crate) use order_book::{opposite, sign};
pub use preset::{MANY_CHANGES_PER_SECOND, demo_listings, many_listings};
pub use regime::Regime;
pub(crate) use rng::Rng;

use crate::market::{Happening, Source};
use fathometer_engine::instrument::{Instrument, Kind};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use flow::Market;
use fundamental::Fundamentals;
use regime::Weather;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How long a market has run when the simulation starts, in nanoseconds.
const WARM_UP: i64 = 4 * NANOS_PER_SECOND;
/// Stream of the weather; the listings have the streams from 1 on.
const WEATHER_STREAM: u64 = 0;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Options {
    /// Same seed, same market.
    pub seed: u64,
    /// When the market opens, by the exchange's clock.
    pub start: Nanos,
    /// What is listed: `demo_listings`, `many_listings` or one's own.
    pub listings: Vec<Listing>,
    /// Weather.
    pub regime: Regime,
    /// How often things happen, against the listings' habits; 1 is as they are.
    pub rate: f64,
}

/// A market that makes itself.
pub struct Simulation {
    instruments: Vec<Instrument>,
    markets: Vec<Market>,
    /// Per listing: index of its underlying.
    underlyings: Vec<usize>,
    /// Per underlying: the listings of its spot markets, from which the index is made.
    spots: Vec<Vec<usize>>,
    fundamentals: Fundamentals,
    weather: Weather,
    rate: f64,
    /// Exactly one entry per listing: when it moves next.
    due: BinaryHeap<Reverse<(Nanos, usize)>>,
    start: Nanos,
    open: bool,
}

impl Simulation {
    /// A simulation whose books are warmed up. Rates outside 0.001 to 1000 are taken as the nearest of these.
    pub fn new(options: Options) -> Self {
        let Options { seed, start, listings, regime, rate } = options;
        let before = start.plus(-WARM_UP);
        let mut weather = Weather::new(regime, before, Rng::new(seed, WEATHER_STREAM));
        let climate = weather.at(before);
        let mut fundamentals = Fundamentals::new(seed, before);
        let (mut underlyings, mut spots) = (Vec::new(), Vec::new());
        for (i, listing) in listings.iter().enumerate() {
            let underlying = fundamentals.find(&listing.instrument.base, listing.price);
            underlyings.push(underlying);
            spots.resize_with(spots.len().max(underlying + 1), Vec::new);
            if listing.instrument.kind == Kind::Spot {
                spots[underlying].push(i);
            }
        }
        let instruments = listings.iter().map(|l| l.instrument.clone()).collect();
        let markets: Vec<Market> = listings
            .into_iter()
            .enumerate()
            .map(|(i, listing)| Market::new(listing, before, climate, Rng::new(seed, 1 + i as u64)))
            .collect();
        let due = markets.iter().enumerate().map(|(i, m)| Reverse((m.next(), i))).collect();
        let rate = if rate.is_finite() { rate.clamp(1e-3, 1e3) } else { 1.0 };
        let mut simulation = Simulation {
            instruments,
            markets,
            underlyings,
            spots,
            fundamentals,
            weather,
            rate,
            due,
            start,
            open: false,
        };
        let mut unheard = Vec::new();
        simulation.run(start, &mut unheard, Vec::clear);
        simulation
    }

    /// The regime in force, never `Cycle`.
    pub fn regime(&self) -> Regime {
        self.weather.regime()
    }

    /// The order book of a listing.
    pub fn book(&self, listing: usize) -> Option<&OrderBook> {
        self.markets.get(listing).map(|m| &m.book)
    }

    fn run(&mut self, until: Nanos, out: &mut Vec<Happening>, after_each: impl Fn(&mut Vec<Happening>)) {
        while let Some(&Reverse((now, listing))) = self.due.peek()
            && now <= until
        {
            self.due.pop();
            self.step(now, listing, out);
            after_each(out);
            self.due.push(Reverse((self.markets[listing].next(), listing)));
        }
    }

    /// One thing happens to one listing.
    fn step(&mut self, now: Nanos, listing: usize, out: &mut Vec<Happening>) {
        let climate = self.weather.at(now);
        let underlying = self.underlyings[listing];
        let fundamental = self.fundamentals.at(underlying, now, climate);
        let index = self.markets[listing].reports_at(now).then(|| self.index(underlying).unwrap_or(fundamental));
        let market = &mut self.markets[listing];
        market.follow(now, fundamental);
        match index {
            Some(index) => market.report(now, index, listing, out),
            None => market.step(now, climate, self.rate),
        }
        market.tell(now, listing, out);
        self.fundamentals.push(underlying, market.take_push());
    }

    /// Mean of the mids of an underlying's spot markets, in quote currency; `None` if it has none.
    fn index(&self, underlying: usize) -> Option<f64> {
        let spots = &self.spots[underlying];
        let mids = spots.iter().map(|i| self.markets[*i].mid() / self.markets[*i].listing.price_units);
        (!spots.is_empty()).then(|| mids.sum::<f64>() / spots.len() as f64)
    }

    /// Tells every listing's whole book and state, as of the start.
    fn open(&mut self, out: &mut Vec<Happening>) {
        for (listing, market) in self.markets.iter().enumerate() {
            market.introduce(self.start, listing, out);
        }
        self.open = true;
    }
}

impl Source for Simulation {
    fn listings(&self) -> &[Instrument] {
        &self.instruments
    }

    fn advance(&mut self, until: Nanos, out: &mut Vec<Happening>) -> bool {
        if until >= self.start {
            if !self.open {
                self.open(out);
            }
            self.run(until, out, |_| ());
        }
        true
    }
}
