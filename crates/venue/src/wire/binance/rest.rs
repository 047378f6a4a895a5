//! Binance REST: paths, parameters, replies and errors.

use super::info;
use super::limits::{Budget, weight};
use super::payload::{self, Who};
use super::{Exchange, Product};
use crate::http::Site;
use crate::publish::Board;
use crate::serve::lock;
use crate::wire;
use crate::wire::text::{fixed, millis};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use fathometer_engine::units::{Level, Nanos, Side};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Most levels a spot snapshot has.
const SPOT_LEVELS_MAX: usize = 5000;
/// The depths futures give.
const FUTURES_LEVELS: [usize; 7] = [5, 10, 20, 50, 100, 500, 1000];
/// Header that tells the weight used within the minute.
const USED_WEIGHT: &str = "x-mbx-used-weight-1m";

type Params = Query<HashMap<String, String>>;
type Site_ = State<Arc<Site>>;
type Answer = Result<Json<Value>, Refusal>;

/// An error as Binance words it.
#[derive(Debug)]
pub(crate) struct Refusal(StatusCode, i32, String);

impl Refusal {
    fn bad(code: i32, msg: impl Into<String>) -> Self {
        Refusal(StatusCode::BAD_REQUEST, code, msg.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "code": self.1, "msg": self.2 }))).into_response()
    }
}

/// All paths of a market.
pub(crate) fn router(site: Arc<Site>, product: Product) -> Router<Arc<Site>> {
    let common = Router::new()
        .route("/ping", get(async || Json(json!({}))))
        .route("/time", get(time))
        .route("/exchangeInfo", get(exchange_info))
        .route("/depth", get(depth))
        .route("/trades", get(trades))
        .route("/aggTrades", get(agg_trades))
        .route("/ticker/bookTicker", get(book_ticker))
        .route("/ticker/price", get(price))
        .route("/ticker/24hr", get(day));
    let routes = match product {
        Product::Spot => common,
        _ => common
            .route("/premiumIndex", get(premium_index))
            .route("/openInterest", get(open_interest))
            // Only symbols with unusual funding are listed there, and there are none.
            .route("/fundingInfo", get(async || Json(json!([])))),
    };
    let gate = Arc::new(Gate { site, budget: Mutex::default(), product });
    Router::new().nest(product.rest_root(), routes.layer(axum::middleware::from_fn_with_state(gate, charge)))
}

struct Gate {
    site: Arc<Site>,
    budget: Mutex<Budget>,
    product: Product,
}

/// Counts the weight of every request, and refuses beyond the limit.
async fn charge(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let param = |key: &str| query.split('&').filter_map(|p| p.split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| v);
    let limit = param("limit").and_then(|l| l.parse().ok());
    let path = request.uri().path();
    let endpoint = path.strip_prefix(gate.product.rest_root()).unwrap_or(path);
    let weight = weight(gate.product, endpoint, limit, param("symbol").is_some());
    let max = gate.product.weight_max();
    let charged = lock(&gate.budget).charge(weight, max, gate.site.shared.clock.now());
    match charged {
        Ok(used) => {
            let mut response = next.run(request).await;
            response.headers_mut().insert(USED_WEIGHT, HeaderValue::from(used));
            response
        }
        Err(wait_seconds) => {
            let msg = format!(
                "Too much request weight used; current limit is {max} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
            );
            let mut response = Refusal(StatusCode::TOO_MANY_REQUESTS, -1003, msg).into_response();
            response.headers_mut().insert("retry-after", HeaderValue::from(wait_seconds));
            response
        }
    }
}

fn with<T>(site: &Site, act: impl FnOnce(&Exchange, Nanos) -> Result<T, Refusal>) -> Result<T, Refusal> {
    match &*lock(&site.exchange) {
        wire::Exchange::Binance(exchange) => act(exchange, site.shared.clock.now()),
        wire::Exchange::Okx(_) => Err(Refusal::bad(-1000, "An unknown error occurred while processing the request.")),
    }
}

