//! OKX's connections and requests: fewer than 30 books on a connection, all subscriptions in one frame; a book begins
//! anew when it is subscribed anew.

use crate::instrument::Venue;
use crate::venue::rules::{encoded, trimmed};
use crate::venue::{Heartbeat, LinkPlan, Request};
use rustc_hash::FxHashSet;

/// Symbols, and so books, on one connection; the venue advises fewer than 30.
const SYMBOLS_PER_LINK: usize = 25;
/// Bytes of arguments in one frame; the venue takes 64 KB.
const ARGS_BYTES_MAX: usize = 48 * 1024;
/// No limit is known; as the others, so that every connection is renewed daily.
const ROTATE_SECONDS: u32 = 23 * 3600;
/// The venue drops a connection after 30 s without a message.
const PING_AFTER_SECONDS: u32 = 15;
/// Beyond ping and answer the connection is dead.
const SILENCE_SECONDS: u32 = 30;

/// OKX's own word for a kind of product, from the form of the symbol: `A-B` spot, `A-B-SWAP`, `A-B-yymmdd` futures,
/// `A-B-yymmdd-strike-C` options.
pub fn product(symbol: &str) -> &'static str {
    match symbol.split('-').count() {
        0..=2 => "SPOT",
        3 if symbol.ends_with("-SWAP") => "SWAP",
        3 => "FUTURES",
        _ => "OPTION",
    }
}

/// Name of the index under a symbol: its first two parts.
pub fn index_of(symbol: &str) -> &str {
    let mut dashes = symbol.match_indices('-');
    dashes.nth(1).map_or(symbol, |(at, _)| &symbol[..at])
}

pub(in crate::venue) fn links(base: &str, symbols: &[String]) -> Vec<LinkPlan> {
    let url = address(base);
    let mut once = FxHashSet::default(); // indices and product lists, carried by the first link that needs them
    symbols
        .chunks(SYMBOLS_PER_LINK)
        .map(|part| LinkPlan {
            venue: Venue::Okx,
            url: url.clone(),
            hello: frames(&part.iter().flat_map(|s| args(s, &mut once)).collect::<Vec<_>>()),
            frames_per_second_max: 3,
            heartbeat: Heartbeat::TextPing { after_seconds: PING_AFTER_SECONDS },
            rotate_seconds: ROTATE_SECONDS,
            silence_seconds: SILENCE_SECONDS,
            symbols: part.to_vec(),
            depth: true,
        })
        .collect()
}

fn address(base: &str) -> String {
    let base = trimmed(base, &["/public", "/business"]);
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    if host.contains('/') { format!("{base}/public") } else { format!("{base}/ws/v5/public") }
}

fn quoted(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}

