//! Answers over HTTP that are late, refused, or not what they should be.

use crate::common::*;
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::FaultKind;

fn waiting() -> Bench {
    let mut t = Bench::new(Venue::Binance);
    t.a(spot(100, 105, "100x1", ""), "->syncing SNAPSHOT | syncing -1 -/-");
    t
}

const DEPTH: &str = "/api/v3/depth?symbol=BTCUSDT&limit=5000";

#[test]
fn answer_that_never_comes_is_asked_for_again() {
    let mut t = waiting();
    t.wait(46_000, "15000: SNAPSHOT 30000: SNAPSHOT 45000: SNAPSHOT");
    t.a(spot_snapshot(102, "99x1", "101x2"), "->live book | live 105 100x1/101x2");
    t.wait(60_000, "");
}

#[test]
fn second_answer_after_the_book_is_live_is_only_compared() {
    let mut t = waiting();
    t.wait(15_100, "15000: SNAPSHOT");
    t.a(spot_snapshot(102, "99x1", "101x2"), "->live book | live 105 100x1/101x2");
    t.a(spot_snapshot(103, "99x1", "101x2"), "| live 105 100x1/101x2");
    t.a(spot(106, 106, "100x2", ""), "diff | live 106 100x2/101x2");
    t.wait(60_000, "");
    t.a(spot(107, 107, "100x3", ""), "diff | live 107 100x3/101x2");
}

#[test]
fn throttled_answer_is_a_fault_and_asked_again_with_growing_pauses() {
    let mut t = waiting();
    let refused = || What::Reply(DEPTH.into(), 429, r#"{"code":-1003,"msg":"Too many requests."}"#.into());
    for pause in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
        t.a(refused(), "!throttled | syncing -1 -/-");
        t.wait(pause, &format!("{pause}: SNAPSHOT"));
    }
    assert!(t.faults[0].text.contains("Too many requests."), "{}", t.faults[0].text);
    t.a(spot_snapshot(102, "99x1", "101x2"), "->live book | live 105 100x1/101x2");
}

#[test]
fn refused_place_is_told_as_such() {
    for (status, kind) in [(403, FaultKind::Refused), (451, FaultKind::Refused), (418, FaultKind::Throttled)] {
        let mut t = waiting();
        t.feed(A, &What::Reply(DEPTH.into(), status, r#"{"code":0,"msg":"Service unavailable"}"#.into()));
        assert_eq!(t.faults[0].kind, kind);
    }
}

#[test]
fn answer_that_is_not_a_book_is_malformed_and_asked_again() {
    for body in
        ["", "<html>", "{}", r#"{"lastUpdateId":102,"bids":[["99","1"]]}"#, r#"{"lastUpdateId":1,"bids":7,"asks":[]}"#]
    {
        let mut t = waiting();
        t.a(What::Reply(DEPTH.into(), 200, body.into()), "!malformed | syncing -1 -/-");
        t.wait(1_000, "1000: SNAPSHOT");
    }
}

/// Nobody asked, nobody waits: an error to another request changes nothing here.
#[test]
fn error_to_another_request_does_not_touch_the_book() {
    let mut t = waiting();
    t.a(What::Reply("/api/v3/time".into(), 500, String::new()), "!venue | syncing -1 -/-");
    t.wait(14_000, "");
    t.wait(1_000, "1000: SNAPSHOT");
}

#[test]
fn answers_may_come_in_any_order_of_symbols() {
    let mut t = waiting();
    t.a(diff_of("ETHUSDT", 5, 9, -1, "10x1", ""), "ETHUSDT:->syncing ETHUSDT:SNAPSHOT | syncing -1 -/-");
    let other = snapshot_of(Venue::Binance, "ETHUSDT", 5000, 8, "10x1", "11x1");
    t.a(other, "ETHUSDT:->live ETHUSDT:book | syncing -1 -/-");
    t.a(spot_snapshot(102, "99x1", "101x2"), "->live book | live 105 100x1/101x2");
}

#[test]
fn okx_refusals_are_faults() {
    let mut t = Bench::new(Venue::Okx);
    let error = r#"{"event":"error","code":"60018","msg":"channel does not exist","connId":"a"}"#;
    t.a(text(error), "!venue | -");
    t.a(
        What::Reply("/api/v5/public/time".into(), 429, r#"{"code":"50011","msg":"Too many","data":[]}"#.into()),
        "!throttled | -",
    );
    t.a(text("pong"), "| -");
}
