//! Binance spot and futures.

use crate::kit::{ClientBook, Ws, get, host, http, options, serve, still, truth};
use fathometer_engine::instrument::Venue;
use fathometer_venue::serve::{Options, Server, start};
use serde_json::{Value, json};
use std::time::Duration;

fn id(json: &Value, key: &str) -> u64 {
    json[key].as_u64().unwrap_or_else(|| panic!("no {key} in {json}"))
}

/// Follows a book by the venue's own procedure for some messages, and compares each with the truth.
async fn follow(server: &Server, venue: Venue, path: &str, symbol: &str, messages: usize) {
    let host = host(server, venue);
    let mut ws = Ws::open(&host, path).await;
    let first = ws.json().await;
    let root = match venue {
        Venue::Binance => "/api/v3/depth?limit=5000",
        Venue::BinanceUsdm => "/fapi/v1/depth?limit=1000",
        _ => "/dapi/v1/depth?limit=1000",
    };
    let snapshot = get(&host, &format!("{root}&symbol={symbol}")).await;
    let mut book = ClientBook::from(&snapshot);
    let start = id(&snapshot, "lastUpdateId");
    assert!(start >= id(&first, "U"), "the snapshot is older than the first event");
    let (mut event, mut last) = (first, None);
    let mut compared = 0;
    while compared < messages {
        let (first_id, last_id) = (id(&event, "U"), id(&event, "u"));
        let is_spot = venue == Venue::Binance;
        let is_old = if is_spot { last_id <= start } else { last_id < start };
        if !is_old {
            match last {
                None if is_spot => assert!(first_id <= start + 1 && start < last_id, "{first_id} {start} {last_id}"),
                // Nothing else happened after the message before: its id is the snapshot's.
                None => assert!(first_id <= start || id(&event, "pu") == start, "{first_id} {start} {last_id}"),
                Some(last) if is_spot => assert_eq!(first_id, last + 1),
                Some(last) => assert_eq!(id(&event, "pu"), last),
            }
            book.apply(&event["b"], &event["a"]);
            assert_eq!(book, truth(server, venue, symbol, last_id).await, "at {last_id}");
            last = Some(last_id);
            compared += 1;
        }
        event = ws.json().await;
    }
}

#[tokio::test]
async fn a_book_kept_by_the_rules_is_the_true_one_level_for_level() {
    let server = serve(options()).await;
    tokio::join!(
        follow(&server, Venue::Binance, "/ws/btcusdt@depth@100ms", "BTCUSDT", 12),
        follow(&server, Venue::Binance, "/ws/ethusdt@depth", "ETHUSDT", 2),
        follow(&server, Venue::BinanceUsdm, "/public/ws/btcusdt@depth@100ms", "BTCUSDT", 12),
        follow(&server, Venue::BinanceUsdm, "/ws/ethusdt@depth@0ms", "ETHUSDT", 40),
        follow(&server, Venue::BinanceUsdm, "/ws/btcusdt@depth", "BTCUSDT", 4),
        follow(&server, Venue::BinanceCoinm, "/ws/btcusd_perp@depth@500ms", "BTCUSD_PERP", 3),
    );
}

