//! Binance spot: joining the snapshot with the stream, and staying in step.

use crate::common::*;
use fathometer_engine::instrument::Venue;

/// In step at 100: bids 100, 99, asks 101, 102.
pub(super) fn live() -> Bench {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(100, "100x1 99x5", "101x2 102x7"), "->live book | live 100 100x1/101x2");
    t
}

#[test]
fn spot_snapshot_older_than_the_first_event_is_refetched() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(100, 105, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(98, "99x1", "101x2"), "!snapshot | syncing -1 -/-");
    // Strictly below the first event's U is too old, but U - 1 joins without a hole: rule 4, not the letter of rule 3.
    t.wait(1_100, "1100: SNAPSHOT");
    t.a(spot_snapshot(99, "99x1", "101x2"), "->live book | live 105 100x1/101x2");
}

#[test]
fn spot_first_event_straddling_the_snapshot_is_accepted() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(90, 95, "98x9", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot(96, 110, "100x1 98x0", ""), "| syncing -1 -/-");
    t.a(spot_snapshot(104, "99x1 98x9", "101x2"), "->live book | live 110 100x1/101x2");
    assert_eq!(t.book(), "b 100 1, b 99 1, a 101 2, ");
    assert_eq!((t.counters().stale_dropped, t.counters().diffs_applied), (1, 1));
}

/// The wording of 2024-12 to 2025-11 told to start over at U > id, which is every event there is.
#[test]
fn spot_next_event_starting_at_id_plus_one_is_no_gap() {
    let mut t = live();
    t.a(spot(101, 103, "100x3", ""), "diff | live 103 100x3/101x2");
    t.a(spot(104, 104, "", "101x0"), "diff | live 104 100x3/102x7");
    assert_eq!(t.counters().gaps, 0);
}

#[test]
fn spot_event_starting_at_id_plus_two_is_a_gap() {
    let mut t = live();
    t.a(spot(102, 103, "100x3", ""), "!gap ->gap SNAPSHOT | gap 100 100x1/101x2");
    assert_eq!(t.counters().gaps, 1);
    assert!(t.faults[0].text.contains("changes after 100 are missing, the next one starts at 102"));
}

#[test]
fn spot_event_overlapping_the_book_is_applied() {
    let mut t = live();
    t.a(spot(98, 104, "100x4", ""), "diff | live 104 100x4/101x2");
}

/// An event with u == L is in the snapshot already; it shows that the snapshot joins, and is not applied again.
#[test]
fn spot_event_ending_at_the_snapshot_is_dropped_and_proves_the_join() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(100, "99x5", "101x2"), "->live book | live 100 99x5/101x2");
    assert_eq!((t.counters().stale_dropped, t.counters().diffs_applied), (1, 0));
}

#[test]
fn spot_snapshot_newer_than_all_events_waits_for_the_one_that_joins() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(120, "99x5", "101x2"), "| syncing 120 99x5/101x2");
    t.a(spot(101, 119, "99x6", ""), "| syncing 120 99x5/101x2"); // still within the snapshot
    t.a(spot(120, 125, "99x7", ""), "->live diff | live 125 99x7/101x2");
}

#[test]
fn spot_snapshot_before_any_event_waits_for_the_first() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot_snapshot(120, "99x5", "101x2"), "->syncing | syncing 120 99x5/101x2");
    t.a(spot(121, 125, "99x7", ""), "->live diff | live 125 99x7/101x2");
}

#[test]
fn spot_snapshot_that_the_next_event_does_not_join_is_refetched() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot_snapshot(120, "99x5", "101x2"), "->syncing | syncing 120 99x5/101x2");
    t.a(spot(122, 125, "99x7", ""), "!snapshot SNAPSHOT | syncing 120 99x5/101x2");
    t.a(spot_snapshot(123, "99x4", "101x2"), "->live book | live 125 99x7/101x2");
}

