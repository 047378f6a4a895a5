//! Numbers that are finer, larger or odder than those before; frames that are broken or unknown.

use crate::common::*;
use crate::{okx, spot};
use fathometer_engine::instrument::Venue;
use fathometer_engine::metric::Value;
use fathometer_engine::output::{FaultKind, Remedy};

#[test]
fn finer_price_in_mid_stream_keeps_the_book_exact() {
    let mut t = spot::live();
    t.a(super::common::spot(101, 101, "100.25x1.5", ""), "diff | live 101 100.25x1.5/101x2");
    t.a(super::common::spot(102, 102, "", "100.500001x0.00000001"), "diff | live 102 100.25x1.5/100.500001x0.00000001");
    assert_eq!(t.book(), "b 100.25 1.5, b 100 1, b 99 5, a 100.500001 0.00000001, a 101 2, a 102 7, ");
    t.a(super::common::spot(103, 103, "100x0 100.25x0", "100.500001x0"), "diff | live 103 99x5/101x2");
}

/// A trade may be finer in price and in size at once: the book is moved once, by both.
#[test]
fn trade_finer_in_price_and_size_at_once_keeps_the_book_exact() {
    let mut t = spot::live();
    t.a(trade(1, "100.5", "0.25"), "trade | live 100 100x1/101x2");
    assert_eq!(t.book(), "b 100 1, b 99 5, a 101 2, a 102 7, ");
    t.a(super::common::spot(101, 101, "100x0 99.5x0.5", ""), "diff | live 101 99.5x0.5/101x2");
}

#[test]
fn ticker_finer_in_everything_at_once_keeps_the_book_exact() {
    let mut t = spot::live();
    t.a(ticker(100, "100.00x1.0", "101.00x2.000"), "bbo | live 100 100x1/101x2"); // zeros make nothing finer
    t.a(ticker(101, "100.5x1.25", "100.75x2.125"), "bbo | live 100 100x1/101x2");
    assert_eq!(t.book(), "b 100 1, b 99 5, a 101 2, a 102 7, ");
    t.a(super::common::spot(101, 101, "100.5x1.25", "100.75x2.125"), "diff | live 101 100.5x1.25/100.75x2.125");
    t.a(ticker(102, "100.5x1", "100.75x2"), "bbo | live 101 100.5x1.25/100.75x2.125");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
}

