//! One connection that ends, two that carry the same, and silence.

use crate::common::*;
use crate::{okx, spot};
use fathometer_engine::input::{Leg, LinkId};
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::{FaultKind, Remedy};

/// Two connections, in step at 100.
fn both(venue: Venue) -> Bench {
    let mut t = Bench::redundant(venue);
    match venue {
        Venue::Okx => {
            t.a(okx_book(100, "100x1", "101x2"), "->live book | live 100 100x1/101x2");
            t.b(okx_book(100, "100x1", "101x2"), "| live 100 100x1/101x2");
        }
        _ => {
            t.a(spot_diff(100), "->syncing SNAPSHOT | syncing -1 -/-");
            t.a(spot_snapshot(99, "99x1", "101x2"), "->live book | live 100 100x100/101x2");
            t.b(spot_diff(100), "| live 100 100x100/101x2");
        }
    }
    t
}

fn spot_diff(id: i64) -> What {
    super::common::spot(id, id, &format!("100x{id}"), "")
}

#[test]
fn first_arrival_wins_and_the_second_is_dropped() {
    let mut t = both(Venue::Binance);
    t.a(spot_diff(101), "diff | live 101 100x101/101x2");
    t.b(spot_diff(101), "| live 101 100x101/101x2");
    t.b(spot_diff(102), "diff | live 102 100x102/101x2");
    t.a(spot_diff(102), "| live 102 100x102/101x2");
    assert_eq!((t.counters().gaps, t.counters().duplicates), (0, 3));
}

