//! What is traded: identity, units, contract, and the canonical group across venues.

use crate::units::{Decimal, Scale};
use serde::{Deserialize, Serialize};

/// A market of an exchange with its own symbols and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Venue {
    /// Binance spot.
    Binance,
    /// Binance USD-M futures.
    BinanceUsdm,
    /// Binance COIN-M futures.
    BinanceCoinm,
    /// OKX v5, all products.
    Okx,
}

impl Venue {
    /// Every venue, in the order in which they are listed.
    pub const ALL: [Venue; 4] = [Venue::Binance, Venue::BinanceUsdm, Venue::BinanceCoinm, Venue::Okx];

    /// The name used in instrument ids, configuration and commands.
    pub fn name(self) -> &'static str {
        match self {
            Venue::Binance => "binance",
            Venue::BinanceUsdm => "binance-usdm",
            Venue::BinanceCoinm => "binance-coinm",
            Venue::Okx => "okx",
        }
    }

    /// The venue of that name.
    pub fn from_name(name: &str) -> Option<Venue> {
        Venue::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// Index of an instrument in the engine's table; never reused within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstrumentId(pub u32);

/// What kind of thing is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Coins against quote currency.
    Spot,
    /// A future without expiry.
    Perpetual,
    /// A dated future.
    Future,
    /// An option.
    Option,
}

/// What one unit of size is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contract {
    /// Size counts base coins (spot, Binance USD-M).
    Base,
    /// Size counts contracts of that many base coins (OKX linear).
    Linear(Decimal),
    /// Size counts contracts of that many quote currency, paid in base coin (COIN-M, OKX inverse).
    Inverse(Decimal),
    /// Size counts contracts whose value is not known yet: what needs it is absent.
    Unknown,
}

/// Everything known of one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Which market.
    pub venue: Venue,
    /// As the venue writes it.
    pub symbol: String,
    /// Base coin, upper case; empty if it cannot be told.
    pub base: String,
    /// Quote currency, upper case.
    pub quote: String,
    /// Kind.
    pub kind: Kind,
    /// Value of one unit of size.
    pub contract: Contract,
    /// Smallest price step in quote currency, where the venue has told it.
    pub tick: Option<Decimal>,
    /// Smallest size step, where the venue has told it.
    pub lot: Option<Decimal>,
    /// Decimal places of the units in use.
    pub scale: Scale,
    /// Canonical name that groups it across venues: `BTC-USDT`, `BTC-USDT-PERP`, `BTC-USD-PERP`, `BTC-USDT-260626`.
    pub canonical: String,
}

impl Instrument {
    /// `venue:symbol`, the identity.
    pub fn id(&self) -> String {
        format!("{}:{}", self.venue.name(), self.symbol)
    }

    /// The underlying that is the unit of ordering and sharding: `BTC-USDT` for spot and perpetual alike.
    pub fn group(&self) -> String {
        format!("{}-{}", self.base, self.quote)
    }

    /// Base coins in `size` (in the venue's counting) at `price`; `None` while the contract is unknown.
    pub fn base_amount(&self, price: f64, size: f64) -> Option<f64> {
        match self.contract {
            Contract::Base => Some(size),
            Contract::Linear(value) => Some(size * value.to_f64()),
            Contract::Inverse(value) => Some(size * value.to_f64() / price),
            Contract::Unknown => None,
        }
    }

    /// Quote currency worth of `size` at `price`; `None` while the contract is unknown.
    pub fn quote_amount(&self, price: f64, size: f64) -> Option<f64> {
        match self.contract {
            Contract::Base => Some(size * price),
            Contract::Linear(value) => Some(size * value.to_f64() * price),
            Contract::Inverse(value) => Some(size * value.to_f64()),
            Contract::Unknown => None,
        }
    }
}
