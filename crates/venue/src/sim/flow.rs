//! The people of one market: those who place and take out orders, those who take, and the makers who follow the price.

use super::derivative::{Derivative, forced_price};
use super::hawkes::{Hawkes, Stream};
use super::listing::Listing;
use super::order_book::{Change, OrderBook, OrderRef, Pool, opposite, sign};
use super::regime::Climate;
use super::rng::Rng;
use crate::market::{Happening, What};
use fathometer_engine::units::{Level, NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos, Price, Side, Size};

/// Share of the asked level changes that the process of placing and cancelling brings; takers and makers bring the rest.
const BOOK_SHARE: f64 = 0.62;
/// Share of placing and cancelling that happens near the touch.
const NEAR_SHARE: f64 = 0.78;
/// Share of its patient orders below which a side is running dry.
const DRY_SHARE: f64 = 0.5;
/// Distance (basis points) of orders from the touch: median near it, median and spread of the logarithm across the depth.
/// The density of the latter peaks at median * exp(-spread^2), some 3 basis points out (5 by worth): the hump of the book.
const NEAR_BPS: f64 = 0.12;
const FAR_BPS: f64 = 12.0;
const FAR_SPREAD: f64 = 1.15;
const FURTHEST_BPS: f64 = 450.0;
/// How far (basis points) the fair price may pass a quote before its owner minds.
const TOLERANCE_BPS: f64 = 0.2;
/// Worth of an order at the touch, against one behind it, and of one that makes a new touch.
const TOUCH_WORTH: f64 = 2.0;
const NEW_TOUCH_WORTH: f64 = 6.0;
/// Worth of an order that takes what the price has passed, against other takers.
const QUICK_WORTH: f64 = 10.0;
/// Makers look at their quotes at least this often when nothing hurries them, as changes of levels.
const LOOK_EVERY: f64 = 12.0;
/// Time in which the price's distance from the fundamental price is forgotten, in seconds: a quick part, a slow one that
/// funding is made of (and so many times as large), and the pull of trades.
const BASIS_MEMORY: [f64; 2] = [90.0, 3600.0];
const BASIS_SHARE: [f64; 2] = [1.0, 2.5];
const LEAN_MEMORY: f64 = 4.0;
/// Basis points by which a taker order of median size moves the price here for a while, and the fundamental for good.
const LEAN_BPS: f64 = 0.03;
const PUSH_BPS: f64 = 0.004;
/// No taker order takes more than this share of a side, so that no side is ever empty.
const MOST_TAKEN: f64 = 0.2;
/// Orders that makers pull at one look, at most.
const PULLED: usize = 16;
/// Share of the orders the price has passed whose owners are quick enough to pull them.
const PULL_SHARE: f64 = 0.85;

/// One listing as it is traded.
pub(crate) struct Market {
    pub(crate) listing: Listing,
    pub(crate) book: OrderBook,
    derivative: Option<Derivative>,
    rng: Rng,
    hawkes: Hawkes,
    flow_next: Nanos,
    maker_next: Nanos,
    /// What makers here hold for fair, in price units, and when they last thought about it.
    fair: f64,
    fair_at: Nanos,
    basis_bps: [f64; 2],
    lean_bps: f64,
    /// Basis points by which trading here moves the fundamental price; collected by the simulation.
    pushed_bps: f64,
    taker_orders: u64,
    /// The order of each side's leading maker: a maker moves its quote, it does not leave one behind.
    quotes: [Option<OrderRef>; 2],
    changes: Vec<Change>,
    found: Vec<OrderRef>,
}

