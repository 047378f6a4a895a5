//! Lives of alerts, with people and restarts in them.

use super::*;
use fathometer_engine::detector::Measure;
use fathometer_engine::instrument::InstrumentId;

const WHOSE: &str = "binance:BTCUSDT";

fn alert(id: u64, at: i64, state: State, severity: Severity, fired: Option<i64>) -> Alert {
    Alert {
        id: AlertId(id),
        at: Nanos(at),
        instrument: InstrumentId(0),
        detector: 0,
        key: 7,
        severity,
        state,
        since: Nanos(1),
        fired: fired.map(Nanos),
        count: 1,
        text: format!("at {at}"),
        evidence: vec![Measure::new("n", at as f64, Some(0.5)), Measure::new("broken", f64::NAN, None)],
    }
}

fn fires(store: &mut Store, id: u64, at: i64) -> bool {
    store.take(&alert(id, at, State::Firing, Severity::Warning, Some(at)), WHOSE)
}

fn is_over(store: &mut Store, id: u64, at: i64, fired: i64) {
    store.take(&alert(id, at, State::Resolved, Severity::Warning, Some(fired)), WHOSE);
}

/// As the journal gives it back.
fn restarted(store: &mut Store) -> Store {
    let text: Vec<String> = store.unsaved().iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let mut again = Store::default();
    again.recall(text.iter().map(|text| serde_json::from_str(text).unwrap()));
    again
}

#[test]
fn an_alert_that_never_fired_leaves_nothing() {
    let mut store = Store::default();
    assert!(!store.take(&alert(1, 5, State::Pending, Severity::Warning, None), WHOSE));
    assert_eq!(store.get(AlertId(1)).unwrap().stage(), Stage::Pending);
    assert_eq!(store.acknowledge(AlertId(1), "ann", Nanos(6)).unwrap_err(), Refusal::NotFiring);
    assert!(store.unsaved().is_empty());
    store.take(&alert(1, 9, State::Resolved, Severity::Info, None), WHOSE);
    assert!(store.get(AlertId(1)).is_none());
}

#[test]
fn the_numbers_are_those_of_the_firing_and_people_have_the_last_word_unless_it_gets_worse() {
    let mut store = Store::default();
    store.take(&alert(1, 5, State::Pending, Severity::Warning, None), WHOSE);
    assert!(fires(&mut store, 1, 8));
    let entry = store.get(AlertId(1)).unwrap();
    assert_eq!((entry.text.as_str(), entry.evidence.len(), entry.fired), ("at 8", 1, Some(Nanos(8))));
    assert_eq!(store.acknowledge(AlertId(1), "ann", Nanos(9)).unwrap().stage(), Stage::Acknowledged);
    store.acknowledge(AlertId(1), "ben", Nanos(10)).unwrap();
    assert_eq!(store.get(AlertId(1)).unwrap().acknowledged.as_ref().unwrap().by, "ann", "the first counts");
    assert_eq!(store.resolve(AlertId(1), "ben", Nanos(11)).unwrap().stage(), Stage::Resolved);
    assert_eq!(store.resolve(AlertId(1), "ben", Nanos(12)).unwrap_err(), Refusal::Over);
    store.take(&alert(1, 20, State::Firing, Severity::Critical, Some(8)), WHOSE);
    let entry = store.get(AlertId(1)).unwrap();
    assert_eq!(
        (entry.stage(), entry.severity, entry.text.as_str()),
        (Stage::Acknowledged, Severity::Critical, "at 20")
    );
    assert_eq!(store.fired().map(|(_, _, count)| count).collect::<Vec<_>>(), [1, 1]);
    for number in 0..NOTES_MAX {
        store.note(AlertId(1), "ann", &number.to_string(), Nanos(21)).unwrap();
    }
    assert_eq!(store.note(AlertId(1), "ann", "more", Nanos(21)).unwrap_err(), Refusal::TooManyNotes);
}

#[test]
fn a_sink_is_told_that_it_fires_before_that_it_is_over_and_each_once() {
    let mut store = Store::default();
    store.recall([]);
    store.tell(vec!["desk".into()]);
    fires(&mut store, 1, 8);
    is_over(&mut store, 1, 9, 8);
    assert!(store.owed("desk", Severity::Warning).is_none(), "nothing is sent that is not written down");
    let unsaved = store.unsaved();
    store.saved(&unsaved);
    assert!(store.owed("desk", Severity::Critical).is_none());
    for resolved in [false, true] {
        let (entry, told) = store.owed("desk", Severity::Warning).unwrap();
        assert_eq!((entry.id, told.resolved), (AlertId(1), resolved));
        store.told(entry.id, "desk", told);
        let unsaved = store.unsaved();
        store.saved(&unsaved);
    }
    assert!(store.owed("desk", Severity::Warning).is_none());
    assert!(store.owed("new", Severity::Warning).is_none(), "who came later hears nothing of what is over");
    fires(&mut store, 2, 8);
    let unsaved = store.unsaved();
    store.saved(&unsaved);
    assert!(store.owed("new", Severity::Warning).is_some(), "but of what is open");
}

#[test]
fn what_is_found_again_after_a_restart_keeps_its_number_and_is_not_told_again() {
    let mut store = Store::default();
    fires(&mut store, 1, 8);
    store.note(AlertId(1), "ann", "looking", Nanos(9)).unwrap();
    store.told(AlertId(1), "desk", Told { severity: Severity::Warning, resolved: false });
    let mut again = restarted(&mut store);
    again.take(&alert(2, 30, State::Pending, Severity::Warning, None), WHOSE);
    assert!(!fires(&mut again, 2, 33), "it began to fire before the restart");
    assert_eq!(again.all().count(), 1);
    let entry = again.get(AlertId(2)).unwrap();
    assert_eq!((entry.id, entry.fired, entry.notes.len()), (AlertId(1), Some(Nanos(8)), 1));
    assert!(entry.owed("desk", Severity::Warning).is_none());
    is_over(&mut again, 2, 40, 33);
    assert_eq!(again.get(AlertId(1)).unwrap().resolved, Some(Nanos(40)));
    // Once more it is another alert.
    assert!(fires(&mut again, 3, 50));
    assert_eq!(again.all().count(), 2);
}

#[test]
fn the_same_number_after_a_restart_is_the_same_alert() {
    let mut store = Store::default();
    fires(&mut store, 1, 8);
    let mut again = restarted(&mut store);
    assert!(!fires(&mut again, 1, 8));
    assert_eq!(again.all().count(), 1);
    assert!(again.get(AlertId(1)).unwrap().also.is_empty());
}

#[test]
fn what_is_not_found_again_after_a_restart_is_over_in_time() {
    let mut store = Store::default();
    fires(&mut store, 1, 8);
    let mut again = restarted(&mut store);
    again.pass(Nanos(100));
    again.pass(Nanos(100 + CARRIED_NANOS - 1));
    assert!(again.get(AlertId(1)).unwrap().is_open());
    again.pass(Nanos(100 + CARRIED_NANOS));
    let entry = again.get(AlertId(1)).unwrap();
    assert_eq!((entry.stage(), entry.notes.len()), (Stage::Resolved, 1));
}

#[test]
fn there_are_never_more_than_the_limit_and_open_ones_stay() {
    let mut store = Store::default();
    fires(&mut store, 0, 1);
    for id in 1..=ENTRIES_MAX as u64 + 5 {
        fires(&mut store, id, 1);
        is_over(&mut store, id, 2, 1);
    }
    assert_eq!(store.all().count(), ENTRIES_MAX);
    assert!(store.get(AlertId(0)).is_some() && store.get(AlertId(1)).is_none());
}
