//! The table of instruments: who is known, by which index, in which units.

use crate::instrument::{Instrument, InstrumentId, Venue};
use crate::scan::{Forms, units_of};
use crate::units::{Decimal, Price, Scale, Size};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// All instruments of an engine, by index and by venue and symbol.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Instrument>", into = "Vec<Instrument>")]
pub struct Registry {
    all: Vec<Instrument>,
    /// Index per venue; looked up, never iterated.
    index: [FxHashMap<Box<[u8]>, u32>; 4],
    /// Instruments whose units became finer since the engine last looked: (whom, scale then). Each stands once, however
    /// often it became finer.
    pub(crate) rescaled: Vec<(InstrumentId, Scale)>,
    /// By index: how its numbers were last written.
    forms: Vec<Forms>,
    /// Per venue: of whom the last message was.
    last: [Option<InstrumentId>; 4],
}

impl From<Vec<Instrument>> for Registry {
    fn from(all: Vec<Instrument>) -> Self {
        let mut registry = Registry { all, ..Registry::default() };
        for (id, instrument) in registry.all.iter().enumerate() {
            registry.index[instrument.venue as usize].insert(instrument.symbol.as_bytes().into(), id as u32);
        }
        registry
    }
}

impl From<Registry> for Vec<Instrument> {
    fn from(registry: Registry) -> Self {
        registry.all
    }
}

impl Registry {
    /// The instrument of that symbol; added, as far as its symbol tells what it is, when it is new.
    pub fn resolve(&mut self, venue: Venue, symbol: &[u8]) -> InstrumentId {
        if let Some(id) = self.find(venue, symbol) {
            return id;
        }
        let id = self.all.len() as u32;
        let text = String::from_utf8_lossy(symbol);
        self.all.push(crate::venue::infer(venue, &text));
        self.index[venue as usize].insert(symbol.into(), id);
        InstrumentId(id)
    }

    /// The instrument of that symbol, if it is known.
    pub fn find(&self, venue: Venue, symbol: &[u8]) -> Option<InstrumentId> {
        self.index[venue as usize].get(symbol).map(|id| InstrumentId(*id))
    }

    /// Like `find`; the next message is most likely of the same instrument.
    pub(crate) fn find_next(&mut self, venue: Venue, symbol: &[u8]) -> Option<InstrumentId> {
        let found = self.find(venue, symbol);
        self.last[venue as usize] = found;
        found
    }

    /// Of whom the venue's last message was, and that symbol.
    #[inline]
    pub(crate) fn last(&self, venue: Venue) -> Option<(InstrumentId, &[u8])> {
        let last = self.last[venue as usize]?;
        Some((last, self.all.get(last.0 as usize)?.symbol.as_bytes()))
    }

    /// How its numbers are read.
    #[inline]
    pub(crate) fn forms(&mut self, id: InstrumentId) -> &mut Forms {
        let scale = self.get(id).scale;
        while self.forms.len() <= id.0 as usize {
            self.forms.push(Forms::new(scale));
        }
        self.forms[id.0 as usize].fit(scale)
    }

    /// What is known of it.
    pub fn get(&self, id: InstrumentId) -> &Instrument {
        &self.all[id.0 as usize]
    }

    /// All, by index.
    pub fn all(&self) -> &[Instrument] {
        &self.all
    }

    /// Makes an instrument's units fine enough for `price` and `size` decimal places. Its book is rescaled before the
    /// next event is applied.
    pub fn widen(&mut self, id: InstrumentId, price: u8, size: u8) {
        let scale = &mut self.all[id.0 as usize].scale;
        let old = *scale;
        scale.price = scale.price.max(price);
        scale.size = scale.size.max(size);
        if *scale != old && !self.rescaled.iter().any(|(known, _)| *known == id) {
            self.rescaled.push((id, old));
        }
    }

    /// Reads a price in the instrument's units, which become finer if they have to. `None`: not a price.
    #[inline]
    pub fn price(&mut self, id: InstrumentId, text: &[u8]) -> Option<Price> {
        let units = match units_of(text, self.get(id).scale.price) {
            Some(units) => units,
            None => {
                let finer = Decimal::parse(text).ok()?;
                self.widen(id, finer.decimals, 0);
                finer.at(self.get(id).scale.price).ok()?
            }
        };
        (units >= 0).then_some(Price(units))
    }

    /// Reads a size, like `price`.
    #[inline]
    pub fn size(&mut self, id: InstrumentId, text: &[u8]) -> Option<Size> {
        let units = match units_of(text, self.get(id).scale.size) {
            Some(units) => units,
            None => {
                let finer = Decimal::parse(text).ok()?;
                self.widen(id, 0, finer.decimals);
                finer.at(self.get(id).scale.size).ok()?
            }
        };
        (units >= 0).then_some(Size(units))
    }

    /// Takes a widening back: the numbers already known do not fit finer units.
    pub(crate) fn restore(&mut self, id: InstrumentId, scale: Scale) {
        self.all[id.0 as usize].scale = scale;
    }

    /// Takes over what the venue says of an instrument; units only ever become finer.
    pub fn update(&mut self, id: InstrumentId, told: &Instrument) {
        let (price, size) = (told.tick.map_or(0, |t| t.decimals), told.lot.map_or(0, |l| l.decimals));
        self.widen(id, price, size);
        let known = &mut self.all[id.0 as usize];
        *known = Instrument { scale: known.scale, ..told.clone() };
    }
}
