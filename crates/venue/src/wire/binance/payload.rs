//! Binance stream payloads, key by key in the order the exchange writes them.

use super::{DiffIds, Product};
use crate::hub::Form;
use crate::publish::{Board, Entry, Fill};
use crate::wire::text::{Digits, fixed};
use fathometer_engine::units::{Decimal, Level, Nanos, Price, Side, Size};
use std::fmt::Write;

/// Decimal places of mark and index prices.
const MARK_PLACES: u8 = 8;

/// Whose payload it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who<'a> {
    pub(super) product: Product,
    pub(super) symbol: &'a str,
    pub(super) digits: Digits,
}

impl Who<'_> {
    /// `ps` of futures payloads: the pair.
    pub(super) fn pair(&self) -> &str {
        self.symbol.split('_').next().unwrap_or(self.symbol)
    }

    /// `st` of futures payloads.
    fn market_number(&self) -> u8 {
        if self.product == Product::Usdm { 1 } else { 2 }
    }

    fn is_spot(&self) -> bool {
        self.product == Product::Spot
    }
}

/// Fills of one taker order at one price; the id in `fill` is the aggregate's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aggregate {
    pub(super) fill: Fill,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) taker_order: u64,
}

/// One forced order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forced {
    pub(super) at: Nanos,
    pub(super) price: Price,
    pub(super) size: Size,
    pub(super) buy: bool,
}

fn time(at: Nanos, micros: bool) -> i64 {
    at.0.div_euclid(if micros { 1_000 } else { 1_000_000 })
}

fn open(event: &str, now: Nanos, micros: bool) -> String {
    format!("{{\"e\":\"{event}\",\"E\":{}", time(now, micros))
}

fn push_side(out: &mut String, key: &str, levels: impl Iterator<Item = Level>, digits: &Digits) {
    let _ = write!(out, ",\"{key}\":[");
    for (i, level) in levels.enumerate() {
        out.push_str(if i == 0 { "[" } else { ",[" });
        digits.push_level(out, level);
        out.push(']');
    }
    out.push(']');
}

fn push_entries(out: &mut String, entries: &[Entry], digits: &Digits) {
    for (key, side) in [("b", Side::Bid), ("a", Side::Ask)] {
        push_side(out, key, entries.iter().filter(|e| e.side == side).map(|e| e.level), digits);
    }
}

/// Depth diff.
pub(super) fn depth(who: &Who<'_>, now: Nanos, board: &Board, ids: DiffIds, entries: &[Entry], micros: bool) -> String {
    let mut out = open("depthUpdate", now, micros);
    push_depth_head(&mut out, who, board, ids, micros);
    push_entries(&mut out, entries, &who.digits);
    push_depth_tail(&mut out, who);
    out
}

fn push_depth_head(out: &mut String, who: &Who<'_>, board: &Board, ids: DiffIds, micros: bool) {
    if !who.is_spot() {
        let _ = write!(out, ",\"T\":{}", time(board.changed_at, micros));
    }
    let _ = write!(out, ",\"s\":\"{}\"", who.symbol);
    if !who.is_spot() {
        let _ = write!(out, ",\"ps\":\"{}\"", who.pair());
    }
    let _ = write!(out, ",\"U\":{},\"u\":{}", ids.first, ids.last);
    if !who.is_spot() {
        let _ = write!(out, ",\"pu\":{}", ids.previous);
    }
}

fn push_depth_tail(out: &mut String, who: &Who<'_>) {
    if !who.is_spot() {
        let _ = write!(out, ",\"st\":{}", who.market_number());
    }
    out.push('}');
}

/// The best levels: of its own shape on spot, in the shape of a diff on futures.
pub(super) fn partial(who: &Who<'_>, now: Nanos, board: &Board, ids: DiffIds, levels: usize, micros: bool) -> String {
    let sides = |out: &mut String, keys: [&str; 2]| {
        for (key, side) in keys.into_iter().zip([Side::Bid, Side::Ask]) {
            push_side(out, key, board.book.top(side, levels).into_iter(), &who.digits);
        }
    };
    if who.is_spot() {
        let mut out = format!("{{\"lastUpdateId\":{}", board.book.id);
        sides(&mut out, ["bids", "asks"]);
        out.push('}');
        return out;
    }
    let mut out = open("depthUpdate", now, micros);
    push_depth_head(&mut out, who, board, ids, micros);
    sides(&mut out, ["b", "a"]);
    push_depth_tail(&mut out, who);
    out
}