impl Market {
    /// A market at `start` around the fundamental price (quote currency), its book filled.
    pub(crate) fn new(listing: Listing, start: Nanos, climate: &Climate, mut rng: Rng) -> Self {
        let habits = &listing.habits;
        let hawkes = Hawkes::new(habits.takers_per_second, habits.changes_per_second * BOOK_SHARE, start);
        let fair = listing.price * listing.price_units;
        let derivative = (habits.open_interest > 0.0).then(|| {
            let open_interest = listing.size_of_worth(habits.open_interest, fair) as i64 / listing.lot * listing.lot;
            // Each reports at its own moment within the second.
            let mut d = Derivative::new(open_interest, start.plus(rng.below(NANOS_PER_SECOND as usize) as i64 + 1));
            d.populate(fair, listing.size_of_worth(habits.order_worth * 4.0, fair), &mut rng);
            d
        });
        let basis_bps = BASIS_SHARE.map(|share| share * habits.basis_bps * rng.normal().clamp(-2.0, 2.0));
        let fair = fair * (1.0 + 1e-4 * basis_bps.iter().sum::<f64>());
        let mut market = Market {
            book: OrderBook::default(),
            derivative,
            rng,
            hawkes,
            flow_next: start,
            maker_next: start,
            fair,
            fair_at: start,
            basis_bps,
            lean_bps: 0.0,
            pushed_bps: 0.0,
            taker_orders: 0,
            quotes: [None; 2],
            changes: Vec::new(),
            found: Vec::new(),
            listing,
        };
        for side in [Side::Bid, Side::Ask] {
            for (pool, target) in
                [(Pool::Far, market.listing.habits.far_orders), (Pool::Near, market.listing.habits.near_orders)]
            {
                for _ in 0..(target as f64 * climate.depth).ceil() as usize {
                    market.place(pool, side, climate);
                }
            }
        }
        market.changes.clear();
        market.flow_next = market.hawkes.candidate(climate.intensity, &mut market.rng);
        market
    }

    /// When something happens here next.
    pub(crate) fn next(&self) -> Nanos {
        let report = self.derivative.as_ref().map_or(Nanos(i64::MAX), |d| d.next);
        self.flow_next.min(self.maker_next).min(report)
    }

    /// Whether what happens next needs the index price.
    pub(crate) fn reports_at(&self, now: Nanos) -> bool {
        self.derivative.as_ref().is_some_and(|d| d.next <= now)
    }

    /// Middle of the best prices, in price units.
    pub(crate) fn mid(&self) -> f64 {
        match (self.book.best(Side::Bid), self.book.best(Side::Ask)) {
            (Some(bid), Some(ask)) => (bid.0 + ask.0) as f64 / 2.0,
            _ => self.fair,
        }
    }

    /// The fundamental price (quote currency) is known: makers think about what is fair.
    pub(crate) fn follow(&mut self, now: Nanos, fundamental: f64) {
        let seconds = now.since(self.fair_at) as f64 / NANOS_PER_SECOND as f64;
        if seconds <= 0.0 {
            return;
        }
        self.fair_at = now;
        for (part, bps) in self.basis_bps.iter_mut().enumerate() {
            let forget = (seconds / BASIS_MEMORY[part]).min(1.0);
            let spread = BASIS_SHARE[part] * self.listing.habits.basis_bps;
            *bps += spread * (2.0 * forget).sqrt() * self.rng.normal() - forget * *bps;
        }
        let basis_bps: f64 = self.basis_bps.iter().sum();
        self.lean_bps -= self.lean_bps * (seconds / LEAN_MEMORY).min(1.0);
        let target = fundamental * self.listing.price_units * (1.0 + 1e-4 * (basis_bps + self.lean_bps));
        self.fair += (target - self.fair) * (seconds * 1e3 / self.listing.habits.lag_ms).min(1.0);
    }

    /// Basis points by which trading here has moved the fundamental price since it was last asked.
    pub(crate) fn take_push(&mut self) -> f64 {
        std::mem::take(&mut self.pushed_bps)
    }

    /// One thing that is due at `now` happens; `rate` scales how often things do.
    pub(crate) fn step(&mut self, now: Nanos, climate: &Climate, rate: f64) {
        if self.maker_next <= now {
            self.requote(climate);
            let mean = LOOK_EVERY / (self.listing.habits.changes_per_second * climate.intensity * rate);
            self.maker_next = now.plus((self.rng.exponential(mean) * NANOS_PER_SECOND as f64) as i64 + 1);
        } else {
            let intensity = climate.intensity * rate;
            match self.hawkes.accept(now, intensity, &mut self.rng) {
                Some(Stream::Book) => self.rearrange(climate),
                Some(Stream::Buy) => self.take(Side::Bid, climate),
                Some(Stream::Sell) => self.take(Side::Ask, climate),
                None => {}
            }
            self.flow_next = self.hawkes.candidate(intensity, &mut self.rng);
        }
        if self.is_off(climate) {
            let wait = self.rng.exponential(climate.reaction_ms) * NANOS_PER_MILLI as f64;
            self.maker_next = self.maker_next.min(now.plus(wait as i64 + 1));
        }
    }

