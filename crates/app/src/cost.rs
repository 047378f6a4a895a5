//! What an order would cost, as the API and `fathometer cost` tell it: the engine's estimate with its inputs and reasons.

use crate::api::simulate::{FillTold, OrderSide};
use crate::api::stamp::{Stamp, snake, split};
use crate::view::{Market as MarketView, View};
use fathometer_engine::cost::Refusal;
use fathometer_engine::cost::estimate::{Estimate, Market, Order, Strength, estimate};
use fathometer_engine::cost::fees::Rates;
use fathometer_engine::cost::walk::Amount;
use fathometer_engine::engine::Engine;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::metric::{Reason, Value};
use fathometer_engine::output::Validity;
use fathometer_engine::units::{Decimal, Nanos, POW10, Price, Scale, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A slice a minute, if nothing else is asked for.
const SLICE_SECONDS: f64 = 60.0;
const SLICES_USUAL_MAX: f64 = 1_000.0;
/// Points of the frontier that are told.
const FRONTIER_POINTS: usize = 24;
const DAY_SECONDS: f64 = 86_400.0;
const YEAR_DAYS: f64 = 365.0;

/// An order whose cost is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Buy or sell.
    pub side: OrderSide,
    /// How much.
    pub amount: Amount,
    /// Takes nothing worse; a market order without.
    pub limit: Option<Decimal>,
    /// Time to work it off in, seconds.
    pub horizon_seconds: f64,
    /// Number of orders it is cut into; one a minute if none is given.
    pub slices: Option<u32>,
    /// What variance is worth, 1 / quote currency.
    pub risk_aversion: f64,
    /// Percent a year; measured if none is given.
    pub volatility_annual_pct: Option<f64>,
    /// Base coins; scaled from the trades seen if none is given.
    pub daily_volume: Option<f64>,
    /// What is charged, if that is known.
    pub rates: Option<Rates>,
    /// Of its fills so many are told.
    pub fills_max: usize,
}

/// What has been measured of a market.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    volatility_annual_pct: Value,
    daily_volume: Value,
    latency_avg_ms: Option<f64>,
}

impl Measured {
    /// Out of the latest sample.
    pub fn of(view: &View, market: &MarketView) -> Measured {
        let column = |begins: &str, ends: &str| {
            let found = view.columns.iter().find(|column| column.id.starts_with(begins) && column.id.ends_with(ends));
            found.map_or(Value::Absent(Reason::NoData), |column| view.value(market, &column.id))
        };
        let [buys, sells] = ["volume_buy_", "volume_sell_"].map(|begins| column(begins, "_base_per_s"));
        let daily_volume = match (buys, sells) {
            (Value::Is(buys), Value::Is(sells)) if buys + sells > 0.0 => Value::Is((buys + sells) * DAY_SECONDS),
            (Value::Absent(reason), _) | (_, Value::Absent(reason)) => Value::Absent(reason),
            _ => Value::Absent(Reason::NoData),
        };
        let volatility_annual_pct = column("volatility_", "_annual_pct");
        Measured { volatility_annual_pct, daily_volume, latency_avg_ms: market.latency_avg_ms }
    }
}

