//! What OKX's frames say, by the general JSON parser: every kind of message, in any order of keys.

use super::node::Node;
use super::{instrument, say};
use crate::event::{Bbo, Control, DepthKind, Event, LevelSpan, Liquidation, Stamped, Trade};
use crate::instrument::{InstrumentId, Venue};
use crate::registry::Registry;
use crate::scan::is_canonical;
use crate::units::{Decimal, Level, Nanos, POW10, Price, Size, UnitError};
use crate::venue::Decoded;

/// How the reason begins where a number is beyond what can be held exactly.
const OVERFLOW: &str = "overflow: ";
/// Keys of the frame around the data.
const FRAME_KEYS: &[&str] = &["arg", "action", "data", "eventType", "curPage", "lastPage"];
const BOOK_KEYS: &[&str] = &["asks", "bids", "ts", "checksum", "seqId", "prevSeqId", "instId"];
const TRADE_KEYS: &[&str] = &["instId", "tradeId", "px", "sz", "side", "ts", "count", "source", "seqId"];

/// Reads one text frame that the scanner did not.
pub(super) fn frame(bytes: &[u8], registry: &mut Registry, out: &mut Decoded) {
    out.clear();
    let message = match Node::parse(bytes) {
        Ok(message) => message,
        Err(text) => return out.controls.push(Control::Malformed { text }),
    };
    if let Some(event) = message.text("event") {
        return control(event, &message, out);
    }
    let arg = message.get("arg");
    let (Some(channel), Ok(data)) = (arg.and_then(|a| a.text("channel")), message.list("data")) else {
        let text = "neither an event nor the data of a channel".to_owned();
        return out.controls.push(Control::Malformed { text });
    };
    let of_arg = arg.and_then(|a| a.text("instId"));
    let read = |registry: &mut Registry, out: &mut Decoded| {
        out.unknown_keys += message.unknown_keys(FRAME_KEYS);
        let mut reader = Reader { registry, out, of_arg, add: true, widened: false };
        match (channel, message.text("action")) {
            (_, Some("snapshot")) => reader.items(channel, DepthKind::Snapshot, data)?,
            (_, Some("update")) => reader.items(channel, DepthKind::Diff, data)?,
            (_, None) if say::book_limit(channel.as_bytes()).is_some() => return Err("action is missing".to_owned()),
            (_, None) => reader.items(channel, DepthKind::Partial, data)?,
            (_, Some(_)) => return Err("action is neither snapshot nor update".to_owned()),
        }
        Ok(reader.widened)
    };
    settle(channel, read, registry, out);
}

/// Reads until the units are fine enough for all of it: what was read before they became finer is read again.
pub(super) fn settle(
    what: &str,
    read: impl Fn(&mut Registry, &mut Decoded) -> Result<bool, String>,
    registry: &mut Registry,
    out: &mut Decoded,
) {
    loop {
        out.clear();
        match read(registry, out) {
            Ok(true) if out.events.len() > 1 => {} // units only become finer, to 18 places at most: it ends
            Ok(_) => return,
            Err(why) => {
                out.clear();
                let text = format!("{what}: {why}");
                let overflow = why.starts_with(OVERFLOW);
                return out.controls.push(if overflow {
                    Control::Overflow { text }
                } else {
                    Control::Malformed { text }
                });
            }
        }
    }
}

fn control(event: &str, message: &Node<'_>, out: &mut Decoded) {
    let code = message.int("code").ok().flatten().unwrap_or(-1);
    let text = message.text("msg").unwrap_or_default().to_owned();
    out.controls.push(match event {
        "subscribe" | "unsubscribe" | "login" | "channel-conn-count" => Control::Ack,
        "error" | "channel-conn-count-error" => Control::Error { code, text },
        "notice" if code == 64008 => Control::Closing { text },
        _ => Control::Unknown,
    });
}

/// Turns items of data into events.
pub(super) struct Reader<'r, 'a> {
    pub(super) registry: &'r mut Registry,
    pub(super) out: &'r mut Decoded,
    /// The instrument that was subscribed, for items that do not name theirs.
    pub(super) of_arg: Option<&'a str>,
    /// Whether instruments that are not known are added; lists of whole markets bring thousands.
    pub(super) add: bool,
    /// Whether units became finer meanwhile.
    pub(super) widened: bool,
}

