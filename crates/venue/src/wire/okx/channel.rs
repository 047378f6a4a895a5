//! Channels of OKX: names, depth and pace.

use super::{Poison, Topic, View};
use fathometer_engine::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use serde_json::Value;

/// What a channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Snapshot and updates of the best levels, every so many nanoseconds.
    Books { levels: usize, every: i64 },
    /// Best bid and ask, in full.
    Bbo,
    /// Five levels, in full.
    Books5,
    /// Fills of one taker order at one price.
    Trades,
    /// Every fill.
    TradesAll,
    /// 24 h statistics and the touch.
    Tickers,
    /// Mark price.
    MarkPrice,
    /// Index price.
    IndexTickers,
    /// Funding.
    Funding,
    /// Open interest.
    OpenInterest,
    /// Forced orders, by type of instrument.
    Liquidations,
    /// What is listed, by type of instrument.
    Instruments,
    /// Acknowledged, with nothing to say: `status`, candles.
    Silent,
}

impl Kind {
    /// Place in the order of pushes for one instrument.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Kind::Bbo => 0,
            Kind::Books { levels: 50, .. } => 2,
            Kind::Books { every, .. } if every < 100 * NANOS_PER_MILLI => 1,
            Kind::Books { .. } => 3,
            Kind::Books5 => 4,
            _ => 5,
        }
    }

    /// Shortest time between pushes, nanoseconds; `None` where they follow what happens.
    pub(crate) fn every(self) -> Option<i64> {
        match self {
            Kind::Books { every, .. } => Some(every),
            Kind::Bbo => Some(10 * NANOS_PER_MILLI),
            Kind::Books5 | Kind::Tickers | Kind::IndexTickers => Some(100 * NANOS_PER_MILLI),
            Kind::MarkPrice => Some(200 * NANOS_PER_MILLI),
            Kind::Funding | Kind::Instruments => Some(NANOS_PER_SECOND),
            Kind::OpenInterest => Some(3 * NANOS_PER_SECOND),
            Kind::Trades | Kind::TradesAll | Kind::Liquidations | Kind::Silent => None,
        }
    }

    /// Longest time between pushes although nothing changed, nanoseconds.
    pub(crate) fn silence_max(self) -> i64 {
        match self {
            Kind::MarkPrice => 10 * NANOS_PER_SECOND,
            Kind::OpenInterest => 3 * NANOS_PER_SECOND,
            Kind::Tickers | Kind::Instruments => i64::MAX,
            Kind::Funding => 30 * NANOS_PER_SECOND,
            _ => super::KEEP_ALIVE,
        }
    }

    /// Wants the fee tier that nobody has.
    pub(crate) fn is_tbt(self) -> bool {
        matches!(self, Kind::Books { every, .. } if every < 100 * NANOS_PER_MILLI)
    }

    pub(crate) fn wants_inst_type(self) -> bool {
        matches!(self, Kind::Liquidations | Kind::Instruments)
    }

    pub(crate) fn wants_inst_id(self) -> bool {
        !self.wants_inst_type() && self != Kind::Silent
    }
}

/// Which path a connection is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Public,
    Business,
    Private,
}

/// What a client subscribes to, as it wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arg {
    pub(crate) channel: String,
    pub(crate) inst_type: Option<String>,
    pub(crate) inst_family: Option<String>,
    pub(crate) inst_id: Option<String>,
}

impl Arg {
    /// Reads an argument of a request.
    pub(crate) fn read(value: &Value) -> Option<Arg> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Arg {
            channel: text("channel")?,
            inst_type: text("instType"),
            inst_family: text("instFamily"),
            inst_id: text("instId"),
        })
    }

    /// What the channel carries; `None` where there is none of that name.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let books = |levels, ms| Kind::Books { levels, every: ms * NANOS_PER_MILLI };
        Some(match self.channel.as_str() {
            "books" => books(400, 100),
            "books-l2-tbt" => books(400, 10),
            "books50-l2-tbt" => books(50, 10),
            "books5" => Kind::Books5,
            "bbo-tbt" => Kind::Bbo,
            "trades" => Kind::Trades,
            "trades-all" => Kind::TradesAll,
            "tickers" => Kind::Tickers,
            "mark-price" => Kind::MarkPrice,
            "index-tickers" => Kind::IndexTickers,
            "funding-rate" => Kind::Funding,
            "open-interest" => Kind::OpenInterest,
            "liquidation-orders" => Kind::Liquidations,
            "instruments" => Kind::Instruments,
            "status" => Kind::Silent,
            other if is_candle(other) => Kind::Silent,
            _ => return None,
        })
    }

    /// The path it is served on.
    pub(crate) fn path(&self) -> Path {
        if self.channel == "trades-all" || is_candle(&self.channel) { Path::Business } else { Path::Public }
    }

    /// As JSON.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("{{\"channel\":{}", quoted(&self.channel));
        for (key, value) in
            [("instType", &self.inst_type), ("instFamily", &self.inst_family), ("instId", &self.inst_id)]
        {
            if let Some(value) = value {
                out.push_str(&format!(",\"{key}\":{}", quoted(value)));
            }
        }
        out.push('}');
        out
    }

    /// As faults name it: `books:BTC-USDT`.
    pub(crate) fn label(&self) -> String {
        let what = self.inst_id.as_ref().or(self.inst_family.as_ref()).or(self.inst_type.as_ref());
        what.map_or_else(|| self.channel.clone(), |what| format!("{}:{what}", self.channel))
    }
}

fn is_candle(channel: &str) -> bool {
    ["candle", "mark-price-candle", "index-candle"].iter().any(|c| channel.starts_with(c))
}

/// Text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// One channel, its subscribers, and what it has already told.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) topic: Topic,
    pub(crate) arg: Arg,
    pub(crate) kind: Kind,
    pub(crate) board: Option<usize>,
    /// When it may speak next.
    pub(crate) due: Nanos,
    /// When it last spoke.
    pub(crate) last_push: Nanos,
    /// Books: the levels it has told, the position of the board they are from, and their sequence id.
    pub(crate) view: View,
    pub(crate) position: u64,
    pub(crate) last_seq: u64,
    pub(crate) poison: Poison,
    /// Others: what it has told, without its time.
    pub(crate) last_body: String,
}

impl Channel {
    /// With nothing told.
    pub(crate) fn new(topic: Topic, arg: Arg, kind: Kind, board: Option<usize>, due: Nanos) -> Self {
        Channel {
            topic,
            arg,
            kind,
            board,
            due,
            last_push: Nanos(0),
            view: View::default(),
            position: 0,
            last_seq: 0,
            poison: Poison::default(),
            last_body: String::new(),
        }
    }
}
