//! Who quotes the same underlying: for detectors that compare an instrument with its like on other venues.

use super::desk::Desk;
use crate::detector::Mate;
use crate::instrument::{Instrument, InstrumentId};
use crate::output::Validity;
use crate::units::{Nanos, Side};
use std::collections::BTreeMap;

/// Kept between samples, so that these allocate nothing.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) quotes: Vec<Quote>,
    pub(super) mates: Vec<Mate>,
}

/// Instruments by underlying; made anew whenever instruments were met or told anew.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Index of the group, by instrument.
    of: Vec<usize>,
    members: Vec<Vec<InstrumentId>>,
}

impl Groups {
    /// Of all instruments.
    pub(super) fn new(all: &[Instrument]) -> Self {
        let (mut names, mut groups) = (BTreeMap::new(), Groups::default());
        for (number, instrument) in all.iter().enumerate() {
            let group = *names.entry(instrument.group()).or_insert(groups.members.len());
            if group == groups.members.len() {
                groups.members.push(Vec::new());
            }
            groups.members[group].push(InstrumentId(number as u32));
            groups.of.push(group);
        }
        groups
    }

    /// The members of every group.
    pub(super) fn all(&self) -> impl Iterator<Item = &[InstrumentId]> {
        self.members.iter().map(Vec::as_slice)
    }

    /// All of the same underlying but that one.
    pub(super) fn others(&self, of: InstrumentId) -> impl Iterator<Item = InstrumentId> + '_ {
        let group = self.of.get(of.0 as usize).and_then(|group| self.members.get(*group));
        group.into_iter().flatten().copied().filter(move |other| *other != of)
    }
}

/// Best bid and ask of a live book, quote currency, with the time of its last change.
pub(super) type Quote = Option<(f64, f64, Nanos)>;

/// What every book quotes, by instrument.
pub(super) fn quotes(all: &[Instrument], desks: &[Desk], into: &mut Vec<Quote>) {
    let quote = |(instrument, desk): (&Instrument, &Desk)| {
        let book = &desk.synced.book;
        let (bid, ask) = (book.best(Side::Bid)?, book.best(Side::Ask)?);
        let (bid, ask) = (instrument.scale.price_f64(bid.price), instrument.scale.price_f64(ask.price));
        (desk.validity == Validity::Live).then_some((bid, ask, desk.last_depth_at))
    };
    into.clear();
    into.extend(all.iter().zip(desks).map(quote));
}

/// What those quote that do.
pub(super) fn mates(
    ids: impl Iterator<Item = InstrumentId>,
    all: &[Instrument],
    quotes: &[Quote],
    into: &mut Vec<Mate>,
) {
    into.clear();
    into.extend(ids.filter_map(|id| {
        let (bid, ask, at) = quotes.get(id.0 as usize).copied().flatten()?;
        let Instrument { venue, kind, .. } = *all.get(id.0 as usize)?;
        Some(Mate { id, venue, kind, bid, ask, at })
    }));
}
