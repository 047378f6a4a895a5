//! Binance futures: only `pu` links events; ids skip.

use crate::common::*;
use fathometer_engine::instrument::Venue;

fn waiting() -> Bench {
    let mut t = Bench::new(Venue::BinanceUsdm);
    t.a(futures(90, 100, 80, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t
}

/// In step at 100.
fn live() -> Bench {
    let mut t = waiting();
    t.a(futures_snapshot(95, "99x5", "101x2"), "->live book | live 100 100x1/101x2");
    t
}

#[test]
fn futures_events_whose_ids_skip_are_no_gap() {
    let mut t = live();
    t.a(futures(150, 160, 100, "100x2", ""), "diff | live 160 100x2/101x2");
    t.a(futures(161, 170, 160, "100x3", ""), "diff | live 170 100x3/101x2");
    assert_eq!(t.counters().gaps, 0);
}

/// U == u + 1 proves nothing either: an event in between may have had no id of this stream.
#[test]
fn futures_broken_pu_is_a_gap_even_where_the_ids_adjoin() {
    let mut t = live();
    t.a(futures(101, 110, 99, "100x2", ""), "!gap ->gap SNAPSHOT | gap 100 100x1/101x2");
    assert!(t.faults[0].text.contains("changes after 100 are missing, the next one starts at 99"));
    t.a(futures_snapshot(105, "99x5", "101x2"), "->live book | live 110 100x2/101x2");
    assert_eq!((t.counters().gaps, t.counters().resyncs), (1, 1));
    assert_eq!(t.status().recovery_ns, Some(10_000_000));
}

#[test]
fn futures_event_ending_at_the_snapshot_is_its_anchor() {
    let mut t = waiting();
    t.a(futures_snapshot(100, "99x5", "101x2"), "->live book | live 100 100x1/101x2");
    t.a(futures(140, 150, 100, "100x2", ""), "diff | live 150 100x2/101x2");
}

#[test]
fn futures_event_starting_at_the_snapshot_is_applied() {
    let mut t = waiting();
    t.a(futures_snapshot(90, "99x5", "101x2"), "->live book | live 100 100x1/101x2");
    assert_eq!(t.counters().diffs_applied, 1);
}

#[test]
fn futures_event_below_the_snapshot_is_dropped() {
    let mut t = waiting();
    t.a(futures(150, 160, 100, "100x2", ""), "| syncing -1 -/-");
    t.a(futures_snapshot(155, "99x5", "101x2"), "->live book | live 160 100x2/101x2");
    assert_eq!((t.counters().stale_dropped, t.counters().diffs_applied), (1, 1));
}

#[test]
fn futures_snapshot_equal_to_pu_is_accepted() {
    let mut t = waiting();
    t.a(futures_snapshot(80, "99x5", "101x2"), "->live book | live 100 100x1/101x2");
}

#[test]
fn futures_snapshot_in_the_pu_hole_is_refetched() {
    let mut t = waiting();
    t.a(futures(150, 160, 100, "100x2", ""), "| syncing -1 -/-");
    t.a(futures_snapshot(120, "99x5", "101x2"), "!snapshot | syncing -1 -/-");
    assert!(t.faults[0].text.contains("falls into the hole between two changes"));
    t.wait(1_100, "1100: SNAPSHOT");
    t.a(futures_snapshot(152, "99x5", "101x2"), "->live book | live 160 100x2/101x2");
}

#[test]
fn futures_snapshot_in_a_hole_that_shows_later_is_refetched() {
    let mut t = waiting();
    t.a(futures_snapshot(120, "99x5", "101x2"), "| syncing 120 99x5/101x2");
    t.a(futures(150, 160, 100, "100x2", ""), "!snapshot | syncing 120 99x5/101x2");
    t.wait(1_100, "1100: SNAPSHOT");
    t.a(futures_snapshot(160, "99x6", "101x2"), "->live book | live 160 100x2/101x2");
}

#[test]
fn futures_snapshot_older_than_the_first_event_is_refetched() {
    let mut t = waiting();
    t.a(futures_snapshot(70, "99x5", "101x2"), "!snapshot | syncing -1 -/-");
    assert!(t.faults[0].text.contains("older than the first change held"));
}

#[test]
fn futures_snapshot_after_the_last_event_joins_by_the_next_ones_pu() {
    let mut t = waiting();
    t.a(futures_snapshot(120, "99x5", "101x2"), "| syncing 120 99x5/101x2");
    t.a(futures(130, 140, 120, "100x2", ""), "->live diff | live 140 100x2/101x2");
}

/// The same frames under spot's rules would be a gap, and spot's under these: nobody may mix them.
#[test]
fn spot_and_futures_rules_are_not_mixed() {
    let mut spot_rules = super::spot::live();
    spot_rules.a(futures(150, 160, 100, "100x2", ""), "!gap ->gap SNAPSHOT | gap 100 100x1/101x2");
    let mut futures_rules = live();
    futures_rules.a(spot(101, 110, "100x2", ""), "!gap ->gap SNAPSHOT | gap 100 100x1/101x2");
}

#[test]
fn futures_partial_depth_looks_like_a_diff_and_is_not_applied() {
    let mut t = live();
    let What::Text(diff) = futures(150, 160, 100, "77x7", "") else { unreachable!() };
    t.a(text(&diff.replace("@depth@100ms", "@depth5@100ms")), "| live 100 100x1/101x2");
    t.a(futures(150, 160, 100, "100x2", ""), "diff | live 160 100x2/101x2");
}

#[test]
fn coinm_follows_the_futures_rules() {
    let mut t = Bench::new(Venue::BinanceCoinm);
    t.a(diff_of("BTCUSD_PERP", 90, 100, 80, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    let What::Reply(path, status, body) = snapshot_of(Venue::BinanceCoinm, "BTCUSD_PERP", 1000, 95, "99x5", "101x2")
    else {
        unreachable!()
    };
    t.a(What::Reply(path.replace("fapi", "dapi"), status, body), "->live book | live 100 100x1/101x2");
    t.a(diff_of("BTCUSD_PERP", 150, 160, 100, "100x2", ""), "diff | live 160 100x2/101x2");
}

/// Ids of trades that never happened come as price 0 and size 0.
#[test]
fn futures_trades_without_price_and_size_are_dropped() {
    let mut t = live();
    t.a(trade(7, "0", "0"), "| live 100 100x1/101x2");
    t.a(trade(8, "100", "1"), "trade | live 100 100x1/101x2");
    assert_eq!(t.counters().trades, 1);
}

/// A connection on the old address brings books but never a mark price: that is absent, not zero, while the book lives.
#[test]
fn futures_streams_that_never_speak_leave_their_numbers_absent() {
    use fathometer_engine::metric::{Reason, Value};
    let mut t = live();
    t.wait(200, "");
    assert_eq!(t.value(0, "basis_mark_bps"), Value::Absent(Reason::NoData));
    assert_eq!(t.value(0, "funding_rate_bps"), Value::Absent(Reason::NoData));
    let mark =
        r#"{"e":"markPriceUpdate","E":1767225600000,"s":"BTCUSDT","p":"100.5","i":"100.5","P":"1","r":"","T":0}"#;
    t.a(text(mark), "mark index | live 100 100x1/101x2");
    t.wait(200, "");
    assert_eq!(t.value(0, "basis_mark_bps"), Value::Is(0.0));
    assert_eq!(t.value(0, "funding_rate_bps"), Value::Absent(Reason::NoData)); // an empty rate is none
}
