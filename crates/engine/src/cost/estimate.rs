//! Everything that can be said of an order before it is made: what the book, the fees and the models of impact come to.
//!
//! A number that cannot be vouched for is absent with its reason; a parameter that makes no sense refuses the whole.
//! Almgren-Chriss needs linear impact: gamma is the permanent part of Almgren 2005 per coin, eta its temporary part at the
//! rate of the straight line, so that both models say the same of an order worked off evenly.

use super::Refusal;
use super::almgren_2005::{self, almgren_2005};
use super::almgren_chriss::{self, AlmgrenChriss, Schedule};
use super::fees::Rates;
use super::parameter::{not_negative, positive, slices};
use super::square_root::{self, square_root};
use super::walk::{Amount, Walk, walk_to};
use crate::book::Book;
use crate::instrument::{Contract, Instrument};
use crate::metric::{Reason, Value};
use crate::output::Validity;
use crate::units::{Price, Side};

/// What is to be traded, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// Side of the book that it takes from: asks for a buy.
    pub side: Side,
    /// How much.
    pub amount: Amount,
    /// Takes nothing worse; what is left rests there.
    pub limit: Option<Price>,
    /// Time to work it off in, days.
    pub horizon_days: f64,
    /// Number of orders it is cut into.
    pub slices: u32,
    /// What variance is worth, 1 / quote currency.
    pub risk_aversion: f64,
}

/// What it meets.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// The book.
    pub book: &'a Book,
    /// Whether it may be believed.
    pub validity: Validity,
    /// What is traded.
    pub instrument: &'a Instrument,
    /// What is charged, if that is known.
    pub rates: Option<Rates>,
    /// Volatility, fraction of the price a day.
    pub sigma_daily: Value,
    /// Traded a day, base coins.
    pub daily_volume: Value,
    /// How strong impact is.
    pub strength: Strength,
}

/// Coefficients of impact, to be fitted to one's own orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// Square root: Y.
    pub y: f64,
    /// Almgren 2005, permanent.
    pub gamma: f64,
    /// Almgren 2005, temporary.
    pub eta: f64,
}

impl Default for Strength {
    fn default() -> Self {
        Strength { y: square_root::Y, gamma: almgren_2005::GAMMA, eta: almgren_2005::ETA }
    }
}

/// What is expected. Prices and money in quote currency; positive is worse for who trades.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Mid.
    pub mid: Value,
    /// Mid weighted by the sizes at the touch.
    pub microprice: Value,
    /// The order walked through the book.
    pub walk: Result<Walk, Reason>,
    /// The whole order, base coins (what is not filled counted at mid).
    pub base: Value,
    /// What is left resting at the limit, base coins; 0 without one.
    pub rests: Value,
    /// How much worse than the best price it is filled: price and bps.
    pub against_best: Worse,
    /// The same against mid.
    pub against_mid: Worse,
    /// The same against the microprice.
    pub against_microprice: Worse,
    /// Taker's fee, money.
    pub fee: Value,
    /// Taker's fee, bps.
    pub fee_bps: Value,
    /// Maker's fee, bps, for what rests.
    pub maker_fee_bps: Value,
    /// What taking it now costs against mid, fees in: money.
    pub net: Value,
    /// The same, bps.
    pub net_bps: Value,
    /// Impact by the square-root law at the order's end, bps.
    pub root_peak_bps: Value,
    /// What the order pays of it on average, bps.
    pub root_bps: Value,
    /// Impact that stays, Almgren 2005, bps.
    pub permanent_bps: Value,
    /// What the order pays by Almgren 2005, bps.
    pub almgren_2005_bps: Value,
    /// Almgren-Chriss with these parameters; times are days.
    pub model: Result<AlmgrenChriss, Reason>,
    /// Its best schedule at the order's risk aversion.
    pub schedule: Result<Schedule, Reason>,
    /// Its expected cost with half the spread and fees, bps.
    pub schedule_bps: Value,
    /// One standard deviation of it, bps.
    pub schedule_deviation_bps: Value,
}

/// A difference of prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worse {
    /// Quote currency per coin.
    pub price: Value,
    /// Bps of what it is compared with.
    pub bps: Value,
}

