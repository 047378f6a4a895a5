//! `exchanges.yaml`: where each exchange is reached and how its connections are kept.

use super::node::Node;
use super::problem::{Problems, hint};
use super::table::Table;
use fathometer_engine::instrument::Venue;
use fathometer_engine::venue::Endpoints;
use serde::Serialize;

/// One market of an exchange as it is to be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VenueSettings {
    /// Which.
    pub venue: Venue,
    /// Whether it is to be used.
    pub enabled: bool,
    /// Where it is.
    pub endpoints: Endpoints,
    /// How its connections are kept.
    pub connection: Connection,
}

/// How connections are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Connection {
    /// Most frames sent a second and connection; requests over HTTP have the budget of the venue.
    pub rate_limit_per_second: u32,
    /// Attempts before giving up; 0 = for ever.
    pub reconnect_attempts_max: u32,
    /// First wait before connecting anew, seconds.
    pub backoff_seconds_min: f64,
    /// Longest wait before connecting anew, seconds.
    pub backoff_seconds_max: f64,
    /// Two connections per stream.
    pub redundant: bool,
}

impl Default for Connection {
    fn default() -> Self {
        Connection {
            rate_limit_per_second: 10,
            reconnect_attempts_max: 0,
            backoff_seconds_min: 1.0,
            backoff_seconds_max: 30.0,
            redundant: false,
        }
    }
}

/// The exchanges that can be configured; one exchange is one or more venues.
pub const EXCHANGES: [&str; 2] = ["binance", "okx"];

const WS: [&str; 2] = ["wss://", "ws://"];
const HTTP: [&str; 2] = ["https://", "http://"];

/// Reads the file's tree.
pub fn read(node: &Node, problems: &Problems) -> Vec<VenueSettings> {
    let Some(file) = Table::open(node, "", problems) else { return Vec::new() };
    let exchanges = file.table("exchanges");
    let mut all = Vec::new();
    for (key, node) in exchanges.iter().flat_map(|table| table.entries()) {
        match key.name.as_str() {
            "binance" => binance(node, problems, &mut all),
            "okx" => okx(node, problems, &mut all),
            other => {
                problems.error(&key.at, format!("unknown exchange `{other}`{}", hint(other, &EXCHANGES)));
            }
        }
    }
    file.finish();
    all
}

fn binance(node: &Node, problems: &Problems, all: &mut Vec<VenueSettings>) {
    let Some(exchange) = Table::open(node, "binance", problems) else { return };
    let (enabled, connection) = common(&exchange);
    let mut ws = [None, None, None];
    let mut market = exchange.node("market").and_then(|_| exchange.url("market", &WS));
    if let Some(table) = exchange.table("websocket") {
        ws = ["spot", "futures", "coin_futures"].map(|key| table.url(key, &WS).map(|url| stream_base(&url)));
        market = market.or_else(|| table.node("market").and_then(|_| table.url("market", &WS)));
        table.finish();
    }
    if let (Some(market), Some(futures)) = (market, &ws[1])
        && stream_base(&market) != *futures
    {
        let text = format!("`market` is the futures' second path and has to stand on the same host: {futures}/market");
        problems.error(&node.at, text);
    }
    let mut rest = [None, None, None];
    if let Some(table) = exchange.table("rest") {
        rest = ["spot", "futures", "coin_futures"].map(|key| table.url(key, &HTTP));
        table.finish();
    }
    exchange.finish();
    let venues = [Venue::Binance, Venue::BinanceUsdm, Venue::BinanceCoinm];
    for ((venue, ws), rest) in venues.into_iter().zip(ws).zip(rest) {
        if let (Some(ws), Some(rest)) = (ws, rest) {
            all.push(VenueSettings { venue, enabled, endpoints: Endpoints { ws, rest }, connection });
        }
    }
}

fn okx(node: &Node, problems: &Problems, all: &mut Vec<VenueSettings>) {
    let Some(exchange) = Table::open(node, "okx", problems) else { return };
    let (enabled, connection) = common(&exchange);
    let rest = exchange.url("rest", &HTTP);
    let mut ws = None;
    if let Some(table) = exchange.table("websocket") {
        let futures = table.url("futures", &WS).map(|url| okx_base(&url));
        let spot = table.url("spot", &WS).map(|url| okx_base(&url));
        if let (Some(spot), Some(futures)) = (&spot, &futures)
            && spot != futures
        {
            let text =
                format!("OKX serves spot and futures at one address, but `websocket` names two: {spot} and {futures}");
            problems.error(&table.at, text);
        }
        ws = futures.or(spot);
        table.finish();
    }
    exchange.finish();
    if let (Some(ws), Some(rest)) = (ws, rest) {
        all.push(VenueSettings { venue: Venue::Okx, enabled, endpoints: Endpoints { ws, rest }, connection });
    }
}

fn common(exchange: &Table<'_>) -> (bool, Connection) {
    let enabled = exchange.bool("enabled").unwrap_or(true);
    let mut it = Connection { redundant: exchange.bool("redundant").unwrap_or(false), ..Connection::default() };
    if let Some(backoff) = exchange.table("backoff") {
        it.backoff_seconds_min = backoff.number("min_seconds", 0.1..=3600.0).unwrap_or(it.backoff_seconds_min);
        it.backoff_seconds_max = backoff.number("max_seconds", 0.1..=3600.0).unwrap_or(it.backoff_seconds_max);
        backoff.finish();
    }
    if let Some(connection) = exchange.table("connection") {
        let rate = connection.integer("rate_limit_per_second", 1..=1000);
        it.rate_limit_per_second = rate.map_or(it.rate_limit_per_second, |rate| rate as u32);
        // The first wait is never shorter than the delay that older files name.
        let delay = connection.number("reconnect_delay_seconds", 0.0..=3600.0).unwrap_or(0.0);
        it.backoff_seconds_min = it.backoff_seconds_min.max(delay);
        let attempts = connection.integer("max_reconnect_attempts", 0..=1_000_000);
        it.reconnect_attempts_max = attempts.map_or(it.reconnect_attempts_max, |attempts| attempts as u32);
        connection.finish();
    }
    it.backoff_seconds_max = it.backoff_seconds_max.max(it.backoff_seconds_min);
    (enabled, it)
}

/// The base of a Binance stream address: existing files name `/ws`, `/stream` or the futures' paths with it.
pub fn stream_base(url: &str) -> String {
    let mut base = url.trim_end_matches('/');
    for path in ["/ws", "/stream", "/public", "/market"] {
        base = base.strip_suffix(path).unwrap_or(base);
    }
    base.to_owned()
}

/// The base of an OKX socket address, without the last part that names the channel group.
pub fn okx_base(url: &str) -> String {
    let base = url.trim_end_matches('/');
    let base = ["/public", "/business", "/private"].iter().find_map(|path| base.strip_suffix(path)).unwrap_or(base);
    base.to_owned()
}
