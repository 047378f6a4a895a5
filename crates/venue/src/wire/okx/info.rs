//! What OKX lists, in its own words.

use super::Exchange;
use crate::publish::{Board, State};
use crate::wire::text::expiry_millis;
use fathometer_engine::instrument::{Contract, Instrument, Kind};
use fathometer_engine::units::Decimal;
use serde_json::{Value, json};

/// Types that may be asked for; of some nothing is listed.
pub(super) const INST_TYPES: [&str; 6] = ["SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS"];
/// Listed since 2019-12-13, ms since the epoch.
const LIST_MILLIS: &str = "1576200000000";

/// Type of an instrument.
pub(super) fn inst_type(instrument: &Instrument) -> &'static str {
    match instrument.kind {
        Kind::Spot => "SPOT",
        Kind::Perpetual => "SWAP",
        Kind::Future => "FUTURES",
        Kind::Option => "OPTION",
    }
}

/// `BTC-USDT` of `BTC-USDT-SWAP`.
pub(super) fn family(instrument: &Instrument) -> &str {
    let symbol = instrument.symbol.as_str();
    let second = symbol.match_indices('-').nth(1).map_or(symbol.len(), |(i, _)| i);
    symbol.get(..second).unwrap_or(symbol)
}

/// Everything listed of a type, as comma-separated objects; `None` where nothing is.
pub(super) fn instruments(exchange: &Exchange, wanted: &str, symbol: Option<&str>) -> Option<String> {
    let boards = exchange.floor.boards.iter().enumerate();
    let listed =
        boards.filter(|(_, b)| inst_type(&b.instrument) == wanted && symbol.is_none_or(|s| b.instrument.symbol == s));
    let texts: Vec<String> = listed.map(|(i, b)| instrument(i, b).to_string()).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

fn instrument(code: usize, board: &Board) -> Value {
    let i = &board.instrument;
    let is_spot = i.kind == Kind::Spot;
    let unit = |decimals| Decimal { mantissa: 1, decimals };
    let tick = i.tick.unwrap_or(unit(i.scale.price)).to_string();
    let lot = i.lot.unwrap_or(unit(i.scale.size)).to_string();
    let (value, currency, kind, settle) = match i.contract {
        Contract::Linear(value) => (value.to_string(), i.base.as_str(), "linear", i.quote.as_str()),
        Contract::Inverse(value) => (value.to_string(), i.quote.as_str(), "inverse", i.base.as_str()),
        _ => (String::new(), "", "", ""),
    };
    let family = family(i);
    let only = |when: bool, text: &str| if when { text.to_owned() } else { String::new() };
    let fields = [
        ("alias", String::new()),
        ("auctionEndTime", String::new()),
        ("baseCcy", only(is_spot, &i.base)),
        ("category", "1".to_owned()),
        ("contTdSwTime", LIST_MILLIS.to_owned()),
        ("ctMult", only(!is_spot, "1")),
        ("ctType", kind.to_owned()),
        ("ctVal", value),
        ("ctValCcy", currency.to_owned()),
        ("expTime", expiry_millis(&i.symbol).map_or_else(String::new, |t| t.to_string())),
        ("groupId", "1".to_owned()),
        ("instFamily", only(!is_spot, family)),
        ("instId", i.symbol.clone()),
        ("instType", inst_type(i).to_owned()),
        ("lever", "10".to_owned()),
        ("listTime", LIST_MILLIS.to_owned()),
        ("lotSz", lot.clone()),
        ("maxIcebergSz", "9999999999".to_owned()),
        ("maxLmtAmt", "20000000".to_owned()),
        ("maxLmtSz", "9999999999".to_owned()),
        ("maxMktAmt", only(is_spot, "1000000")),
        ("maxMktSz", "1000000".to_owned()),
        ("maxStopSz", "1000000".to_owned()),
        ("maxTriggerSz", "9999999999".to_owned()),
        ("maxTwapSz", "9999999999".to_owned()),
        ("minSz", lot),
        ("openType", "call_auction".to_owned()),
        ("optType", String::new()),
        ("posLmtAmt", String::new()),
        ("posLmtPct", String::new()),
        ("preMktSwTime", String::new()),
        ("quoteCcy", only(is_spot, &i.quote)),
        ("ruleType", "normal".to_owned()),
        ("settleCcy", settle.to_owned()),
        ("state", if board.state == State::Live { "live" } else { "preopen" }.to_owned()),
        ("stk", String::new()),
        ("tickSz", tick),
        ("uly", only(!is_spot, family)),
    ];
    let mut object: serde_json::Map<String, Value> =
        fields.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text))).collect();
    object.insert("futureSettlement".to_owned(), json!(false));
    object.insert("instIdCode".to_owned(), json!(code + 1));
    object.insert("tradeQuoteCcyList".to_owned(), if is_spot { json!([i.quote]) } else { json!([]) });
    object.insert("upcChg".to_owned(), json!([]));
    Value::Object(object)
}
