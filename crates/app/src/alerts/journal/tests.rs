//! Journals that are cut anywhere, taken, and made shorter.

use super::*;
use crate::alerts::store::Store;
use fathometer_engine::alert::{Alert, AlertId, Severity, State};
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::Nanos;

fn entries(count: u64) -> Vec<Entry> {
    let mut store = Store::default();
    for id in 0..count {
        let alert = Alert {
            id: AlertId(id),
            at: Nanos(5),
            instrument: InstrumentId(0),
            detector: 0,
            key: id,
            severity: Severity::Critical,
            state: State::Firing,
            since: Nanos(1),
            fired: Some(Nanos(5)),
            count: 1,
            text: "bids at 5.1 — \"quoted\"".into(),
            evidence: Vec::new(),
        };
        store.take(&alert, "okx:BTC-USDT");
    }
    store.unsaved()
}

#[test]
fn wherever_it_is_cut_whole_lines_are_kept_and_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(folder.path()).unwrap();
    journal.append(&entries(2)).unwrap();
    drop(journal);
    let path = folder.path().join(NAME);
    let whole = std::fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in [0, 1, first - 1, first, first + 1, whole.len() - 2, whole.len() - 1, whole.len()] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        // Without its line end a line may still be whole.
        let expected = usize::from(cut >= first - 1) + usize::from(cut >= whole.len() - 1);
        let (mut journal, read) = Journal::open(folder.path()).unwrap();
        assert_eq!(read.len(), expected, "cut at {cut}");
        journal.append(&entries(3)).unwrap();
        drop(journal);
        let (_, read) = Journal::open(folder.path()).unwrap();
        assert_eq!(read.len(), 3, "cut at {cut}");
        assert_eq!(read[2].text, "bids at 5.1 — \"quoted\"");
    }
}

#[test]
fn the_last_word_counts_and_the_journal_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(folder.path()).unwrap();
    let mut one = entries(1);
    for count in 1..=LINES_SPARE as u32 + 5 {
        one[0].count = count;
        journal.append(&one).unwrap();
    }
    assert!(journal.is_long(1));
    let before = std::fs::metadata(folder.path().join(NAME)).unwrap().len();
    journal.compact(&one).unwrap();
    assert!(!journal.is_long(1));
    assert!(std::fs::metadata(folder.path().join(NAME)).unwrap().len() < before / 100);
    one[0].count = 7;
    journal.append(&one).unwrap();
    drop(journal);
    let (_, read) = Journal::open(folder.path()).unwrap();
    assert_eq!((read.len(), read[0].count), (1, 7));
}

#[test]
fn a_folder_belongs_to_one_run_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path()).unwrap();
    assert!(matches!(Journal::open(folder.path()), Err(JournalError::Taken(_))));
    drop(journal);
    assert!(Journal::open(folder.path()).is_ok());
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let error = Journal::open(&folder.path().join("file")).unwrap_err().to_string();
    assert!(error.contains("--state"), "{error}");
}
