//! How each venue is reached and what it allows: connections to open, frames to send, requests to make. All pure.

use super::{Endpoints, LinkPlan, Request, binance, okx};
use crate::instrument::Venue;

/// What a venue lets one address ask for over HTTP, with our margin already taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Sum of `Request::weight` per minute.
    pub weight_per_minute: u32,
    /// Requests under way at the same time.
    pub in_flight_max: u32,
}

/// Where the venue itself is.
pub fn default_endpoints(venue: Venue) -> Endpoints {
    let (ws, rest) = match venue {
        Venue::Binance => ("wss://stream.binance.com:9443", "https://api.binance.com"),
        Venue::BinanceUsdm => ("wss://fstream.binance.com", "https://fapi.binance.com"),
        Venue::BinanceCoinm => ("wss://dstream.binance.com", "https://dapi.binance.com"),
        Venue::Okx => ("wss://ws.okx.com:8443/ws/v5", "https://www.okx.com"),
    };
    Endpoints { ws: ws.to_owned(), rest: rest.to_owned() }
}

/// Connections that carry everything we want of those symbols, within the venue's limits. A symbol named twice is
/// carried once.
pub fn plan(venue: Venue, endpoints: &Endpoints, symbols: &[String]) -> Vec<LinkPlan> {
    let symbols = distinct(symbols);
    match venue {
        Venue::Okx => okx::plan::links(&endpoints.ws, &symbols),
        _ => binance::plan::links(venue, &endpoints.ws, &symbols),
    }
}

/// Whether depth comes over a connection with that address.
pub fn carries_depth(venue: Venue, url: &str) -> bool {
    venue != Venue::BinanceUsdm || !url.contains("/market/")
}

/// The HTTP request for a book, where the venue's streams do not bring one: as deep as the budget allows if that many
/// `books` are asked for at once.
pub fn snapshot_request(venue: Venue, symbol: &str, books: usize) -> Option<Request> {
    match venue {
        Venue::Okx => None, // every subscription begins with a snapshot
        _ => Some(binance::plan::snapshot(venue, symbol, books)),
    }
}

/// The HTTP request for a book to compare a live one with, as deep as the venue gives it.
pub fn comparison_request(venue: Venue, symbol: &str) -> Request {
    match venue {
        Venue::Okx => okx::plan::book(symbol),
        _ => binance::plan::snapshot(venue, symbol, 1),
    }
}

/// Requests to make once, before anything else: what the instruments are.
pub fn startup_requests(venue: Venue, symbols: &[String]) -> Vec<Request> {
    let symbols = distinct(symbols);
    match venue {
        Venue::Okx => okx::plan::instruments(&symbols),
        _ => binance::plan::exchange_info(venue, &symbols),
    }
}

/// Requests to repeat, each with its period in seconds: what the venue does not stream.
pub fn periodic_requests(venue: Venue, symbols: &[String]) -> Vec<(Request, u32)> {
    match venue {
        Venue::Okx => Vec::new(), // everything is streamed
        _ => binance::plan::periodic(venue, &distinct(symbols)),
    }
}

/// The HTTP request for the venue's clock.
pub fn time_request(venue: Venue) -> Request {
    let path = match venue {
        Venue::Binance => "/api/v3/time",
        Venue::BinanceUsdm => "/fapi/v1/time",
        Venue::BinanceCoinm => "/dapi/v1/time",
        Venue::Okx => "/api/v5/public/time",
    };
    Request { path: path.to_owned(), weight: 1 }
}

/// Text frames that make the venue send a book from its beginning, on the connection that carries it; none where a
/// snapshot is asked for over HTTP instead.
pub fn resubscribe(venue: Venue, symbol: &str) -> Vec<String> {
    match venue {
        Venue::Okx => okx::plan::resubscribe(symbol),
        _ => Vec::new(),
    }
}

/// What we allow ourselves of the venue's HTTP limits.
pub fn budget(venue: Venue) -> Budget {
    let (weight_per_minute, in_flight_max) = match venue {
        Venue::Binance => (4800, 4),     // of 6000 per address
        Venue::BinanceUsdm => (1400, 4), // of 2400 per address, a pool that both futures markets share
        Venue::BinanceCoinm => (600, 2),
        Venue::Okx => (480, 2), // instruments: 20 per 2 s, the narrowest that we use
    };
    Budget { weight_per_minute, in_flight_max }
}

/// What an HTTP status means and what to do about it; starts with a separator, empty where nothing is to be said.
pub fn advice(status: u16) -> &'static str {
    match status {
        403 => {
            ": its firewall refuses this request, because of the rate of requests or because of the place it comes from. \
             Wait some minutes or use another network; for Binance point `rest` at https://data-api.binance.vision and `ws` \
             at wss://data-stream.binance.vision; or try `fathometer demo`, which needs no exchange"
        }
        451 => {
            ": it does not serve the place this machine is in (geo-block). For Binance point `rest` at \
             https://data-api.binance.vision and `ws` at wss://data-stream.binance.vision; or try `fathometer demo`, \
             which needs no exchange"
        }
        429 => ": too many requests from this address; waiting as long as it asks",
        418 => ": this address is banned for a while after too many requests; waiting as long as it asks",
        404 => ": no such path; check `ws` and `rest` of this exchange",
        500..=599 => ": a trouble on its side; trying again",
        _ => "",
    }
}

fn distinct(symbols: &[String]) -> Vec<String> {
    let mut seen = rustc_hash::FxHashSet::default();
    symbols.iter().filter(|s| seen.insert(s.as_str())).cloned().collect()
}

