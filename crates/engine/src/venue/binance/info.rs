//! What Binance says its instruments are: the `exchangeInfo` of spot, USD-M and COIN-M.

use crate::event::{Control, Event, Stamped};
use crate::instrument::{Contract, Instrument, Kind, Venue};
use crate::registry::Registry;
use crate::units::Decimal;
use crate::venue::{Decoded, infer, symbol};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct ExchangeInfo<'a> {
    #[serde(borrow)]
    symbols: Vec<Listed<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    /// COIN-M names it `contractStatus`.
    #[serde(borrow, alias = "contractStatus")]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    base_asset: Cow<'a, str>,
    #[serde(borrow)]
    quote_asset: Cow<'a, str>,
    /// Futures only: `PERPETUAL`, `CURRENT_QUARTER`; empty while one is being settled.
    #[serde(borrow)]
    contract_type: Option<Cow<'a, str>>,
    /// COIN-M only: quote currency that a contract is worth.
    contract_size: Option<i64>,
    #[serde(borrow, default)]
    filters: Vec<Filter<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter<'a> {
    #[serde(borrow)]
    filter_type: Cow<'a, str>,
    #[serde(borrow)]
    tick_size: Option<Cow<'a, str>>,
    #[serde(borrow)]
    step_size: Option<Cow<'a, str>>,
}

/// Events of those listed instruments that the registry knows; the list names thousands. A body that is not such a
/// list is a `Control::Malformed`.
pub fn decode_exchange_info(venue: Venue, body: &[u8], registry: &Registry, out: &mut Decoded) {
    let info: ExchangeInfo<'_> = match serde_json::from_slice(body) {
        Ok(info) => info,
        Err(e) => return out.controls.push(Control::Malformed { text: format!("exchangeInfo: {e}") }),
    };
    for listed in &info.symbols {
        let Some(instrument) = registry.find(venue, listed.symbol.as_bytes()) else { continue };
        let mut push = |event| out.events.push(Stamped { instrument, ts_venue: None, ts_engine: None, event });
        match told(venue, listed) {
            Ok(told) => push(Event::Instrument(Box::new(told))),
            Err(why) => {
                let text = format!("exchangeInfo: {why} of {}", listed.symbol);
                out.controls.push(Control::Malformed { text });
                continue;
            }
        }
        if let Some(state) = &listed.status {
            // Orders rest without being matched before a market opens and while an auction is on.
            let may_cross = matches!(&**state, "PRE_TRADING" | "PENDING_TRADING" | "AUCTION_MATCH");
            push(Event::Status { state: state.clone().into_owned(), may_cross });
        }
    }
}

