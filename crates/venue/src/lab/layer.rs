//! One market as it would have been with a few orders more: what others do comes from below, what the script does lies on
//! top, and what is told is the sum.

use super::act::Tag;
use crate::market::What;
use crate::publish::Book;
use crate::sim::{opposite, sign};
use fathometer_engine::instrument::Instrument;
use fathometer_engine::units::{Decimal, Level, Nanos, Price, Side, Size};
use std::collections::BTreeMap;

/// Levels this far from mid (basis points) follow a change of everything; further out only when they change themselves.
const REACH_BPS: f64 = 120.0;
/// How far (basis points) a frozen market's quotes stand still; further out it goes on, so that its feed is alive.
const FROZEN_BPS: f64 = 30.0;
/// Taker orders of a script are numbered from here, where no recorded one is.
const TAKER_ORDERS: u64 = 1 << 52;

/// An order of the script.
#[derive(Clone, Copy, Debug)]
struct Own {
    tag: Tag,
    side: Side,
    price: i64,
    left: i64,
    /// Others' size before it at its price.
    ahead: i64,
    /// Hidden size behind what is shown, and how much of it is shown at a time.
    hidden: (i64, i64),
}

/// What the script took from others, who come back in a while.
#[derive(Clone, Copy, Debug)]
struct Eaten {
    side: Side,
    price: i64,
    size: i64,
    until: Nanos,
}

/// Others who have left: of what rests between two distances from mid, that share stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Thin {
    pub(crate) side: Side,
    pub(crate) from_bps: f64,
    pub(crate) to_bps: f64,
    pub(crate) keep: f64,
}

/// One market with what the script adds to it.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) instrument: Instrument,
    /// Price and size steps, in units.
    pub(crate) tick: i64,
    pub(crate) lot: i64,
    /// What others have.
    base: Book,
    /// What is told.
    pub(crate) shown: Book,
    own: Vec<Own>,
    eaten: Vec<Eaten>,
    thin: Vec<Thin>,
    /// How far all others' prices are moved, in units.
    shift: i64,
    frozen: bool,
    /// How far mark and index are moved, basis points.
    reference_bps: f64,
    taker_orders: u64,
    /// Everything was moved: best prices in between mean nothing.
    pub(crate) moved: bool,
    out: Vec<What>,
}

impl Layer {
    /// An empty market.
    pub(crate) fn new(instrument: Instrument) -> Self {
        let step = |step: Option<Decimal>, decimals| step.and_then(|s| s.at(decimals).ok()).unwrap_or(1).max(1);
        let (tick, lot) = (step(instrument.tick, instrument.scale.price), step(instrument.lot, instrument.scale.size));
        Layer {
            instrument,
            tick,
            lot,
            base: Book::default(),
            shown: Book::default(),
            own: Vec::new(),
            eaten: Vec::new(),
            thin: Vec::new(),
            shift: 0,
            frozen: false,
            reference_bps: 0.0,
            taker_orders: TAKER_ORDERS,
            moved: false,
            out: Vec::new(),
        }
    }