impl Reader<'_, '_> {
    pub(super) fn items(&mut self, channel: &str, kind: DepthKind, data: &[Node<'_>]) -> Result<(), String> {
        if let Some(limit) = say::book_limit(channel.as_bytes()) {
            return self.books(kind, limit, data);
        }
        match channel {
            "books5" => self.books(DepthKind::Partial, 5, data),
            "bbo-tbt" => data.iter().try_for_each(|item| self.bbo(item)),
            "trades" | "trades-all" => data.iter().try_for_each(|item| self.trade(item)),
            "mark-price" => data.iter().try_for_each(|item| self.number(item, "markPx", Event::Mark)),
            "index-tickers" => data.iter().try_for_each(|item| self.number(item, "idxPx", Event::Index)),
            "open-interest" => data.iter().try_for_each(|item| self.number(item, "oi", Event::OpenInterest)),
            "funding-rate" => data.iter().try_for_each(|item| self.funding(item)),
            "liquidation-orders" => data.iter().try_for_each(|item| self.liquidations(item)),
            "instruments" => data.iter().try_for_each(|item| instrument::events(item, self.registry, self.out)),
            // Known, and of no use beside the channels above.
            "tickers" | "price-limit" | "status" => Ok(()),
            _ => {
                self.out.controls.push(Control::Unknown);
                Ok(())
            }
        }
    }

    /// Books of items, with at most `limit` levels a side.
    pub(super) fn books(&mut self, kind: DepthKind, limit: u32, data: &[Node<'_>]) -> Result<(), String> {
        data.iter().try_for_each(|item| self.book(item, kind, limit))
    }

    fn push(&mut self, instrument: InstrumentId, ts: Option<Nanos>, ts_engine: Option<Nanos>, event: Event) {
        self.out.events.push(Stamped { instrument, ts_venue: ts, ts_engine, event });
    }

    /// Whose item it is; `None` where it is nobody's we know and none is to be added.
    fn instrument(&mut self, item: &Node<'_>) -> Result<Option<InstrumentId>, String> {
        let symbol = item.text("instId").or(self.of_arg).ok_or("instId is missing")?.as_bytes();
        if self.add {
            return Ok(Some(self.registry.resolve(Venue::Okx, symbol)));
        }
        Ok(self.registry.find(Venue::Okx, symbol))
    }

    /// Prices and sizes in units that are fine enough for all of them; nothing is changed if one does not fit.
    fn units(&mut self, id: InstrumentId, numbers: &[(Decimal, Decimal)]) -> Result<Vec<Level>, String> {
        let old = self.registry.get(id).scale;
        let mut scale = old;
        for (price, size) in numbers {
            scale.price = scale.price.max(price.decimals);
            scale.size = scale.size.max(size.decimals);
        }
        let level = |(price, size): &(Decimal, Decimal)| {
            let level = Level { price: Price(price.at(scale.price)?), size: Size(size.at(scale.size)?) };
            Ok(level)
        };
        let levels: Result<Vec<Level>, UnitError> = numbers.iter().map(level).collect();
        let levels = levels.map_err(|e| format!("{OVERFLOW}{e}"))?;
        if scale != old {
            self.registry.widen(id, scale.price, scale.size);
            self.widened = true;
        }
        Ok(levels)
    }

    fn book(&mut self, item: &Node<'_>, kind: DepthKind, limit: u32) -> Result<(), String> {
        self.out.unknown_keys += item.unknown_keys(BOOK_KEYS);
        let (bids, asks) = (texts(item, "bids")?, texts(item, "asks")?);
        let checksum = item.int("checksum")?.map_or(Ok(0), i32::try_from).map_err(|_| "checksum is not 32 bits")?;
        let seq = item.int("seqId")?.unwrap_or(-1);
        let prev = item.int("prevSeqId")?.unwrap_or(-1);
        let ts = time(item, "ts")?;
        let numbers = bids.iter().chain(&asks).map(decimals).collect::<Result<Vec<_>, _>>()?;

        let Some(id) = self.instrument(item)? else { return Ok(()) };
        let levels = self.units(id, &numbers)?;
        let start = index(self.out.levels.len())?;
        self.out.levels.extend(levels);
        let span = LevelSpan { start, asks: start + index(bids.len())?, end: index(self.out.levels.len())? };
        if checksum != 0 {
            for (i, (price, size)) in (start..).zip(bids.iter().chain(&asks)) {
                if !is_canonical(price.as_bytes()) || !is_canonical(size.as_bytes()) {
                    self.out.texts.push((i, (*price).into(), (*size).into()));
                }
            }
        }
        self.push(id, ts, None, say::depth(kind, seq, prev, checksum, limit, span));
        Ok(())
    }

    fn bbo(&mut self, item: &Node<'_>) -> Result<(), String> {
        self.out.unknown_keys += item.unknown_keys(BOOK_KEYS);
        let (bids, asks) = (texts(item, "bids")?, texts(item, "asks")?);
        let seq = item.int("seqId")?.unwrap_or(-1);
        let ts = time(item, "ts")?;
        let best = |side: &[(&str, &str)]| side.first().map_or(Ok((Decimal::ZERO, Decimal::ZERO)), decimals);
        let best = [best(&bids)?, best(&asks)?];

        let Some(id) = self.instrument(item)? else { return Ok(()) };
        if let [bid, ask] = self.units(id, &best)?[..] {
            self.push(id, ts, ts, Event::Bbo(Bbo { id: seq, bid, ask }));
        }
        Ok(())
    }

    fn trade(&mut self, item: &Node<'_>) -> Result<(), String> {
        self.out.unknown_keys += item.unknown_keys(TRADE_KEYS);
        let trade_id = item.int("tradeId")?.ok_or("tradeId is missing")?;
        let taker_buy = buys(item)?;
        let aggregate = item.int("count")?.is_some_and(|n| n > 1);
        let ts = time(item, "ts")?;
        let numbers = decimals(&(item.need("px")?, item.need("sz")?))?;

        let Some(id) = self.instrument(item)? else { return Ok(()) };
        for Level { price, size } in self.units(id, &[numbers])? {
            let trade = Trade { id: trade_id, price, size, taker_buy, aggregate };
            self.push(id, ts, ts, Event::Trade(trade));
        }
        Ok(())
    }

    fn number(&mut self, item: &Node<'_>, key: &str, event: fn(Decimal) -> Event) -> Result<(), String> {
        let Some(text) = item.text(key) else { return Ok(()) }; // an empty one is how "none yet" is written
        let value = decimal(text)?;
        let ts = time(item, "ts")?;
        if let Some(id) = self.instrument(item)? {
            self.push(id, ts, None, event(value));
        }
        Ok(())
    }

    fn funding(&mut self, item: &Node<'_>) -> Result<(), String> {
        let Some(rate) = item.text("fundingRate") else { return Ok(()) };
        let rate = decimal(rate)?;
        let next = time(item, "fundingTime")?.ok_or("fundingTime is missing")?;
        let ts = time(item, "ts")?;
        if let Some(id) = self.instrument(item)? {
            self.push(id, ts, None, Event::Funding { rate, next });
        }
        Ok(())
    }

    /// Forced orders of a whole product: only those of instruments that are known.
    fn liquidations(&mut self, item: &Node<'_>) -> Result<(), String> {
        let symbol = item.need("instId")?;
        let Some(id) = self.registry.find(Venue::Okx, symbol.as_bytes()) else { return Ok(()) };
        for order in item.list("details")? {
            let ts = time(order, "ts")?;
            let buy = buys(order)?;
            let (price, size) = decimals(&(order.need("bkPx")?, order.need("sz")?))?;
            let price = self.on_grid(id, price);
            for Level { price, size } in self.units(id, &[(price, size)])? {
                self.push(id, ts, None, Event::Liquidation(Liquidation { price, size, buy }));
            }
        }
        Ok(())
    }

    /// A bankruptcy price is computed, not quoted: where the tick is known it is rounded to the units of the book,
    /// which must not become finer for its sake.
    fn on_grid(&self, id: InstrumentId, price: Decimal) -> Decimal {
        let known = self.registry.get(id);
        if known.tick.is_none() || price.decimals <= known.scale.price {
            return price;
        }
        let divisor = POW10[usize::from(price.decimals - known.scale.price).min(18)];
        let half = divisor / 2 * price.mantissa.signum();
        Decimal::new(price.mantissa.saturating_add(half) / divisor, known.scale.price)
    }
}

fn buys(item: &Node<'_>) -> Result<bool, String> {
    say::buys(item.need("side")?.as_bytes()).ok_or_else(|| "side is neither buy nor sell".to_owned())
}

fn index(n: usize) -> Result<u32, String> {
    u32::try_from(n).map_err(|_| "too many levels".to_owned())
}

fn decimal(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text.as_bytes()).map_err(|e| match e {
        UnitError::Overflow => format!("{OVERFLOW}{}", excerpt(text)),
        _ => format!("not a decimal number: {}", excerpt(text)),
    })
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

fn decimals((price, size): &(&str, &str)) -> Result<(Decimal, Decimal), String> {
    let (price, size) = (decimal(price)?, decimal(size)?);
    if price.mantissa < 0 || size.mantissa < 0 {
        return Err("a negative price or size".to_owned());
    }
    Ok((price, size))
}

/// Price and size of every level of a side, as written.
fn texts<'n>(item: &'n Node<'_>, side: &str) -> Result<Vec<(&'n str, &'n str)>, String> {
    let text = |level: &'n Node<'_>| match level {
        Node::List(parts) => match &parts[..] {
            [Node::Text(price), Node::Text(size), ..] => Ok((&**price, &**size)),
            _ => Err(format!("a level of {side} has no price and size")),
        },
        _ => Err(format!("a level of {side} is not a list")),
    };
    item.list(side)?.iter().map(text).collect()
}

/// A time in milliseconds, written as a string; `None` where it is missing or empty.
pub(super) fn time(item: &Node<'_>, key: &str) -> Result<Option<Nanos>, String> {
    let Some(text) = item.text(key) else { return Ok(None) };
    say::millis(text.as_bytes()).map(Some).ok_or_else(|| format!("{key} is not a time in milliseconds"))
}
