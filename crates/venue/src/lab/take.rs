//! Recorded flow in memory, cut to the part that a script plays on.

use crate::market::{Happening, Source, What};
use crate::playback::Playback;
use crate::publish::Book;
use anyhow::{Result, ensure};
use fathometer_engine::instrument::Instrument;
use fathometer_engine::units::{Level, NANOS_PER_SECOND, Nanos, Price, Side, Size};
use std::path::PathBuf;
use std::sync::Arc;

/// Where recorded time begins, ns.
const ORIGIN: Nanos = Nanos(1_000 * NANOS_PER_SECOND);
/// Longer recordings are cut off.
const LONGEST_NANOS: i64 = 24 * 3600 * NANOS_PER_SECOND;

/// A recording as what happened.
#[derive(Clone, Debug)]
pub struct Take {
    /// What it is called.
    pub name: String,
    instrument: Instrument,
    happenings: Arc<Vec<Happening>>,
    length: i64,
}

impl Take {
    /// Reads a recording; one take for each of its books that lasts at least `least` nanoseconds.
    ///
    /// # Errors
    /// It cannot be read, or holds no such book.
    pub fn load(paths: &[PathBuf], least: i64) -> Result<Vec<Take>> {
        let mut playback = Playback::open(paths, false)?;
        let mut all = Vec::new();
        playback.advance(ORIGIN, &mut all);
        playback.advance(ORIGIN.plus(LONGEST_NANOS), &mut all);
        let listings = playback.listings().to_vec();
        let mut takes = Vec::new();
        for (number, instrument) in listings.into_iter().enumerate() {
            let mine = all.iter().filter(|h| h.listing == number);
            // Before its first whole book nothing is known.
            let mine: Vec<Happening> = mine
                .skip_while(|h| !matches!(h.what, What::Book { .. }))
                .map(|h| Happening { listing: 0, ..h.clone() })
                .collect();
            let (Some(first), Some(last)) = (mine.first(), mine.last()) else { continue };
            let from = first.at;
            let length = last.at.since(from);
            if length < least {
                continue;
            }
            let name = instrument.id();
            let shifted = mine.into_iter().map(|h| Happening { at: Nanos(h.at.since(from)), ..h }).collect();
            takes.push(Take { name, instrument, happenings: Arc::new(shifted), length });
        }
        ensure!(!takes.is_empty(), "no book in this recording lasts {} s", least / NANOS_PER_SECOND);
        Ok(takes)
    }

    /// How long it is, ns.
    pub fn length(&self) -> i64 {
        self.length
    }

    /// What is recorded.
    pub fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Its part from `offset` on as a market that opens at `start`.
    pub(crate) fn from(&self, offset: i64, start: Nanos) -> Excerpt {
        let mut book = Book::default();
        let mut state = Vec::new();
        let place = self.happenings.partition_point(|h| h.at.0 <= offset);
        for happening in self.happenings.iter().take(place) {
            match &happening.what {
                What::Level(side, level) => book.put(*side, level.price.0, level.size.0),
                What::Book { bids, asks } => {
                    book = Book::default();
                    for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
                        levels.iter().for_each(|l| book.put(side, l.price.0, l.size.0));
                    }
                }
                What::Mark(_) | What::Index(_) | What::Funding { .. } | What::OpenInterest(_) => {
                    state.retain(|w| std::mem::discriminant(w) != std::mem::discriminant(&happening.what));
                    state.push(happening.what.clone());
                }
                What::Trade { .. } | What::Liquidation { .. } => {}
            }
        }
        let levels = |side| -> Vec<Level> {
            book.side(side).iter().map(|(p, s)| Level { price: Price(*p), size: Size(*s) }).collect()
        };
        let whole = What::Book { bids: levels(Side::Bid), asks: levels(Side::Ask) };
        Excerpt {
            listings: vec![self.instrument.clone()],
            beginning: std::iter::once(whole).chain(state).collect(),
            happenings: self.happenings.clone(),
            place,
            by: start.0 - offset,
            start,
        }
    }
}

/// A part of a recording, as a market.
pub(crate) struct Excerpt {
    listings: Vec<Instrument>,
    beginning: Vec<What>,
    happenings: Arc<Vec<Happening>>,
    place: usize,
    by: i64,
    start: Nanos,
}

impl Source for Excerpt {
    fn listings(&self) -> &[Instrument] {
        &self.listings
    }

    fn advance(&mut self, until: Nanos, out: &mut Vec<Happening>) -> bool {
        out.extend(self.beginning.drain(..).map(|what| Happening { at: self.start, listing: 0, what }));
        while let Some(next) = self.happenings.get(self.place) {
            let at = next.at.plus(self.by);
            if at > until {
                return true;
            }
            out.push(Happening { at, ..next.clone() });
            self.place += 1;
        }
        false
    }
}
