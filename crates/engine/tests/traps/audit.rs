//! Two independent streams, and now and then a snapshot, have to tell the same story.

use crate::common::*;
use crate::spot::live;
use fathometer_engine::engine::Config;
use fathometer_engine::instrument::Venue;
use fathometer_engine::metric::{Reason, Value};

#[test]
fn ticker_that_agrees_is_counted() {
    let mut t = live();
    t.a(ticker(100, "100x1", "101x2"), "bbo | live 100 100x1/101x2");
    t.a(spot(101, 101, "100x3", ""), "diff | live 101 100x3/101x2");
    t.a(ticker(101, "100x3", "101x2"), "bbo | live 101 100x3/101x2");
    // Whether that was the last one at or below 101 is known once a later one has come.
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (0, 0));
    t.a(ticker(102, "100x4", "101x2"), "bbo | live 101 100x3/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
}

/// The book shows 100x1 where the exchange says 100x7.
fn mismatch() -> Bench {
    let mut t = live();
    t.a(spot(101, 101, "99x6", ""), "diff | live 101 100x1/101x2");
    t.a(ticker(101, "100x7", "101x2"), "bbo | live 101 100x1/101x2");
    t.a(spot(102, 102, "99x7", ""), "diff | live 102 100x1/101x2");
    t.a(ticker(103, "100x7", "101x2"), "!audit ->audit bbo? | audit 102 100x1/101x2");
    t
}

#[test]
fn audit_mismatch_invalidates_and_a_match_heals() {
    let mut t = mismatch();
    assert!(t.faults[0].text.contains("100 x 1") && t.faults[0].text.contains("100 x 7"), "{}", t.faults[0].text);
    t.a(spot(103, 103, "100x7", ""), "diff? | audit 103 100x7/101x2");
    t.a(ticker(104, "100x7", "101x3"), "->live bbo | live 103 100x7/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (2, 1));
}

/// One more mismatch asks for a snapshot; the book is built beside the old one, and takes its place.
#[test]
fn two_mismatches_replace_the_book_by_a_shadow() {
    let mut t = mismatch();
    t.a(spot(103, 103, "99x8", ""), "diff? | audit 103 100x1/101x2");
    t.a(ticker(104, "100x7", "101x2"), "SNAPSHOT bbo? | audit 103 100x1/101x2");
    t.a(spot(104, 104, "99x9", ""), "diff? | audit 104 100x1/101x2");
    t.a(spot_snapshot(103, "100x7 99x8", "101x2"), "!audit ->live | live 104 100x7/101x2");
    assert_eq!(t.book(), "b 100 7, b 99 9, a 101 2, ");
    assert_eq!(t.counters().resyncs, 1);
    t.a(spot(105, 105, "100x8", ""), "diff | live 105 100x8/101x2");
}

#[test]
fn book_under_suspicion_is_asked_for_until_a_snapshot_fits() {
    let mut t = mismatch();
    t.a(spot(103, 103, "99x8", ""), "diff? | audit 103 100x1/101x2");
    t.a(ticker(104, "100x7", "101x2"), "SNAPSHOT bbo? | audit 103 100x1/101x2");
    t.a(spot(104, 104, "99x9", ""), "diff? | audit 104 100x1/101x2");
    t.a(spot_snapshot(90, "100x7 99x8", "101x2"), "| audit 104 100x1/101x2"); // too old to join
    t.a(spot(105, 105, "98x9", ""), "diff? | audit 105 100x1/101x2");
    t.wait(1_000, "1000: SNAPSHOT");
    t.a(spot_snapshot(104, "100x7 99x9", "101x2"), "!audit ->live | live 105 100x7/101x2");
    assert_eq!(t.book(), "b 100 7, b 99 9, b 98 9, a 101 2, ");
}

#[test]
fn snapshot_that_agrees_clears_the_book_of_suspicion() {
    let mut t = mismatch();
    t.a(spot(103, 103, "99x8", ""), "diff? | audit 103 100x1/101x2");
    t.a(ticker(104, "100x7", "101x2"), "SNAPSHOT bbo? | audit 103 100x1/101x2");
    t.a(spot(104, 104, "99x9", ""), "diff? | audit 104 100x1/101x2");
    t.a(spot_snapshot(103, "100x1 99x8", "101x2 102x7"), "->live | live 104 100x1/101x2");
    assert_eq!(t.counters().resyncs, 0);
}

#[test]
fn metrics_of_a_book_under_suspicion_are_absent() {
    let mut t = mismatch();
    t.wait(200, "");
    assert_eq!(t.value(0, "mid"), Value::Absent(Reason::BookInvalid));
    t.a(spot(103, 103, "100x7", ""), "diff? | audit 103 100x7/101x2");
    t.a(ticker(104, "100x7", "101x3"), "->live bbo | live 103 100x7/101x2");
    t.wait(200, "");
    assert_eq!(t.value(0, "mid"), Value::Is(100.5));
}

/// OKX thins its messages out: only those at the book's own id are compared.
#[test]
fn okx_audit_mismatch_resubscribes_at_the_second() {
    let mut t = crate::okx::live();
    let best = |seq: i64, bid: &str| {
        text(&format!(
            r#"{{"arg":{{"channel":"bbo-tbt","instId":"BTC-USDT"}},"data":[{{"asks":[["101","2","0","1"]],"bids":[["100","{bid}","0","1"]],"ts":"1767225600000","seqId":{seq}}}]}}"#
        ))
    };
    t.a(best(11, "5"), "bbo | live 10 100x1/101x2");
    t.a(okx_update(10, 12, "100x6", ""), "diff | live 12 100x6/101x2"); // 11 was between two updates
    t.a(best(13, "7"), "bbo | live 12 100x6/101x2");
    t.a(okx_update(12, 13, "100x8", ""), "!audit ->audit diff? | audit 13 100x8/101x2");
    t.a(best(14, "9"), "bbo? | audit 13 100x8/101x2");
    t.a(okx_update(13, 14, "100x8", ""), "RESUBSCRIBE diff? | audit 14 100x8/101x2");
    t.a(okx_book(20, "100x9", "101x2"), "->live book | live 20 100x9/101x2");
    assert_eq!(t.counters().resyncs, 1);
}

fn sampled() -> Bench {
    let mut t = Bench::with(Venue::Binance, Config { audit_ms: 20_000, ..Config::default() });
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(100, "100x1 99x5", "101x2 102x7"), "->live book | live 100 100x1/101x2");
    t
}