    /// Mark, index and the rest are told, and positions that cannot be held are forced out.
    pub(crate) fn report(&mut self, now: Nanos, index: f64, listing: usize, out: &mut Vec<Happening>) {
        let Some(mut derivative) = self.derivative.take() else { return };
        let report = derivative.report(now, index, self);
        self.derivative = Some(derivative);
        out.extend(report.told.into_iter().map(|what| Happening { at: now, listing, what }));
        for (size, buy) in report.forced {
            let side = if buy { Side::Bid } else { Side::Ask };
            let size = Size(size.0.min(self.most_taken(opposite(side))) / self.listing.lot * self.listing.lot);
            let filled = self.market_order(side, size, None);
            let worth = self.changes.iter().map(worth_of_fill).sum::<f64>();
            self.tell(now, listing, out);
            if filled.0 > 0 {
                let habits = &self.listing.habits;
                let moved = (self.listing.worth(filled.0, self.fair) / habits.taker_worth).sqrt().min(100.0);
                self.pushed_bps += PUSH_BPS * moved * sign(opposite(side)) as f64;
                let price = forced_price(worth, filled.0, buy, self);
                out.push(Happening { at: now, listing, what: What::Liquidation { price, size: filled, buy } });
            }
        }
    }

    /// What those who begin to listen must know: the whole book, and the perpetual's state.
    pub(crate) fn introduce(&self, at: Nanos, listing: usize, out: &mut Vec<Happening>) {
        let [bids, asks] = [Side::Bid, Side::Ask].map(|side| self.book.levels(side).collect());
        let state = self.derivative.iter().flat_map(|d| d.state(self));
        out.extend(std::iter::once(What::Book { bids, asks }).chain(state).map(|what| Happening { at, listing, what }));
    }

    /// What changed since it was last asked becomes known to all.
    pub(crate) fn tell(&mut self, now: Nanos, listing: usize, out: &mut Vec<Happening>) {
        let target = self.listing.size_of_worth(self.listing.habits.open_interest, self.fair);
        for change in self.changes.drain(..) {
            let what = match change {
                Change::Level(side, level) => What::Level(side, level),
                Change::Fill { price, size, taker_buy, taker_order, .. } => {
                    if let Some(derivative) = &mut self.derivative {
                        derivative.filled(price.0, size.0, target, taker_buy, &mut self.rng);
                    }
                    What::Trade { price, size, taker_buy, taker_order }
                }
            };
            out.push(Happening { at: now, listing, what });
        }
    }

    /// How far fair is above the mid, in tolerances, squeezed to -1..1.
    fn pressure(&self) -> f64 {
        let x = (self.fair - self.mid()) / self.tolerance();
        x / (1.0 + x.abs())
    }

    fn tolerance(&self) -> f64 {
        (self.fair * 1e-4 * TOLERANCE_BPS).max(self.listing.tick as f64 * 0.8)
    }

    /// The spread at which makers quote, in price units.
    fn width(&self, climate: &Climate) -> f64 {
        (climate.spread_ticks * self.listing.tick) as f64 + self.fair * 1e-4 * climate.spread_bps
    }

    /// The quote a maker would give, in price units.
    fn wanted(&self, side: Side, climate: &Climate) -> i64 {
        let half = (self.width(climate) - self.listing.tick as f64) / 2.0;
        self.listing.snap(self.fair + sign(side) as f64 * half, self.listing.tick, side == Side::Bid)
    }

    /// Whether makers would want to change the touch.
    fn is_off(&self, climate: &Climate) -> bool {
        let (Some(bid), Some(ask)) = (self.book.best(Side::Bid), self.book.best(Side::Ask)) else { return true };
        let slack = self.tolerance();
        let gap = (ask.0 - bid.0) as f64;
        gap > self.width(climate) + self.listing.tick as f64 * 0.5
            || (ask.0 as f64) < self.fair - slack
            || bid.0 as f64 > self.fair + slack
    }

