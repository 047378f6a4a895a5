//! How each exchange speaks: one module per protocol, and nobody else knows.

pub(crate) mod binance;
pub(crate) mod floor;
pub(crate) mod okx;
pub(crate) mod text;

use crate::fault::Faults;
use crate::market::What;
use fathometer_engine::units::Nanos;

/// One thing that happened on one board of a market.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Nanos,
    pub(crate) board: usize,
    pub(crate) what: What,
}

/// One market with its streams, in its own protocol.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// Spot, USD-M or COIN-M.
    Binance(binance::Exchange),
    /// OKX v5.
    Okx(okx::Exchange),
}

impl Exchange {
    /// What is common to all.
    pub(crate) fn floor(&self) -> &floor::Floor {
        match self {
            Exchange::Binance(e) => &e.floor,
            Exchange::Okx(e) => &e.floor,
        }
    }

    /// The same, to change.
    pub(crate) fn floor_mut(&mut self) -> &mut floor::Floor {
        match self {
            Exchange::Binance(e) => &mut e.floor,
            Exchange::Okx(e) => &mut e.floor,
        }
    }

    /// Takes in what happened since the last call and publishes what is due.
    pub(crate) fn advance(&mut self, events: Vec<Event>, now: Nanos, faults: &mut Faults) {
        match self {
            Exchange::Binance(e) => e.advance(events, now, faults),
            Exchange::Okx(e) => e.advance(events, now, faults),
        }
    }
}