/// Estimates an order; of its fills at most `fills_max` are kept.
///
/// # Errors
/// A parameter of the order makes no sense, by its name.
pub fn estimate(order: &Order, market: &Market<'_>, fills_max: usize) -> Result<Estimate, Refusal> {
    check(order, market)?;
    let Market { book, validity, instrument, .. } = *market;
    let touch = Touch::of(market);
    let walk = walk_to(book, validity, instrument, order.side, order.amount, order.limit, fills_max);
    let (mid, microprice) = (touch.map(|it| it.mid), touch.map(|it| it.microprice));
    let of_walk = |pick: fn(&Walk) -> Value| walk.as_ref().map_or_else(|reason| Err(*reason), |walk| is(pick(walk)));
    let (vwap, filled) = (of_walk(|walk| walk.vwap), of_walk(|walk| walk.base));
    let sign = if order.side == Side::Ask { 1.0 } else { -1.0 };
    let worse = |than: Result<f64, Reason>| {
        let price = vwap.and_then(|vwap| Ok(sign * (vwap - than?)));
        Worse { price: price.into(), bps: price.and_then(|worse| Ok(worse / than? * 1e4)).into() }
    };
    let against_best =
        Worse { price: of_walk(|walk| walk.slippage).into(), bps: of_walk(|walk| walk.slippage_bps).into() };
    let against_mid = Worse { bps: of_walk(|walk| walk.slippage_mid_bps).into(), ..worse(mid) };

    let base = whole(order.amount, instrument, mid);
    let short = walk.as_ref().map_or_else(|reason| Some(*reason), |walk| walk.short);
    let rests = match order.limit {
        None => Ok(0.0),
        Some(_) => base.and_then(|base| Ok((base - filled?).max(0.0))),
    };
    // Without a limit, an order that is not filled to the end has no price.
    let taken = if order.limit.is_some() { Ok(()) } else { short.map_or(Ok(()), Err) };
    let rates = market.rates.ok_or(Reason::NoData);
    let fee_bps = rates.map(|rates| rates.taker_bps);
    let fee = taken.and_then(|()| Ok(of_walk(|walk| walk.quote)? * fee_bps? / 1e4));
    let net = taken.and_then(|()| Ok(is(against_mid.price)? * filled? + fee?));
    let net_bps = net.and_then(|net| Ok(net / (filled? * mid?) * 1e4));

    let models = Models::of(order, market, touch, base);
    Ok(Estimate {
        mid: mid.into(),
        microprice: microprice.into(),
        base: base.into(),
        rests: rests.into(),
        against_best,
        against_mid,
        against_microprice: worse(microprice),
        fee: fee.into(),
        fee_bps: fee_bps.into(),
        maker_fee_bps: rates.map(|rates| rates.maker_bps).into(),
        net: net.into(),
        net_bps: net_bps.into(),
        root_peak_bps: models.root.map(|it| it.peak * 1e4).into(),
        root_bps: models.root.map(|it| it.average * 1e4).into(),
        permanent_bps: models.almgren.map(|it| it.permanent * 1e4).into(),
        almgren_2005_bps: models.almgren.map(|it| it.cost * 1e4).into(),
        schedule_bps: models.per_notional(|schedule| schedule.cost.expected).into(),
        schedule_deviation_bps: models.per_notional(|schedule| schedule.cost.variance.sqrt()).into(),
        model: models.model,
        schedule: models.schedule,
        walk,
    })
}

fn check(order: &Order, market: &Market<'_>) -> Result<(), Refusal> {
    let (Amount::Size(amount) | Amount::Base(amount) | Amount::Quote(amount)) = order.amount;
    positive("quantity", amount.to_f64())?;
    positive("horizon", order.horizon_days)?;
    slices(order.slices)?;
    not_negative("risk-aversion", order.risk_aversion)?;
    if let Some(limit) = order.limit {
        positive("limit", limit.0 as f64)?;
    }
    market.sigma_daily.get().map_or(Ok(0.0), |sigma| not_negative("volatility", sigma))?;
    market.daily_volume.get().map_or(Ok(0.0), |volume| positive("daily-volume", volume))?;
    let Strength { y, gamma, eta } = market.strength;
    positive("y", y)?;
    positive("gamma", gamma)?;
    positive("eta", eta).map(|_| ())
}

/// The best bid and ask as prices.
#[derive(Clone, Copy, Debug)]
struct Touch {
    mid: f64,
    microprice: f64,
    spread: f64,
}

