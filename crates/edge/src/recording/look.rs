//! What a foreign recording is, told from its first lines.

use super::RecordingError;
use super::attribute::Symbols;
use super::line::{Line, Owner, owner, query};
use super::text::{Got, Lines};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Lines looked at, at most: enough to meet every stream of a busy file.
const LINES_MAX: usize = 2000;
/// Bytes looked at, about.
const BYTES_MAX: usize = 8 << 20;

/// What is known of a file before it is played.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) file: PathBuf,
    pub(super) first: Nanos,
    pub(super) venue: Venue,
    pub(super) symbols: Symbols,
    pub(super) streams: BTreeSet<String>,
    /// Holds HTTP answers and nothing else: another file's companion.
    pub(super) answers_only: bool,
}

/// Looks at the start of a file.
pub(super) fn look(file: &Path) -> Result<Look, RecordingError> {
    let failed = |source| RecordingError::Read { file: file.to_path_buf(), source };
    let mut lines = Lines::open(file).map_err(failed)?;
    let (mut line, mut bytes, mut start) = (Vec::new(), 0, None::<Vec<u8>>);
    let (mut first, mut said, mut other) = (None, None, None);
    let (mut symbols, mut streams, mut answers_only) = (Symbols::default(), BTreeSet::new(), true);
    for _ in 0..LINES_MAX {
        match lines.next(&mut line).map_err(failed)? {
            Got::Line { .. } => {}
            Got::TooLong => continue,
            Got::Torn(_) if first.is_none() => {
                start.get_or_insert_with(|| line.clone());
                break;
            }
            Got::Torn(_) | Got::End => break,
        }
        bytes += line.len();
        if bytes > BYTES_MAX {
            break;
        }
        start.get_or_insert_with(|| line.clone());
        let Some(parsed) = Line::parse(&line) else { continue };
        first = first.or(parsed.at());
        answers_only &= matches!(parsed, Line::Answer { .. } | Line::Note);
        match parsed {
            Line::Frame { frame, .. } => {
                symbols.observe(frame);
                let Ok(frame) = serde_json::from_slice::<Value>(frame) else { continue };
                if let Some(stream) = frame.get("stream").and_then(Value::as_str) {
                    streams.insert(stream.to_owned());
                }
                match speaker(&frame) {
                    Some(Speaker::Ours(venue)) => said = said.or(Some(venue)),
                    Some(Speaker::Other(name)) => other = other.or(Some(name.to_owned())),
                    None => {}
                }
            }
            Line::Opened { url, .. } | Line::Sent { url, .. } | Line::Answer { url, .. } => {
                match owner(url) {
                    Owner::Known(venue) => said = said.or(Some(venue)),
                    Owner::Other(host) => return Err(RecordingError::Venue { file: file.to_path_buf(), venue: host }),
                    Owner::Nobody => {}
                }
                let carried = query(url, "streams").unwrap_or_default().split('/');
                streams.extend(carried.filter(|s| s.contains('@')).map(str::to_owned));
                symbols.add(query(url, "symbol").unwrap_or_default());
            }
            Line::Note => {}
        }
    }
    for stream in &streams {
        symbols.add(stream.split('@').next().unwrap_or_default());
    }
    match (first, said, other) {
        (Some(first), Some(venue), _) => {
            Ok(Look { file: file.to_path_buf(), first, venue, symbols, streams, answers_only })
        }
        (Some(_), None, Some(venue)) => Err(RecordingError::Venue { file: file.to_path_buf(), venue }),
        _ => Err(RecordingError::Unrecognised {
            file: file.to_path_buf(),
            found: what_is(&start.unwrap_or_default(), first.is_some()),
        }),
    }
}

