//! OKX pushes.

use super::channel::Kind;
use super::info;
use super::{Digits, Level, Price, Side, Size};
use crate::publish::{Board, Book, Entry, Fill};
use crate::wire::text::millis;
use fathometer_engine::instrument::{Instrument, Kind as InstrumentKind};
use fathometer_engine::units::{Decimal, Nanos};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Fills of one taker order at one price, the newest in `fill`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) fill: Fill,
    pub(super) count: u32,
    pub(super) taker_order: u64,
    pub(super) seq: u64,
}

/// Sequence ids of a book message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    pub(super) previous: i64,
    pub(super) seq: u64,
}

/// The best levels that a channel has told, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

/// Levels per side that the checksum covers.
const CHECKSUM_LEVELS: usize = 25;

impl View {
    /// The best `levels` of a book.
    pub(super) fn of(book: &Book, levels: usize) -> Self {
        View { bids: book.top(Side::Bid, levels), asks: book.top(Side::Ask, levels) }
    }

    fn sides(&self) -> [(Side, &[Level]); 2] {
        [(Side::Bid, &self.bids), (Side::Ask, &self.asks)]
    }

    /// Everything in it.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.sides().into_iter().flat_map(|(side, l)| l.iter().map(move |l| Entry { side, level: *l })).collect()
    }

    /// What turns it into another: new and changed levels, and removals of those that left the view.
    pub(super) fn changes_to(&self, next: &View) -> Vec<Entry> {
        let mut entries = Vec::new();
        for ((side, old), (_, new)) in self.sides().into_iter().zip(next.sides()) {
            let size = |l: &Level| (l.price.0, l.size.0);
            let before: BTreeMap<i64, i64> = old.iter().map(size).collect();
            let after: BTreeMap<i64, i64> = new.iter().map(size).collect();
            let mut changes: BTreeMap<i64, i64> = after.iter().map(|(p, s)| (*p, *s)).collect();
            changes.retain(|p, s| before.get(p) != Some(s));
            changes.extend(before.keys().filter(|p| !after.contains_key(p)).map(|p| (*p, 0)));
            let entry = |(p, s)| Entry { side, level: Level { price: Price(p), size: Size(s) } };
            match side {
                Side::Bid => entries.extend(changes.into_iter().rev().map(entry)),
                Side::Ask => entries.extend(changes.into_iter().map(entry)),
            }
        }
        entries
    }

    /// CRC-32 over the best 25 levels a side, bid and ask by turns, in the texts that were sent; as a signed number.
    pub(super) fn checksum(&self, digits: &Digits) -> i32 {
        let mut parts: Vec<String> = Vec::new();
        for i in 0..CHECKSUM_LEVELS {
            for level in [self.bids.get(i), self.asks.get(i)].into_iter().flatten() {
                parts.push(format!("{}:{}", digits.price(level.price), digits.size(level.size)));
            }
        }
        crc32fast::hash(parts.join(":").as_bytes()).cast_signed()
    }
}

/// A push with its data.
pub(super) fn push(arg: &str, data: &str) -> String {
    format!("{{\"arg\":{arg},\"data\":[{data}]}}")
}

fn push_levels(out: &mut String, levels: impl Iterator<Item = Level>, digits: &Digits) {
    out.push('[');
    for (i, level) in levels.enumerate() {
        out.push_str(if i == 0 { "[" } else { ",[" });
        digits.push_level(out, level);
        // How many orders make up a level is not known here: at least one.
        out.push_str(if level.size.0 == 0 { ",\"0\",\"0\"]" } else { ",\"0\",\"1\"]" });
    }
    out.push(']');
}

/// A snapshot or an update of a book.
pub(super) fn book(
    arg: &str,
    action: &str,
    entries: &[Entry],
    ids: Ids,
    checksum: i32,
    now: Nanos,
    digits: &Digits,
) -> String {
    let mut out = format!("{{\"arg\":{arg},\"action\":\"{action}\",\"data\":[{{");
    for (key, side) in [("asks", Side::Ask), ("bids", Side::Bid)] {
        let _ = write!(out, "\"{key}\":");
        push_levels(&mut out, entries.iter().filter(|e| e.side == side).map(|e| e.level), digits);
        out.push(',');
    }
    let _ = write!(out, "\"ts\":\"{}\",\"checksum\":{checksum}", millis(now));
    let _ = write!(out, ",\"prevSeqId\":{},\"seqId\":{}}}]}}", ids.previous, ids.seq);
    out
}