impl Touch {
    fn of(market: &Market<'_>) -> Result<Touch, Reason> {
        let Market { book, validity, instrument, .. } = *market;
        if validity != Validity::Live {
            return Err(Reason::BookInvalid);
        }
        let best = |side| {
            let level = book.best(side).ok_or(Reason::EmptySide)?;
            if book.is_known(side, level.price) { Ok(level) } else { Err(Reason::BeyondTrusted) }
        };
        let (bid, ask) = (best(Side::Bid)?, best(Side::Ask)?);
        let price = |units| instrument.scale.price_f64(Price(units));
        let mid = price(bid.price.0 + ask.price.0) / 2.0;
        let spread = price(ask.price.0 - bid.price.0);
        let (bids, asks) = (bid.size.0 as f64, ask.size.0 as f64);
        Ok(Touch { mid, microprice: mid + 0.5 * (bids - asks) / (bids + asks) * spread, spread })
    }
}

/// The whole order in base coins, at mid where these depend on the price.
fn whole(amount: Amount, instrument: &Instrument, mid: Result<f64, Reason>) -> Result<f64, Reason> {
    match amount {
        _ if instrument.contract == Contract::Unknown => Err(Reason::ContractUnknown),
        Amount::Base(coins) => Ok(coins.to_f64()),
        Amount::Quote(money) => Ok(money.to_f64() / mid?),
        Amount::Size(size) => {
            let price = if let Contract::Inverse(_) = instrument.contract { mid? } else { 1.0 };
            instrument.base_amount(price, size.to_f64()).ok_or(Reason::ContractUnknown)
        }
    }
}

fn is(value: Value) -> Result<f64, Reason> {
    match value {
        Value::Is(number) => Ok(number),
        Value::Absent(reason) => Err(reason),
    }
}

/// What the models say.
struct Models {
    root: Result<square_root::Impact, Reason>,
    almgren: Result<almgren_2005::Impact, Reason>,
    model: Result<AlmgrenChriss, Reason>,
    schedule: Result<Schedule, Reason>,
    /// Money that the order is worth at mid.
    notional: Result<f64, Reason>,
}

impl Models {
    fn of(order: &Order, market: &Market<'_>, touch: Result<Touch, Reason>, base: Result<f64, Reason>) -> Models {
        let (sigma, volume) = (is(market.sigma_daily), is(market.daily_volume));
        let Strength { y, gamma, eta } = market.strength;
        let root = base.and_then(|base| square_root(base, volume?, sigma?, y).map_err(undefined));
        let almgren = base.and_then(|base| {
            let (daily_volume, sigma_daily, days) = (volume?, sigma?, order.horizon_days);
            let params =
                almgren_2005::Params { quantity: base, daily_volume, sigma_daily, days, outstanding: None, gamma, eta };
            almgren_2005(params).map_err(undefined)
        });
        let model = almgren.and_then(|impact| {
            let (touch, quantity) = (touch?, base?);
            let rates = market.rates.ok_or(Reason::NoData)?;
            let rate = quantity / order.horizon_days;
            let params = almgren_chriss::Params {
                quantity,
                horizon: order.horizon_days,
                slices: order.slices,
                sigma: sigma? * touch.mid,
                epsilon: (touch.spread / 2.0 + rates.taker_bps / 1e4 * touch.mid).max(0.0),
                gamma: impact.permanent * touch.mid / quantity,
                eta: impact.temporary * touch.mid / rate,
            };
            AlmgrenChriss::new(params).map_err(undefined)
        });
        let schedule = model.and_then(|model| model.schedule(order.risk_aversion).map_err(undefined));
        Models { root, almgren, model, schedule, notional: base.and_then(|base| Ok(base * touch?.mid)) }
    }

    fn per_notional(&self, pick: fn(&Schedule) -> f64) -> Result<f64, Reason> {
        let money = self.schedule.as_ref().map_or_else(|reason| Err(*reason), |schedule| Ok(pick(schedule)))?;
        Ok(money / self.notional? * 1e4)
    }
}

/// What was checked before and is refused all the same is beyond what the model can reckon with.
fn undefined(_: Refusal) -> Reason {
    Reason::Undefined
}

#[cfg(test)]
mod tests;
