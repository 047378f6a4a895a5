//! What an order would cost: book walk, fees, impact, schedule, as the API tells it; and what is charged.

use super::asked::{Asked, Named, Origin, SourceQuery, amount, instrument};
use super::problem::Problem;
use super::simulate::{OrderQuery, WhoseQuery};
use super::{Api, Routes};
use crate::cost::{Ask, CostTold, Measured};
use axum::extract::State as Shared;
use axum::response::Json;
use fathometer_engine::cost::fees;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(cost)).routes(routes!(charged))
}

/// Most fills that are listed.
const FILLS_MAX: usize = 1_000;

/// How it is to be traded, and what the models take.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HowQuery {
    /// Takes nothing worse; a market order without.
    #[param(value_type = Option<f64>, minimum = 0.00000001, maximum = 1e12)]
    pub limit: Option<String>,
    /// Time to work it off in, seconds (default 1800).
    #[param(minimum = 1, maximum = 604_800)]
    pub horizon_seconds: Option<f64>,
    /// Number of orders it is cut into (default: one a minute).
    #[param(minimum = 1, maximum = 10_000)]
    pub slices: Option<u32>,
    /// What variance is worth, 1 / quote currency (default 0.000001).
    #[param(minimum = 0, maximum = 1e6)]
    pub risk_aversion: Option<f64>,
    /// Volatility, percent a year (default: as measured).
    #[param(minimum = 0, maximum = 10_000)]
    pub volatility_annual_pct: Option<f64>,
    /// Traded a day, base coins (default: scaled from the trades seen).
    #[param(minimum = 0.00000001, maximum = 1e15)]
    pub daily_volume: Option<f64>,
    /// Tier of the venue's fee table: `regular`, `vip3` (default: as configured).
    #[param(max_length = 32, example = "vip1")]
    pub fee_tier: Option<String>,
    /// Of the levels that are taken from, so many are listed in `fills` (default 0).
    #[param(maximum = 1000)]
    pub fills: Option<u32>,
}

/// What is charged for an instrument. Rates are bps of what is traded, a rebate is below zero.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeesTold {
    /// `venue:symbol`.
    pub symbol: String,
    /// The venue's fee table that it falls under; null if there is none, as for options.
    pub product: Option<&'static str>,
    /// The tier where none is asked for.
    pub tier: Option<String>,
    /// Each tier with its rates, discount taken off.
    pub tiers: Vec<TierTold>,
}

/// The rates of one tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierTold {
    /// `regular`, `vip1`, ...
    pub name: String,
    /// For orders that rest.
    pub maker_bps: f64,
    /// For orders that take.
    pub taker_bps: f64,
}

/// The tiers of an instrument's fee table, as configured.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/fees", tag = "market", params(Named, SourceQuery),
    responses((status = 200, description = "What is charged", body = FeesTold)))]
async fn charged(
    Shared(api): Shared<Arc<Api>>,
    Named { id }: Named,
    Origin(state): Origin,
) -> Result<Json<FeesTold>, Problem> {
    let view = state.view();
    let market = view.get(instrument(&view, &id)?).ok_or_else(|| Problem::busy("the instruments have just changed"))?;
    let table = fees::table(&api.fees, &market.info);
    let told = |table: &fees::Table, name: &str| {
        let rates = table.rates(Some(name))?;
        Some(TierTold { name: name.to_owned(), maker_bps: rates.maker_bps, taker_bps: rates.taker_bps })
    };
    Ok(Json(FeesTold {
        symbol: market.id.clone(),
        product: table.map(|table| table.product.name()),
        tier: table.map(|table| table.tier.clone()),
        tiers: table
            .map_or_else(Vec::new, |table| table.tiers.iter().filter_map(|tier| told(table, &tier.name)).collect()),
    }))
}

/// What an order would cost now, at once or over a horizon.
#[utoipa::path(get, path = "/api/v1/cost", tag = "market", params(WhoseQuery, OrderQuery, HowQuery, SourceQuery),
    responses((status = 200, description = "The estimate", body = CostTold)))]
async fn cost(
    Shared(api): Shared<Arc<Api>>,
    Asked(whose): Asked<WhoseQuery>,
    Asked(order): Asked<OrderQuery>,
    Asked(how): Asked<HowQuery>,
    Origin(state): Origin,
) -> Result<Json<CostTold>, Problem> {
    let mut ask = how.ask(&order)?;
    let (index, symbol, measured) = {
        let view = state.view();
        let index = instrument(&view, &whose.instrument)?;
        let market = view.get(index).ok_or_else(|| Problem::busy("the instruments have just changed"))?;
        let table = fees::table(&api.fees, &market.info);
        ask.rates = table.and_then(|table| table.rates(how.fee_tier.as_deref()));
        if let (Some(tier), Some(table), None) = (&how.fee_tier, table, ask.rates) {
            return Err(unknown_tier(tier, table));
        }
        (index, market.id.clone(), Measured::of(&view, market))
    };
    let question = ask.clone();
    let looked = state.ask(move |engine| question.look(engine, index, &measured)).await?;
    let looked = looked.ok_or_else(|| Problem::busy("the instrument has just been added"))?;
    let looked =
        looked.map_err(|refusal| Problem::malformed(refusal.to_string(), "see /api/v1/docs for the ranges"))?;
    Ok(Json(ask.tell(symbol, &measured, &looked, state.now())))
}

impl HowQuery {
    fn ask(&self, order: &OrderQuery) -> Result<Ask, Problem> {
        let within = |name: &str, value: Option<f64>, usual: f64, range: std::ops::RangeInclusive<f64>| match value {
            Some(number) if !range.contains(&number) => {
                let remedy = format!("{name} is between {} and {}", range.start(), range.end());
                Err(Problem::malformed(format!("{name} is {number}"), &remedy))
            }
            _ => Ok(value.unwrap_or(usual)),
        };
        let volatility = within("volatility_annual_pct", self.volatility_annual_pct, 0.0, 0.0..=1e4)?;
        let volume = within("daily_volume", self.daily_volume, 1.0, 1e-8..=1e15)?;
        if self.slices.is_some_and(|slices| !(1..=10_000).contains(&slices)) {
            return Err(Problem::malformed("slices is out of range", "slices is between 1 and 10000"));
        }
        let fills_max = self.fills.unwrap_or(0) as usize;
        if fills_max > FILLS_MAX {
            return Err(Problem::malformed(format!("fills is {fills_max}"), "fills is at most 1000"));
        }
        Ok(Ask {
            side: order.side,
            amount: order.amount()?,
            limit: self.limit.as_deref().map(|text| amount("limit", text)).transpose()?,
            horizon_seconds: within("horizon_seconds", self.horizon_seconds, 1_800.0, 1.0..=604_800.0)?,
            slices: self.slices,
            risk_aversion: within("risk_aversion", self.risk_aversion, 1e-6, 0.0..=1e6)?,
            volatility_annual_pct: self.volatility_annual_pct.map(|_| volatility),
            daily_volume: self.daily_volume.map(|_| volume),
            rates: None,
            fills_max,
        })
    }
}

fn unknown_tier(tier: &str, table: &fees::Table) -> Problem {
    let shown: String = tier.chars().take(32).collect();
    let names: Vec<String> = table.tiers.iter().map(|tier| tier.name.clone()).collect();
    Problem::malformed(format!("`{shown}` is no fee tier of {}", table.product.name()), "ask for one of `candidates`")
        .meaning(names)
}
