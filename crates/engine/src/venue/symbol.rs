//! What a symbol alone tells of an instrument, for recordings that do not carry the venue's own list.

use crate::instrument::{Contract, Instrument, Kind, Venue};
use crate::units::Scale;

/// An instrument as far as its symbol tells; what the venue says later replaces it.
pub fn infer(venue: Venue, symbol: &str) -> Instrument {
    Instrument {
        venue,
        symbol: symbol.to_owned(),
        base: String::new(),
        quote: String::new(),
        kind: Kind::Spot,
        contract: Contract::Unknown,
        tick: None,
        lot: None,
        scale: Scale::default(),
        canonical: symbol.to_owned(),
    }
}
