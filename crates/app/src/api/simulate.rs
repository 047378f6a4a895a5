//! What an order would be filled at now: the engine's walk through its book, as the API tells it.

use super::asked::{Asked, Origin, PathPart, SourceQuery, amount, instrument};
use super::problem::Problem;
use super::stamp::{Stamp, snake, split};
use super::{Api, Routes};
use crate::live::state::State;
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_engine::cost::walk::{Amount, Fill, Walk, walk};
use fathometer_engine::engine::Engine;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::metric::Reason;
use fathometer_engine::output::{Status, Validity};
use fathometer_engine::units::{Scale, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(simulate)).routes(routes!(simulate_symbol))
}

/// What the order does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderSide {
    /// Takes asks.
    Buy,
    /// Takes bids.
    Sell,
}

/// An order; exactly one of `size`, `contracts` and `notional` is given.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// What it does.
    #[param(inline, example = "buy")]
    pub side: OrderSide,
    /// Base coins.
    #[param(value_type = Option<f64>, minimum = 0.00000001, maximum = 1e12, example = 1.5)]
    pub size: Option<String>,
    /// Contracts, or what else the venue counts in.
    #[param(value_type = Option<f64>, minimum = 0.00000001, maximum = 1e12)]
    pub contracts: Option<String>,
    /// Quote currency.
    #[param(value_type = Option<f64>, minimum = 0.00000001, maximum = 1e12)]
    pub notional: Option<String>,
}

/// Whose book.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhoseQuery {
    /// `venue:symbol`, a canonical name or a bare symbol.
    #[param(min_length = 1, max_length = 64, example = "binance:BTCUSDT")]
    pub instrument: String,
}

/// An order as it would be filled.
#[derive(Debug, Serialize, ToSchema)]
pub struct Simulation {
    /// `venue:symbol`.
    pub symbol: String,
    /// What the order does.
    pub side: OrderSide,
    /// Base coins asked for; null for an order of contracts or money.
    pub order_size: Option<f64>,
    /// Contracts (or what else the venue counts in) asked for.
    pub order_contracts: Option<f64>,
    /// Quote currency asked for.
    pub order_notional: Option<f64>,
    /// Base coins filled, as far as the book is known.
    pub quantity_filled: Option<f64>,
    /// The same in what the venue counts in.
    pub contracts_filled: Option<f64>,
    /// The same in quote currency.
    pub notional_filled: Option<f64>,
    /// Quote currency per base coin, on average.
    pub vwap: Option<f64>,
    /// The best price of the side that is taken from.
    pub best_price: Option<f64>,
    /// `vwap` worse than `best_price` by so much, quote currency.
    pub slippage: Option<f64>,
    /// The same, bps of `best_price`.
    pub slippage_bps: Option<f64>,
    /// `vwap` worse than mid, bps of mid.
    pub slippage_mid_bps: Option<f64>,
    /// Levels taken from.
    pub levels_consumed: usize,
    /// Level by level, best first; at most 1000.
    pub fills: Vec<FillTold>,
    /// Whether the book, as far as it is known, holds all of it.
    pub fully_filled: bool,
    /// By field, why it is null; `fully_filled` tells why it is false.
    pub reasons: BTreeMap<&'static str, String>,
    /// How far the book may be believed.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What is taken at one price.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FillTold {
    /// Quote currency.
    pub price: f64,
    /// Base coins.
    pub qty: Option<f64>,
    /// Base coins so far.
    pub cumulative_qty: Option<f64>,
    /// Quote currency so far.
    pub cumulative_cost: Option<f64>,
}

impl FillTold {
    /// A fill of the walk.
    pub fn of(fill: &Fill, scale: Scale) -> FillTold {
        FillTold {
            price: scale.price_f64(fill.price),
            qty: fill.base.get(),
            cumulative_qty: fill.base_total.get(),
            cumulative_cost: fill.quote_total.get(),
        }
    }
}

/// What a market order would be filled at now, fees aside.
#[utoipa::path(get, path = "/api/v1/simulate", tag = "market", params(WhoseQuery, OrderQuery, SourceQuery),
    responses((status = 200, description = "The order as it would be filled", body = Simulation)))]
async fn simulate(
    Shared(api): Shared<Arc<Api>>,
    Asked(whose): Asked<WhoseQuery>,
    Asked(order): Asked<OrderQuery>,
    Origin(state): Origin,
) -> Result<Json<Simulation>, Problem> {
    fill(&api, &state, &whose.instrument, &order).await
}

/// What a market order would be filled at now, fees aside.
#[utoipa::path(get, path = "/simulate/{symbol}", tag = "classic",
    params(("symbol" = String, Path, description = "`venue:symbol`, a canonical name or a bare symbol",
        min_length = 1, max_length = 64, example = "binance:BTCUSDT"), OrderQuery, SourceQuery),
    responses((status = 200, description = "The order as it would be filled", body = Simulation)))]
