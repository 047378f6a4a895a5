//! A live run without a screen: one line per instrument every ten seconds.

use super::state::State;
use crate::tui::draw::validity;
use crate::tui::number::{ABSENT, fixed, millis, short};
use crate::view::{Market, View};
use fathometer_engine::metric::Value;

/// Seconds between two reports.
pub const REPORT_SECONDS: f64 = 10.0;

/// Logs the state of every instrument.
pub fn report(state: &State) {
    let health = state.health();
    tracing::info!(
        status = health.status,
        uptime_seconds = health.uptime_seconds.round(),
        memory_mb = health.memory_mb.map(f64::round),
        connections = health.connections,
        lag_ms_p99 = health.lag_ms_p99,
        live = health.symbols_live,
        symbols = health.symbols,
        "health"
    );
    let view = state.view();
    for market in &view.markets {
        line(&view, market);
    }
}

fn line(view: &View, market: &Market) {
    let number = |column: &str, write: &dyn Fn(f64) -> String| match view.value(market, column) {
        Value::Is(number) => write(number),
        Value::Absent(_) => ABSENT.to_owned(),
    };
    let status = market.status.as_ref();
    let counters = status.map(|status| status.counters).unwrap_or_default();
    let latency = status.and_then(|status| status.latency_ns);
    tracing::info!(
        instrument = market.id,
        book = ?validity(market),
        mid = number("mid", &|mid| fixed(mid, market.info.scale.price as usize + 1)),
        spread_bps = number("spread_bps", &|bps| fixed(bps, 3)),
        depth_bid_10bps = number("depth_bid_10bps_quote", &short),
        depth_ask_10bps = number("depth_ask_10bps_quote", &short),
        latency_ms = latency.map_or(ABSENT.to_owned(), |(nanos, _)| millis(nanos)),
        frames = counters.frames,
        gaps = counters.gaps,
        resyncs = counters.resyncs,
        audit_checked = counters.audit_checked,
        audit_matched = counters.audit_matched,
        "book"
    );
}
