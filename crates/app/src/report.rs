//! What a run or a replay comes to: one object for scripts, one table for people.

use crate::runner::Runner;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::output::Validity;
use fathometer_engine::units::{Decimal, Level, Scale, Side};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Everything.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Frames and answers taken.
    pub frames: u64,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Frames per second.
    pub frames_per_second: f64,
    /// Hash of all outputs.
    pub output_hash: String,
    /// Every instrument, by index.
    pub instruments: Vec<InstrumentReport>,
}

/// One instrument.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstrumentReport {
    /// `venue:symbol`.
    pub id: String,
    /// Frames that said something of it.
    pub frames: u64,
    /// Depth changes applied.
    pub diffs_applied: u64,
    /// Depth changes older than the book, dropped.
    pub stale_dropped: u64,
    /// Changes lost.
    pub gaps: u64,
    /// Times the book was rebuilt after it had been valid.
    pub resyncs: u64,
    /// Checksums that matched.
    pub checksums_ok: u64,
    /// Checksums that did not.
    pub checksums_bad: u64,
    /// Independent comparisons made.
    pub audit_checked: u64,
    /// Of these, equal.
    pub audit_matched: u64,
    /// Last update id applied; -1 before the first.
    pub last_update_id: i64,
    /// Levels.
    pub bids: u32,
    /// Levels.
    pub asks: u32,
    /// Price and size, plain decimals; absent where the side is empty.
    pub best_bid: Option<[String; 2]>,
    /// Price and size, plain decimals; absent where the side is empty.
    pub best_ask: Option<[String; 2]>,
    /// SHA-256 of the canonical text of the book.
    pub book_sha256: String,
    /// Whether the book may be believed.
    pub valid: bool,
}

impl Report {
    /// What a run has come to after that many seconds; books are those before its own goodbye.
    pub fn of(runner: &Runner, seconds: f64) -> Self {
        Report {
            frames: runner.frames,
            seconds,
            frames_per_second: if seconds > 0.0 { runner.frames as f64 / seconds } else { 0.0 },
            output_hash: runner.output_hash(),
            instruments: runner.parting().map_or_else(|| instruments(runner), |parting| parting.instruments.clone()),
        }
    }

    /// For people.
    pub fn table(&self) -> String {
        let width = self.instruments.iter().map(|it| it.id.len()).max().unwrap_or(0).max(10);
        let mut text = format!(
            "{:width$} {:>6} {:>10} {:>9} {:>5} {:>7} {:>15} {:>13} {:>24} {:>24}\n",
            "INSTRUMENT", "BOOK", "FRAMES", "DIFFS", "GAPS", "RESYNCS", "AUDIT", "CHECKSUMS", "BEST BID", "BEST ASK"
        );
        let best = |level: &Option<[String; 2]>| {
            level.as_ref().map_or("–".to_owned(), |[price, size]| format!("{price} x {size}"))
        };
        for it in &self.instruments {
            let _ = writeln!(
                text,
                "{:width$} {:>6} {:>10} {:>9} {:>5} {:>7} {:>15} {:>13} {:>24} {:>24}",
                it.id,
                if it.valid { "valid" } else { "no" },
                it.frames,
                it.diffs_applied,
                it.gaps,
                it.resyncs,
                format!("{}/{}", it.audit_matched, it.audit_checked),
                format!("{}/{}", it.checksums_ok, it.checksums_ok + it.checksums_bad),
                best(&it.best_bid),
                best(&it.best_ask),
            );
        }
        let _ = writeln!(
            text,
            "{} frames in {:.3} s ({:.0} frames/s), output hash {}",
            self.frames, self.seconds, self.frames_per_second, self.output_hash
        );
        text
    }
}

/// Every instrument as it is now.
pub fn instruments(runner: &Runner) -> Vec<InstrumentReport> {
    let count = runner.engine.registry().all().len() as u32;
    (0..count).filter_map(|index| instrument(runner, InstrumentId(index))).collect()
}

fn instrument(runner: &Runner, id: InstrumentId) -> Option<InstrumentReport> {
    let engine = &runner.engine;
    let info = engine.registry().get(id);
    let (status, book) = (engine.status(id)?, engine.book(id)?);
    let counters = status.counters;
    let sha256 = Sha256::digest(book.canonical_text(info.scale).as_bytes());
    let best = |side| book.best(side).map(|level| decimals(level, info.scale));
    Some(InstrumentReport {
        id: info.id(),
        frames: counters.frames,
        diffs_applied: counters.diffs_applied,
        stale_dropped: counters.stale_dropped,
        gaps: counters.gaps,
        resyncs: counters.resyncs,
        checksums_ok: counters.checksums_ok,
        checksums_bad: counters.checksums_bad,
        audit_checked: counters.audit_checked,
        audit_matched: counters.audit_matched,
        last_update_id: status.last_update_id,
        bids: status.levels.0,
        asks: status.levels.1,
        best_bid: best(Side::Bid),
        best_ask: best(Side::Ask),
        book_sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        valid: status.validity == Validity::Live,
    })
}

fn decimals(level: Level, scale: Scale) -> [String; 2] {
    [Decimal::new(level.price.0, scale.price).to_string(), Decimal::new(level.size.0, scale.size).to_string()]
}