/// What an order would cost. Positive is worse for who trades; a null has its reason in `reasons`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CostTold {
    /// `venue:symbol`.
    pub symbol: String,
    /// What the order does.
    pub side: OrderSide,
    /// Takes nothing worse; null for a market order.
    pub limit: Option<f64>,
    /// Time to work it off in, seconds.
    pub horizon_seconds: f64,
    /// Number of orders it is cut into.
    pub slices: u32,
    /// What variance is worth, 1 / quote currency.
    pub risk_aversion: f64,
    /// Volatility that the models take, percent a year.
    pub volatility_annual_pct: Option<f64>,
    /// Whether it was measured here rather than given.
    pub volatility_is_measured: bool,
    /// Daily volume that the models take, base coins.
    pub daily_volume_base: Option<f64>,
    /// Whether it was scaled from the trades of the metrics' window rather than given.
    pub daily_volume_is_measured: bool,
    /// The whole order, base coins.
    pub quantity: Option<f64>,
    /// Filled at once, base coins.
    pub quantity_filled: Option<f64>,
    /// The same, quote currency.
    pub notional_filled: Option<f64>,
    /// Left resting at the limit, base coins.
    pub quantity_rests: Option<f64>,
    /// Whether the book, as far as it is known, holds all of it.
    pub fully_filled: bool,
    /// Levels taken from.
    pub levels_consumed: usize,
    /// Level by level, best first; as many as were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills: Vec<FillTold>,
    /// Quote currency per base coin, on average.
    pub vwap: Option<f64>,
    /// The best price of the side that is taken from.
    pub best_price: Option<f64>,
    /// Mid.
    pub mid: Option<f64>,
    /// Mid weighted by the sizes at the touch.
    pub microprice: Option<f64>,
    /// `vwap` worse than the best price.
    pub slippage: Option<f64>,
    /// The same, bps.
    pub slippage_bps: Option<f64>,
    /// `vwap` worse than mid.
    pub slippage_mid: Option<f64>,
    /// The same, bps.
    pub slippage_mid_bps: Option<f64>,
    /// `vwap` worse than the microprice.
    pub slippage_microprice: Option<f64>,
    /// The same, bps.
    pub slippage_microprice_bps: Option<f64>,
    /// Fee for taking, bps.
    pub taker_fee_bps: Option<f64>,
    /// Fee for resting, bps; a rebate is below zero.
    pub maker_fee_bps: Option<f64>,
    /// Fee for what is filled at once, quote currency.
    pub fee: Option<f64>,
    /// Slippage against mid and fee of taking it now, quote currency.
    pub net_cost: Option<f64>,
    /// The same, bps.
    pub net_cost_bps: Option<f64>,
    /// Impact at the order's end by the square-root law, bps.
    pub impact_root_peak_bps: Option<f64>,
    /// What the order pays of it on average, bps.
    pub impact_root_bps: Option<f64>,
    /// Impact that stays, by Almgren and others 2005, bps.
    pub impact_permanent_bps: Option<f64>,
    /// What the order pays by Almgren and others 2005 over the horizon, bps.
    pub impact_almgren_2005_bps: Option<f64>,
    /// Expected cost of the schedule, half the spread and fees in, bps.
    pub schedule_cost_bps: Option<f64>,
    /// One standard deviation of it, bps.
    pub schedule_deviation_bps: Option<f64>,
    /// How Almgren and Chriss would cut the order; null where a parameter is missing.
    pub schedule: Option<ScheduleTold>,
    /// The market's push to our receipt, mean of about the last minute, ms.
    pub latency_ms: Option<f64>,
    /// By field, why it is null; `fully_filled` tells why it is false.
    pub reasons: BTreeMap<String, String>,
    /// How far the book may be believed.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// How an order would be cut.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ScheduleTold {
    /// What is left at the start of each slice and at the end, base coins.
    pub trajectory: Vec<f64>,
    /// What is traded in each slice, base coins.
    pub trades: Vec<f64>,
    /// Time in which what is left falls to 1/e, seconds; null for a straight line.
    pub half_life_seconds: Option<f64>,
    /// Best schedules from the least expected cost to the least risk.
    pub frontier: Vec<FrontierPoint>,
}

/// A point of the efficient frontier.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FrontierPoint {
    /// 1 / quote currency.
    pub risk_aversion: f64,
    /// Expected cost, bps.
    pub cost_bps: f64,
    /// One standard deviation of it, bps.
    pub deviation_bps: f64,
}

/// What the engine knows of the order's book, and its estimate; whoever holds the engine makes it.
pub struct Looked {
    estimate: Estimate,
    scale: Scale,
    validity: Validity,
    sequence: i64,
    last_at: Option<Nanos>,
}