#[test]
fn events_held_back_become_finer_with_the_book() {
    let mut t = Bench::new(Venue::Binance);
    t.a(super::common::spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(super::common::spot(101, 105, "100.125x2", ""), "| syncing -1 -/-");
    t.a(spot_snapshot(98, "99.0625x5", "101x2"), "->live book | live 105 100.125x2/101x2");
    assert_eq!(t.book(), "b 100.125 2, b 100 1, b 99.0625 5, a 101 2, ");
}

#[test]
fn okx_book_becomes_finer_in_mid_stream() {
    let mut t = okx::live();
    t.a(okx_update(10, 11, "100.1x0.0001", ""), "diff | live 11 100.1x0.0001/101x2");
    assert_eq!(t.book(), "b 100.1 0.0001, b 100 1, b 99 5, a 101 2, a 102 7, ");
}

#[test]
fn instrument_list_with_a_finer_tick_keeps_the_book() {
    let mut t = spot::live();
    let list = r#"{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.00010000"},{"filterType":"LOT_SIZE","stepSize":"0.00000100"}]}]}"#;
    t.a(What::Reply("/api/v3/exchangeInfo?symbols=x".into(), 200, list.into()), "status | live 100 100x1/101x2");
    assert_eq!(t.book(), "b 100 1, b 99 5, a 101 2, a 102 7, ");
    t.a(super::common::spot(101, 101, "100.0001x0.000001", ""), "diff | live 101 100.0001x0.000001/101x2");
}

/// The levels that a book holds may not fit the units that one number needs: that frame is left out, and the change that
/// was in it is a gap, not a wrong book.
#[test]
fn overflowing_number_is_a_fault_and_the_book_stays() {
    let mut t = Bench::new(Venue::Binance);
    t.a(super::common::spot(95, 100, "1000000x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(100, "1000000x1 999999x5", "1000001x2"), "->live book | live 100 1000000x1/1000001x2");
    let fine = super::common::spot(101, 101, "0.000000000001x1", "");
    t.a(fine, "!overflow | live 100 1000000x1/1000001x2");
    assert_eq!((t.faults[0].kind, t.faults[0].remedy), (FaultKind::Overflow, Remedy::Skip));
    assert!(t.faults[0].text.contains("12 price"), "{}", t.faults[0].text);
    assert_eq!(t.book(), "b 1000000 1, b 999999 5, a 1000001 2, ");
    t.a(super::common::spot(102, 102, "1000000x7", ""), "!gap ->gap SNAPSHOT | gap 100 1000000x1/1000001x2");
    t.a(spot_snapshot(102, "1000000x7", "1000001x2"), "->live book | live 102 1000000x7/1000001x2");
}

#[test]
fn number_beyond_all_units_is_a_fault_and_the_book_stays() {
    for (price, size) in
        [("99999999999999999999", "1"), ("1", "99999999999999999999"), ("1e99", "1"), ("1", "0.0000000000000000001")]
    {
        let mut t = spot::live();
        t.a(super::common::spot(101, 101, &format!("{price}x{size}"), ""), "!overflow | live 100 100x1/101x2");
        let mut t = okx::live();
        t.a(okx_update(10, 11, &format!("{price}x{size}"), ""), "!overflow | live 10 100x1/101x2");
    }
}

#[test]
fn negative_numbers_are_malformed() {
    let mut t = spot::live();
    t.a(super::common::spot(101, 101, "-100x1", ""), "!malformed | live 100 100x1/101x2");
    t.a(super::common::spot(101, 101, "100x-1", ""), "!malformed | live 100 100x1/101x2");
    t.a(trade(1, "-100", "1"), "!malformed | live 100 100x1/101x2");
}

/// A frame cut off anywhere is left out as a whole: no level of it reaches the book.
#[test]
fn truncated_frame_is_malformed_and_the_book_stays() {
    let (mut s, mut o) = (spot::live(), okx::live());
    for (t, whole) in [
        (&mut s, super::common::spot(101, 102, "100x9 99x9", "101x9")),
        (&mut o, okx_update(10, 11, "100x9 99x9", "101x9")),
    ] {
        let (What::Text(whole), state, book) = (whole, t.state(), t.book()) else { unreachable!() };
        for cut in 0..whole.len() {
            t.a(text(&whole[..cut]), &format!("!malformed | {state}"));
        }
        assert_eq!(t.book(), book);
        assert_eq!(t.feed(A, &text(&whole)), "diff ");
    }
}

#[test]
fn malformed_frames_of_all_kinds_are_told_and_left_out() {
    let mut t = spot::live();
    for frame in [
        "",
        "null",
        "7",
        "\"text\"",
        "{",
        "}",
        "[1",
        "<html>",
        "\u{0}",
        r#"{"e":7}"#,
        r#"{"e":"depthUpdate"}"#,
        r#"{"e":"depthUpdate","s":"BTCUSDT","U":101,"u":101,"b":[["100"]],"a":[]}"#,
        r#"{"e":"depthUpdate","s":"BTCUSDT","U":101,"u":101,"b":[[100,1]],"a":[]}"#,
        r#"{"e":"depthUpdate","s":"BTCUSDT","U":"101","u":101,"b":[],"a":[]}"#,
        r#"{"e":"trade","s":"BTCUSDT","t":1,"p":"x","q":"1","m":true}"#,
    ] {
        t.a(text(frame), "!malformed | live 100 100x1/101x2");
    }
    t.a(What::Binary(vec![0, 1, 255]), "!malformed | live 100 100x1/101x2");
    t.a(super::common::spot(101, 101, "100x2", ""), "diff | live 101 100x2/101x2");
}

#[test]
fn unknown_keys_and_kinds_are_counted() {
    let mut t = spot::live();
    t.a(text(r#"{"e":"somethingNew","s":"BTCUSDT"}"#), "| live 100 100x1/101x2");
    assert_eq!(t.engine.unknown(), (1, 0));
    let new_keys = r#"{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":101,"u":101,"b":[],"a":[],"new1":5,"new2":null}"#;
    t.a(text(new_keys), "diff | live 101 100x1/101x2");
    assert_eq!(t.engine.unknown(), (1, 2));
    // Keys of 2026 (market, pair, quantity without RPI) are known and of no use.
    let known = r#"{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","ps":"BTCUSDT","st":1,"U":102,"u":102,"b":[],"a":[]}"#;
    t.a(text(known), "diff | live 102 100x1/101x2");
    assert_eq!(t.engine.unknown(), (1, 2));
    let mut t = okx::live();
    t.a(text(r#"{"arg":{"channel":"new-channel","instId":"BTC-USDT"},"data":[{}]}"#), "| live 10 100x1/101x2");
    assert_eq!(t.engine.unknown(), (1, 0));
}

/// OKX tells an index under the name of the spot pair; every derivative of that underlying takes it.
#[test]
fn index_price_fans_out_to_the_derivatives_of_its_underlying() {
    let mut t = Bench::new(Venue::Okx);
    let book = |symbol: &str| {
        let What::Text(text) = okx_book(10, "100x1", "101x2") else { unreachable!() };
        What::Text(text.replace("BTC-USDT", symbol))
    };
    for symbol in ["BTC-USDT-SWAP", "BTC-USDT-261225", "BTC-USD-SWAP", "ETH-USDT-SWAP"] {
        t.feed(A, &book(symbol));
    }
    t.feed(A, &text(r#"{"arg":{"channel":"index-tickers","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","idxPx":"100.5","ts":"1767225600000"}]}"#));
    t.wait(200, "");
    for (symbol, reached) in
        [("BTC-USDT-SWAP", true), ("BTC-USDT-261225", true), ("BTC-USD-SWAP", false), ("ETH-USDT-SWAP", false)]
    {
        let number = t.number(Venue::Okx, symbol);
        assert_eq!(t.value(number, "basis_index_bps") == Value::Is(0.0), reached, "{symbol}");
    }
}