    /// What there is to tell since the last call, in order.
    pub(crate) fn told(&mut self) -> std::vec::Drain<'_, What> {
        self.out.drain(..)
    }

    /// Best price of a side, in units.
    pub(crate) fn best(&self, side: Side) -> Option<i64> {
        self.shown.best(side).map(|level| level.price.0)
    }

    /// Middle of the best prices, in units.
    pub(crate) fn mid(&self) -> Option<f64> {
        Some((self.best(Side::Bid)? + self.best(Side::Ask)?) as f64 / 2.0)
    }

    /// Something happened below.
    pub(crate) fn below(&mut self, what: What) {
        match what {
            What::Level(side, level) => {
                self.base.put(side, level.price.0, level.size.0);
                let price = level.price.0 + self.shift;
                let still = self.frozen && self.distance_bps(price).abs() < FROZEN_BPS;
                if !still {
                    self.fill_crossed(opposite(side), price, level.size.0);
                    self.queue_moves(side, price);
                    self.refresh(side, price);
                }
            }
            What::Book { bids, asks } => {
                self.base = Book::default();
                for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
                    levels.iter().for_each(|l| self.base.put(side, l.price.0, l.size.0));
                }
                self.refresh_all(f64::INFINITY);
            }
            What::Trade { price, size, taker_buy, taker_order } => {
                if !self.frozen {
                    self.traded(price.0 + self.shift, size.0, taker_buy, taker_order);
                }
            }
            What::Mark(price) => self.out.push(What::Mark(self.referred(price))),
            What::Index(price) => self.out.push(What::Index(self.referred(price))),
            other => self.out.push(other),
        }
    }

    /// Time has passed: those who were taken from come back, and distances are what they are now.
    pub(crate) fn pass(&mut self, now: Nanos) {
        let back: Vec<Eaten> = self.eaten.extract_if(.., |e| e.until <= now).collect();
        for eaten in back {
            self.refresh(eaten.side, eaten.price);
        }
        if !self.thin.is_empty() {
            let reach = self.thin.iter().map(|t| t.to_bps).fold(0.0, f64::max) + 3.0;
            self.refresh_all(reach);
        }
    }

    /// Places an order of the script: `show` at a time of `size`, never crossing.
    pub(crate) fn place(&mut self, tag: Tag, side: Side, price: i64, size: i64, show: i64) {
        let price = match (self.best(opposite(side)), side) {
            (Some(limit), Side::Bid) => price.min(limit - self.tick),
            (Some(limit), Side::Ask) => price.max(limit + self.tick),
            (None, _) => price,
        };
        let size = self.lots(size as f64);
        let left = self.lots(show as f64).min(size);
        if price < self.tick {
            return;
        }
        let ahead = self.others(side, price);
        self.own.push(Own { tag, side, price, left, ahead, hidden: (size - left, left) });
        self.refresh(side, price);
    }

    /// Whole lots nearest to a size, at least one.
    pub(crate) fn lots(&self, size: f64) -> i64 {
        ((size / self.lot as f64).round() as i64).max(1) * self.lot
    }

    /// The price that far behind the touch of a side, on the tick; behind means worse for the side's queue.
    pub(crate) fn behind(&self, side: Side, bps: f64) -> Option<i64> {
        let touch = self.best(side)?;
        let ticks = (touch as f64 * bps * 1e-4 / self.tick as f64).round() as i64;
        Some(touch.div_euclid(self.tick) * self.tick + sign(side) * ticks * self.tick)
    }

    /// Takes the orders of a tag out.
    pub(crate) fn pull(&mut self, tag: Tag) {
        let gone: Vec<Own> = self.own.extract_if(.., |own| own.tag == tag).collect();
        for own in gone {
            self.refresh(own.side, own.price);
        }
    }

    /// Price and side of the first order of a tag that is still there.
    pub(crate) fn resting(&self, tag: Tag) -> Option<(Side, i64)> {
        self.own.iter().find(|own| own.tag == tag).map(|own| (own.side, own.price))
    }

    /// A taker order of the script, no worse than `limit`; those who were taken from come back at `until`.
    pub(crate) fn take(&mut self, taker: Side, size: i64, limit: Option<i64>, until: Nanos) {
        let side = opposite(taker);
        let mut left = self.lots(size as f64);
        self.taker_orders += 1;
        while left > 0 {
            let Some(level) = self.shown.best(side) else { return };
            let price = level.price.0;
            if limit.is_some_and(|limit| (price - limit) * sign(side) > 0) {
                return;
            }
            let fill = left.min(level.size.0);
            left -= fill;
            self.print(price, fill, taker == Side::Bid, self.taker_orders);
            let of_others = fill.min(self.others(side, price));
            if of_others > 0 {
                self.eaten.push(Eaten { side, price, size: of_others, until });
            }
            self.own_filled(side, price, fill - of_others);
            self.refresh(side, price);
            if self.shown.best(side) == Some(level) {
                return; // nothing was taken: no endless loop, whatever the sizes
            }
        }
    }

    /// Two orders of the script meet: a print that takes nothing from anybody.
    pub(crate) fn wash(&mut self, size: i64, buy: bool) {
        let Some(price) = self.best(if buy { Side::Ask } else { Side::Bid }) else { return };
        self.taker_orders += 1;
        let size = self.lots(size as f64);
        self.print(price, size, buy, self.taker_orders);
    }

    /// Others leave, or come back where the list is empty.
    pub(crate) fn set_thin(&mut self, thin: Vec<Thin>) {
        let reach = self.thin.iter().chain(&thin).map(|t| t.to_bps).fold(0.0, f64::max) + 3.0;
        self.thin = thin;
        self.refresh_all(reach);
    }

    /// All others' prices move by that much from where they are without the script.
    pub(crate) fn set_shift(&mut self, bps: f64) {
        let price = self.base.best(Side::Bid).map_or(0.0, |l| l.price.0 as f64);
        let shift = (price * bps * 1e-4 / self.tick as f64).round() as i64 * self.tick;
        if shift != self.shift {
            self.shift = shift;
            self.refresh_all(REACH_BPS);
        }
    }

    /// Mark and index are moved by that much from where they are without the script.
    pub(crate) fn set_reference(&mut self, bps: f64) {
        self.reference_bps = bps;
    }

    fn referred(&self, price: Decimal) -> Decimal {
        if self.reference_bps == 0.0 {
            return price;
        }
        let units = price.mantissa as f64 * (1.0 + self.reference_bps * 1e-4);
        Decimal { mantissa: units.round() as _, ..price }
    }

    /// The quotes stand still, or go on.
    pub(crate) fn set_frozen(&mut self, frozen: bool) {
        self.frozen = frozen;
        if !frozen {
            self.refresh_all(REACH_BPS);
        }
    }

    /// Tells something of the perpetual.
    pub(crate) fn tell(&mut self, what: What) {
        self.out.push(what);
    }

    fn print(&mut self, price: i64, size: i64, taker_buy: bool, taker_order: u64) {
        self.out.push(What::Trade { price: Price(price), size: Size(size), taker_buy, taker_order });
    }

    /// Distance of a price from mid, basis points.
    fn distance_bps(&self, price: i64) -> f64 {
        self.mid().map_or(0.0, |mid| (price as f64 / mid - 1.0) * 1e4)
    }

    /// A trade below, at a price as it is told: orders of the script that are first in line get theirs.
    fn traded(&mut self, price: i64, size: i64, taker_buy: bool, taker_order: u64) {
        let side = if taker_buy { Side::Ask } else { Side::Bid };
        let mut left = size;
        let better = |own: &&Own| own.side == side && (own.price - price) * sign(side) <= 0;
        let mut first: Vec<i64> = self.own.iter().filter(better).map(|own| own.price).collect();
        first.sort_by_key(|at| at * sign(side));
        first.dedup();
        for at in first {
            let (mut ahead, mut waiting) = (i64::MAX, 0);
            for own in self.own.iter_mut().filter(|own| own.side == side && own.price == at) {
                ahead = ahead.min(if at == price { own.ahead } else { 0 });
                own.ahead = (own.ahead - left).max(0);
                waiting += own.left;
            }
            let waits = ahead.min(left);
            let fill = waiting.min(left - waits);
            for part in [waits, fill].into_iter().filter(|part| *part > 0) {
                self.print(at, part, taker_buy, taker_order);
            }
            if fill > 0 {
                self.own_filled(side, at, fill);
                self.refresh(side, at);
            }
            left -= fill + waits;
        }
        if left > 0 {
            // Where nobody rests any more, who wants to trade has to go further.
            let best = self.best(side).unwrap_or(price);
            let at = if (best - price) * sign(side) > 0 { best } else { price };
            self.print(at, left, taker_buy, taker_order);
        }
    }

    /// Fills the script's orders at a price, and shows more of what is hidden.
    fn own_filled(&mut self, side: Side, price: i64, size: i64) {
        let mut left = size;
        for own in self.own.iter_mut().filter(|own| own.side == side && own.price == price) {
            let fill = own.left.min(left);
            own.left -= fill;
            left -= fill;
            if own.left == 0 {
                let (hidden, show) = own.hidden;
                own.left = show.min(hidden);
                own.hidden.0 -= own.left;
                own.ahead = 0;
            }
        }
        self.own.retain(|own| own.left > 0);
    }

    /// Others quote through an order of the script: it is filled.
    fn fill_crossed(&mut self, side: Side, price: i64, size: i64) {
        if size == 0 || !self.own.iter().any(|own| own.side == side && (own.price - price) * sign(side) <= 0) {
            return;
        }
        let crossed: Vec<Own> =
            self.own.extract_if(.., |own| own.side == side && (own.price - price) * sign(side) <= 0).collect();
        for own in crossed {
            self.taker_orders += 1;
            self.print(own.price, own.left, side == Side::Ask, self.taker_orders);
            self.refresh(side, own.price);
        }
    }

    /// Others at a price became fewer: those before the script's order too.
    fn queue_moves(&mut self, side: Side, price: i64) {
        if !self.own.is_empty() {
            let others = self.others(side, price);
            for own in self.own.iter_mut().filter(|own| own.side == side && own.price == price) {
                own.ahead = own.ahead.min(others);
            }
        }
    }

    /// What others show at a price as it is told.
    fn others(&self, side: Side, price: i64) -> i64 {
        let size = self.base.size(side, price - self.shift);
        if size == 0 {
            return 0;
        }
        let eaten: i64 = self.eaten.iter().filter(|e| e.side == side && e.price == price).map(|e| e.size).sum();
        let keep = self.keep(side, price);
        let kept = if keep < 1.0 { (size as f64 * keep / self.lot as f64) as i64 * self.lot } else { size };
        (kept - eaten).max(0)
    }

    fn keep(&self, side: Side, price: i64) -> f64 {
        if self.thin.is_empty() {
            return 1.0;
        }
        let below = (self.base.best(Side::Bid), self.base.best(Side::Ask));
        let (Some(bid), Some(ask)) = below else { return 1.0 };
        let mid = (bid.price.0 + ask.price.0) as f64 / 2.0 + self.shift as f64;
        let away = (price as f64 / mid - 1.0).abs() * 1e4;
        let within = |t: &&Thin| t.side == side && t.from_bps <= away && away < t.to_bps;
        self.thin.iter().filter(within).map(|t| t.keep).fold(1.0, f64::min)
    }

    fn own_size(&self, side: Side, price: i64) -> i64 {
        self.own.iter().filter(|own| own.side == side && own.price == price).map(|own| own.left).sum()
    }

    /// Tells a level if it is no longer what was told.
    fn refresh(&mut self, side: Side, price: i64) {
        let size = self.others(side, price) + self.own_size(side, price);
        if size != self.shown.size(side, price) {
            self.shown.put(side, price, size);
            self.out.push(What::Level(side, Level { price: Price(price), size: Size(size) }));
        }
    }

    /// Tells every level near mid that is no longer what was told: first what goes, then what comes, so that no order
    /// between them crosses.
    fn refresh_all(&mut self, reach_bps: f64) {
        let mut changes = Vec::new();
        for side in [Side::Bid, Side::Ask] {
            let centre = |book: &Book, by: i64| book.best(side).map(|l| l.price.0 + by);
            let reach = |price: i64| (price as f64 * reach_bps * 1e-4).min(4e18) as i64;
            let (mut low, mut high) = (i64::MAX, i64::MIN);
            for touch in [centre(&self.base, self.shift), centre(&self.shown, 0)].into_iter().flatten() {
                low = low.min(touch.saturating_sub(reach(touch)));
                high = high.max(touch.saturating_add(reach(touch)));
            }
            if low > high {
                continue;
            }
            let by = self.shift;
            let keys = |levels: &BTreeMap<i64, i64>, by: i64| -> Vec<i64> {
                levels.range(low.saturating_sub(by)..=high.saturating_sub(by)).map(|(p, _)| p + by).collect()
            };
            let mut prices = keys(self.base.side(side), by);
            prices.extend(keys(self.shown.side(side), 0));
            prices.sort_unstable();
            prices.dedup();
            for price in prices {
                let size = self.others(side, price) + self.own_size(side, price);
                if size != self.shown.size(side, price) {
                    changes.push((size > 0, side, price, size));
                }
            }
        }
        if changes.is_empty() {
            return;
        }
        self.moved = true;
        changes.sort_by_key(|(comes, ..)| *comes);
        for (comes, side, price, size) in changes {
            if comes {
                self.fill_crossed(opposite(side), price, size);
            }
            self.shown.put(side, price, size);
            self.out.push(What::Level(side, Level { price: Price(price), size: Size(size) }));
        }
    }
}
