//! The exchange's own side of one instrument: a plain book, its history, and the frames that tell of it.

use crate::common::{What, levels};
use crate::common::{diff_of, okx, snapshot_of};
use fathometer_engine::book::Book;
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::{Decimal, POW10, Price, Scale, Side};
use std::collections::{BTreeMap, VecDeque};

/// Decimal places of the truth's prices and sizes.
const PRICE_PLACES: u8 = 3;
const SIZE_PLACES: u8 = 2;
/// A step of usual prices; finer ones come now and then.
const TICK: i64 = 1_000;
/// Ids from one maintenance of OKX to the one before it.
const EPOCH: i64 = 1_000_000;
/// States that are remembered.
const HISTORY: usize = 400;

/// Small deterministic generator.
#[derive(Clone)]
pub(crate) struct Rng(pub u64);

impl Rng {
    pub(crate) fn below(&mut self, n: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n) as i64
    }
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        n > 0 && self.below(n) == 0
    }
}

/// Sizes by price, bids and asks.
pub(crate) type Truth = [BTreeMap<i64, i64>; 2];

pub(crate) struct Market {
    pub venue: Venue,
    pub symbol: &'static str,
    pub id: i64,
    mid: i64,
    now: Truth,
    /// State after each id, oldest first; ids may repeat after a reset, the last one counts.
    history: VecDeque<(i64, Truth)>,
    trades: i64,
    /// One in so many changes of OKX is a maintenance (0: none).
    pub(crate) resets: u64,
}

fn price(units: i64) -> String {
    Decimal::new(units, PRICE_PLACES).to_string()
}

fn listed<'a>(levels: impl Iterator<Item = (&'a i64, &'a i64)>) -> String {
    let text = |(p, s): (&i64, &i64)| format!("{}x{}", price(*p), Decimal::new(*s, SIZE_PLACES));
    levels.map(text).collect::<Vec<_>>().join(" ")
}

impl Market {
    pub(crate) fn new(venue: Venue, symbol: &'static str) -> Self {
        let mut market = Market {
            venue,
            symbol,
            id: 1_000 * EPOCH,
            mid: 500_500,
            now: Truth::default(),
            history: VecDeque::new(),
            trades: 0,
            resets: 60,
        };
        for i in 0..20 {
            market.now[0].insert((500 - i) * TICK, 100 + i);
            market.now[1].insert((501 + i) * TICK, 100 + i);
        }
        market.history.push_back((market.id, market.now.clone()));
        market
    }

    /// Something happens; the frame that tells of it.
    pub(crate) fn change(&mut self, rng: &mut Rng) -> What {
        let mut changes = Truth::default();
        if rng.one_in(3) {
            self.mid = (self.mid + (rng.below(7) - 3) * TICK).max(100 * TICK);
        }
        let (bids, asks) = (self.now[0].split_off(&self.mid), self.now[1].split_off(&(self.mid + 1)));
        let over = std::mem::replace(&mut self.now[1], asks);
        changes[0].extend(bids.keys().map(|p| (*p, 0)));
        changes[1].extend(over.keys().map(|p| (*p, 0)));
        let tick = if rng.one_in(40) { 1 } else { TICK };
        for _ in 0..rng.below(7) {
            let (side, away) = (rng.below(2) as usize, (1 + rng.below(30)) * tick);
            let at = if side == 0 { self.mid - away } else { self.mid + away };
            changes[side].insert(at, if rng.one_in(2) { 0 } else { 1 + rng.below(100_000) });
        }
        for ((own, changes), sign) in self.now.iter_mut().zip(&mut changes).zip([-1, 1]) {
            for (at, size) in changes.iter() {
                if *size == 0 {
                    own.remove(at)
                } else {
                    own.insert(*at, *size)
                };
            }
            if own.is_empty() {
                own.insert(self.mid + sign * TICK / 2, 5);
                changes.insert(self.mid + sign * TICK / 2, 5);
            }
        }
        let before = self.id;
        let first = before + 1 + if self.venue == Venue::BinanceUsdm { rng.below(50) } else { 0 };
        self.id = match self.venue {
            // Maintenance: numbered anew, from lower numbers; ones that are still under way are not used again.
            Venue::Okx if rng.one_in(self.resets) => before - before % EPOCH - EPOCH,
            _ => first + rng.below(5),
        };
        self.history.push_back((self.id, self.now.clone()));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        let (bids, asks) = (listed(changes[0].iter()), listed(changes[1].iter()));
        match self.venue {
            Venue::Okx => self.named(okx("update", before, self.id, 0, &bids, &asks)),
            Venue::Binance => diff_of(self.symbol, first, self.id, -1, &bids, &asks),
            _ => diff_of(self.symbol, first, self.id, before, &bids, &asks),
        }
    }