/// A push of a body that carries its time last.
pub(super) fn body(arg: &str, kind: Kind, body: &str, now: Nanos) -> String {
    match kind {
        Kind::Instruments => push(arg, body),
        _ => push(arg, &format!("{{{body},\"ts\":\"{}\"}}", millis(now))),
    }
}

/// One fill.
pub(super) fn trade_all(symbol: &str, f: &Fill, digits: &Digits) -> String {
    let (price, size, side) = (digits.price(f.price), digits.size(f.size), side(f.taker_buy));
    format!(
        "{{\"instId\":\"{symbol}\",\"tradeId\":\"{}\",\"px\":\"{price}\",\"sz\":\"{size}\",\"side\":\"{side}\",\"source\":\"0\",\"ts\":\"{}\"}}",
        f.id,
        millis(f.at)
    )
}

/// Fills of one taker order at one price.
pub(super) fn trade(symbol: &str, t: &Taken, digits: &Digits) -> String {
    let f = &t.fill;
    let (price, size, side) = (digits.price(f.price), digits.size(f.size), side(f.taker_buy));
    format!(
        "{{\"instId\":\"{symbol}\",\"tradeId\":\"{}\",\"px\":\"{price}\",\"sz\":\"{size}\",\"side\":\"{side}\",\"ts\":\"{}\",\"count\":\"{}\",\"source\":\"0\",\"seqId\":{}}}",
        f.id,
        millis(f.at),
        t.count,
        t.seq
    )
}

fn side(buy: bool) -> &'static str {
    if buy { "buy" } else { "sell" }
}

/// A forced order; a forced buy closes a short.
pub(super) fn liquidation(instrument: &Instrument, f: &Fill, digits: &Digits) -> String {
    let family = info::family(instrument);
    json!({
        "details": [{
            "bkLoss": "0", "bkPx": digits.price(f.price), "ccy": "", "posSide": if f.taker_buy { "short" } else { "long" },
            "side": side(f.taker_buy), "sz": digits.size(f.size), "ts": millis(f.at).to_string(),
        }],
        "instFamily": family, "instId": instrument.symbol, "instType": info::inst_type(instrument), "uly": family,
    })
    .to_string()
}

/// Index price of an underlying, from whichever board knows it.
pub(super) fn index_body(id: &str, boards: &[Board]) -> Option<String> {
    let index = boards.iter().filter(|b| info::family(&b.instrument) == id).find_map(|b| b.index)?;
    Some(format!(
        "\"instId\":\"{id}\",\"idxPx\":\"{index}\",\"high24h\":\"{index}\",\"low24h\":\"{index}\",\"open24h\":\"{index}\",\"sodUtc0\":\"{index}\",\"sodUtc8\":\"{index}\""
    ))
}

/// What a channel of full pushes says of a board, without its time; `None` where that is not known.
pub(super) fn full_body(kind: Kind, board: &Board, digits: &Digits) -> Option<String> {
    let i = &board.instrument;
    let head = format!("\"instType\":\"{}\",\"instId\":\"{}\"", info::inst_type(i), i.symbol);
    match kind {
        Kind::Bbo | Kind::Books5 => {
            let levels = if kind == Kind::Bbo { 1 } else { 5 };
            let mut out = String::from("\"asks\":");
            push_levels(&mut out, board.book.top(Side::Ask, levels).into_iter(), digits);
            out.push_str(",\"bids\":");
            push_levels(&mut out, board.book.top(Side::Bid, levels).into_iter(), digits);
            let _ = write!(out, ",\"instId\":\"{}\",\"seqId\":{}", i.symbol, board.book.id);
            Some(out)
        }
        Kind::Tickers => Some(ticker(&head, board, digits)),
        Kind::MarkPrice => board.mark.map(|mark| format!("{head},\"markPx\":\"{mark}\"")),
        Kind::Funding => board.funding.map(|(rate, next)| funding(&head, rate, next)),
        Kind::OpenInterest => board.open_interest.map(|oi| {
            let price = board.mark.map_or_else(|| i.scale.price_f64(Price(board.stats.last)), Decimal::to_f64);
            let coins = i.base_amount(price, oi.to_f64()).unwrap_or(0.0);
            let usd = i.quote_amount(price, oi.to_f64()).unwrap_or(0.0);
            format!("{head},\"oi\":\"{oi}\",\"oiCcy\":\"{coins}\",\"oiUsd\":\"{usd}\"")
        }),
        _ => None,
    }
}

