//! Orders are read, and struck as ordered.

use super::*;

#[test]
fn orders_are_read_from_text() {
    let check = |text: &str, expect: Fault| assert_eq!(text.parse::<Fault>().unwrap(), expect, "{text}");
    check("gap", Fault::new(Kind::Gap));
    check("gap:binance", Fault { venue: Some(Venue::Binance), ..Fault::new(Kind::Gap) });
    check("gap:okx:BTC-USDT-SWAP@5", Fault { after_ms: 5000, ..Fault::new(Kind::Gap).on(Venue::Okx, "BTC-USDT-SWAP") });
    let cut = Fault { after_ms: 1500, for_ms: Some(2000), ..Fault::new(Kind::Cut) };
    check("cut@1.5+2", cut);
    check("http-429+3", Fault { for_ms: Some(3000), ..Fault::new(Kind::Http(429)) });
    let silent = Fault { venue: Some(Venue::Binance), after_ms: 9000, ..Fault::new(Kind::SilentStream) };
    let silent = Fault { stream: Some("btcusdt@depth@100ms".into()), ..silent };
    check("silent-stream:binance:btcusdt@depth@100ms@9", silent);
    check("gap:every=30s", Fault { every_ms: Some(30_000), ..Fault::new(Kind::Gap) });
    let slow = Fault { ms: Some(700), for_ms: Some(60_000), venue: Some(Venue::Okx), ..Fault::new(Kind::Slow) };
    check("slow:okx:ms=700,for=1m", slow);
    for name in Kind::names() {
        assert_eq!(name.parse::<Kind>().unwrap().name(), name);
    }
}

#[test]
fn a_wrong_order_says_what_there_is() {
    for (text, says) in [
        ("gop", "late-snapshot"),
        ("gap:bynance", "binance-usdm"),
        ("http-200", "http-451"),
        ("gap:evry=3", "every"),
        ("gap:for=x", "30s"),
    ] {
        let error = format!("{:#}", text.parse::<Fault>().unwrap_err());
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn a_fault_strikes_within_its_time_and_count_only_where_it_is_meant() {
    let mut faults = Faults::default();
    let ms = |ms: i64| Nanos(ms * NANOS_PER_MILLI);
    faults.add(Fault { after_ms: 10, count: Some(2), ..Fault::new(Kind::Gap).on(Venue::Binance, "btcusdt") }, ms(0));
    let spot = Spot { venue: Venue::Binance, symbol: Some("BTCUSDT"), target: "btcusdt@depth", is_diff: true };
    let mut strike = |spot, now| faults.strike(&[Kind::Gap], spot, ms(now)).is_some();
    assert!(!strike(spot, 9));
    assert!(!strike(Spot { symbol: Some("ETHUSDT"), ..spot }, 10));
    assert!(!strike(Spot { is_diff: false, ..spot }, 10));
    assert!(!strike(Spot { venue: Venue::BinanceUsdm, ..spot }, 10));
    assert_eq!([strike(spot, 10), strike(spot, 11), strike(spot, 12)], [true, true, false]);
    let log: Vec<_> = faults.log().map(|i| (i.at_ns, i.target.as_str())).collect();
    assert_eq!(log, [(ms(10).0, "btcusdt@depth"), (ms(11).0, "btcusdt@depth")]);
}