#[test]
fn gap_in_one_connection_is_filled_by_the_other_without_a_snapshot() {
    let mut t = both(Venue::Binance);
    t.a(spot_diff(104), "!gap ->gap SNAPSHOT | gap 100 100x100/101x2"); // A lost three
    t.b(spot_diff(101), "| gap 101 100x101/101x2");
    t.b(spot_diff(102), "| gap 102 100x102/101x2");
    t.a(spot_diff(105), "| gap 102 100x102/101x2");
    t.b(spot_diff(103), "->live diff | live 105 100x105/101x2");
    t.b(spot_diff(104), "| live 105 100x105/101x2");
    // The snapshot that was asked for comes late, and is only compared.
    t.a(spot_snapshot(105, "100x105 99x1", "101x2"), "| live 105 100x105/101x2");
    t.a(spot_diff(106), "diff | live 106 100x106/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
}

#[test]
fn futures_gap_is_filled_by_the_other_connection() {
    let mut t = Bench::redundant(Venue::BinanceUsdm);
    t.a(futures(90, 100, 80, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(futures_snapshot(95, "99x5", "101x2"), "->live book | live 100 100x1/101x2");
    t.a(futures(130, 140, 120, "100x3", ""), "!gap ->gap SNAPSHOT | gap 100 100x1/101x2");
    t.b(futures(110, 120, 100, "100x2", ""), "->live diff | live 140 100x3/101x2");
    t.b(futures(130, 140, 120, "100x3", ""), "| live 140 100x3/101x2");
    assert_eq!((t.counters().gaps, t.counters().resyncs), (1, 1));
}

#[test]
fn okx_gap_is_filled_by_the_other_connection() {
    let mut t = both(Venue::Okx);
    t.a(okx_update(101, 102, "100x3", ""), "!gap ->gap RESUBSCRIBE | gap 100 100x1/101x2");
    t.b(okx_update(100, 101, "100x2", ""), "->live diff | live 102 100x3/101x2");
    t.b(okx_update(101, 102, "100x3", ""), "| live 102 100x3/101x2");
}

#[test]
fn okx_second_connections_older_snapshot_is_ignored() {
    let mut t = Bench::redundant(Venue::Okx);
    t.a(okx_book(100, "100x1", "101x2"), "->live book | live 100 100x1/101x2");
    t.a(okx_update(100, 101, "100x2", ""), "diff | live 101 100x2/101x2");
    t.b(okx_book(99, "100x9", "101x9"), "| live 101 100x2/101x2");
    t.b(okx_update(99, 100, "100x1", ""), "| live 101 100x2/101x2");
    t.b(okx_update(100, 101, "100x2", ""), "| live 101 100x2/101x2");
    t.b(okx_update(101, 102, "100x3", ""), "diff | live 102 100x3/101x2");
    assert_eq!((t.counters().gaps, t.counters().resyncs), (0, 0));
}

#[test]
fn okx_reset_on_two_connections_is_no_gap() {
    let mut t = both(Venue::Okx);
    t.a(okx_update(100, 3, "100x2", ""), "diff | live 3 100x2/101x2");
    t.b(okx_update(100, 3, "100x2", ""), "| live 3 100x2/101x2");
    t.b(okx_update(3, 5, "100x3", ""), "diff | live 5 100x3/101x2");
}

/// After maintenance the quotes are numbered anew with the book.
#[test]
fn okx_best_quotes_after_a_reset_are_taken_and_compared() {
    let mut t = okx::live();
    let best = |seq: i64, bid: &str| {
        text(&format!(
            r#"{{"arg":{{"channel":"bbo-tbt","instId":"BTC-USDT"}},"data":[{{"asks":[["101","2","0","1"]],"bids":[["100","{bid}","0","1"]],"ts":"1767225600000","seqId":{seq}}}]}}"#
        ))
    };
    t.a(best(11, "1"), "bbo | live 10 100x1/101x2");
    t.a(okx_update(10, 3, "100x2", ""), "diff | live 3 100x2/101x2");
    t.a(best(4, "3"), "bbo | live 3 100x2/101x2");
    t.a(okx_update(3, 4, "100x3", ""), "diff | live 4 100x3/101x2");
    assert_eq!((t.counters().audit_checked, t.counters().audit_matched), (1, 1));
}

/// Both connections broke one after the other while the ids started anew: what comes now is below the book's id, and
/// neither a repetition nor a gap to be seen. A book that stands still among nothing but old messages is not believed.
#[test]
fn okx_numbering_that_restarts_unseen_is_not_taken_for_old_for_ever() {
    let mut t = both(Venue::Okx);
    t.b(okx_book(3, "90x1", "91x1"), "| live 100 100x1/101x2"); // as a slower connection's older book
    t.a(okx_update(3, 4, "90x2", ""), "| live 100 100x1/101x2");
    t.b(okx_update(3, 4, "90x2", ""), "| live 100 100x1/101x2");
    t.a(okx_update(4, 5, "90x3", ""), "| live 100 100x1/101x2");
    t.wait(5_100, "5000: !stale ->stale RESUBSCRIBE(B)");
    t.a(okx_update(5, 6, "90x4", ""), "->syncing | syncing 100 100x1/101x2");
    t.b(okx_book(7, "90x5", "91x1"), "->live book | live 7 90x5/91x1");
    t.a(okx_update(7, 8, "90x6", ""), "diff | live 8 90x6/91x1");
    t.wait(60_000, "");
}

#[test]
fn trades_repeated_by_the_other_connection_are_dropped() {
    let mut t = both(Venue::Binance);
    t.a(trade(7, "100", "1"), "trade | live 100 100x100/101x2");
    t.b(trade(7, "100", "1"), "| live 100 100x100/101x2");
    t.b(trade(8, "100", "1"), "trade | live 100 100x100/101x2");
    assert_eq!((t.counters().trades, t.counters().duplicates), (2, 2));
}

#[test]
fn trades_repeated_after_a_reconnect_are_dropped() {
    let mut t = spot::live();
    t.a(trade(7, "100", "1"), "trade | live 100 100x1/101x2");
    t.a(What::Close, "!disconnected ->disconnected | disconnected -1 -/-");
    t.feed(LinkId(2), &What::Open(Venue::Binance, Leg::A, "wss://venue/stream".into()));
    assert_eq!(t.feed(LinkId(2), &trade(7, "100", "1")), "");
    assert_eq!(t.feed(LinkId(2), &trade(8, "100", "1")), "trade? ");
}

/// Derivatives' own numbering of aggregates does not clash with that of trades.
#[test]
fn aggregates_have_ids_of_their_own() {
    let mut t = spot::live();
    t.a(trade(700, "100", "1"), "trade | live 100 100x1/101x2");
    let aggregate = r#"{"e":"aggTrade","E":1767225600000,"s":"BTCUSDT","a":5,"p":"100","q":"1","f":700,"l":700,"T":1767225600000,"m":true}"#;
    t.a(text(aggregate), "trade | live 100 100x1/101x2");
}

#[test]
fn one_of_two_connections_may_end() {
    let mut t = both(Venue::Binance);
    t.a(What::Close, "!disconnected | live 100 100x100/101x2");
    t.b(spot_diff(101), "diff | live 101 100x101/101x2");
    t.b(What::Close, "!disconnected ->disconnected | disconnected -1 -/-");
    assert_eq!((t.faults[0].kind, t.faults[0].remedy), (FaultKind::Disconnected, Remedy::Reconnect));
}

/// Once a day every connection makes way for a successor that already carries the same.
#[test]
fn planned_replacement_of_a_connection_is_no_fault() {
    let mut t = both(Venue::Binance);
    t.a(What::Replaced, "| live 100 100x100/101x2");
    t.b(spot_diff(101), "diff | live 101 100x101/101x2");
    assert!(t.faults.is_empty());
}

/// What a closed connection asked for never comes: the feed forgets it, and the other connection has to ask.
#[test]
fn snapshot_asked_on_a_connection_that_ends_is_asked_on_the_other() {
    let mut t = both(Venue::Binance);
    t.a(spot_diff(104), "!gap ->gap SNAPSHOT | gap 100 100x100/101x2");
    t.b(spot_diff(105), "| gap 100 100x100/101x2");
    t.a(What::Close, "!disconnected | gap 100 100x100/101x2");
    t.wait(1_200, "1100: SNAPSHOT(B)");
}

#[test]
fn book_begins_anew_after_a_reconnect() {
    let mut t = spot::live();
    t.a(What::Close, "!disconnected ->disconnected | disconnected -1 -/-");
    t.b(What::Open(Venue::Binance, Leg::A, "wss://venue/stream".into()), "| disconnected -1 -/-");
    t.b(super::common::spot(205, 210, "90x1", ""), "->syncing SNAPSHOT(B) | syncing -1 -/-");
    t.b(spot_snapshot(207, "90x2", "91x1"), "->live book | live 210 90x1/91x1");
    assert_eq!(t.counters().resyncs, 1);
    assert_eq!(t.status().recovery_ns, Some(30_000_000));
}

/// A snapshot that was refused just before the connection ended must not delay the first one after it.
#[test]
fn pauses_between_snapshots_do_not_outlive_the_connection() {
    let mut t = Bench::new(Venue::Binance);
    t.a(super::common::spot(100, 105, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(50, "99x1", "101x2"), "!snapshot | syncing -1 -/-");
    t.a(What::Close, "!disconnected ->disconnected | disconnected -1 -/-");
    t.b(What::Open(Venue::Binance, Leg::A, "wss://venue/stream".into()), "| disconnected -1 -/-");
    t.b(super::common::spot(200, 205, "100x1", ""), "->syncing SNAPSHOT(B) | syncing -1 -/-");
}

#[test]
fn server_shutdown_rotates_the_connection() {
    for notice in [
        r#"{"e":"serverShutdown","E":1770123456789}"#,
        r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#,
    ] {
        let mut t = spot::live();
        t.a(text(notice), "!closing ROTATE | live 100 100x1/101x2");
    }
}

#[test]
fn okx_notice_64008_rotates_the_connection() {
    let mut t = okx::live();
    let notice =
        |code: &str| text(&format!(r#"{{"event":"notice","code":"{code}","msg":"soon closed","connId":"a"}}"#));
    t.a(notice("64008"), "!closing ROTATE | live 10 100x1/101x2");
    t.a(notice("1"), "| live 10 100x1/101x2");
}

#[test]
fn quiet_market_is_not_stale() {
    let mut t = spot::live();
    t.wait(60_000, "");
    assert_eq!(t.state(), "live 100 100x1/101x2");
}

/// The depth stream of a connection may die alone (a stream on the wrong path never even begins): silence is measured
/// per stream.
#[test]
fn dead_depth_stream_among_living_ones_is_stale_each_time() {
    let mut t = spot::live();
    let mut id = 100;
    for round in 0..2 {
        for _ in 0..3 {
            id += 1;
            let state = t.state();
            t.a(trade(id, "100", "1"), &format!("trade | {state}"));
        }
        t.wait(4_800, "");
        t.wait(300, "200: !stale ->stale RESUBSCRIBE");
        t.wait(5_000, "4900: !stale RECONNECT");
        let next = 101 + round;
        let state = format!("live {next} 100x5/101x2");
        t.a(super::common::spot(next, next, "100x5", ""), &format!("->live diff | {state}"));
    }
}

#[test]
fn stale_book_that_missed_changes_is_a_gap() {
    let mut t = spot::live();
    for id in 1..4 {
        t.a(trade(id, "100", "1"), "trade | live 100 100x1/101x2");
    }
    t.wait(5_100, "5000: !stale ->stale RESUBSCRIBE");
    t.a(super::common::spot(150, 150, "100x5", ""), "!gap ->gap SNAPSHOT | gap 100 100x1/101x2");
}

/// Two clocks that nobody set to each other: an event may be received before it was sent.
#[test]
fn negative_latency_is_survived_and_corrected() {
    let mut t = spot::live();
    t.now_ms -= 1_270;
    t.a(super::common::spot(101, 101, "100x2", ""), "diff | live 101 100x2/101x2");
    let raw = t.status().latency_raw_ns.unwrap();
    assert!((-1_270_000_000..-1_200_000_000).contains(&raw), "{raw}");
    assert_eq!(t.status().latency_ns, None);
    // The venue's own clock, read within 5 ms: 1,270 ms ahead of ours.
    let time = format!(r#"{{"serverTime":{}}}"#, t.now_ms + 10 + 1_270);
    t.a(What::Reply("/api/v3/time".into(), 200, time), "| live 101 100x2/101x2");
    let (corrected, uncertainty) = t.status().latency_ns.unwrap();
    assert!(
        (raw + 1_270_000_000 - corrected).abs() <= 5_000_000 && uncertainty < 5_000_000,
        "{corrected} {uncertainty}"
    );
}

#[test]
fn frame_on_a_link_never_opened_is_left_out() {
    let mut t = spot::live();
    t.b(super::common::spot(101, 101, "100x2", ""), "!malformed | live 100 100x1/101x2");
}