    /// An order is placed or taken out, so that the book keeps about the depth of the climate.
    fn rearrange(&mut self, climate: &Climate) {
        let patient = self.listing.habits.far_orders as f64 * climate.depth;
        let fewest =
            [Side::Bid, Side::Ask].map(|side| self.book.order_count(Pool::Far, side)).into_iter().min().unwrap_or(0);
        // After a fast move the patient come first, or one side would run dry.
        let dry = (fewest as f64) < DRY_SHARE * patient;
        let near_share = if dry { 1.0 - NEAR_SHARE } else { NEAR_SHARE };
        let pool = if self.rng.chance(near_share) { Pool::Near } else { Pool::Far };
        let target = match pool {
            Pool::Far => self.listing.habits.far_orders,
            _ => self.listing.habits.near_orders,
        };
        let [bids, asks] = [Side::Bid, Side::Ask].map(|side| self.book.order_count(pool, side) as f64);
        let full = (bids + asks) / (2.0 * target as f64 * climate.depth);
        let bid_share = bids / (bids + asks).max(1.0);
        if self.rng.chance((0.5 + 1.5 * (1.0 - full)).clamp(0.05, 0.95)) {
            // Buyers gather where the price is about to rise: the book leans the way the price goes.
            let lean = if pool == Pool::Near { 0.15 * self.pressure() } else { 0.0 };
            let side = if self.rng.chance(1.0 - bid_share + lean) { Side::Bid } else { Side::Ask };
            self.place(pool, side, climate);
            return;
        }
        let side = if self.rng.chance(bid_share) { Side::Bid } else { Side::Ask };
        if self.book.level_count(side) <= 2 {
            return;
        }
        let Some(order) = self.book.random(pool, side, &mut self.rng) else { return };
        let size = self.book.remaining(order).map_or(0, |s| s.0);
        let part = (size as f64 * self.rng.unit()) as i64 / self.listing.lot * self.listing.lot;
        if part > 0 && self.rng.chance(0.12) {
            self.book.reduce(order, Size(part), &mut self.changes);
        } else {
            self.book.cancel(order, &mut self.changes);
        }
    }

    /// A resting order joins the book where its pool's people put theirs; it never crosses.
    fn place(&mut self, pool: Pool, side: Side, climate: &Climate) {
        let away = sign(side);
        let tick = self.listing.tick;
        let touch = self.wanted(side, climate);
        let best = self.book.best(side).map_or(touch, |p| p.0);
        let worth = self.listing.habits.order_worth;
        let (price, worth) = match pool {
            Pool::Far => {
                let bps = self.rng.lognormal(FAR_BPS, FAR_SPREAD).clamp(0.3, FURTHEST_BPS);
                let price = touch as f64 * (1.0 + 1e-4 * bps * away as f64);
                let worth = 0.8 * worth * (1.0 + bps / 4.0).sqrt();
                (self.listing.round_price(price, side == Side::Bid, &mut self.rng), worth)
            }
            _ => {
                // Behind the better of what makers want and what is there; a few improve on it when the spread is wide.
                let front = if (best - touch) * away < 0 { best } else { touch };
                let price = match self.rng.unit() {
                    u if u < 0.45 => front,
                    u if u < 0.48 && climate.spread_ticks > 1 => front - away * tick,
                    _ => {
                        let distance = self.rng.lognormal(front as f64 * 1e-4 * NEAR_BPS, 1.0);
                        front + away * self.listing.snap(distance, tick, false)
                    }
                };
                (price, if price == front { worth * TOUCH_WORTH } else { worth })
            }
        };
        let price = self.behind(side, price);
        let heavy = if self.rng.chance(0.03) { self.rng.pareto(1.3).min(80.0) } else { 1.0 };
        let worth = self.rng.lognormal(worth, 1.1) * heavy * (0.4 + 0.6 * climate.depth);
        self.put(side, pool, price, worth);
    }

    /// The price, or the nearest that does not cross the other side.
    fn behind(&self, side: Side, price: i64) -> i64 {
        let limit = self.book.best(opposite(side)).map(|p| p.0 + sign(side) * self.listing.tick);
        match (limit, side) {
            (Some(limit), Side::Bid) => price.min(limit),
            (Some(limit), Side::Ask) => price.max(limit),
            (None, _) => price,
        }
    }

    fn put(&mut self, side: Side, pool: Pool, price: i64, worth: f64) -> Option<OrderRef> {
        if price < self.listing.tick {
            return None;
        }
        let size = self.listing.tidy(self.listing.size_of_worth(worth, price as f64), &mut self.rng);
        self.taker_orders += 1;
        let level = Level { price: Price(price), size: Size(size) };
        self.book.place((side, pool), level, self.taker_orders, &mut self.changes)
    }