/// One fill.
pub(super) fn trade(who: &Who<'_>, now: Nanos, f: &Fill, micros: bool) -> String {
    let mut out = open("trade", now, micros);
    if !who.is_spot() {
        let _ = write!(out, ",\"T\":{}", time(f.at, micros));
    }
    let (price, size) = (who.digits.price(f.price), who.digits.size(f.size));
    let _ = write!(out, ",\"s\":\"{}\",\"t\":{},\"p\":\"{price}\",\"q\":\"{size}\"", who.symbol, f.id);
    let maker_bought = !f.taker_buy;
    if who.is_spot() {
        let _ = write!(out, ",\"T\":{},\"m\":{maker_bought},\"M\":true}}", time(f.at, micros));
    } else {
        let _ = write!(out, ",\"X\":\"MARKET\",\"m\":{maker_bought},\"st\":{}}}", who.market_number());
    }
    out
}

/// Fills of one taker order at one price.
pub(super) fn agg_trade(who: &Who<'_>, now: Nanos, a: &Aggregate, micros: bool) -> String {
    let mut out = open("aggTrade", now, micros);
    let (price, size) = (who.digits.price(a.fill.price), who.digits.size(a.fill.size));
    let _ = write!(out, ",\"s\":\"{}\",\"a\":{},\"p\":\"{price}\",\"q\":\"{size}\"", who.symbol, a.fill.id);
    if !who.is_spot() {
        let _ = write!(out, ",\"nq\":\"{size}\"");
    }
    let (at, maker_bought) = (time(a.fill.at, micros), !a.fill.taker_buy);
    let _ = write!(out, ",\"f\":{},\"l\":{},\"T\":{at},\"m\":{maker_bought}", a.first, a.last);
    if who.is_spot() {
        out.push_str(",\"M\":true}");
    } else {
        push_depth_tail(&mut out, who);
    }
    out
}

/// Best bid and ask.
pub(super) fn book_ticker(
    who: &Who<'_>,
    id: u64,
    now: Nanos,
    at: Nanos,
    (bid, ask): (Option<Level>, Option<Level>),
    micros: bool,
) -> String {
    let mut out = String::with_capacity(200);
    if who.is_spot() {
        let _ = write!(out, "{{\"u\":{id},\"s\":\"{}\"", who.symbol);
    } else {
        let _ = write!(out, "{{\"e\":\"bookTicker\",\"u\":{id},\"s\":\"{}\",\"ps\":\"{}\"", who.symbol, who.pair());
    }
    for (price_key, size_key, level) in [("b", "B", bid), ("a", "A", ask)] {
        let level = level.unwrap_or_default();
        let (price, size) = (who.digits.price(level.price), who.digits.size(level.size));
        let _ = write!(out, ",\"{price_key}\":\"{price}\",\"{size_key}\":\"{size}\"");
    }
    if !who.is_spot() {
        let _ = write!(out, ",\"T\":{},\"E\":{}", time(at, micros), time(now, micros));
    }
    push_depth_tail(&mut out, who);
    out
}

/// Mark price, index price and funding.
pub(super) fn mark_price(who: &Who<'_>, now: Nanos, board: &Board, micros: bool) -> String {
    let number = |n: Option<Decimal>| n.map_or_else(|| "0".to_owned(), |n| fixed(n, MARK_PLACES));
    let mark = number(board.mark);
    let index = number(board.index.or(board.mark));
    let mut out = open("markPriceUpdate", now, micros);
    let _ =
        write!(out, ",\"s\":\"{}\",\"p\":\"{mark}\",\"ap\":\"{mark}\",\"P\":\"{index}\",\"i\":\"{index}\"", who.symbol);
    let _ = match board.funding {
        Some((rate, next)) => write!(out, ",\"r\":\"{}\",\"T\":{}", fixed(rate, 8), time(next, micros)),
        None => write!(out, ",\"r\":\"\",\"T\":0"),
    };
    push_depth_tail(&mut out, who);
    out
}

/// A forced order.
pub(super) fn force_order(who: &Who<'_>, now: Nanos, f: &Forced, micros: bool) -> String {
    let mut out = open("forceOrder", now, micros);
    let (price, size) = (who.digits.price(f.price), who.digits.size(f.size));
    let side = if f.buy { "BUY" } else { "SELL" };
    let _ = write!(out, ",\"o\":{{\"s\":\"{}\",\"S\":\"{side}\",\"o\":\"LIMIT\",\"f\":\"IOC\"", who.symbol);
    let _ = write!(out, ",\"q\":\"{size}\",\"p\":\"{price}\",\"ap\":\"{price}\",\"X\":\"FILLED\"");
    let _ = write!(out, ",\"l\":\"{size}\",\"z\":\"{size}\",\"T\":{}}},\"ps\":\"{}\"", time(f.at, micros), who.pair());
    push_depth_tail(&mut out, who);
    out
}

