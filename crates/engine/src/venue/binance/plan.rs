//! Binance's connections and requests: at most 1024 streams on a connection, subscribed in few frames; books fetched
//! over HTTP.

use crate::instrument::Venue;
use crate::venue::rules::{budget, encoded, trimmed};
use crate::venue::{Heartbeat, LinkPlan, Request};

/// Symbols on one connection: six streams each stay below the 1024 that the venue allows, and a connection lost
/// interrupts no more books than that.
const SYMBOLS_PER_LINK: usize = 150;
/// Stream names in one SUBSCRIBE frame: about 5 KB.
const NAMES_PER_FRAME: usize = 200;
/// Symbols asked for in one exchangeInfo request: a query of about 2 KB.
const SYMBOLS_PER_REQUEST: usize = 100;
/// The venue cuts at 24 h.
const ROTATE_SECONDS: u32 = 23 * 3600;
/// Open interest is asked for that often, seconds, while there are few symbols.
const OPEN_INTEREST_SECONDS: u32 = 30;
/// Weight per minute that open interest may cost: with more symbols they are asked for less often.
const OPEN_INTEREST_WEIGHT_PER_MINUTE: u32 = 240;
/// Within that many minutes all books of a venue are to be fetched, less deep if need be: a comparison later on deepens
/// them.
const START_MINUTES: u64 = 2;
/// Ticks, lots and trading states change rarely, and are not streamed; seconds.
const EXCHANGE_INFO_SECONDS: u32 = 3600;