#[tokio::test]
async fn control_messages_are_answered_as_the_venue_answers() {
    let server = start(Box::new(still()), Options { limit_messages: false, ..options() }).await.unwrap();
    let host = host(&server, Venue::Binance);
    let uuid = "0b5a1e0c-53f7-4d5e-8b5c-7a3de1f3a111";
    let too_long = format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":"{}"}}"#, "x".repeat(37));
    let with_uuid = format!(r#"{{"method":"SUBSCRIBE","params":["nosuch@depth","foo"],"id":"{uuid}"}}"#);
    let table: &[(&str, Value)] = &[
        (r#"{"method":"SUBSCRIBE","params":["ethusdt@kline_1m"],"id":1}"#, json!({"result": null, "id": 1})),
        (&with_uuid, json!({"result": null, "id": uuid})),
        (
            r#"{"method":"LIST_SUBSCRIPTIONS","id":null}"#,
            json!({"result": ["ethusdt@kline_1m", "foo", "nosuch@depth"], "id": null}),
        ),
        (r#"{"method":"UNSUBSCRIBE","params":["foo"],"id":-3}"#, json!({"result": null, "id": -3})),
        (r#"{"method":"GET_PROPERTY","params":["combined"],"id":2}"#, json!({"result": false, "id": 2})),
        (r#"{"method":"SET_PROPERTY","params":["combined",true],"id":3}"#, json!({"result": null, "id": 3})),
        (r#"{"method":"GET_PROPERTY","params":["combined"],"id":"a"}"#, json!({"result": true, "id": "a"})),
        (r#"{"method":"SET_PROPERTY","params":["nope",true],"id":3}"#, json!({"code": 0})),
        (r#"{"method":"SET_PROPERTY","params":["combined","yes"],"id":3}"#, json!({"code": 1})),
        (r#"{"method":"DANCE","params":[],"id":3}"#, json!({"code": 2})),
        (r#"{"params":[],"id":3}"#, json!({"code": 2})),
        (r#"{"method":"SUBSCRIBE","params":[1],"id":3}"#, json!({"code": 2})),
        (r#"{"method":"GET_PROPERTY","params":["combined",1],"id":3}"#, json!({"code": 2})),
        (r#"{"method":"LIST_SUBSCRIPTIONS","id":1.5}"#, json!({"code": 2})),
        (&too_long, json!({"code": 2})),
        ("[1]", json!({"code": 2})),
        ("{nonsense", json!({"code": 3})),
    ];
    let mut ws = Ws::open(&host, "/ws/0").await;
    for (request, expect) in table {
        ws.say(request).await;
        let answer = ws.json().await;
        if expect.get("code").is_some() {
            assert_eq!(answer["code"], expect["code"], "{request}: {answer}");
            assert!(answer["msg"].is_string(), "{request}: {answer}");
        } else {
            assert_eq!(&answer, expect, "{request}");
        }
    }
}

#[tokio::test]
async fn every_stream_speaks_in_its_shape() {
    let server = serve(options()).await;
    let spot = "stream data.u data.s data.b data.B data.a data.A";
    let trade = "data.e data.E data.s data.t data.p data.q data.T data.m";
    let mark = "data.e data.E data.s data.p data.ap data.P data.i data.r data.T data.st";
    let table: &[(Venue, &str, &str)] = &[
        (Venue::Binance, "btcusdt@depth@100ms", "data.e data.E data.s data.U data.u data.b data.a"),
        (Venue::Binance, "btcusdt@depth5@100ms", "data.lastUpdateId data.bids.4 data.asks.4"),
        (Venue::Binance, "btcusdt@bookTicker", spot),
        (Venue::Binance, "btcusdt@trade", trade),
        (Venue::Binance, "btcusdt@trade", "data.M"),
        (
            Venue::Binance,
            "btcusdt@aggTrade",
            "data.e data.E data.s data.a data.p data.q data.f data.l data.T data.m data.M",
        ),
        (Venue::Binance, "btcusdt@ticker", "data.e data.x data.b data.A data.n"),
        (Venue::Binance, "!miniTicker@arr", "data.0.e data.0.s data.0.c"),
        (
            Venue::BinanceUsdm,
            "btcusdt@depth@100ms",
            "data.e data.E data.T data.s data.ps data.U data.u data.pu data.b data.a data.st",
        ),
        (Venue::BinanceUsdm, "btcusdt@depth10@100ms", "data.e data.pu data.b.9 data.a.9"),
        (Venue::BinanceUsdm, "btcusdt@trade", "data.X data.T data.t data.st"),
        (Venue::BinanceUsdm, "btcusdt@aggTrade", "data.nq data.a data.st"),
        (
            Venue::BinanceUsdm,
            "btcusdt@bookTicker",
            "data.e data.u data.E data.T data.s data.ps data.b data.B data.a data.A data.st",
        ),
        (Venue::BinanceUsdm, "btcusdt@markPrice@1s", mark),
        (Venue::BinanceUsdm, "!markPrice@arr@1s", "data.0.p data.1.p"),
        (Venue::BinanceUsdm, "btcusdt@forceOrder", "data.e data.o.s data.o.S data.o.q data.o.ap data.o.T data.ps"),
        (Venue::BinanceUsdm, "!forceOrder@arr", "data.o.s"),
        (Venue::BinanceCoinm, "btcusd_perp@depth@100ms", "data.pu data.ps data.st"),
    ];
    let try_one = async |venue: Venue, name: &str, paths: &str| {
        let mut ws = Ws::open(&host(&server, venue), &format!("/stream?streams={name}")).await;
        let message = ws.json().await;
        assert_eq!(message["stream"], name);
        for path in paths.split(' ') {
            let pointer = format!("/{}", path.replace('.', "/"));
            assert!(message.pointer(&pointer).is_some(), "{name}: no {path} in {message}");
        }
        (venue, name.to_owned(), message["data"].clone())
    };
    let all = futures_util::future::join_all(table.iter().map(|(v, n, p)| try_one(*v, n, p))).await;
    let data = |venue, name: &str| all.iter().find(|(v, n, _)| *v == venue && n == name).unwrap().2.clone();

    let eight = data(Venue::Binance, "btcusdt@bookTicker");
    assert!(eight["b"].as_str().unwrap().ends_with("0000000") && eight["b"].as_str().unwrap().contains('.'), "{eight}");
    assert!(eight.get("e").is_none() && eight.get("E").is_none(), "spot book tickers carry no time: {eight}");
    let tick = data(Venue::BinanceUsdm, "btcusdt@bookTicker");
    assert_eq!(tick["b"].as_str().unwrap().split_once('.').unwrap().1.len(), 1, "{tick}");
    let aggregate = data(Venue::Binance, "btcusdt@aggTrade");
    assert_eq!(id(&aggregate, "l") - id(&aggregate, "f"), 1, "two fills of one order are one aggregate: {aggregate}");
    assert_eq!(aggregate["q"], "0.50000000");
    assert_eq!(data(Venue::BinanceCoinm, "btcusd_perp@depth@100ms")["ps"], "BTCUSD");
}

#[tokio::test]
async fn urls_choose_form_time_unit_and_family() {
    let server = serve(options()).await;
    let (spot, usdm) = (host(&server, Venue::Binance), host(&server, Venue::BinanceUsdm));
    let micros = Ws::open(&spot, "/ws/btcusdt@depth@100ms?timeUnit=MICROSECOND").await.json().await;
    assert!(id(&micros, "E") > 1_000_000_000_000_000, "{micros}");
    assert!(micros.get("stream").is_none());
    let encoded = Ws::open(&spot, "/stream?streams=btcusdt%40trade%2Fethusdt%40trade").await.json().await;
    assert!(encoded["stream"].as_str().unwrap().ends_with("@trade"));

    // A routed futures path gives its own family only; an unrouted one gives all.
    let mut kinds = Vec::new();
    for path in ["/public/stream", "/market/stream", "/stream", "/private/stream"] {
        let mut ws = Ws::open(&usdm, &format!("{path}?streams=btcusdt@bookTicker/btcusdt@aggTrade")).await;
        let mut seen = std::collections::BTreeSet::new();
        let until = tokio::time::Instant::now() + Duration::from_millis(600);
        while let Ok(Some(Ok(m))) = tokio::time::timeout_at(until, futures_util::StreamExt::next(&mut ws.0)).await {
            let json: Value = serde_json::from_str(m.to_text().unwrap()).unwrap();
            seen.insert(json["data"]["e"].as_str().unwrap().to_owned());
        }
        kinds.push(seen.into_iter().collect::<Vec<_>>().join(" "));
    }
    assert_eq!(kinds, ["bookTicker", "aggTrade", "aggTrade bookTicker", ""]);
}

#[tokio::test]
async fn rest_answers_and_refuses_as_the_venue_does() {
    let server = serve(options()).await;
    let (spot, usdm, coinm) =
        (host(&server, Venue::Binance), host(&server, Venue::BinanceUsdm), host(&server, Venue::BinanceCoinm));
    for (host, path) in [
        (&spot, "/api/v3/ping"),
        (&spot, "/api/v3/time"),
        (&spot, "/api/v3/trades?symbol=BTCUSDT"),
        (&spot, "/api/v3/aggTrades?symbol=BTCUSDT&limit=2"),
        (&spot, "/api/v3/ticker/bookTicker"),
        (&spot, "/api/v3/ticker/24hr?symbol=BTCUSDT"),
        (&usdm, "/fapi/v1/premiumIndex?symbol=BTCUSDT"),
        (&usdm, "/fapi/v1/openInterest?symbol=BTCUSDT"),
        (&usdm, "/fapi/v1/fundingInfo"),
        (&coinm, "/dapi/v1/premiumIndex?symbol=BTCUSD_PERP"),
        (&coinm, "/dapi/v1/exchangeInfo"),
    ] {
        get(host, path).await;
    }
    let refusals = [
        (&spot, "/api/v3/depth?symbol=NOSUCH", 400, -1121),
        (&spot, "/api/v3/depth", 400, -1102),
        (&spot, "/api/v3/depth?symbol=BTCUSDT&limit=x", 400, -1100),
        (&spot, "/api/v3/exchangeInfo?symbols=[%22NOSUCH%22]", 400, -1121),
        (&usdm, "/fapi/v1/depth?symbol=BTCUSDT&limit=7", 400, -4021),
    ];
    for (host, path, status, code) in refusals {
        let reply = http(host, "GET", path, "").await;
        assert_eq!((reply.status, reply.json()["code"].as_i64()), (status, Some(code)), "{path}: {}", reply.body);
    }
    let clamped = get(&spot, "/api/v3/depth?symbol=BTCUSDT&limit=999999").await;
    assert!(clamped["bids"].as_array().unwrap().len() > 400);
    let odd = get(&spot, "/api/v3/depth?symbol=BTCUSDT&limit=7").await;
    assert_eq!(odd["bids"].as_array().unwrap().len(), 7);

    let info = get(&spot, "/api/v3/exchangeInfo?symbols=[%22BTCUSDT%22]").await;
    let symbol = &info["symbols"][0];
    assert_eq!((info["symbols"].as_array().unwrap().len(), &symbol["baseAsset"]), (1, &json!("BTC")));
    assert_eq!(
        symbol["filters"][0],
        json!({"filterType": "PRICE_FILTER", "minPrice": "0.10000000", "maxPrice": "10000000.00000000", "tickSize": "0.10000000"})
    );
    assert_eq!(symbol["filters"][1]["stepSize"], "0.00100000");
    let info = get(&coinm, "/dapi/v1/exchangeInfo").await;
    assert_eq!((&info["symbols"][0]["contractSize"], &info["symbols"][0]["pair"]), (&json!(100), &json!("BTCUSD")));
}

#[tokio::test]
async fn weight_is_counted_and_too_much_is_refused() {
    let server = serve(options()).await;
    let spot = host(&server, Venue::Binance);
    let used = async |path: &str| {
        let reply = http(&spot, "GET", path, "").await;
        (reply.status, reply.header("x-mbx-used-weight-1m").map(|w| w.parse::<u32>().unwrap()))
    };
    let (_, first) = used("/api/v3/ping").await;
    let (_, second) = used("/api/v3/depth?symbol=BTCUSDT&limit=5000").await;
    // A new minute may begin in between.
    assert!(second == first.map(|f| f + 250) || second == Some(250), "{first:?} {second:?}");
    for _ in 0..60 {
        let reply = http(&spot, "GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000", "").await;
        if reply.status == 429 {
            assert_eq!(reply.json()["code"], -1003);
            let wait: u32 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=61).contains(&wait));
            return;
        }
    }
    panic!("60 snapshots of weight 250 were not refused");
}

#[tokio::test]
async fn connections_are_kept_and_dropped_as_the_venue_does() {
    let fast = Options {
        ping_every: Some(Duration::from_millis(300)),
        pong_within: Some(Duration::from_millis(700)),
        ..options()
    };
    let server = start(Box::new(still()), fast).await.unwrap();
    let spot = host(&server, Venue::Binance);
    // One that answers pings (its library does, while it reads) stays.
    let mut polite = Ws::open(&spot, "/ws").await;
    let heard = tokio::time::timeout(Duration::from_millis(2000), async {
        let mut pings = 0;
        while let Some(Ok(message)) = futures_util::StreamExt::next(&mut polite.0).await {
            assert!(message.is_ping());
            pings += 1;
            assert!(pings < 100);
        }
        panic!("a polite client was dropped");
    });
    assert!(heard.await.is_err());

    // Six messages within a second are too many on spot.
    let server = start(Box::new(still()), options()).await.unwrap();
    let mut hasty = Ws::open(&host(&server, Venue::Binance), "/ws").await;
    for i in 0..6 {
        hasty.say(&format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{i}}}"#)).await;
    }
    assert_eq!(hasty.drain().await, Some(1008));
}

#[tokio::test]
async fn a_client_that_never_pongs_is_dropped() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let fast = Options {
        ping_every: Some(Duration::from_millis(100)),
        pong_within: Some(Duration::from_millis(400)),
        ..options()
    };
    let server = start(Box::new(still()), fast).await.unwrap();
    let mut raw = tokio::net::TcpStream::connect(host(&server, Venue::Binance)).await.unwrap();
    let hello = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    raw.write_all(hello.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    tokio::time::timeout(Duration::from_secs(3), raw.read_to_end(&mut all)).await.expect("it was kept").unwrap();
    assert!(String::from_utf8_lossy(&all).contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the key of the RFC's example");
}

#[tokio::test]
async fn tls_is_served_to_who_trusts_the_written_authority() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let server = serve(Options { tls: true, ca_path: Some(ca.clone()), ..Options::default() }).await;
    let address = server.address(Venue::Okx).unwrap().tls.clone().unwrap();
    let port = address.rest.rsplit(':').next().unwrap().to_owned();
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(&ca).unwrap();
    use rustls_pki_types::pem::PemObject;
    roots.add(rustls_pki_types::CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let trusting = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let nobody =
        rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    for (config, name, expect) in [
        (trusting.clone(), "localhost", true),
        (trusting.clone(), "127.0.0.1", true),
        (trusting.clone(), "stream.localhost", true),
        (trusting.clone(), "example.com", false),
        (nobody, "localhost", false),
    ] {
        let tcp = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let name = rustls_pki_types::ServerName::try_from(name).unwrap();
        let stream = connector.connect(name.clone(), tcp).await;
        assert_eq!(stream.is_ok(), expect, "{name:?}");
        let Ok(stream) = stream else { continue };
        let url = format!("wss://localhost:{port}/ws/v5/public");
        let (mut ws, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        use futures_util::{SinkExt, StreamExt};
        ws.send(tokio_tungstenite::tungstenite::Message::text("ping")).await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap().to_text().unwrap(), "pong");
    }
}