    /// The whole book in the stream, as a subscription begins with.
    pub(crate) fn beginning(&self) -> What {
        let (bids, asks) = (listed(self.now[0].iter().rev()), listed(self.now[1].iter()));
        self.named(okx("snapshot", -1, self.id, 0, &bids, &asks))
    }

    /// The whole book over HTTP, that many changes old, cut at `limit` levels a side.
    pub(crate) fn snapshot(&self, age: usize, limit: usize) -> What {
        let (id, book) = &self.history[self.history.len() - 1 - age.min(self.history.len() - 1)];
        let (bids, asks) = (listed(book[0].iter().rev().take(limit)), listed(book[1].iter().take(limit)));
        snapshot_of(self.venue, self.symbol, limit as u32, *id, &bids, &asks)
    }

    /// Best bid and ask by a stream of its own.
    pub(crate) fn ticker(&self) -> What {
        let (bid, ask) = (listed(self.now[0].iter().next_back().into_iter()), listed(self.now[1].iter().take(1)));
        if self.venue == Venue::Okx {
            let four = |text: &str| levels(text).replace("\"]", "\",\"0\",\"1\"]");
            return What::Text(format!(
                r#"{{"arg":{{"channel":"bbo-tbt","instId":"{}"}},"data":[{{"asks":{},"bids":{},"ts":"1767225600000","seqId":{}}}]}}"#,
                self.symbol,
                four(&ask),
                four(&bid),
                self.id
            ));
        }
        let ((b, bs), (a, az)) = (bid.split_once('x').unwrap(), ask.split_once('x').unwrap());
        What::Text(format!(r#"{{"u":{},"s":"{}","b":"{b}","B":"{bs}","a":"{a}","A":"{az}"}}"#, self.id, self.symbol))
    }

    pub(crate) fn trade(&mut self) -> What {
        self.trades += 1;
        let (id, symbol, at) = (self.trades, self.symbol, price(self.mid));
        What::Text(match self.venue {
            Venue::Okx => format!(
                r#"{{"arg":{{"channel":"trades","instId":"{symbol}"}},"data":[{{"instId":"{symbol}","tradeId":"{id}","px":"{at}","sz":"0.5","side":"buy","ts":"1767225600000"}}]}}"#
            ),
            _ => format!(
                r#"{{"e":"trade","E":1767225600000,"s":"{symbol}","t":{id},"p":"{at}","q":"0.5","T":1767225600000,"m":false}}"#
            ),
        })
    }

    fn named(&self, what: What) -> What {
        let What::Text(text) = what else { return what };
        What::Text(text.replace("BTC-USDT", self.symbol))
    }

    /// What is wrong with a book that claims to be the one after `id`; as far as it is trusted.
    pub(crate) fn difference(&self, id: i64, book: &Book, scale: Scale) -> Option<String> {
        // After a reset ids repeat; the book may be any of those, and states before the remembered ones are not known.
        let mut candidates = self.history.iter().filter(|(known, _)| *known == id).peekable();
        candidates.peek()?;
        let own = [Side::Bid, Side::Ask].map(|side| in_truths_units(side, book, scale));
        let worst = |side: Side| book.trusted(side).map(|Price(p)| p * POW10[usize::from(PRICE_PLACES - scale.price)]);
        let (low, high) = (worst(Side::Bid).unwrap_or(i64::MIN), worst(Side::Ask).unwrap_or(i64::MAX));
        let within =
            |side: &BTreeMap<i64, i64>| -> Vec<(i64, i64)> { side.range(low..=high).map(|(p, s)| (*p, *s)).collect() };
        let equal = |truth: &Truth| (0..2).all(|side| within(&truth[side]) == within(&own[side]));
        if candidates.any(|(_, truth)| equal(truth)) {
            return None;
        }
        let truth = &self.history.iter().rev().find(|(known, _)| *known == id)?.1;
        Some(format!("{} at {id} within {low}..{high}: ours {own:?}, truth {truth:?}", self.symbol))
    }
}

fn in_truths_units(side: Side, book: &Book, scale: Scale) -> BTreeMap<i64, i64> {
    let (price, size) = (POW10[usize::from(PRICE_PLACES - scale.price)], POW10[usize::from(SIZE_PLACES - scale.size)]);
    book.levels(side).map(|l| (l.price.0 * price, l.size.0 * size)).collect()
}