/// Statistics as text: change, change in percent, weighted average, open, high, low, last, volume, turnover.
pub(super) struct Summary {
    pub(super) change: String,
    pub(super) change_percent: String,
    pub(super) average: String,
    pub(super) open: String,
    pub(super) high: String,
    pub(super) low: String,
    pub(super) last: String,
    pub(super) last_size: String,
    pub(super) volume: String,
    pub(super) turnover: String,
}

/// What the trades of a board amount to, as text.
pub(super) fn summary(who: &Who<'_>, board: &Board) -> Summary {
    let s = &board.stats;
    let price = |units| who.digits.price(Price(units));
    let scale = board.instrument.scale;
    let average = if s.volume > 0.0 { s.turnover / s.volume } else { 0.0 };
    let change_percent = if s.open == 0 { 0.0 } else { (s.last - s.open) as f64 / s.open as f64 * 100.0 };
    let (price_places, size_places) = if who.is_spot() { (8, 8) } else { (scale.price.into(), scale.size.into()) };
    Summary {
        change: price(s.last - s.open),
        change_percent: format!("{change_percent:.3}"),
        average: format!("{average:.price_places$}"),
        open: price(s.open),
        high: price(s.high),
        low: price(s.low),
        last: price(s.last),
        last_size: who.digits.size(Size(s.last_size)),
        volume: format!("{:.size_places$}", s.volume),
        turnover: format!("{:.price_places$}", s.turnover),
    }
}

/// Nanoseconds in the 24 hours that statistics are said to cover.
const DAY_NANOS: i64 = 86_400 * 1_000_000_000;

/// 24 h statistics (since the server started).
pub(super) fn ticker(who: &Who<'_>, now: Nanos, board: &Board, micros: bool) -> String {
    let s = summary(who, board);
    let mut out = open("24hrTicker", now, micros);
    let _ = write!(
        out,
        ",\"s\":\"{}\",\"p\":\"{}\",\"P\":\"{}\",\"w\":\"{}\"",
        who.symbol, s.change, s.change_percent, s.average
    );
    if who.is_spot() {
        let _ = write!(out, ",\"x\":\"{}\"", s.open);
    }
    let _ = write!(out, ",\"c\":\"{}\",\"Q\":\"{}\"", s.last, s.last_size);
    if who.is_spot() {
        for (price_key, size_key, side) in [("b", "B", Side::Bid), ("a", "A", Side::Ask)] {
            let level = board.book.best(side).unwrap_or_default();
            let (price, size) = (who.digits.price(level.price), who.digits.size(level.size));
            let _ = write!(out, ",\"{price_key}\":\"{price}\",\"{size_key}\":\"{size}\"");
        }
    }
    let _ = write!(
        out,
        ",\"o\":\"{}\",\"h\":\"{}\",\"l\":\"{}\",\"v\":\"{}\",\"q\":\"{}\"",
        s.open, s.high, s.low, s.volume, s.turnover
    );
    let (from, first) = (time(now.plus(-DAY_NANOS), micros), board.trade_id + 1 - board.stats.count);
    let _ = write!(out, ",\"O\":{from},\"C\":{},\"F\":{first}", time(now, micros));
    let _ = write!(out, ",\"L\":{},\"n\":{}", board.trade_id, board.stats.count);
    push_depth_tail(&mut out, who);
    out
}

/// 24 h statistics, few.
pub(super) fn mini_ticker(who: &Who<'_>, now: Nanos, board: &Board, micros: bool) -> String {
    let s = summary(who, board);
    let mut out = open("24hrMiniTicker", now, micros);
    let _ = write!(out, ",\"s\":\"{}\",\"c\":\"{}\",\"o\":\"{}\",\"h\":\"{}\"", who.symbol, s.last, s.open, s.high);
    let _ = write!(out, ",\"l\":\"{}\",\"v\":\"{}\",\"q\":\"{}\"", s.low, s.volume, s.turnover);
    push_depth_tail(&mut out, who);
    out
}

/// The warning before a shutdown.
pub(super) fn shutdown(now: Nanos, form: Form) -> String {
    let event = format!("{{\"e\":\"serverShutdown\",\"E\":{}}}", time(now, form.micros));
    super::wrap("!serverShutdown", form, event)
}