async fn simulate_symbol(
    Shared(api): Shared<Arc<Api>>,
    PathPart(symbol): PathPart<String>,
    Asked(order): Asked<OrderQuery>,
    Origin(state): Origin,
) -> Result<Json<Simulation>, Problem> {
    fill(&api, &state, &symbol, &order).await
}

impl OrderQuery {
    /// The one that is given.
    pub(super) fn amount(&self) -> Result<Amount, Problem> {
        match (&self.size, &self.contracts, &self.notional) {
            (Some(text), None, None) => amount("size", text).map(Amount::Base),
            (None, Some(text), None) => amount("contracts", text).map(Amount::Size),
            (None, None, Some(text)) => amount("notional", text).map(Amount::Quote),
            _ => Err(Problem::malformed(
                "not exactly one of size, contracts and notional is given",
                "give one: size (base coins), contracts, or notional (quote currency)",
            )),
        }
    }
}

/// What the engine's thread tells.
struct Filled {
    walk: Result<Walk, Reason>,
    status: Option<Status>,
    scale: Scale,
}

fn look(engine: &Engine, id: InstrumentId, side: Side, amount: Amount, fills_max: usize) -> Option<Filled> {
    let info = engine.registry().all().get(id.0 as usize)?;
    let status = engine.status(id);
    let validity = status.as_ref().map_or(Validity::Empty, |status| status.validity);
    let walk = match engine.book(id) {
        Some(book) => walk(book, validity, info, side, amount, fills_max),
        None => Err(Reason::BookInvalid),
    };
    Some(Filled { walk, status, scale: info.scale })
}

async fn fill(api: &Api, state: &Arc<State>, name: &str, order: &OrderQuery) -> Result<Json<Simulation>, Problem> {
    let amount = order.amount()?;
    let (index, symbol) = {
        let view = state.view();
        let index = instrument(&view, name)?;
        (index, view.get(index).map(|market| market.id.clone()).unwrap_or_default())
    };
    let side = if order.side == OrderSide::Buy { Side::Ask } else { Side::Bid };
    let fills_max = api.limits.fills_max;
    let filled = state.ask(move |engine| look(engine, index, side, amount, fills_max)).await?;
    let filled = filled.ok_or_else(|| Problem::busy("the instrument has just been added"))?;
    Ok(Json(tell(symbol, order.side, amount, filled, state)))
}

fn tell(symbol: String, side: OrderSide, amount: Amount, filled: Filled, state: &State) -> Simulation {
    let Filled { walk, status, scale } = filled;
    let validity = status.as_ref().map_or(Validity::Empty, |status| status.validity);
    let sequence = status.as_ref().map_or(-1, |status| status.last_update_id);
    let stamp = Stamp::new(validity, sequence, status.as_ref().map(|status| status.last_at), state.now());
    let asked = |wanted: fn(Amount) -> Option<f64>| wanted(amount);
    let mut told = Simulation {
        symbol,
        side,
        order_size: asked(|it| if let Amount::Base(coins) = it { Some(coins.to_f64()) } else { None }),
        order_contracts: asked(|it| if let Amount::Size(size) = it { Some(size.to_f64()) } else { None }),
        order_notional: asked(|it| if let Amount::Quote(money) = it { Some(money.to_f64()) } else { None }),
        quantity_filled: None,
        contracts_filled: None,
        notional_filled: None,
        vwap: None,
        best_price: None,
        slippage: None,
        slippage_bps: None,
        slippage_mid_bps: None,
        levels_consumed: 0,
        fills: Vec::new(),
        fully_filled: false,
        reasons: BTreeMap::new(),
        stamp,
    };
    let walk = match walk {
        Ok(walk) => walk,
        Err(reason) => {
            let all = ["quantity_filled", "contracts_filled", "notional_filled", "vwap", "best_price", "slippage"];
            let all = all.into_iter().chain(["slippage_bps", "slippage_mid_bps", "fully_filled"]);
            told.reasons = all.map(|field| (field, snake(&reason))).collect();
            return told;
        }
    };
    let mut put = |field: &'static str, value| {
        let (number, reason) = split(value);
        reason.map(|reason| told.reasons.insert(field, reason));
        number
    };
    told.quantity_filled = put("quantity_filled", walk.base);
    told.notional_filled = put("notional_filled", walk.quote);
    told.vwap = put("vwap", walk.vwap);
    told.slippage = put("slippage", walk.slippage);
    told.slippage_bps = put("slippage_bps", walk.slippage_bps);
    told.slippage_mid_bps = put("slippage_mid_bps", walk.slippage_mid_bps);
    told.contracts_filled = Some(walk.size);
    told.best_price = Some(scale.price_f64(walk.best));
    told.levels_consumed = walk.levels;
    told.fully_filled = walk.short.is_none();
    if let Some(short) = walk.short {
        told.reasons.insert("fully_filled", snake(&short));
    }
    told.fills = walk.fills.iter().map(|fill| FillTold::of(fill, scale)).collect();
    told
}
