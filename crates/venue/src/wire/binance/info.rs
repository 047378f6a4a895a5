//! `exchangeInfo`: what is listed and by which rules, with every field that clients read.

use super::{Exchange, Product};
use crate::publish::{Board, State};
use crate::wire::text::{expiry_millis, fixed, millis};
use fathometer_engine::instrument::{Contract, Instrument, Kind};
use fathometer_engine::units::{Decimal, Nanos};
use serde_json::{Value, json};

/// Time limits of orders, which nobody can place here; clients list them.
const TIME_IN_FORCE: [&str; 4] = ["GTC", "IOC", "FOK", "GTX"];
/// Order kinds likewise.
const ORDER_TYPES: [&str; 3] = ["LIMIT", "MARKET", "LIMIT_MAKER"];
/// Listed since 2019-09-13, ms since the epoch.
const ONBOARD_MILLIS: i64 = 1_568_332_800_000;
/// Delivery of what never delivers (2100-12-25), ms since the epoch.
const NEVER_MILLIS: i64 = 4_133_404_800_000;
/// A quarter and a day, ms: delivery beyond it is of the next quarter.
const QUARTER_MILLIS: i64 = 92 * 86_400_000;

/// The whole reply, or that of some symbols.
pub(super) fn exchange_info(exchange: &Exchange, wanted: Option<&[String]>, now: Nanos) -> Value {
    let product = exchange.product;
    let is_wanted = |b: &&Board| wanted.is_none_or(|w| w.contains(&b.instrument.symbol));
    let boards = exchange.floor.boards.iter().filter(is_wanted);
    let symbols: Vec<Value> = boards.map(|b| symbol(product, b, now)).collect();
    let limit = |kind: &str, interval: &str, number: u32, limit: u32| json!({ "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit });
    let mut limits = vec![limit("REQUEST_WEIGHT", "MINUTE", 1, product.weight_max())];
    if product == Product::Spot {
        limits.push(limit("RAW_REQUESTS", "MINUTE", 5, 300_000));
    }
    let mut reply = json!({
        "timezone": "UTC", "serverTime": millis(now), "rateLimits": limits, "exchangeFilters": [], "symbols": symbols,
    });
    if product != Product::Spot {
        let mut assets: Vec<&str> =
            exchange.floor.boards.iter().map(|b| margin_asset(product, &b.instrument)).collect();
        assets.sort_unstable();
        assets.dedup();
        let assets = assets.iter().map(|a| json!({ "asset": a, "marginAvailable": true, "autoAssetExchange": "0" }));
        reply["assets"] = assets.collect();
        reply["futuresType"] = json!(if product == Product::Usdm { "U_MARGINED" } else { "COIN_MARGINED" });
    }
    reply
}

fn margin_asset(product: Product, instrument: &Instrument) -> &str {
    if product == Product::Coinm { &instrument.base } else { &instrument.quote }
}

/// `PERPETUAL`, `CURRENT_QUARTER` or `NEXT_QUARTER`.
pub(super) fn contract_type(instrument: &Instrument, now: Nanos) -> &'static str {
    match expiry_millis(&instrument.symbol).filter(|_| instrument.kind == Kind::Future) {
        None => "PERPETUAL",
        Some(at) if at - millis(now) <= QUARTER_MILLIS => "CURRENT_QUARTER",
        Some(_) => "NEXT_QUARTER",
    }
}

fn symbol(product: Product, board: &Board, now: Nanos) -> Value {
    let i = &board.instrument;
    let unit = |decimals| Decimal { mantissa: 1, decimals };
    let tick = i.tick.unwrap_or(unit(i.scale.price));
    let lot = i.lot.unwrap_or(unit(i.scale.size));
    let filters = filters(product, tick, lot);
    if product == Product::Spot {
        let status = if board.state == State::Live { "TRADING" } else { "BREAK" };
        return json!({
            "symbol": i.symbol, "status": status, "baseAsset": i.base, "baseAssetPrecision": 8, "quoteAsset": i.quote,
            "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
            "orderTypes": ORDER_TYPES, "icebergAllowed": true, "ocoAllowed": true, "otoAllowed": true,
            "opoAllowed": false, "quoteOrderQtyMarketAllowed": true, "allowTrailingStop": true,
            "cancelReplaceAllowed": true, "amendAllowed": true, "pegInstructionsAllowed": false,
            "isSpotTradingAllowed": true, "isMarginTradingAllowed": false, "filters": filters,
            "permissions": [], "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
        });
    }
    let status = if board.state == State::Live { "TRADING" } else { "PENDING_TRADING" };
    let dated = (i.kind == Kind::Future).then(|| expiry_millis(&i.symbol)).flatten();
    let mut symbol = json!({
        "symbol": i.symbol, "pair": i.symbol.split('_').next(), "contractType": contract_type(i, now),
        "deliveryDate": dated.unwrap_or(NEVER_MILLIS), "onboardDate": ONBOARD_MILLIS,
        "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
        "baseAsset": i.base, "quoteAsset": i.quote, "marginAsset": margin_asset(product, i),
        "pricePrecision": tick.decimals, "quantityPrecision": lot.decimals, "baseAssetPrecision": 8, "quotePrecision": 8,
        "underlyingType": "COIN", "underlyingSubType": [], "triggerProtect": "0.0500", "liquidationFee": "0.012500",
        "marketTakeBound": "0.05", "maxMoveOrderLimit": 10000, "filters": filters,
        "orderTypes": ["LIMIT", "MARKET", "STOP"], "timeInForce": TIME_IN_FORCE,
    });
    if product == Product::Coinm {
        symbol["contractStatus"] = json!(status);
        symbol["equalQtyPrecision"] = json!(4);
        if let Contract::Inverse(value) = i.contract {
            symbol["contractSize"] = json!(value.to_f64() as i64);
        }
    } else {
        symbol["status"] = json!(status);
        symbol["settlePlan"] = json!(0);
        symbol["permissionSets"] = json!(["GRID", "COPY"]);
    }
    symbol
}

/// `PRICE_FILTER` first: some clients take the tick from the first filter whatever it is.
fn filters(product: Product, tick: Decimal, lot: Decimal) -> Value {
    let places = |d: Decimal| if product == Product::Spot { 8 } else { d.decimals };
    let times = |d: Decimal, n: i64| fixed(Decimal { mantissa: d.mantissa.saturating_mul(n), ..d }, places(d));
    let lot_size = |name: &str| json!({ "filterType": name, "minQty": times(lot, 1), "maxQty": times(lot, 10_000_000), "stepSize": times(lot, 1) });
    let mut filters = vec![
        json!({ "filterType": "PRICE_FILTER", "minPrice": times(tick, 1), "maxPrice": times(tick, 100_000_000), "tickSize": times(tick, 1) }),
        lot_size("LOT_SIZE"),
        lot_size("MARKET_LOT_SIZE"),
    ];
    match product {
        Product::Spot => filters.extend([
            json!({ "filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": true,
                "maxNotional": "9000000.00000000", "applyMaxToMarket": false, "avgPriceMins": 5 }),
            json!({ "filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5 }),
            json!({ "filterType": "ICEBERG_PARTS", "limit": 100 }),
            json!({ "filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200 }),
            json!({ "filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5 }),
        ]),
        _ => filters.extend([
            json!({ "filterType": "MAX_NUM_ORDERS", "limit": 200 }),
            json!({ "filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10 }),
            json!({ "filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4" }),
        ]),
    }
    if product == Product::Usdm {
        filters.push(json!({ "filterType": "MIN_NOTIONAL", "notional": "5" }));
    }
    json!(filters)
}
