//! An estimate for people: one line per number, and the reason where there is none.

use crate::cost::CostTold;
use std::fmt::Write;

/// The estimate as text.
pub(super) fn table(told: &CostTold) -> String {
    let mut text = String::new();
    let number = |field: &str, value: Option<f64>, unit: &str| match value {
        Some(value) => format!("{} {unit}", figure(value)),
        None => {
            let reason = told.reasons.get(field).map_or("", String::as_str).replace('_', " ");
            format!("absent: {reason}")
        }
    };
    let mut line = |label: &str, value: String| {
        let _ = writeln!(text, "{label:<28}{}", value.trim_end()); // writing to a String cannot fail
    };
    let side = if told.side == crate::api::simulate::OrderSide::Buy { "buy" } else { "sell" };
    line("order", format!("{side} {} of {}", number("quantity", told.quantity, "coins"), told.symbol));
    line("book", format!("{}, at {}", told.stamp.validity, told.stamp.at.as_deref().unwrap_or("no time")));
    line("mid", number("mid", told.mid, ""));
    line("best price", number("best_price", told.best_price, ""));
    line("vwap", number("vwap", told.vwap, ""));
    line("filled at once", number("quantity_filled", told.quantity_filled, "coins"));
    if told.limit.is_some() {
        line("rests at the limit", number("quantity_rests", told.quantity_rests, "coins"));
    }
    if !told.fully_filled && told.limit.is_none() {
        line("not filled to the end", number("fully_filled", None, ""));
    }
    line("levels", told.levels_consumed.to_string());
    line("slippage to best", number("slippage_bps", told.slippage_bps, "bps"));
    line("slippage to mid", number("slippage_mid_bps", told.slippage_mid_bps, "bps"));
    line("slippage to microprice", number("slippage_microprice_bps", told.slippage_microprice_bps, "bps"));
    line("fee, taker", number("taker_fee_bps", told.taker_fee_bps, "bps"));
    line("fee, maker", number("maker_fee_bps", told.maker_fee_bps, "bps"));
    line("fee", number("fee", told.fee, "quote"));
    line("net cost at once", number("net_cost", told.net_cost, "quote"));
    line("", number("net_cost_bps", told.net_cost_bps, "bps"));
    let from = |measured: bool| if measured { "measured" } else { "given" };
    let volatility = number("volatility_annual_pct", told.volatility_annual_pct, "% a year");
    line("volatility", format!("{volatility}, {}", from(told.volatility_is_measured)));
    let volume = number("daily_volume_base", told.daily_volume_base, "coins a day");
    line("daily volume", format!("{volume}, {}", from(told.daily_volume_is_measured)));
    line("impact, square root", number("impact_root_bps", told.impact_root_bps, "bps on average"));
    line("", number("impact_root_peak_bps", told.impact_root_peak_bps, "bps at its end"));
    line("impact, Almgren 2005", number("impact_almgren_2005_bps", told.impact_almgren_2005_bps, "bps"));
    line("", number("impact_permanent_bps", told.impact_permanent_bps, "bps stay"));
    let over = format!("in {} slices over {} s", told.slices, told.horizon_seconds);
    line(&over, number("schedule_cost_bps", told.schedule_cost_bps, "bps"));
    line("", number("schedule_deviation_bps", told.schedule_deviation_bps, "bps is one deviation of it"));
    text
}

/// About nine digits, without zeros at the end.
fn figure(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let places = (8.0 - magnitude).clamp(0.0, 12.0) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_are_short() {
        for (value, text) in
            [(61_602.01, "61602.01"), (0.000_012_5, "0.0000125"), (0.0, "0"), (-0.5, "-0.5"), (1e12, "1000000000000")]
        {
            assert_eq!(figure(value), text);
        }
    }
}
