//! What can be subscribed to.

use fathometer_engine::instrument::InstrumentId;

/// Rates that can be chosen, per second.
pub const RATES_HZ: [u32; 5] = [20, 10, 5, 2, 1];
/// Fastest rate, per second.
pub const RATE_HZ_MAX: u32 = RATES_HZ[0];
/// Levels a side without being asked for.
pub const DEPTH: usize = 25;
/// Most levels a side.
pub const DEPTH_MAX: usize = 200;

/// Kinds of topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Values of all columns.
    Metrics,
    /// The top of the book.
    Book,
    /// Trades.
    Trades,
    /// Columns of the heatmap.
    Relief,
    /// State and counters of the book.
    Status,
    /// Volume at price.
    Profile,
    /// What went wrong.
    Fault,
    /// What surveillance found.
    Alerts,
    /// The server's time.
    Clock,
    /// Where time goes.
    Latency,
    /// How the program is doing.
    System,
    /// What `/ws/{symbol}` pushes; not to be subscribed to.
    Classic,
}

impl Kind {
    /// All that can be subscribed to.
    pub const ALL: [Kind; 11] = [
        Kind::Metrics,
        Kind::Book,
        Kind::Trades,
        Kind::Relief,
        Kind::Status,
        Kind::Profile,
        Kind::Fault,
        Kind::Alerts,
        Kind::Clock,
        Kind::Latency,
        Kind::System,
    ];

    /// As subscriptions and updates write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Metrics => "metrics",
            Kind::Book => "book",
            Kind::Trades => "trades",
            Kind::Relief => "relief",
            Kind::Status => "status",
            Kind::Profile => "profile",
            Kind::Fault => "fault",
            Kind::Alerts => "alerts",
            Kind::Clock => "clock",
            Kind::Latency => "latency",
            Kind::System => "system",
            Kind::Classic => "classic",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is of one instrument.
    pub fn has_instrument(self) -> bool {
        !matches!(self, Kind::Fault | Kind::Alerts | Kind::Clock | Kind::Latency | Kind::System)
    }

    /// Its number in binary frames; others are always text.
    pub fn code(self) -> Option<u8> {
        match self {
            Kind::Metrics => Some(1),
            Kind::Book => Some(2),
            Kind::Trades => Some(3),
            Kind::Relief => Some(4),
            _ => None,
        }
    }

    /// Whether it costs little to see if it has changed.
    pub fn is_light(self) -> bool {
        matches!(self, Kind::Metrics | Kind::Book | Kind::Trades | Kind::Relief | Kind::Status)
    }

    /// The fastest it is told, per second: what is always told whole, and what changes with the second, is not told faster.
    pub fn rate_hz_max(self) -> u32 {
        match self {
            Kind::Metrics | Kind::Book | Kind::Trades | Kind::Relief | Kind::Fault => RATE_HZ_MAX,
            Kind::Status => 5,
            Kind::Profile | Kind::Alerts => 2,
            Kind::Clock | Kind::Latency | Kind::System | Kind::Classic => 1,
        }
    }
}

/// One thing that readers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// What.
    pub kind: Kind,
    /// Of which instrument, if it is of one.
    pub instrument: Option<InstrumentId>,
    /// How often at most, per second.
    pub rate_hz: u32,
    /// Levels a side, of books; else 0.
    pub depth: usize,
}

/// How an update is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    #[default]
    Text,
    /// Frames of bytes, where the kind has such.
    Binary,
}

impl Form {
    /// The form in which a kind comes to a reader of this one.
    pub fn of(self, kind: Kind) -> Form {
        if kind.code().is_some() { self } else { Form::Text }
    }
}