    /// Someone wants it now; more often than not on the side to which the price is going.
    fn take(&mut self, side: Side, climate: &Climate) {
        let pressure = self.pressure();
        let turned = self.rng.chance(0.5 * pressure.abs());
        let side = match (turned, pressure > 0.0) {
            (false, _) => side,
            (true, true) => Side::Bid,
            (true, false) => Side::Ask,
        };
        let heavy = if self.rng.chance(0.04) { self.rng.pareto(1.4).min(100.0) } else { 1.0 };
        let median = self.listing.habits.taker_worth;
        let worth = self.rng.lognormal(median, 1.3) * heavy * climate.taking;
        let size = self.listing.tidy(self.listing.size_of_worth(worth, self.fair), &mut self.rng);
        let size = size.min(self.most_taken(opposite(side)));
        // Takers do not pay any price: at most 10 basis points beyond the best.
        let limit = self.book.best(opposite(side)).map(|p| Price(p.0 + sign(opposite(side)) * (p.0 / 1_000)));
        self.market_order(side, Size(size), limit);
        let moved = (worth / median).sqrt().min(10.0) * sign(opposite(side)) as f64;
        self.lean_bps += LEAN_BPS * moved;
        self.pushed_bps += PUSH_BPS * moved;
    }

    fn market_order(&mut self, side: Side, size: Size, limit: Option<Price>) -> Size {
        self.taker_orders += 1;
        self.book.market(side, size, limit, self.taker_orders, &mut self.changes)
    }

    /// Most that one order may take from a side, in whole lots.
    fn most_taken(&self, side: Side) -> i64 {
        (self.book.volume(side).0 as f64 * MOST_TAKEN) as i64 / self.listing.lot * self.listing.lot
    }

    /// Makers pull what the price has passed, the quick take what is left of it, and the touch is quoted anew.
    fn requote(&mut self, climate: &Climate) {
        let half = (self.width(climate) - self.listing.tick as f64) / 2.0;
        for side in [Side::Bid, Side::Ask] {
            let out = sign(side) as f64;
            // No quote is meant to be nearer to fair than this.
            let bound = self.fair + out * (half - self.tolerance());
            let Some(best) = self.book.best(side) else { continue };
            if (best.0 as f64 - bound) * out >= 0.0 {
                continue;
            }
            let mut found = std::mem::take(&mut self.found);
            self.book.front(side, Price(bound as i64), PULLED, &mut found);
            for order in found.drain(..) {
                let script = self.book.pool(order) == Some(Pool::Script);
                if !script && self.book.level_count(side) > 2 && self.rng.chance(PULL_SHARE) {
                    self.book.cancel(order, &mut self.changes);
                }
            }
            self.found = found;
            let Some(best) = self.book.best(side) else { continue };
            if (best.0 as f64 - self.fair) * out < -self.tolerance() {
                let worth = self.rng.lognormal(self.listing.habits.taker_worth * QUICK_WORTH, 1.0) * climate.taking;
                let size = self.listing.tidy(self.listing.size_of_worth(worth, self.fair), &mut self.rng);
                let limit = self.listing.snap(self.fair, self.listing.tick, side == Side::Ask);
                self.market_order(opposite(side), Size(size.min(self.most_taken(side))), Some(Price(limit)));
            }
        }
        // Who is first is a matter of chance.
        let first = if self.rng.chance(0.5) { Side::Bid } else { Side::Ask };
        for side in [first, opposite(first)] {
            let price = self.behind(side, self.wanted(side, climate));
            if self.book.best(side).is_none_or(|best| (price - best.0) * sign(side) < 0) {
                let worth = self.rng.lognormal(self.listing.habits.order_worth * NEW_TOUCH_WORTH, 0.8) * climate.depth;
                let quote = self.put(side, Pool::Near, price, worth);
                if let Some(old) = std::mem::replace(&mut self.quotes[side as usize], quote) {
                    self.book.cancel(old, &mut self.changes);
                }
            }
        }
    }
}

/// Price times size of a fill, in units.
fn worth_of_fill(change: &Change) -> f64 {
    match change {
        Change::Fill { price, size, .. } => price.0 as f64 * size.0 as f64,
        Change::Level(..) => 0.0,
    }
}