#[test]
fn spot_gap_among_the_events_held_back_refetches() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot(111, 120, "100x2", ""), "| syncing -1 -/-"); // 101 to 110 never came
    t.a(spot_snapshot(98, "99x5", "101x2"), "!snapshot | syncing 100 100x1/101x2");
    t.wait(1_100, "1100: SNAPSHOT");
    t.a(spot_snapshot(115, "99x5", "101x2"), "->live book | live 120 100x2/101x2");
}

#[test]
fn retried_snapshots_keep_the_events_held_back() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(100, 105, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(spot_snapshot(50, "99x1", "101x2"), "!snapshot | syncing -1 -/-");
    t.a(spot(106, 110, "100.5x2", ""), "| syncing -1 -/-");
    // An HTTP cache answers with the same old book again and again.
    for (pause, last) in [(1_000, 50), (2_000, 60), (4_000, 70), (8_000, 80), (10_000, 90), (10_000, 95)] {
        t.wait(pause + 100, &format!("{}: SNAPSHOT", pause + 100));
        t.a(spot_snapshot(last, "99x1", "101x2"), "!snapshot | syncing -1 -/-");
    }
    t.wait(10_100, "10100: SNAPSHOT");
    t.a(spot_snapshot(102, "99x1", "101x2"), "->live book | live 110 100.5x2/101x2");
    assert_eq!((t.counters().diffs_applied, t.counters().gaps), (2, 0));
}

#[test]
fn deletes_of_levels_never_seen_are_normal() {
    let mut t = live();
    t.a(spot(101, 101, "42x0 100x0", "300x0"), "diff | live 101 99x5/101x2");
    assert_eq!(t.book(), "b 99 5, a 101 2, a 102 7, ");
}

#[test]
fn one_side_may_be_empty_and_both() {
    let mut t = live();
    t.a(spot(101, 101, "", "101x9"), "diff | live 101 100x1/101x9");
    t.a(spot(102, 102, "", ""), "diff | live 102 100x1/101x9");
    t.a(spot(103, 103, "100x0 99x0", ""), "diff | live 103 -/101x9");
}

#[test]
fn events_before_the_acknowledgement_are_taken() {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(95, 100, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t.a(text(r#"{"result":null,"id":1}"#), "| syncing -1 -/-");
    t.a(spot_snapshot(99, "99x1", "101x2"), "->live book | live 100 100x1/101x2");
}

#[test]
fn one_symbols_gap_leaves_the_others_alone() {
    let mut t = live();
    let other = |first, last| diff_of("ETHUSDT", first, last, -1, "10x1", "");
    t.a(other(5, 9), "ETHUSDT:->syncing ETHUSDT:SNAPSHOT | live 100 100x1/101x2");
    let book = snapshot_of(Venue::Binance, "ETHUSDT", 5000, 8, "10x1", "11x1");
    t.a(book, "ETHUSDT:->live ETHUSDT:book | live 100 100x1/101x2");
    t.a(other(20, 21), "ETHUSDT:!gap ETHUSDT:->gap ETHUSDT:SNAPSHOT | live 100 100x1/101x2");
    t.a(spot(101, 102, "100x2", ""), "diff | live 102 100x2/101x2");
    assert_eq!(t.counters().gaps, 0);
}

/// Spot's partial depth has no symbol of its own: without the stream's name nobody can tell whose it is.
#[test]
fn partial_depth_without_a_name_is_nobodys() {
    let mut t = live();
    let partial = r#"{"lastUpdateId":160,"bids":[["10","10"]],"asks":[["11","10"]]}"#;
    t.a(text(partial), "!malformed | live 100 100x1/101x2");
    assert!(t.faults[0].text.contains("without a symbol: use the combined stream"));
    let named = format!(r#"{{"stream":"btcusdt@depth5@100ms","data":{partial}}}"#);
    t.a(text(&named), "| live 100 100x1/101x2"); // named, but never taken for changes
}