/// `base` (scheme, host, perhaps a path) without what a person may have copied of the path that we append.
pub(super) fn trimmed<'a>(base: &'a str, endings: &[&str]) -> &'a str {
    let mut base = base.trim_end_matches('/');
    for ending in endings {
        base = base.strip_suffix(ending).unwrap_or(base);
    }
    base
}

/// A query value: everything but letters, digits and `-._~` percent-encoded.
pub(super) fn encoded(value: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}"); // writing to a String cannot fail
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(venue: Venue, n: usize) -> Vec<String> {
        let name = |i: usize| match (venue, i % 4) {
            (Venue::Okx, 0) => format!("COIN{i}-USDT"),
            (Venue::Okx, 1) => format!("COIN{i}-USDT-SWAP"),
            (Venue::Okx, 2) => format!("COIN{i}-USD-261225"),
            (Venue::Okx, _) => format!("COIN{}-USD-261225-{i}-C", i % 8),
            _ => format!("COIN{i}USDT"),
        };
        (0..n).map(name).collect()
    }

    #[test]
    fn every_plan_is_within_the_limits_and_carries_every_symbol_once() {
        for venue in Venue::ALL {
            for n in [0, 1, 2, 24, 25, 26, 149, 150, 151, 200, 201, 999, 2000] {
                let asked = symbols(venue, n);
                let links = plan(venue, &default_endpoints(venue), &asked);
                let carried: Vec<String> =
                    links.iter().filter(|l| l.depth).flat_map(|l| l.symbols.iter().cloned()).collect();
                assert_eq!(carried, asked, "{venue:?} {n}");
                for link in &links {
                    check_link(link);
                }
            }
        }
    }

    fn check_link(link: &LinkPlan) {
        let allowed = if link.venue == Venue::Okx { 3 } else { 4 + 4 * u32::from(link.venue != Venue::Binance) };
        assert_eq!(link.frames_per_second_max, allowed);
        assert!(link.rotate_seconds < 24 * 3600 && !link.hello.is_empty());
        let mut names = Vec::new();
        for frame in &link.hello {
            let frame_value: serde_json::Value = serde_json::from_str(frame).unwrap();
            assert!(frame.len() < 64 * 1024);
            let list = frame_value.get("params").or_else(|| frame_value.get("args")).unwrap().as_array().unwrap();
            assert!(!list.is_empty());
            names.extend(list.iter().map(ToString::to_string));
        }
        let books = names.iter().filter(|n| n.contains(r#""channel":"books""#)).count();
        assert!(names.len() <= 1024 && books < 30, "{} streams, {books} books", names.len());
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "a stream was asked for twice");
    }

    #[test]
    fn requests_stay_within_the_budget() {
        for venue in Venue::ALL {
            for n in [1, 50, 500, 2000] {
                let asked = symbols(venue, n);
                let per_minute: f64 = periodic_requests(venue, &asked)
                    .iter()
                    .map(|(request, seconds)| f64::from(request.weight) * 60.0 / f64::from(*seconds))
                    .sum();
                assert!(per_minute <= f64::from(budget(venue).weight_per_minute) * 0.5, "{venue:?} {n}: {per_minute}");
                for request in startup_requests(venue, &asked) {
                    assert!(request.path.len() < 8000 && request.weight <= budget(venue).weight_per_minute);
                }
            }
            assert!(snapshot_request(venue, "X", 1).is_none_or(|r| r.weight <= budget(venue).weight_per_minute));
        }
    }

    #[test]
    fn many_books_are_fetched_less_deep_so_that_all_start_within_minutes() {
        for (venue, books, limit) in [
            (Venue::Binance, 1, 5000),
            (Venue::Binance, 38, 5000),
            (Venue::Binance, 39, 1000),
            (Venue::Binance, 1000, 100),
            (Venue::BinanceUsdm, 140, 1000),
            (Venue::BinanceUsdm, 141, 500),
            (Venue::BinanceUsdm, 1000, 50),
            (Venue::BinanceCoinm, 60, 1000),
            (Venue::BinanceCoinm, 100_000, 50),
        ] {
            let request = snapshot_request(venue, "X", books).unwrap();
            assert!(request.path.ends_with(&format!("limit={limit}")), "{venue:?} {books}: {}", request.path);
            let minutes = f64::from(request.weight) * books as f64 / f64::from(budget(venue).weight_per_minute);
            assert!(minutes <= 2.0 || books > 1000, "{venue:?} {books}: {minutes} minutes");
        }
        assert!(snapshot_request(Venue::Okx, "X", 1).is_none());
    }

    #[test]
    fn a_symbol_named_twice_is_carried_once() {
        let twice = ["BTCUSDT".to_owned(), "BTCUSDT".to_owned()];
        let links = plan(Venue::Binance, &default_endpoints(Venue::Binance), &twice);
        assert_eq!(links[0].symbols, ["BTCUSDT"]);
    }

    #[test]
    fn only_the_market_path_of_usdm_is_without_depth() {
        for (venue, url, depth) in [
            (Venue::BinanceUsdm, "wss://fstream.binance.com/market/stream", false),
            (Venue::BinanceUsdm, "wss://fstream.binance.com/public/stream", true),
            (Venue::BinanceUsdm, "wss://fstream.binance.com/stream", true),
            (Venue::Okx, "wss://ws.okx.com:8443/ws/v5/public", true),
        ] {
            assert_eq!(carries_depth(venue, url), depth, "{url}");
        }
    }
}