/// Eight hours, milliseconds.
const FUNDING_INTERVAL_MILLIS: i64 = 8 * 3_600_000;

fn funding(head: &str, rate: Decimal, next: Nanos) -> String {
    let (at, then) = (millis(next), millis(next) + FUNDING_INTERVAL_MILLIS);
    format!(
        "\"formulaType\":\"withRate\",\"fundingRate\":\"{rate}\",\"fundingTime\":\"{at}\",\"impactValue\":\"20000\",{head},\"interestRate\":\"0.0001\",\"method\":\"current_period\",\"maxFundingRate\":\"0.00375\",\"minFundingRate\":\"-0.00375\",\"nextFundingRate\":\"\",\"nextFundingTime\":\"{then}\",\"premium\":\"0\",\"settFundingRate\":\"{rate}\",\"settState\":\"settled\""
    )
}

fn ticker(head: &str, board: &Board, digits: &Digits) -> String {
    let s = &board.stats;
    let i = &board.instrument;
    let price = |units: i64| if s.count == 0 { String::new() } else { digits.price(Price(units)) };
    let touch =
        |side| board.book.best(side).map_or_else(Default::default, |l| (digits.price(l.price), digits.size(l.size)));
    let ((bid, bid_size), (ask, ask_size)) = (touch(Side::Bid), touch(Side::Ask));
    let average = if s.volume > 0.0 { s.turnover / s.volume } else { 0.0 };
    let currency = match i.kind {
        InstrumentKind::Spot => s.turnover,
        _ => i.base_amount(average, s.volume).filter(|v| v.is_finite()).unwrap_or(0.0),
    };
    let last_size = if s.count == 0 { String::new() } else { digits.size(Size(s.last_size)) };
    let (open, high, low, last) = (price(s.open), price(s.high), price(s.low), price(s.last));
    let (places, volume) = (i.scale.size as usize, s.volume);
    format!(
        "{head},\"last\":\"{last}\",\"lastSz\":\"{last_size}\",\"askPx\":\"{ask}\",\"askSz\":\"{ask_size}\",\"bidPx\":\"{bid}\",\"bidSz\":\"{bid_size}\",\"open24h\":\"{open}\",\"high24h\":\"{high}\",\"low24h\":\"{low}\",\"volCcy24h\":\"{currency:.4}\",\"vol24h\":\"{volume:.places$}\",\"sodUtc0\":\"{open}\",\"sodUtc8\":\"{open}\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::instrument::Venue;
    use fathometer_engine::units::Scale;

    fn view(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> View {
        let side = |l: &[(i64, i64)]| l.iter().map(|(p, s)| Level { price: Price(*p), size: Size(*s) }).collect();
        View { bids: side(bids), asks: side(asks) }
    }

    #[test]
    fn the_checksum_is_that_of_the_published_vectors() {
        let mut instrument = fathometer_engine::venue::infer(Venue::Okx, "X");
        instrument.scale = Scale { price: 1, size: 0 };
        let digits = Digits::shortest(&instrument);
        let both = view(&[(33661, 7), (33660, 6)], &[(33668, 9), (33680, 8)]);
        assert_eq!(both.checksum(&digits), -1881014294);
        let few_bids = view(&[(33661, 7)], &[(33668, 9), (33680, 8), (33720, 8)]);
        assert_eq!(few_bids.checksum(&digits), 831078360);
    }

    #[test]
    fn levels_pushed_out_of_the_view_are_removed() {
        let mut book = Book { bids: (1..=3).map(|p| (p, 1)).collect(), ..Book::default() };
        let before = View::of(&book, 3);
        book.bids.insert(4, 2);
        let removed_and_added: Vec<_> =
            before.changes_to(&View::of(&book, 3)).iter().map(|e| (e.level.price.0, e.level.size.0)).collect();
        assert_eq!(removed_and_added, [(4, 2), (1, 0)]);
    }
}
