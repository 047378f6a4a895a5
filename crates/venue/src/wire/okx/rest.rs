//! OKX REST: public and market paths in the `{code, msg, data}` envelope.

use super::channel::Kind;
use super::{Exchange, info, payload};
use crate::fault::{self, Spot};
use crate::http::Site;
use crate::publish::{Board, Book};
use crate::serve::lock;
use crate::wire;
use crate::wire::text::{Digits, millis};
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::{NANOS_PER_MILLI, Nanos, Side};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// Most levels of `books` and of `books-full`.
const LEVELS_MAX: [usize; 2] = [400, 5000];
/// Window in which requests are counted, nanoseconds.
const WINDOW_NANOS: i64 = 2 * 1_000_000_000;

type Params = Query<HashMap<String, String>>;
type Site_ = State<Arc<Site>>;

/// An answer in the envelope: data as text, or code and message.
struct Envelope(Result<String, (StatusCode, &'static str, String)>);

impl IntoResponse for Envelope {
    fn into_response(self) -> Response {
        let (status, text) = match self.0 {
            Ok(data) => (StatusCode::OK, format!("{{\"code\":\"0\",\"msg\":\"\",\"data\":[{data}]}}")),
            Err((status, code, msg)) => {
                (status, format!("{{\"code\":\"{code}\",\"msg\":{},\"data\":[]}}", super::channel::quoted(&msg)))
            }
        };
        (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
    }
}

fn bad(code: &'static str, msg: impl Into<String>) -> (StatusCode, &'static str, String) {
    (StatusCode::BAD_REQUEST, code, msg.into())
}

/// OKX answers some wrong parameters with status 200 and a code.
fn wrong(code: &'static str, msg: impl Into<String>) -> (StatusCode, &'static str, String) {
    (StatusCode::OK, code, msg.into())
}

/// All paths.
pub(crate) fn router(site: Arc<Site>) -> Router<Arc<Site>> {
    let gate = Arc::new(Gate { site, counts: Mutex::default() });
    Router::new()
        .route("/api/v5/public/time", get(time))
        .route("/api/v5/public/instruments", get(instruments))
        .route("/api/v5/public/mark-price", get(async |s: Site_, p: Params| values(s, p, Kind::MarkPrice)))
        .route("/api/v5/public/funding-rate", get(async |s: Site_, p: Params| values(s, p, Kind::Funding)))
        .route("/api/v5/public/open-interest", get(async |s: Site_, p: Params| values(s, p, Kind::OpenInterest)))
        .route("/api/v5/market/books", get(async |s: Site_, p: Params| books(s, p, false)))
        .route("/api/v5/market/books-full", get(async |s: Site_, p: Params| books(s, p, true)))
        .route("/api/v5/market/ticker", get(async |s: Site_, p: Params| values(s, p, Kind::Tickers)))
        .route("/api/v5/market/tickers", get(async |s: Site_, p: Params| values(s, p, Kind::Tickers)))
        .route("/api/v5/market/index-tickers", get(index_tickers))
        .route("/api/v5/market/trades", get(trades))
        .layer(axum::middleware::from_fn_with_state(gate, count))
}

struct Gate {
    site: Arc<Site>,
    /// Window and requests in it, per path.
    counts: Mutex<BTreeMap<String, (i64, u32)>>,
}

/// Refuses more requests in two seconds than a path allows.
async fn count(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let max = match path {
        "/api/v5/market/books" => 40,
        "/api/v5/market/books-full" | "/api/v5/public/time" | "/api/v5/public/mark-price" => 10,
        "/api/v5/market/trades" => 100,
        _ => 20,
    };
    let window = gate.site.shared.clock.now().0.div_euclid(WINDOW_NANOS);
    let used = {
        let mut counts = lock(&gate.counts);
        let entry = counts.entry(path.to_owned()).or_default();
        *entry = if entry.0 == window { (window, entry.1 + 1) } else { (window, 1) };
        entry.1
    };
    if used > max {
        return Envelope(Err((StatusCode::TOO_MANY_REQUESTS, "50011", "Too Many Requests".to_owned()))).into_response();
    }
    next.run(request).await
}

fn with(
    site: &Site,
    act: impl FnOnce(&Exchange, Nanos) -> Result<String, (StatusCode, &'static str, String)>,
) -> Envelope {
    Envelope(match &*lock(&site.exchange) {
        wire::Exchange::Okx(exchange) => act(exchange, site.shared.clock.now()),
        wire::Exchange::Binance(_) => Err(bad("50026", "System error. Try again later")),
    })
}

fn board<'e>(
    exchange: &'e Exchange,
    params: &HashMap<String, String>,
) -> Result<(&'e Board, Digits), (StatusCode, &'static str, String)> {
    let id = params.get("instId").ok_or_else(|| bad("50014", "Parameter instId can not be empty"))?;
    exchange.board(id).ok_or_else(|| wrong("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."))
}

async fn time(State(site): Site_) -> Envelope {
    with(&site, |_, now| Ok(format!("{{\"ts\":\"{}\"}}", millis(now))))
}

async fn instruments(State(site): Site_, Query(params): Params) -> Envelope {
    with(&site, |exchange, _| {
        let wanted = params.get("instType").ok_or_else(|| bad("50014", "Parameter instType can not be empty"))?;
        if !info::INST_TYPES.contains(&wanted.as_str()) {
            return Err(bad("51000", "Parameter instType error"));
        }
        let listed = info::instruments(exchange, wanted, params.get("instId").map(String::as_str));
        if listed.is_none() && params.contains_key("instId") {
            return Err(wrong("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."));
        }
        Ok(listed.unwrap_or_default())
    })
}

/// The bodies of one channel, of `instId` or of all of an `instType`.
fn values(State(site): Site_, Query(params): Params, kind: Kind) -> Envelope {
    with(&site, |exchange, now| {
        let text = |b: &Board, digits: &Digits| {
            payload::full_body(kind, b, digits).map(|body| format!("{{{body},\"ts\":\"{}\"}}", millis(now)))
        };
        if params.contains_key("instId") {
            let (b, digits) = board(exchange, &params)?;
            return Ok(text(b, &digits).unwrap_or_default());
        }
        let wanted = params.get("instType").ok_or_else(|| bad("50014", "Parameter instType can not be empty"))?;
        let all = exchange.floor.boards.iter().zip(&exchange.digits);
        let of_type = all.filter(|(b, _)| info::inst_type(&b.instrument) == wanted);
        Ok(of_type.filter_map(|(b, digits)| text(b, digits)).collect::<Vec<_>>().join(","))
    })
}

async fn index_tickers(State(site): Site_, Query(params): Params) -> Envelope {
    with(&site, |exchange, now| {
        let boards = &exchange.floor.boards;
        let mut ids: Vec<&str> = boards.iter().map(|b| info::family(&b.instrument)).collect();
        ids.sort_unstable();
        ids.dedup();
        let quote = params.get("quoteCcy");
        ids.retain(|id| {
            params.get("instId").is_none_or(|wanted| wanted == id)
                && quote.is_none_or(|quote| id.rsplit('-').next() == Some(quote.as_str()))
        });
        let body = |id: &str| payload::index_body(id, boards).map(|b| format!("{{{b},\"ts\":\"{}\"}}", millis(now)));
        Ok(ids.into_iter().filter_map(body).collect::<Vec<_>>().join(","))
    })
}

async fn trades(State(site): Site_, Query(params): Params) -> Envelope {
    with(&site, |exchange, _| {
        let (b, digits) = board(exchange, &params)?;
        let limit = params.get("limit").and_then(|l| l.parse().ok()).unwrap_or(100).min(500);
        let newest_first = b.fills.iter().rev().take(limit);
        let texts: Vec<String> = newest_first.map(|f| payload::trade_all(&b.instrument.symbol, f, &digits)).collect();
        Ok(texts.join(","))
    })
}

fn books(State(site): Site_, Query(params): Params, full: bool) -> Envelope {
    let mut taken: Option<(Book, Digits, Nanos, usize)> = None;
    let refused = with(&site, |exchange, now| {
        let (b, digits) = board(exchange, &params)?;
        let size = match params.get("sz") {
            None => 1,
            Some(text) => text.parse::<usize>().map_err(|_| bad("51000", "Parameter sz error"))?,
        };
        let spot =
            Spot { venue: Venue::Okx, symbol: Some(&b.instrument.symbol), target: "depth snapshot", is_diff: true };
        let late = site.shared.faults().strike(&[fault::Kind::LateSnapshot], spot, now);
        let age = late.map(|f| i64::try_from(f.lag_ms()).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_MILLI));
        let book = age.and_then(|age| b.at_position(b.position_before(now, age)));
        let size = size.clamp(1, LEVELS_MAX[usize::from(full)]);
        taken = Some((book.unwrap_or_else(|| b.book.clone()), digits, now, size));
        Ok(String::new())
    });
    // Put into words without holding the exchange up.
    let Some((book, digits, now, size)) = taken else { return refused };
    let side = |side| {
        let tail = if full { ",\"1\"]" } else { ",\"0\",\"1\"]" };
        let text = |l| {
            let mut out = String::from("[");
            digits.push_level(&mut out, l);
            out + tail
        };
        book.top(side, size).into_iter().map(text).collect::<Vec<_>>().join(",")
    };
    let (asks, bids, ts) = (side(Side::Ask), side(Side::Bid), millis(now));
    let seq = if full { String::new() } else { format!(",\"seqId\":{}", book.id) };
    Envelope(Ok(format!("{{\"asks\":[{asks}],\"bids\":[{bids}],\"ts\":\"{ts}\"{seq}}}")))
}