/// Whose frame it is.
#[derive(Debug, PartialEq, Eq)]
enum Speaker {
    Ours(Venue),
    Other(&'static str),
}

/// Whose frame it is, if the frame alone tells.
fn speaker(frame: &Value) -> Option<Speaker> {
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(arg) = frame.get("arg").filter(|a| a.get("channel").is_some()) {
        let dashed = text(arg, "instId").or_else(|| text(arg, "uly")).is_none_or(|id| id.contains('-'));
        return Some(if dashed { Speaker::Ours(Venue::Okx) } else { Speaker::Other("Bitget") });
    }
    if let Some(venue) = binance(frame.get("data").filter(|d| d.is_object()).unwrap_or(frame)) {
        return Some(Speaker::Ours(venue));
    }
    if frame.get("jsonrpc").is_some() {
        return Some(Speaker::Other("Deribit"));
    }
    if frame.get("topic").is_some() {
        return Some(Speaker::Other("Bybit"));
    }
    if frame.get("table").is_some() {
        return Some(Speaker::Other("BitMEX"));
    }
    if frame.get("product_id").is_some() {
        return Some(Speaker::Other("Coinbase"));
    }
    let channel = text(frame, "channel").or_else(|| frame.get(2).and_then(Value::as_str).map(str::to_owned))?;
    match channel.as_str() {
        "l2Book" | "bbo" | "activeAssetCtx" => Some(Speaker::Other("Hyperliquid")),
        "trades" if frame.get("data")?.get(0)?.get("coin").is_some() => Some(Speaker::Other("Hyperliquid")),
        c if c.starts_with("book") || c == "instrument" || frame.is_array() => Some(Speaker::Other("Kraken")),
        c if c.contains('.') => Some(Speaker::Other("Gate")),
        _ => None,
    }
}

/// Which of Binance's markets a message is of. Spot changes have no `pu`, spot best prices no `e`, spot trades an `M`;
/// COIN-M messages name the pair (`ps`) or a symbol in USD that expires or never does.
fn binance(message: &Value) -> Option<Venue> {
    let has = |key: &str| message.get(key).is_some();
    let event = message.get("e").and_then(Value::as_str);
    let futures = match event {
        Some("depthUpdate") => has("pu"),
        Some("trade" | "aggTrade") => !has("M"),
        Some("bookTicker" | "markPriceUpdate" | "forceOrder" | "indexPriceUpdate") => true,
        None if has("lastUpdateId") && has("bids") => has("T"),
        None if ["u", "s", "b", "B", "a", "A"].into_iter().all(has) => false,
        _ => return None,
    };
    if !futures {
        return Some(Venue::Binance);
    }
    let order = message.get("o").filter(|o| o.is_object()).unwrap_or(message);
    let symbol = ["s", "symbol"].into_iter().find_map(|key| order.get(key).and_then(Value::as_str)).unwrap_or_default();
    let coinm = ["ps", "pair"].into_iter().any(|key| order.get(key).is_some())
        || event == Some("indexPriceUpdate")
        || in_dollars(symbol);
    Some(if coinm { Venue::BinanceCoinm } else { Venue::BinanceUsdm })
}

/// `BTCUSD_PERP`, `BTCUSD_260626`.
fn in_dollars(symbol: &str) -> bool {
    symbol
        .split_once("USD_")
        .is_some_and(|(_, until)| until == "PERP" || until.len() == 6 && until.bytes().all(|b| b.is_ascii_digit()))
}

/// What a file that is no recording looks like, for people.
fn what_is(start: &[u8], timed: bool) -> String {
    let shown = String::from_utf8_lossy(start.get(..start.len().min(60)).unwrap_or_default());
    match start {
        [] => "nothing in it".to_owned(),
        _ if timed => format!("lines with receive times, of no exchange that is known: {shown:?}"),
        [b'{' | b'[', ..] => format!("JSON without receive times, beginning {shown:?}"),
        _ if shown.contains(['\0', '\u{fffd}']) => "binary data".to_owned(),
        _ => format!("text beginning {shown:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_tell_who_speaks() {
        for (frame, expected) in [
            (
                r#"{"stream":"x@depth","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}}"#,
                Some(Speaker::Ours(Venue::Binance)),
            ),
            (
                r#"{"stream":"x@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}"#,
                Some(Speaker::Ours(Venue::Binance)),
            ),
            (r#"{"e":"trade","s":"BTCUSDT","m":true,"M":true}"#, Some(Speaker::Ours(Venue::Binance))),
            (r#"{"e":"depthUpdate","s":"BTCUSDT","pu":1}"#, Some(Speaker::Ours(Venue::BinanceUsdm))),
            (r#"{"e":"markPriceUpdate","s":"BTCUSDT_260626"}"#, Some(Speaker::Ours(Venue::BinanceUsdm))),
            (r#"{"e":"depthUpdate","s":"BTCUSD_PERP","ps":"BTCUSD","pu":1}"#, Some(Speaker::Ours(Venue::BinanceCoinm))),
            (r#"{"e":"trade","s":"BTCUSD_260626","m":true}"#, Some(Speaker::Ours(Venue::BinanceCoinm))),
            (r#"{"e":"forceOrder","o":{"s":"ETHUSD_PERP","ps":"ETHUSD"}}"#, Some(Speaker::Ours(Venue::BinanceCoinm))),
            (r#"{"lastUpdateId":1,"E":1,"T":1,"bids":[],"asks":[]}"#, Some(Speaker::Ours(Venue::BinanceUsdm))),
            (r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[]}"#, Some(Speaker::Ours(Venue::Okx))),
            (
                r#"{"arg":{"instType":"sp","channel":"books","instId":"BTCUSDT"},"data":[]}"#,
                Some(Speaker::Other("Bitget")),
            ),
            (r#"{"channel":"l2Book","data":{"coin":"BTC"}}"#, Some(Speaker::Other("Hyperliquid"))),
            (r#"[1664,{"as":[]},"book-1000","WAVES/EUR"]"#, Some(Speaker::Other("Kraken"))),
            (r#"{"jsonrpc":"2.0","method":"subscription"}"#, Some(Speaker::Other("Deribit"))),
            (r#"{"result":null,"id":1}"#, None),
            (r#"{"e":"kline","s":"BTCUSDT"}"#, None),
        ] {
            assert_eq!(speaker(&serde_json::from_str(frame).unwrap()), expected, "{frame}");
        }
    }
}
