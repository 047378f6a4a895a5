//! The control port, on loopback: faults at run time, the log of what they did, and the true book at any recent id.

use crate::fault::Fault;
use crate::publish::Book;
use crate::serve::{Shared, lock};
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use fathometer_engine::instrument::{Instrument, Venue};
use fathometer_engine::units::{Decimal, Side};
use serde::Deserialize;
use serde_json::{Value, json};
use std::str::FromStr;
use std::sync::Arc;

type Shared_ = State<Arc<Shared>>;
type Answer = Result<Json<Value>, Refusal>;

/// An error for people: what is wrong, and what to do.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// All paths of the control port.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(endpoints))
        .route("/book", get(book))
        .route("/fault", post(add))
        .route("/faults", get(list).delete(clear))
        .route("/fault/{id}", delete(remove))
        .with_state(shared)
}

/// Where everything is.
async fn endpoints(State(shared): Shared_) -> Json<Value> {
    let markets = shared.addresses.iter().map(|a| {
        let symbols = shared.exchanges.get(&a.venue).map(|e| {
            let exchange = lock(e);
            exchange.floor().boards.iter().map(|b| b.instrument.symbol.clone()).collect::<Vec<_>>()
        });
        json!({ "venue": a.venue.name(), "plain": a.plain, "tls": a.tls, "symbols": symbols })
    });
    Json(json!({ "now_ns": shared.clock.now().0, "markets": markets.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
struct Which {
    venue: Venue,
    symbol: String,
    at: Option<u64>,
}

/// The true published book, now or at a recent id.
async fn book(State(shared): Shared_, Query(which): Query<Which>) -> Answer {
    let not_found = |msg: String| Refusal(StatusCode::NOT_FOUND, msg);
    let name = which.venue.name();
    let exchange = shared.exchanges.get(&which.venue).ok_or_else(|| not_found(format!("{name} is not served")))?;
    let (book, instrument) = {
        let exchange = lock(exchange);
        let floor = exchange.floor();
        let board = floor.find(&which.symbol).and_then(|i| floor.boards.get(i));
        let board = board.ok_or_else(|| not_found(format!("{name} does not list {}", which.symbol)))?;
        let book = match which.at {
            None => board.book.clone(),
            Some(id) => board.at_id(id).ok_or_else(|| {
                let (oldest, newest) = (board.oldest_id(), board.book.id);
                not_found(format!("no book is remembered at update id {id}: ask for one from {oldest} to {newest}"))
            })?,
        };
        (book, board.instrument.clone())
    };
    Ok(Json(written(&book, &instrument)))
}

fn written(book: &Book, instrument: &Instrument) -> Value {
    let side = |side| -> Vec<[String; 2]> {
        let text = |units, decimals| Decimal::new(units, decimals).to_string();
        let levels = book.top(side, usize::MAX).into_iter();
        levels.map(|l| [text(l.price.0, instrument.scale.price), text(l.size.0, instrument.scale.size)]).collect()
    };
    json!({ "update_id": book.id, "bids": side(Side::Bid), "asks": side(Side::Ask) })
}

/// Orders a fault: a JSON object, or the text form.
async fn add(State(shared): Shared_, body: Bytes) -> Answer {
    let bad = |msg: String| Refusal(StatusCode::BAD_REQUEST, msg);
    let text = std::str::from_utf8(&body).map_err(|e| bad(e.to_string()))?.trim();
    let fault = if text.starts_with('{') {
        serde_json::from_str::<Fault>(text).map_err(|e| bad(format!("not a fault: {e}")))?
    } else {
        Fault::from_str(text).map_err(|e| bad(format!("{e:#}")))?
    };
    let now = shared.clock.now();
    let id = shared.faults().add(fault, now);
    Ok(Json(json!({ "id": id, "at_ns": now.0 })))
}

/// What is ordered, and what happened.
async fn list(State(shared): Shared_) -> Json<Value> {
    let faults = shared.faults();
    let log: Vec<_> = faults.log().collect();
    Json(json!({
        "now_ns": shared.clock.now().0, "active": faults.active(), "injections": log, "forgotten": faults.forgotten(),
    }))
}

async fn clear(State(shared): Shared_) -> Json<Value> {
    Json(json!({ "removed": shared.faults().remove(None) }))
}

async fn remove(State(shared): Shared_, axum::extract::Path(id): axum::extract::Path<u64>) -> Answer {
    if shared.faults().remove(Some(id)) == 0 {
        return Err(Refusal(StatusCode::NOT_FOUND, format!("no fault has the number {id}; GET /faults lists them")));
    }
    Ok(Json(json!({ "removed": 1 })))
}