/// OKX, in step at 10, with a comparison asked for and an update since; `bids` is what the answer says as of `seq`.
fn okx_compared(seq: i64, bids: &str, expected: &str) -> Bench {
    let mut t = Bench::with(Venue::Okx, Config { audit_ms: 20_000, ..Config::default() });
    t.a(okx_book(10, "100x1 99x5", "101x2 102x7"), "->live book | live 10 100x1/101x2");
    t.wait(20_000, "20000: COMPARISON");
    t.a(okx_reply(seq, bids, "101x2 102x7"), "| live 10 100x1/101x2");
    t.a(okx_update(10, 12, "100x3", ""), expected);
    t
}

#[test]
fn okx_comparison_between_two_updates_is_made_after_the_second() {
    let t = okx_compared(11, "100x2 99x5", "diff | live 12 100x3/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
}

#[test]
fn okx_comparison_that_differs_subscribes_anew() {
    let mut t = okx_compared(10, "100x1 99x6", "!audit ->audit RESUBSCRIBE diff? | audit 12 100x3/101x2");
    t.a(okx_update(12, 13, "100x4", ""), "| audit 12 100x3/101x2");
    t.a(okx_book(20, "100x9 99x6", "101x2"), "->live book | live 20 100x9/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched, t.counters().resyncs), (1, 0, 1));
}

/// 99 may have been 6 for a moment within the update, which then does not tell of it.
#[test]
fn okx_comparison_within_an_update_tells_nothing_until_the_same_level_differs_by_the_same_three_times() {
    let mut t = okx_compared(11, "100x1 99x6", "diff | live 12 100x3/101x2");
    for (seq, level) in [(12, "99x7"), (14, "99x7")] {
        assert_eq!(t.counters().audit_checked, 0);
        t.wait(2_000, "2000: COMPARISON");
        t.a(okx_reply(seq + 1, &format!("100x1 {level}"), "101x2 102x7"), &format!("| live {seq} 100x3/101x2"));
        t.a(okx_update(seq, seq + 2, "100x3", ""), &format!("diff | live {} 100x3/101x2", seq + 2));
    }
    t.wait(2_000, "2000: COMPARISON");
    t.a(okx_reply(17, "100x1 99x7", "101x2 102x7"), "| live 16 100x3/101x2");
    t.a(okx_update(16, 18, "100x3", ""), "!audit ->audit RESUBSCRIBE diff? | audit 18 100x3/101x2");
}

#[test]
fn sampled_comparison_that_matches_changes_nothing() {
    let mut t = sampled();
    t.wait(20_000, "20000: COMPARISON");
    t.a(spot(101, 101, "100x2", ""), "diff | live 101 100x2/101x2");
    t.a(spot_snapshot(100, "100x1 99x5", "101x2 102x7"), "| live 101 100x2/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
    t.wait(20_000, "20000: COMPARISON");
}

#[test]
fn sampled_comparison_that_differs_replaces_the_book() {
    let mut t = sampled();
    t.wait(20_000, "20000: COMPARISON");
    t.a(spot(101, 101, "100x2", ""), "diff | live 101 100x2/101x2");
    t.a(spot_snapshot(100, "100x1 99x6", "101x2 102x7"), "!audit | live 101 100x2/101x2");
    assert_eq!(t.book(), "b 100 2, b 99 6, a 101 2, a 102 7, ");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched, t.counters().resyncs), (1, 0, 1));
}

/// A comparison whose snapshot never comes, or never fits, must not keep the next one, nor those of other books, waiting.
#[test]
fn comparison_that_comes_to_nothing_is_given_up() {
    let mut t = sampled();
    t.wait(20_000, "20000: COMPARISON");
    t.wait(60_100, "60100: COMPARISON"); // the answer never came
    let refused = What::Reply("/api/v3/depth?symbol=BTCUSDT&limit=5000".into(), 429, String::new());
    t.a(refused, "!throttled | live 100 100x1/101x2");
    t.wait(20_000, "20000: COMPARISON");
    t.a(spot_snapshot(150, "100x1", "101x2"), "| live 100 100x1/101x2"); // ahead of a stream that stands still
    t.wait(60_100, "60100: COMPARISON");
    t.a(spot(101, 101, "100x2", ""), "diff | live 101 100x2/101x2");
    t.a(spot_snapshot(50, "100x1", "101x2"), "| live 101 100x2/101x2"); // older than what came since
    t.wait(20_000, "20000: COMPARISON");
    t.a(spot_snapshot(101, "100x2 99x5", "101x2 102x7"), "| live 101 100x2/101x2");
    t.a(spot(102, 102, "100x3", ""), "diff | live 102 100x3/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
}

/// Where the exchange disagrees with itself, a rebuild does not help: it is tried once a minute, and the book is not
/// believed meanwhile.
#[test]
fn disagreement_that_stays_is_no_storm_of_requests() {
    let mut t = crate::okx::live();
    let (mut asked, mut valid) = (Vec::new(), 0);
    for seq in (11..2_011).step_by(2) {
        t.now_ms += 100;
        let said = t.feed(A, &okx("update", seq - 1, seq, 7, "100x1", ""));
        if said.contains("RESUBSCRIBE") {
            asked.push((t.now_ms - START_MS) / 1_000);
            t.feed(A, &okx("snapshot", -1, seq + 1, 7, "100x1", "101x2"));
        } else {
            t.feed(A, &okx_update(seq, seq + 1, "100x1", ""));
        }
        valid += u32::from(t.state().starts_with("live"));
    }
    assert_eq!((asked, valid), (vec![0, 60], 0));
}

#[test]
fn book_that_stays_crossed_is_rebuilt_once_a_minute() {
    let mut t = crate::okx::live();
    let mut asked = Vec::new();
    for seq in 11..1_311 {
        t.now_ms += 100;
        if t.feed(A, &okx_update(seq - 1, seq, "103x1", "")).contains("RESUBSCRIBE") {
            asked.push((t.now_ms - START_MS) / 1_000);
            t.feed(A, &okx_book(seq, "103x1", "101x2"));
        }
        assert!(t.state().starts_with("crossed"), "{}", t.state());
    }
    assert_eq!(asked, [0, 60, 120]);
}

#[test]
fn whole_book_is_trusted_to_the_end() {
    let mut t = live();
    t.wait(200, "");
    assert_eq!(t.status().trusted, (None, None));
    assert_eq!(t.value(0, "depth_bid_100bps_quote"), Value::Is(100.0 + 99.0 * 5.0 * 0.0)); // 99 is 149 bps away
}

/// A snapshot that was cut at its limit says nothing of what is further out, though the ids are unbroken.
#[test]
fn band_beyond_the_snapshots_last_level_is_absent() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    let cut = snapshot_of(Venue::Binance, "BTCUSDT", 2, 100, "100.0x1 99.9x5", "100.1x2");
    t.a(cut, "->live book | live 100 100x1/100.1x2");
    assert_eq!(t.status().trusted, (Some(999), None));
    t.wait(200, "");
    assert_eq!(t.value(0, "depth_bid_10bps_quote"), Value::Is(100.0));
    assert_eq!(t.value(0, "depth_bid_25bps_quote"), Value::Absent(Reason::BeyondTrusted));
    assert_eq!(t.value(0, "depth_ask_25bps_quote"), Value::Is(200.2));
    // A level out there becomes known by itself, but not what is around it.
    t.a(spot(101, 101, "99.8x1", ""), "diff | live 101 100x1/100.1x2");
    t.wait(200, "");
    assert_eq!(t.value(0, "depth_bid_25bps_quote"), Value::Absent(Reason::BeyondTrusted));
}

/// The price runs to the end of what the snapshot told: a new one extends the book beside the old.
#[test]
fn snapshot_is_taken_anew_when_the_price_nears_its_edge() {
    let mut t = Bench::with(Venue::Binance, Config::default());
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    let cut = snapshot_of(Venue::Binance, "BTCUSDT", 3, 100, "100x1 99x1 96x1", "101x1 102x1 105x1");
    t.a(cut, "->live book | live 100 100x1/101x1");
    t.wait(60_000, "");
    t.a(spot(101, 101, "100x0 99x0 96.5x1", "97x1"), "diff | live 101 96.5x1/97x1");
    t.wait(100, "100: COMPARISON");
    t.a(spot(102, 102, "96.5x2", ""), "diff | live 102 96.5x2/97x1");
    let next = snapshot_of(Venue::Binance, "BTCUSDT", 3, 101, "96.5x1 96x1 90x4", "97x1 101x1 102x1");
    t.a(next, "| live 102 96.5x2/97x1");
    assert_eq!(t.book(), "b 96.5 2, b 96 1, b 90 4, a 97 1, a 101 1, a 102 1, a 105 1, ");
    assert_eq!(t.status().trusted, (Some(900), Some(1050)));
}