fn told(venue: Venue, listed: &Listed<'_>) -> Result<Instrument, &'static str> {
    let mut told = infer(venue, &listed.symbol);
    told.base = listed.base_asset.to_uppercase();
    told.quote = listed.quote_asset.to_uppercase();
    told.kind = match listed.contract_type.as_deref() {
        _ if venue == Venue::Binance => Kind::Spot,
        Some(kind) if kind.contains("PERPETUAL") => Kind::Perpetual,
        Some(kind) if kind.contains("QUARTER") || kind.contains("MONTH") => Kind::Future,
        _ => told.kind,
    };
    let expiry = listed.symbol.split_once('_').map_or("", |(_, expiry)| expiry);
    told.canonical = symbol::canonical(&told.base, &told.quote, told.kind, expiry);
    told.contract = match (venue, listed.contract_size) {
        (Venue::BinanceCoinm, Some(size)) if size > 0 => Contract::Inverse(Decimal::new(size, 0)),
        (Venue::BinanceCoinm, _) => Contract::Unknown,
        _ => Contract::Base,
    };
    // Not the precision fields, which the venue says are neither tick nor step.
    told.tick = step(listed, "PRICE_FILTER", |f| f.tick_size.as_deref()).map_err(|()| "the tick size")?;
    told.lot = step(listed, "LOT_SIZE", |f| f.step_size.as_deref()).map_err(|()| "the step size")?;
    Ok(told)
}

/// A step of a filter; zero is how the venue switches a filter off.
fn step<'f>(
    listed: &'f Listed<'_>,
    filter: &str,
    field: fn(&'f Filter<'_>) -> Option<&'f str>,
) -> Result<Option<Decimal>, ()> {
    let Some(text) = listed.filters.iter().find(|f| f.filter_type == filter).and_then(field) else { return Ok(None) };
    let step = Decimal::parse(text.as_bytes()).map_err(|_| ())?;
    Ok((step.mantissa > 0).then_some(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: &str = r#"{"timezone":"UTC","serverTime":1565246363776,"rateLimits":[],"exchangeFilters":[],"symbols":[
        {"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,"quoteAsset":"BTC","filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.00000100","maxPrice":"100000.0","tickSize":"0.00001000"},
            {"filterType":"LOT_SIZE","minQty":"0.00010000","maxQty":"9000.0","stepSize":"0.00010000"},
            {"filterType":"MARKET_LOT_SIZE","minQty":"0.0","maxQty":"9000.0","stepSize":"0.00000000"},
            {"filterType":"MAX_NUM_ORDERS","maxNumOrders":200}],"permissions":["SPOT"]},
        {"symbol":"OTHERBTC","status":"HALT","baseAsset":"OTHER","quoteAsset":"BTC"}]}"#;
    const USDM: &str = r#"{"symbols":[{"symbol":"BTCUSDT_260626","pair":"BTCUSDT","contractType":"CURRENT_QUARTER","deliveryDate":1782460800000,
        "status":"PENDING_TRADING","baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,
        "filters":[{"filterType":"PRICE_FILTER","tickSize":"0.10"},{"filterType":"LOT_SIZE","stepSize":"0.001"},
        {"filterType":"MIN_NOTIONAL","notional":"100"}]}]}"#;
    const COINM: &str = r#"{"symbols":[{"symbol":"ETHUSD_PERP","pair":"ETHUSD","contractType":"PERPETUAL","contractStatus":"TRADING",
        "contractSize":10,"marginAsset":"ETH","baseAsset":"ETH","quoteAsset":"USD","equalQtyPrecision":4,
        "filters":[{"filterType":"PRICE_FILTER","tickSize":"0.01"},{"filterType":"LOT_SIZE","stepSize":"1"}]}]}"#;

    fn decoded(venue: Venue, symbol: &str, body: &str) -> Decoded {
        let (mut registry, mut out) = (Registry::default(), Decoded::default());
        registry.resolve(venue, symbol.as_bytes());
        decode_exchange_info(venue, body.as_bytes(), &registry, &mut out);
        out
    }

    #[test]
    fn the_lists_of_all_three_markets() {
        let inverse = Contract::Inverse(Decimal::new(10, 0));
        for (venue, symbol, body, name, kind, contract, tick, lot, state, may_cross) in [
            (
                Venue::Binance,
                "ETHBTC",
                SPOT,
                "ETH-BTC",
                Kind::Spot,
                Contract::Base,
                "0.00001",
                "0.0001",
                "TRADING",
                false,
            ),
            (
                Venue::BinanceUsdm,
                "BTCUSDT_260626",
                USDM,
                "BTC-USDT-260626",
                Kind::Future,
                Contract::Base,
                "0.1",
                "0.001",
                "PENDING_TRADING",
                true,
            ),
            (
                Venue::BinanceCoinm,
                "ETHUSD_PERP",
                COINM,
                "ETH-USD-PERP",
                Kind::Perpetual,
                inverse,
                "0.01",
                "1",
                "TRADING",
                false,
            ),
        ] {
            let out = decoded(venue, symbol, body);
            assert!(out.controls.is_empty(), "{:?}", out.controls);
            let [Stamped { event: Event::Instrument(told), .. }, Stamped { event: status, .. }] = &out.events[..]
            else {
                panic!("{:?}", out.events)
            };
            assert_eq!((told.canonical.as_str(), told.kind, told.contract), (name, kind, contract));
            assert_eq!((told.tick, told.lot), (tick.parse().ok(), lot.parse().ok()));
            assert_eq!(*status, Event::Status { state: state.to_owned(), may_cross });
        }
    }

    #[test]
    fn what_is_not_a_list_says_so() {
        for body in ["", "{}", "<html>", r#"{"symbols":[{"symbol":"ETHBTC"}]}"#, &SPOT.replace("0.00001000", "ten")] {
            let out = decoded(Venue::Binance, "ETHBTC", body);
            assert!(matches!(&out.controls[..], [Control::Malformed { .. }]) && out.events.is_empty(), "{body}");
        }
    }
}