impl Ask {
    fn slices(&self) -> u32 {
        self.slices.unwrap_or((self.horizon_seconds / SLICE_SECONDS).round().clamp(1.0, SLICES_USUAL_MAX) as u32)
    }

    fn volatility(&self, measured: &Measured) -> Value {
        self.volatility_annual_pct.map_or(measured.volatility_annual_pct, Value::Is)
    }

    fn daily_volume(&self, measured: &Measured) -> Value {
        self.daily_volume.map_or(measured.daily_volume, Value::Is)
    }

    /// Estimates it on an engine's book; none if there is no such instrument.
    ///
    /// # Errors
    /// A parameter makes no sense, by its name.
    pub fn look(&self, engine: &Engine, id: InstrumentId, measured: &Measured) -> Option<Result<Looked, Refusal>> {
        let instrument = engine.registry().all().get(id.0 as usize)?;
        let (book, status) = (engine.book(id)?, engine.status(id));
        let validity = status.as_ref().map_or(Validity::Empty, |status| status.validity);
        let side = if self.side == OrderSide::Buy { Side::Ask } else { Side::Bid };
        let order = Order {
            side,
            amount: self.amount,
            limit: self.limit.map(|limit| within(limit, side, instrument.scale.price)),
            horizon_days: self.horizon_seconds / DAY_SECONDS,
            slices: self.slices(),
            risk_aversion: self.risk_aversion,
        };
        let sigma_daily = match self.volatility(measured) {
            Value::Is(pct) => Value::Is(pct / 100.0 / YEAR_DAYS.sqrt()),
            absent => absent,
        };
        let market = Market {
            book,
            validity,
            instrument,
            rates: self.rates,
            sigma_daily,
            daily_volume: self.daily_volume(measured),
            strength: Strength::default(),
        };
        let looked = |estimate| Looked {
            estimate,
            scale: instrument.scale,
            validity,
            sequence: status.as_ref().map_or(-1, |status| status.last_update_id),
            last_at: status.as_ref().map(|status| status.last_at),
        };
        Some(estimate(&order, &market, self.fills_max).map(looked))
    }