fn arg(channel: &str, key: &str, value: &str) -> String {
    format!(r#"{{"channel":"{channel}","{key}":{}}}"#, quoted(value))
}

fn args(symbol: &str, once: &mut FxHashSet<(&'static str, String)>) -> Vec<String> {
    let product = product(symbol);
    let mut args: Vec<String> = ["books", "bbo-tbt", "trades"].map(|channel| arg(channel, "instId", symbol)).into();
    let mut of_index =
        |channel, key, value: &str| once.insert((channel, value.to_owned())).then(|| arg(channel, key, value));
    args.extend(of_index("instruments", "instType", product));
    if product != "SPOT" {
        args.push(arg("mark-price", "instId", symbol));
        args.push(arg("open-interest", "instId", symbol));
        args.extend(of_index("index-tickers", "instId", index_of(symbol)));
        args.extend(of_index("liquidation-orders", "instType", product));
    }
    if product == "SWAP" {
        args.push(arg("funding-rate", "instId", symbol));
    }
    args
}

fn frames(args: &[String]) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    let mut list = String::new();
    for arg in args {
        if !list.is_empty() && list.len() + arg.len() > ARGS_BYTES_MAX {
            frames.push(frame("subscribe", &list));
            list.clear();
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(arg);
    }
    if !list.is_empty() {
        frames.push(frame("subscribe", &list));
    }
    frames
}

fn frame(op: &str, args: &str) -> String {
    format!(r#"{{"op":"{op}","args":[{args}]}}"#)
}

pub(in crate::venue) fn resubscribe(symbol: &str) -> Vec<String> {
    let arg = arg("books", "instId", symbol);
    vec![frame("unsubscribe", &arg), frame("subscribe", &arg)]
}

/// All that the venue's own stream shows of a book.
pub(in crate::venue) fn book(symbol: &str) -> Request {
    Request { path: format!("/api/v5/market/books?instId={}&sz=400", encoded(symbol)), weight: 1 }
}

pub(in crate::venue) fn instruments(symbols: &[String]) -> Vec<Request> {
    let mut once = FxHashSet::default();
    let mut requests = Vec::new();
    for symbol in symbols {
        let mut path = format!("/api/v5/public/instruments?instType={}", product(symbol));
        if product(symbol) == "OPTION" {
            path += "&instFamily="; // options are listed by family only
            path += &encoded(index_of(symbol));
        }
        if once.insert(path.clone()) {
            requests.push(Request { path, weight: 1 });
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Endpoints;
    use crate::venue::rules::{default_endpoints, plan, snapshot_request, startup_requests, time_request};

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn frames_to_the_letter() {
        let link = |symbols| plan(Venue::Okx, &default_endpoints(Venue::Okx), &names(symbols)).remove(0);
        let spot = link(&["BTC-USDT"]);
        assert_eq!(spot.url, "wss://ws.okx.com:8443/ws/v5/public");
        assert_eq!(
            spot.hello,
            [concat!(
                r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},"#,
                r#"{"channel":"bbo-tbt","instId":"BTC-USDT"},{"channel":"trades","instId":"BTC-USDT"},"#,
                r#"{"channel":"instruments","instType":"SPOT"}]}"#
            )]
        );
        let derivatives = link(&["BTC-USDT-SWAP", "BTC-USDT-261225"]);
        assert_eq!(
            derivatives.hello,
            [concat!(
                r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT-SWAP"},"#,
                r#"{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},{"channel":"trades","instId":"BTC-USDT-SWAP"},"#,
                r#"{"channel":"instruments","instType":"SWAP"},{"channel":"mark-price","instId":"BTC-USDT-SWAP"},"#,
                r#"{"channel":"open-interest","instId":"BTC-USDT-SWAP"},{"channel":"index-tickers","instId":"BTC-USDT"},"#,
                r#"{"channel":"liquidation-orders","instType":"SWAP"},{"channel":"funding-rate","instId":"BTC-USDT-SWAP"},"#,
                r#"{"channel":"books","instId":"BTC-USDT-261225"},{"channel":"bbo-tbt","instId":"BTC-USDT-261225"},"#,
                r#"{"channel":"trades","instId":"BTC-USDT-261225"},{"channel":"instruments","instType":"FUTURES"},"#,
                r#"{"channel":"mark-price","instId":"BTC-USDT-261225"},"#,
                r#"{"channel":"open-interest","instId":"BTC-USDT-261225"},"#,
                r#"{"channel":"liquidation-orders","instType":"FUTURES"}]}"#
            )]
        );
    }

    #[test]
    fn a_base_address_may_lack_the_path_or_have_all_of_it() {
        for (base, url) in [
            ("ws://127.0.0.1:9000", "ws://127.0.0.1:9000/ws/v5/public"),
            ("ws://127.0.0.1:9000/okx/ws/v5/", "ws://127.0.0.1:9000/okx/ws/v5/public"),
            ("wss://wseea.okx.com:8443/ws/v5/public", "wss://wseea.okx.com:8443/ws/v5/public"),
        ] {
            let endpoints = Endpoints { ws: base.to_owned(), rest: String::new() };
            assert_eq!(plan(Venue::Okx, &endpoints, &names(&["BTC-USDT"]))[0].url, url);
        }
    }

    #[test]
    fn long_lists_are_cut_below_the_limit() {
        let long: Vec<String> = (0..2000).map(|i| arg("books", "instId", &format!("{i:0>60}"))).collect();
        let frames = frames(&long);
        assert!(frames.len() > 1 && frames.iter().all(|f| f.len() < 64 * 1024));
        assert_eq!(frames.iter().map(|f| f.matches("channel").count()).sum::<usize>(), 2000);
    }

    #[test]
    fn requests_to_the_letter() {
        let all = names(&["BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "BTC-USD-210924-66000-C", "BTC-USD-210924-42000-P"]);
        let paths: Vec<String> = startup_requests(Venue::Okx, &all).into_iter().map(|r| r.path).collect();
        assert_eq!(
            paths,
            [
                "/api/v5/public/instruments?instType=SPOT",
                "/api/v5/public/instruments?instType=SWAP",
                "/api/v5/public/instruments?instType=OPTION&instFamily=BTC-USD",
            ]
        );
        assert_eq!(snapshot_request(Venue::Okx, "BTC-USDT", 1), None);
        assert_eq!(time_request(Venue::Okx).path, "/api/v5/public/time");
        assert_eq!(
            resubscribe("BTC-USDT"),
            [
                r#"{"op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#,
                r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#,
            ]
        );
    }
}