/// Path of a group of streams, the streams, and whether depth is among them.
type Group = (&'static str, &'static [&'static str], bool);

fn groups(venue: Venue) -> &'static [Group] {
    match venue {
        Venue::BinanceUsdm => &[
            ("/public/stream", &["depth@100ms", "bookTicker", "trade"], true),
            ("/market/stream", &["aggTrade", "markPrice@1s", "forceOrder"], false),
        ],
        Venue::BinanceCoinm => {
            &[("/stream", &["depth@100ms", "bookTicker", "trade", "aggTrade", "markPrice@1s", "forceOrder"], true)]
        }
        Venue::Binance | Venue::Okx => &[("/stream", &["depth@100ms", "trade", "bookTicker"], true)],
    }
}

pub(in crate::venue) fn links(venue: Venue, base: &str, symbols: &[String]) -> Vec<LinkPlan> {
    let base = trimmed(base, &["/stream", "/ws", "/public", "/market"]);
    let spot = venue == Venue::Binance;
    let mut links = Vec::new();
    for part in symbols.chunks(SYMBOLS_PER_LINK) {
        for (path, streams, depth) in groups(venue) {
            links.push(LinkPlan {
                venue,
                url: format!("{base}{path}"),
                hello: subscribe(part, streams),
                // Allowed: 5 on spot, 10 on futures.
                frames_per_second_max: if spot { 4 } else { 8 },
                heartbeat: Heartbeat::ServerPing,
                rotate_seconds: ROTATE_SECONDS,
                // The server pings every 20 s on spot, every 180 s on futures.
                silence_seconds: if spot { 60 } else { 240 },
                symbols: part.to_vec(),
                depth: *depth,
            });
        }
    }
    links
}

fn subscribe(symbols: &[String], streams: &[&str]) -> Vec<String> {
    let names: Vec<String> = symbols
        .iter()
        .map(|s| s.to_lowercase())
        .flat_map(|symbol| streams.iter().map(move |stream| format!("{symbol}@{stream}")))
        .collect();
    let frame = |(i, names): (usize, &[String])| {
        let params = serde_json::Value::from(names);
        format!(r#"{{"method":"SUBSCRIBE","params":{params},"id":{}}}"#, i + 1)
    };
    names.chunks(NAMES_PER_FRAME).enumerate().map(frame).collect()
}

fn api(venue: Venue) -> &'static str {
    match venue {
        Venue::BinanceUsdm => "/fapi/v1",
        Venue::BinanceCoinm => "/dapi/v1",
        Venue::Binance | Venue::Okx => "/api/v3",
    }
}

/// Levels per side of a snapshot and the weight of asking for them, deepest first.
fn depths(venue: Venue) -> [(u32, u32); 4] {
    match venue {
        Venue::Binance => [(5000, 250), (1000, 50), (500, 25), (100, 5)],
        _ => [(1000, 20), (500, 10), (100, 5), (50, 2)],
    }
}

pub(in crate::venue) fn snapshot(venue: Venue, symbol: &str, books: usize) -> Request {
    let affordable = u64::from(budget(venue).weight_per_minute) * START_MINUTES;
    let all = |weight: u32| u64::from(weight).saturating_mul(books as u64);
    let depths = depths(venue);
    let (limit, weight) =
        depths.into_iter().find(|(_, weight)| all(*weight) <= affordable).unwrap_or(depths[depths.len() - 1]);
    Request { path: format!("{}/depth?symbol={}&limit={limit}", api(venue), encoded(symbol)), weight }
}

pub(in crate::venue) fn exchange_info(venue: Venue, symbols: &[String]) -> Vec<Request> {
    if venue != Venue::Binance {
        // Futures do not take a list of symbols.
        let all = Request { path: format!("{}/exchangeInfo", api(venue)), weight: 1 };
        return if symbols.is_empty() { Vec::new() } else { vec![all] };
    }
    let request = |part: &[String]| {
        let list = encoded(&serde_json::Value::from(part).to_string());
        Request { path: format!("/api/v3/exchangeInfo?symbols={list}"), weight: 20 }
    };
    symbols.chunks(SYMBOLS_PER_REQUEST).map(request).collect()
}

pub(in crate::venue) fn periodic(venue: Venue, symbols: &[String]) -> Vec<(Request, u32)> {
    let mut requests: Vec<(Request, u32)> =
        exchange_info(venue, symbols).into_iter().map(|r| (r, EXCHANGE_INFO_SECONDS)).collect();
    if venue != Venue::Binance {
        let count = u32::try_from(symbols.len()).unwrap_or(u32::MAX);
        let affordable = count.saturating_mul(60).div_ceil(OPEN_INTEREST_WEIGHT_PER_MINUTE);
        let seconds = affordable.max(OPEN_INTEREST_SECONDS);
        requests.extend(symbols.iter().map(|symbol| {
            (Request { path: format!("{}/openInterest?symbol={}", api(venue), encoded(symbol)), weight: 1 }, seconds)
        }));
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Endpoints;
    use crate::venue::rules::{default_endpoints, periodic_requests, plan, snapshot_request, startup_requests};

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn addresses_and_frames_to_the_letter() {
        for (venue, symbol, expected) in [
            (
                Venue::Binance,
                "BTCUSDT",
                vec![(
                    "wss://stream.binance.com:9443/stream",
                    r#"{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms","btcusdt@trade","btcusdt@bookTicker"],"id":1}"#,
                )],
            ),
            (
                Venue::BinanceUsdm,
                "ETHUSDT",
                vec![
                    (
                        "wss://fstream.binance.com/public/stream",
                        r#"{"method":"SUBSCRIBE","params":["ethusdt@depth@100ms","ethusdt@bookTicker","ethusdt@trade"],"id":1}"#,
                    ),
                    (
                        "wss://fstream.binance.com/market/stream",
                        r#"{"method":"SUBSCRIBE","params":["ethusdt@aggTrade","ethusdt@markPrice@1s","ethusdt@forceOrder"],"id":1}"#,
                    ),
                ],
            ),
            (
                Venue::BinanceCoinm,
                "BTCUSD_PERP",
                vec![(
                    "wss://dstream.binance.com/stream",
                    r#"{"method":"SUBSCRIBE","params":["btcusd_perp@depth@100ms","btcusd_perp@bookTicker","btcusd_perp@trade","btcusd_perp@aggTrade","btcusd_perp@markPrice@1s","btcusd_perp@forceOrder"],"id":1}"#,
                )],
            ),
        ] {
            let links = plan(venue, &default_endpoints(venue), &names(&[symbol]));
            let got: Vec<(&str, &str)> = links.iter().map(|l| (l.url.as_str(), l.hello[0].as_str())).collect();
            assert_eq!(got, expected);
            assert!(links.iter().all(|l| l.hello.len() == 1 && l.symbols == [symbol]));
        }
    }

    #[test]
    fn a_base_address_may_have_a_path_or_too_much_of_one() {
        for (base, url) in [
            ("ws://127.0.0.1:9000", "ws://127.0.0.1:9000/public/stream"),
            ("ws://127.0.0.1:9000/", "ws://127.0.0.1:9000/public/stream"),
            ("ws://127.0.0.1:9000/usdm", "ws://127.0.0.1:9000/usdm/public/stream"),
            ("wss://fstream.binance.com/stream", "wss://fstream.binance.com/public/stream"),
            ("wss://fstream.binance.com/ws/", "wss://fstream.binance.com/public/stream"),
        ] {
            let endpoints = Endpoints { ws: base.to_owned(), rest: String::new() };
            assert_eq!(plan(Venue::BinanceUsdm, &endpoints, &names(&["BTCUSDT"]))[0].url, url);
        }
    }

    #[test]
    fn many_symbols_are_split_over_frames_and_connections() {
        let many: Vec<String> = (0..151).map(|i| format!("C{i}USDT")).collect();
        let links = plan(Venue::Binance, &default_endpoints(Venue::Binance), &many);
        let shape: Vec<(usize, usize)> = links.iter().map(|l| (l.symbols.len(), l.hello.len())).collect();
        assert_eq!(shape, [(150, 3), (1, 1)]);
        assert!(links[0].hello[2].ends_with(r#""id":3}"#));
    }

    #[test]
    fn requests_to_the_letter() {
        let two = names(&["BTCUSDT", "ETHUSDT"]);
        let path = |request: Option<Request>| request.map(|r| (r.path, r.weight)).unwrap();
        assert_eq!(
            path(snapshot_request(Venue::Binance, "BTCUSDT", 1)),
            ("/api/v3/depth?symbol=BTCUSDT&limit=5000".to_owned(), 250)
        );
        assert_eq!(
            path(snapshot_request(Venue::BinanceUsdm, "BTCUSDT", 1)),
            ("/fapi/v1/depth?symbol=BTCUSDT&limit=1000".to_owned(), 20)
        );
        assert_eq!(
            path(snapshot_request(Venue::BinanceCoinm, "BTCUSD_PERP", 1)),
            ("/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000".to_owned(), 20)
        );
        assert_eq!(
            path(startup_requests(Venue::Binance, &two).pop()),
            ("/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D".to_owned(), 20)
        );
        assert_eq!(path(startup_requests(Venue::BinanceUsdm, &two).pop()), ("/fapi/v1/exchangeInfo".to_owned(), 1));
        let periodic = periodic_requests(Venue::BinanceUsdm, &two);
        assert_eq!(periodic[1].0.path, "/fapi/v1/openInterest?symbol=BTCUSDT");
        assert_eq!((periodic.len(), periodic[1].1), (3, 30));
    }
}
