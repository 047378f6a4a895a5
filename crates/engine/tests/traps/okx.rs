//! OKX: the book starts in the stream; ids are linked, never compared by size.

use crate::common::*;
use fathometer_engine::instrument::Venue;

/// In step at 10.
pub(super) fn live() -> Bench {
    let mut t = Bench::new(Venue::Okx);
    t.a(okx_book(10, "100x1 99x5", "101x2 102x7"), "->live book | live 10 100x1/101x2");
    t
}

/// The chain of the venue's own example: (-1,10) (10,15) (15,15) (15,3) (3,5).
#[test]
fn okx_chain_with_keep_alive_and_reset_is_unbroken() {
    let mut t = live();
    t.a(okx_update(10, 15, "100x2", ""), "diff | live 15 100x2/101x2");
    t.a(okx_update(15, 15, "", ""), "diff | live 15 100x2/101x2"); // a minute without change
    t.a(okx_update(15, 3, "100x3", ""), "diff | live 3 100x3/101x2"); // maintenance
    t.a(okx_update(3, 5, "100x4", ""), "diff | live 5 100x4/101x2"); // low ids are not stale
    assert_eq!((t.counters().gaps, t.counters().stale_dropped, t.counters().duplicates), (0, 0, 0));
}

#[test]
fn okx_gap_is_resubscribed_and_updates_are_ignored_until_the_snapshot() {
    let mut t = live();
    t.a(okx_update(12, 15, "100x9", ""), "!gap ->gap RESUBSCRIBE | gap 10 100x1/101x2");
    for seq in 15..25 {
        t.a(okx_update(seq, seq + 1, "98x9", ""), "| gap 10 100x1/101x2"); // the old subscription's last words
    }
    t.a(
        text(r#"{"event":"unsubscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a"}"#),
        "| gap 10 100x1/101x2",
    );
    t.a(
        text(r#"{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a"}"#),
        "| gap 10 100x1/101x2",
    );
    t.a(okx_book(40, "97x1", "101x2"), "->live book | live 40 97x1/101x2");
    t.a(okx_update(40, 41, "97x2", ""), "diff | live 41 97x2/101x2");
    assert_eq!(t.book(), "b 97 2, a 101 2, ");
    assert_eq!((t.counters().gaps, t.counters().resyncs), (1, 1));
}

#[test]
fn okx_resubscription_that_brings_nothing_is_repeated_without_a_storm() {
    let mut t = live();
    t.a(okx_update(12, 15, "100x9", ""), "!gap ->gap RESUBSCRIBE | gap 10 100x1/101x2");
    t.wait(40_000, "15000: RESUBSCRIBE 30000: RESUBSCRIBE");
}

/// -1, 0 and absent are three things.
#[test]
fn okx_previous_id_zero_is_an_id() {
    let mut t = Bench::new(Venue::Okx);
    t.a(okx_book(0, "100x1", "101x2"), "->live book | live 0 100x1/101x2");
    t.a(okx_update(0, 4, "100x2", ""), "diff | live 4 100x2/101x2");
    t.a(okx_update(0, 5, "100x3", ""), "!gap ->gap RESUBSCRIBE | gap 4 100x2/101x2");
}

#[test]
fn okx_update_that_says_minus_one_is_a_gap() {
    let mut t = live();
    t.a(okx_update(-1, 15, "100x9", ""), "!gap ->gap RESUBSCRIBE | gap 10 100x1/101x2");
}

#[test]
fn okx_update_before_the_snapshot_asks_for_one() {
    let mut t = Bench::new(Venue::Okx);
    t.a(okx_update(10, 11, "100x9", ""), "->syncing RESUBSCRIBE | syncing -1 -/-");
    t.a(okx_update(11, 12, "100x9", ""), "| syncing -1 -/-");
    t.a(okx_book(20, "97x1", "101x2"), "->live book | live 20 97x1/101x2");
}

#[test]
fn okx_snapshot_at_any_time_replaces_the_book() {
    let mut t = live();
    t.a(okx_book(3, "97x1", "98x2"), "book | live 3 97x1/98x2");
    assert_eq!(t.book(), "b 97 1, a 98 2, ");
}

/// The venue tells of the best 400 levels and takes away what leaves them: what is known moves with the price.
#[test]
fn okx_trusted_range_follows_the_window_of_400_levels() {
    let mut t = Bench::new(Venue::Okx);
    let side =
        |from: i64, step: i64, n: i64| (0..n).map(|i| format!("{}x1", from + step * i)).collect::<Vec<_>>().join(" ");
    t.a(okx_book(10, &side(1000, -1, 400), &side(1001, 1, 399)), "->live book | live 10 1000x1/1001x1");
    assert_eq!(t.status().trusted, (Some(601), None));
    // The price rises by ten: ten bids join, ten leave at the other end; asks are now cut too.
    let bids = format!("{} {}", side(1001, 1, 10), side(601, 1, 10).replace("x1", "x0"));
    let asks = format!("{} {}", side(1001, 1, 10).replace("x1", "x0"), side(1400, 1, 11));
    t.a(okx_update(10, 11, &bids, &asks), "diff | live 11 1010x1/1011x1");
    assert_eq!(t.status().levels, (400, 400));
    assert_eq!(t.status().trusted, (Some(611), Some(1410)));
}

#[test]
fn okx_checksum_zero_is_not_checked() {
    let mut t = live();
    t.a(okx("update", 10, 11, 0, "100x2", ""), "diff | live 11 100x2/101x2");
    assert_eq!((t.counters().checksums_ok, t.counters().checksums_bad), (0, 0));
}

fn crc(text: &str) -> i32 {
    crc32fast::hash(text.as_bytes()) as i32
}

#[test]
fn okx_true_checksum_is_verified() {
    let mut t = Bench::new(Venue::Okx);
    // The first of the venue's own vectors.
    let first = okx("snapshot", -1, 10, -1_881_014_294, "3366.1x7 3366x6", "3366.8x9 3368x8");
    t.a(first, "->live book | live 10 3366.1x7/3366.8x9");
    t.a(okx("update", 10, 11, crc("3366:6:3366.8:9:3368:8"), "3366.1x0", ""), "diff | live 11 3366x6/3366.8x9");
    assert_eq!((t.counters().checksums_ok, t.counters().checksums_bad), (2, 0));
}

#[test]
fn okx_false_checksum_rebuilds_the_book() {
    let mut t = live();
    t.a(okx("update", 10, 11, 12345, "100x2", ""), "!checksum ->checksum RESUBSCRIBE diff? | checksum 11 100x2/101x2");
    t.a(okx("update", 11, 12, crc("x"), "100x3", ""), "| checksum 11 100x2/101x2");
    t.a(okx_book(20, "97x1", "98x2"), "->live book | live 20 97x1/98x2");
    assert_eq!((t.counters().checksums_bad, t.counters().resyncs), (1, 1));
}

/// Read as a float and written again, 0.00001 becomes 1e-5 and 1.50 becomes 1.5: the checksum is over what was sent.
#[test]
fn price_one_e_minus_five_keeps_its_checksum() {
    let mut t = Bench::new(Venue::Okx);
    let sum = crc("0.00001:100:0.00002:300:1e-6:2.50");
    let book = okx("snapshot", -1, 10, sum, "0.00001x100 1e-6x2.50", "0.00002x300");
    t.a(book, "->live book | live 10 0.00001x100/0.00002x300");
    let sum = crc("0.00001:100.0:0.00002:300:1e-6:2.50");
    t.a(okx("update", 10, 11, sum, "0.00001x100.0", ""), "diff | live 11 0.00001x100/0.00002x300");
    let sum = crc("0.00001:100.0:0.00002:300");
    t.a(okx("update", 11, 12, sum, "0.000001x0", ""), "diff | live 12 0.00001x100/0.00002x300");
    assert_eq!((t.counters().checksums_ok, t.counters().checksums_bad), (3, 0));
}

#[test]
fn checksum_covers_25_levels_and_goes_on_alone_where_a_side_ends() {
    let mut t = Bench::new(Venue::Okx);
    let bids: Vec<String> = (0..30).map(|i| format!("{}x{}", 200 - i, i + 1)).collect();
    let mut text = vec!["200:1".to_owned(), "300:1".into()];
    text.extend((1..25).map(|i| format!("{}:{}", 200 - i, i + 1)));
    t.a(okx("snapshot", -1, 10, crc(&text.join(":")), &bids.join(" "), "300x1"), "->live book | live 10 200x1/300x1");
}

/// Before 2021-10 there were no ids; only the checksum tells.
#[test]
fn okx_updates_without_ids_follow_by_checksum() {
    let mut t = Bench::new(Venue::Okx);
    let old = |action: &str, sum: i32, bids: &str, asks: &str| {
        let What::Text(new) = okx(action, -1, -1, sum, bids, asks) else { unreachable!() };
        text(&new.replace(r#","seqId":-1,"prevSeqId":-1"#, ""))
    };
    t.a(old("snapshot", crc("100:1:101:2"), "100x1", "101x2"), "->live book | live -1 100x1/101x2");
    t.a(old("update", crc("100:4:101:2"), "100x4", ""), "diff | live -1 100x4/101x2");
    t.a(old("update", 7, "100x5", ""), "!checksum ->checksum RESUBSCRIBE diff? | checksum -1 100x5/101x2");
    t.a(old("update", 7, "100x6", ""), "| checksum -1 100x5/101x2");
    t.a(old("snapshot", crc("100:1:101:2"), "100x1", "101x2"), "->live book | live -1 100x1/101x2");
}

#[test]
fn okx_crossed_before_the_opening_is_legal() {
    let mut t = live();
    let state = |state: &str| {
        text(&format!(
            r#"{{"arg":{{"channel":"instruments","instType":"SPOT"}},"data":[{{"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","tickSz":"1","lotSz":"1","state":"{state}"}}]}}"#
        ))
    };
    t.a(state("preopen"), "status | live 10 100x1/101x2");
    for seq in 10..16 {
        t.a(okx_update(seq, seq + 1, "103x1", ""), &format!("diff | live {} 103x1/101x2", seq + 1));
    }
    t.a(okx_update(16, 17, "103x0", ""), "diff | live 17 100x1/101x2");
    t.a(state("live"), "status | live 17 100x1/101x2");
    t.a(okx_update(17, 18, "103x1", ""), "->crossed diff? | crossed 18 103x1/101x2");
    t.a(okx_update(18, 19, "", ""), "diff? | crossed 19 103x1/101x2");
    t.a(okx_update(19, 20, "", ""), "!crossed RESUBSCRIBE diff? | crossed 20 103x1/101x2");
    t.a(okx_book(30, "100x1", "101x2"), "->live book | live 30 100x1/101x2");
}

#[test]
fn a_book_crossed_for_one_message_is_not_rebuilt() {
    let mut t = live();
    t.a(okx_update(10, 11, "103x1", ""), "->crossed diff? | crossed 11 103x1/101x2");
    t.a(okx_update(11, 12, "103x0", ""), "->live diff | live 12 100x1/101x2");
    assert!(t.faults.is_empty());
}

#[test]
fn okx_full_pushes_are_not_taken_for_changes() {
    let mut t = live();
    let five = |seq: i64, bid: &str| {
        text(&format!(
            r#"{{"arg":{{"channel":"books5","instId":"BTC-USDT"}},"data":[{{"asks":[["101","2","0","1"]],"bids":[["100","{bid}","0","1"]],"instId":"BTC-USDT","ts":"1767225600000","seqId":{seq}}}]}}"#
        ))
    };
    t.a(five(10, "1"), "| live 10 100x1/101x2");
    t.a(okx_update(10, 11, "100x3", ""), "diff | live 11 100x3/101x2");
    t.a(five(11, "3"), "| live 11 100x3/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
}

/// A mark price may come twice with one time: the later counts.
#[test]
fn okx_mark_price_with_a_repeated_time_is_taken() {
    let mut t = Bench::new(Venue::Okx);
    let mark = |price: &str| {
        text(&format!(
            r#"{{"arg":{{"channel":"mark-price","instId":"BTC-USDT-SWAP"}},"data":[{{"instType":"SWAP","instId":"BTC-USDT-SWAP","markPx":"{price}","ts":"1767225600000"}}]}}"#
        ))
    };
    t.a(mark("100"), "mark? | empty -1 -/-");
    t.a(mark("101"), "mark? | empty -1 -/-");
}

/// The wire's shape of 2026: checksum 0, ids, and trades with a count.
#[test]
fn okx_trades_are_counted_once() {
    let mut t = live();
    let trades = |id: i64, count: i64| {
        text(&format!(
            r#"{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{{"instId":"BTC-USDT","tradeId":"{id}","px":"100","sz":"0.5","side":"sell","ts":"1767225600000","count":"{count}","source":"0","seqId":11}}]}}"#
        ))
    };
    t.a(trades(7, 3), "trade | live 10 100x1/101x2");
    t.a(trades(8, 1), "trade | live 10 100x1/101x2");
    t.a(trades(8, 1), "| live 10 100x1/101x2");
    assert_eq!((t.counters().trades, t.counters().duplicates), (2, 1));
}