    /// Puts the estimate into words.
    pub fn tell(&self, symbol: String, measured: &Measured, looked: &Looked, now: Nanos) -> CostTold {
        let it = &looked.estimate;
        let mut reasons = BTreeMap::new();
        let mut put = |field: &str, value: Value| {
            let (number, reason) = split(value);
            reason.map(|reason| reasons.insert(field.to_owned(), reason));
            number
        };
        let walk = it.walk.as_ref();
        let of_walk = |pick: fn(&fathometer_engine::cost::walk::Walk) -> Value| {
            walk.map_or_else(|reason| Value::Absent(*reason), pick)
        };
        let best_price = walk.map(|walk| looked.scale.price_f64(walk.best)).map_err(|reason| *reason).into();
        let short = walk.map_or_else(|reason| Some(*reason), |walk| walk.short);
        let mut told = CostTold {
            symbol,
            side: self.side,
            limit: self.limit.map(Decimal::to_f64),
            horizon_seconds: self.horizon_seconds,
            slices: self.slices(),
            risk_aversion: self.risk_aversion,
            volatility_annual_pct: put("volatility_annual_pct", self.volatility(measured)),
            volatility_is_measured: self.volatility_annual_pct.is_none(),
            daily_volume_base: put("daily_volume_base", self.daily_volume(measured)),
            daily_volume_is_measured: self.daily_volume.is_none(),
            quantity: put("quantity", it.base),
            quantity_filled: put("quantity_filled", of_walk(|walk| walk.base)),
            notional_filled: put("notional_filled", of_walk(|walk| walk.quote)),
            quantity_rests: put("quantity_rests", it.rests),
            fully_filled: short.is_none(),
            levels_consumed: walk.map_or(0, |walk| walk.levels),
            fills: walk.map_or_else(
                |_| Vec::new(),
                |it| it.fills.iter().map(|fill| FillTold::of(fill, looked.scale)).collect(),
            ),
            vwap: put("vwap", of_walk(|walk| walk.vwap)),
            best_price: put("best_price", best_price),
            mid: put("mid", it.mid),
            microprice: put("microprice", it.microprice),
            slippage: put("slippage", it.against_best.price),
            slippage_bps: put("slippage_bps", it.against_best.bps),
            slippage_mid: put("slippage_mid", it.against_mid.price),
            slippage_mid_bps: put("slippage_mid_bps", it.against_mid.bps),
            slippage_microprice: put("slippage_microprice", it.against_microprice.price),
            slippage_microprice_bps: put("slippage_microprice_bps", it.against_microprice.bps),
            taker_fee_bps: put("taker_fee_bps", it.fee_bps),
            maker_fee_bps: put("maker_fee_bps", it.maker_fee_bps),
            fee: put("fee", it.fee),
            net_cost: put("net_cost", it.net),
            net_cost_bps: put("net_cost_bps", it.net_bps),
            impact_root_peak_bps: put("impact_root_peak_bps", it.root_peak_bps),
            impact_root_bps: put("impact_root_bps", it.root_bps),
            impact_permanent_bps: put("impact_permanent_bps", it.permanent_bps),
            impact_almgren_2005_bps: put("impact_almgren_2005_bps", it.almgren_2005_bps),
            schedule_cost_bps: put("schedule_cost_bps", it.schedule_bps),
            schedule_deviation_bps: put("schedule_deviation_bps", it.schedule_deviation_bps),
            schedule: None,
            latency_ms: measured.latency_avg_ms,
            reasons: BTreeMap::new(),
            stamp: Stamp::new(looked.validity, looked.sequence, looked.last_at, now),
        };
        match schedule(it) {
            Ok(schedule) => told.schedule = Some(schedule),
            Err(reason) => drop(reasons.insert("schedule".to_owned(), snake(&reason))),
        }
        if measured.latency_avg_ms.is_none() {
            reasons.insert("latency_ms".to_owned(), snake(&Reason::NoData));
        }
        if let Some(short) = short {
            reasons.insert("fully_filled".to_owned(), snake(&short));
        }
        told.reasons = reasons;
        told
    }
}

fn schedule(it: &Estimate) -> Result<ScheduleTold, Reason> {
    let (schedule, model) = (it.schedule.as_ref().map_err(|reason| *reason)?, it.model?);
    let notional = match (it.base, it.mid) {
        (Value::Is(base), Value::Is(mid)) => base * mid,
        (Value::Absent(reason), _) | (_, Value::Absent(reason)) => return Err(reason),
    };
    let point = |point: fathometer_engine::cost::almgren_chriss::Point| FrontierPoint {
        risk_aversion: point.risk_aversion,
        cost_bps: point.cost.expected / notional * 1e4,
        deviation_bps: point.cost.variance.sqrt() / notional * 1e4,
    };
    Ok(ScheduleTold {
        trajectory: schedule.trajectory.clone(),
        trades: schedule.trades.clone(),
        half_life_seconds: schedule.half_life.map(|days| days * DAY_SECONDS),
        frontier: model.frontier(FRONTIER_POINTS).into_iter().map(point).collect(),
    })
}

/// The worst price in units that is still within a limit, which may have more decimals than the instrument's prices.
fn within(limit: Decimal, side: Side, decimals: u8) -> Price {
    if let Ok(units) = limit.at(decimals) {
        return Price(units);
    }
    let places = usize::from(limit.decimals.saturating_sub(decimals));
    let unit = POW10.get(places).copied().unwrap_or(i64::MAX);
    let down = limit.mantissa.div_euclid(unit);
    Price(if side == Side::Bid { down + 1 } else { down })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_between_two_prices_takes_the_better() {
        let price = |text: &str, side| within(text.parse().unwrap(), side, 1).0;
        assert_eq!((price("100.05", Side::Ask), price("100.05", Side::Bid)), (1_000, 1_001));
        assert_eq!((price("100.1", Side::Ask), price("100.1", Side::Bid)), (1_001, 1_001));
    }
}