fn board(exchange: &Exchange, params: &HashMap<String, String>) -> Result<usize, Refusal> {
    let symbol = params.get("symbol").filter(|s| !s.is_empty()).ok_or_else(|| {
        Refusal::bad(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    })?;
    exchange.floor.find(symbol).ok_or_else(|| Refusal::bad(-1121, "Invalid symbol."))
}

/// The boards of `symbol`, or all.
fn boards(exchange: &Exchange, params: &HashMap<String, String>) -> Result<Vec<usize>, Refusal> {
    if params.contains_key("symbol") {
        return Ok(vec![board(exchange, params)?]);
    }
    Ok((0..exchange.floor.boards.len()).collect())
}

/// One object for `symbol`, else an array; COIN-M always gives an array.
fn one_or_all(
    exchange: &Exchange,
    params: &HashMap<String, String>,
    mut make: impl FnMut(&Who<'_>, &Board) -> Value,
) -> Answer {
    let boards = boards(exchange, params)?;
    let mut values: Vec<Value> =
        boards.into_iter().filter_map(|i| exchange.who(i)).map(|(who, b)| make(&who, b)).collect();
    let single = params.contains_key("symbol") && exchange.product != Product::Coinm;
    Ok(Json(if single { values.pop().unwrap_or_default() } else { Value::Array(values) }))
}

fn limit(params: &HashMap<String, String>, default: usize) -> Result<usize, Refusal> {
    let Some(text) = params.get("limit") else { return Ok(default) };
    text.parse().map_err(|_| {
        Refusal::bad(-1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.")
    })
}

fn unit(headers: &HeaderMap, at: Nanos) -> i64 {
    let micros = headers.get("x-mbx-time-unit").is_some_and(|u| u.as_bytes().eq_ignore_ascii_case(b"MICROSECOND"));
    at.0.div_euclid(if micros { 1_000 } else { 1_000_000 })
}

async fn time(State(site): Site_, headers: HeaderMap) -> Json<Value> {
    Json(json!({ "serverTime": unit(&headers, site.shared.clock.now()) }))
}

async fn exchange_info(State(site): Site_, Query(params): Params) -> Answer {
    let wanted: Option<Vec<String>> = match (params.get("symbol"), params.get("symbols")) {
        (Some(one), _) => Some(vec![one.clone()]),
        (None, Some(list)) => Some(
            serde_json::from_str(list)
                .map_err(|_| Refusal::bad(-1100, "Illegal characters found in parameter 'symbols'."))?,
        ),
        (None, None) => None,
    };
    with(&site, |exchange, now| {
        if wanted.iter().flatten().any(|s| exchange.floor.find(s).is_none()) {
            return Err(Refusal::bad(-1121, "Invalid symbol."));
        }
        Ok(Json(info::exchange_info(exchange, wanted.as_deref(), now)))
    })
}

async fn depth(State(site): Site_, Query(params): Params) -> Answer {
    let (who_pair, book, at, now, limit, digits, product) = with(&site, |exchange, now| {
        let index = board(exchange, &params)?;
        let limit = if exchange.product == Product::Spot {
            limit(&params, 100)?.clamp(1, SPOT_LEVELS_MAX)
        } else {
            let limit = limit(&params, 500)?;
            FUTURES_LEVELS
                .contains(&limit)
                .then_some(limit)
                .ok_or_else(|| Refusal::bad(-4021, format!("{limit} is not valid depth limit.")))?
        };
        let unknown = || Refusal::bad(-1121, "Invalid symbol.");
        let book = exchange.snapshot(index, now, &mut site.shared.faults()).ok_or_else(unknown)?;
        let (who, b) = exchange.who(index).ok_or_else(unknown)?;
        let pair = (who.symbol.to_owned(), who.pair().to_owned());
        Ok((pair, book, b.changed_at, now, limit, who.digits, exchange.product))
    })?;
    // Thousands of levels are put into words without holding the exchange up.
    let side = |side| -> Vec<[String; 2]> {
        let words = |l: Level| [digits.price(l.price), digits.size(l.size)];
        book.top(side, limit).into_iter().map(words).collect()
    };
    let mut reply = json!({ "lastUpdateId": book.id, "bids": side(Side::Bid), "asks": side(Side::Ask) });
    if product != Product::Spot {
        reply["E"] = json!(millis(now));
        reply["T"] = json!(millis(at));
    }
    if product == Product::Coinm {
        (reply["symbol"], reply["pair"]) = (json!(who_pair.0), json!(who_pair.1));
    }
    Ok(Json(reply))
}

async fn trades(State(site): Site_, Query(params): Params, headers: HeaderMap) -> Answer {
    with(&site, |exchange, _| {
        let index = board(exchange, &params)?;
        let limit = limit(&params, 500)?.min(1000);
        let Some((who, b)) = exchange.who(index) else { return Ok(Json(json!([]))) };
        let skip = b.fills.len().saturating_sub(limit);
        let fills = b.fills.iter().skip(skip).map(|f| {
            let scale = b.instrument.scale;
            let quote = scale.price_f64(f.price) * scale.size_f64(f.size);
            let mut trade = json!({
                "id": f.id, "price": who.digits.price(f.price), "qty": who.digits.size(f.size),
                "quoteQty": format!("{quote:.8}"), "time": unit(&headers, f.at), "isBuyerMaker": !f.taker_buy,
            });
            match exchange.product {
                Product::Spot => trade["isBestMatch"] = json!(true),
                Product::Usdm => trade["isRPITrade"] = json!(false),
                Product::Coinm => {}
            }
            trade
        });
        Ok(Json(fills.collect()))
    })
}

async fn agg_trades(State(site): Site_, Query(params): Params, headers: HeaderMap) -> Answer {
    with(&site, |exchange, _| {
        let index = board(exchange, &params)?;
        let limit = limit(&params, 500)?.min(1000);
        let (Some((who, _)), Some(told)) = (exchange.who(index), exchange.told.get(index)) else {
            return Ok(Json(json!([])));
        };
        let trades = told.iter().skip(told.len().saturating_sub(limit)).map(|a| {
            let mut trade = json!({
                "a": a.fill.id, "p": who.digits.price(a.fill.price), "q": who.digits.size(a.fill.size),
                "f": a.first, "l": a.last, "T": unit(&headers, a.fill.at), "m": !a.fill.taker_buy,
            });
            match exchange.product {
                Product::Spot => trade["M"] = json!(true),
                _ => trade["nq"] = trade["q"].clone(),
            }
            trade
        });
        Ok(Json(trades.collect()))
    })
}

async fn book_ticker(State(site): Site_, Query(params): Params) -> Answer {
    with(&site, |exchange, now| {
        one_or_all(exchange, &params, |who, b| {
            let [bid, ask] = [Side::Bid, Side::Ask].map(|side| b.book.best(side).unwrap_or_default());
            let mut ticker = json!({
                "symbol": who.symbol,
                "bidPrice": who.digits.price(bid.price), "bidQty": who.digits.size(bid.size),
                "askPrice": who.digits.price(ask.price), "askQty": who.digits.size(ask.size),
            });
            if exchange.product != Product::Spot {
                ticker["lastUpdateId"] = json!(b.book.id);
                ticker["time"] = json!(millis(now));
            }
            if exchange.product == Product::Coinm {
                ticker["pair"] = json!(who.pair());
            }
            ticker
        })
    })
}

async fn price(State(site): Site_, Query(params): Params) -> Answer {
    with(&site, |exchange, now| {
        one_or_all(exchange, &params, |who, b| {
            let last = who.digits.price(fathometer_engine::units::Price(b.stats.last));
            let mut price = json!({ "symbol": who.symbol, "price": last });
            if exchange.product != Product::Spot {
                price["time"] = json!(millis(now));
            }
            if exchange.product == Product::Coinm {
                price["ps"] = json!(who.pair());
            }
            price
        })
    })
}

async fn day(State(site): Site_, Query(params): Params) -> Answer {
    with(&site, |exchange, now| {
        one_or_all(exchange, &params, |who, b| {
            let s = payload::summary(who, b);
            let [bid, ask] = [Side::Bid, Side::Ask].map(|side| b.book.best(side).unwrap_or_default());
            let mut day = json!({
                "symbol": who.symbol, "priceChange": s.change, "priceChangePercent": s.change_percent,
                "weightedAvgPrice": s.average, "lastPrice": s.last, "lastQty": s.last_size, "openPrice": s.open,
                "highPrice": s.high, "lowPrice": s.low, "volume": s.volume,
                "openTime": millis(now) - 86_400_000, "closeTime": millis(now),
                "firstId": b.trade_id + 1 - b.stats.count, "lastId": b.trade_id, "count": b.stats.count,
            });
            match exchange.product {
                Product::Spot => {
                    day["prevClosePrice"] = json!(s.open);
                    day["bidPrice"] = json!(who.digits.price(bid.price));
                    day["bidQty"] = json!(who.digits.size(bid.size));
                    day["askPrice"] = json!(who.digits.price(ask.price));
                    day["askQty"] = json!(who.digits.size(ask.size));
                    day["quoteVolume"] = json!(s.turnover);
                }
                Product::Usdm => day["quoteVolume"] = json!(s.turnover),
                Product::Coinm => (day["pair"], day["baseVolume"]) = (json!(who.pair()), json!(s.turnover)),
            }
            day
        })
    })
}

async fn premium_index(State(site): Site_, Query(params): Params) -> Answer {
    with(&site, |exchange, now| {
        one_or_all(exchange, &params, |who, b| {
            let mark = b.mark.map_or_else(|| "0".to_owned(), |m| fixed(m, 8));
            let index = b.index.or(b.mark).map_or_else(|| "0".to_owned(), |i| fixed(i, 8));
            let (rate, next) = b.funding.map_or_else(|| (String::new(), 0), |(r, n)| (fixed(r, 8), millis(n)));
            let mut value = json!({
                "symbol": who.symbol, "markPrice": mark, "indexPrice": index, "estimatedSettlePrice": index,
                "lastFundingRate": rate, "interestRate": "0.00010000", "nextFundingTime": next, "time": millis(now),
            });
            if exchange.product == Product::Coinm {
                value["pair"] = json!(who.pair());
            }
            value
        })
    })
}

async fn open_interest(State(site): Site_, Query(params): Params) -> Answer {
    with(&site, |exchange, now| {
        let index = board(exchange, &params)?;
        let Some((who, b)) = exchange.who(index) else { return Ok(Json(json!({}))) };
        let amount = b.open_interest.map_or_else(|| "0".to_owned(), |o| o.to_string());
        let mut value = json!({ "openInterest": amount, "symbol": who.symbol, "time": millis(now) });
        if exchange.product == Product::Coinm {
            value["pair"] = json!(who.pair());
            value["contractType"] = json!(info::contract_type(&b.instrument, now));
        }
        Ok(Json(value))
    })
}
