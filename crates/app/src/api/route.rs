//! One order over the venues of a group: the cheapest split of it, fees in, and what that saves.

use super::asked::{Asked, Origin, PathPart, SourceQuery, amount};
use super::groups::{LeftOut, find, grouped};
use super::problem::Problem;
use super::simulate::OrderSide;
use super::stamp::{Stamp, snake, split};
use super::{Api, Routes};
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_engine::book::Book;
use fathometer_engine::cost::Refusal;
use fathometer_engine::cost::fees;
use fathometer_engine::cost::route::{Place, Route, route};
use fathometer_engine::engine::Engine;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::Validity;
use fathometer_engine::units::{Nanos, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(group_route))
}

/// An order for a group.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SplitQuery {
    /// What it does.
    #[param(inline, example = "buy")]
    pub side: OrderSide,
    /// Base coins.
    #[param(value_type = f64, minimum = 0.00000001, maximum = 1e12, example = 1.5)]
    pub size: String,
    /// Fee tier on every venue (default: as configured); who has no such tier is left out.
    #[param(max_length = 32, example = "vip1")]
    pub fee_tier: Option<String>,
}

/// An order split where each coin costs least.
#[derive(Debug, Serialize, ToSchema)]
pub struct SplitTold {
    /// Name across venues.
    pub canonical: String,
    /// What the order does.
    pub side: OrderSide,
    /// The whole order, base coins.
    pub quantity: f64,
    /// Base coins that no venue's known book holds.
    pub quantity_unfilled: f64,
    /// What goes where; a venue that takes nothing is told with zeros.
    pub parts: Vec<SplitPart>,
    /// Paid for all that is filled, fees in, quote currency; below zero: received.
    pub total: f64,
    /// Less than on the best single venue, quote currency.
    pub saved: Option<f64>,
    /// The same, bps of what is traded.
    pub saved_bps: Option<f64>,
    /// Whose fee is not known.
    pub left_out: Vec<LeftOut>,
    /// By field, why it is null; `quantity_unfilled` tells why it is not zero.
    pub reasons: BTreeMap<&'static str, String>,
    /// How far it may be believed; its time is that of the book that was heard of longest ago.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What goes to one venue.
#[derive(Debug, Serialize, ToSchema)]
pub struct SplitPart {
    /// `venue:symbol`.
    pub id: String,
    /// Base coins.
    pub quantity: f64,
    /// Paid or received, fee aside, quote currency.
    pub notional: f64,
    /// Fee, quote currency.
    pub fee: f64,
    /// The whole order here alone, fee in: paid, or (below zero) received; null if it does not hold all of it.
    pub alone: Option<f64>,
    /// Why it does not.
    pub reason: Option<String>,
}

/// The cheapest split of an order over the venues of a group, all of it taken at once.
#[utoipa::path(get, path = "/api/v1/groups/{canonical}/route", tag = "market",
    params(("canonical" = String, Path, description = "Name across venues: `BTC-USDT-PERP`", min_length = 1,
        max_length = 64, example = "BTC-USDT"), SplitQuery, SourceQuery),
    responses((status = 200, description = "The split", body = SplitTold)))]
async fn group_route(
    Shared(api): Shared<Arc<Api>>,
    PathPart(asked): PathPart<String>,
    Asked(query): Asked<SplitQuery>,
    Origin(state): Origin,
) -> Result<Json<SplitTold>, Problem> {
    let quantity = amount("size", &query.size)?.to_f64();
    let (mut venues, mut left_out) = (Vec::new(), Vec::new());
    let canonical = {
        let view = state.view();
        let (canonical, members) = find(grouped(&view), &asked)?;
        for (index, id) in members {
            let table = view.get(index).and_then(|market| fees::table(&api.fees, &market.info));
            match table.and_then(|table| table.rates(query.fee_tier.as_deref())) {
                Some(rates) => venues.push((index, id, rates.taker_bps)),
                None => left_out.push(LeftOut { id, reason: "fee_unknown".to_owned() }),
            }
        }
        canonical
    };
    let side = if query.side == OrderSide::Buy { Side::Ask } else { Side::Bid };
    let places: Vec<(InstrumentId, f64)> = venues.iter().map(|(index, _, fee)| (*index, *fee)).collect();
    let looked = state.ask(move |engine| look(engine, &places, side, quantity)).await?;
    let looked = looked.ok_or_else(|| Problem::busy("the instruments have just changed"))?;
    let found =
        looked.found.map_err(|refusal| Problem::malformed(refusal.to_string(), "see /api/v1/docs for the ranges"))?;
    let mut reasons = BTreeMap::new();
    let mut put = |field: &'static str, value| {
        let (number, reason) = split(value);
        reason.map(|reason| reasons.insert(field, reason));
        number
    };
    let (saved, saved_bps) = (put("saved", found.saved), put("saved_bps", found.saved_bps));
    if let Some(short) = found.short {
        reasons.insert("quantity_unfilled", snake(&short));
    }
    let part = |((_, id, _), part): ((InstrumentId, String, f64), &fathometer_engine::cost::route::Part)| {
        let (alone, reason) = split(part.alone);
        SplitPart { id, quantity: part.base, notional: part.quote, fee: part.fee, alone, reason }
    };
    Ok(Json(SplitTold {
        canonical,
        side: query.side,
        quantity,
        quantity_unfilled: found.unfilled,
        parts: venues.into_iter().zip(&found.parts).map(part).collect(),
        total: found.total,
        saved,
        saved_bps,
        left_out,
        reasons,
        stamp: Stamp::new(looked.validity, -1, looked.at, state.now()),
    }))
}

/// What the engine's thread tells.
struct Looked {
    found: Result<Route, Refusal>,
    /// Live if any of the books is.
    validity: Validity,
    at: Option<Nanos>,
}

fn look(engine: &Engine, venues: &[(InstrumentId, f64)], side: Side, quantity: f64) -> Option<Looked> {
    let nothing = Book::default(); // of who was never heard of
    let (mut places, mut validity, mut at) = (Vec::new(), Validity::Empty, None::<Nanos>);
    for (id, taker_fee_bps) in venues {
        let instrument = engine.registry().all().get(id.0 as usize)?;
        let status = engine.status(*id);
        let state = status.as_ref().map_or(Validity::Empty, |status| status.validity);
        if let (Validity::Live, Some(status)) = (state, status) {
            at = Some(at.map_or(status.last_at, |oldest| oldest.min(status.last_at)));
        }
        if validity != Validity::Live {
            validity = state;
        }
        let book = engine.book(*id).unwrap_or(&nothing);
        places.push(Place { book, validity: state, instrument, taker_fee_bps: *taker_fee_bps });
    }
    Some(Looked { found: route(&places, side, quantity), validity, at })
}
