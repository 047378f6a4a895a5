//! Names of Binance streams.

use super::Product;
use crate::hub::Topic;
use crate::wire::floor::Poison;
use fathometer_engine::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Depth diffs, every so many nanoseconds.
    Depth { every: i64 },
    /// The best levels, every so many nanoseconds.
    Partial { levels: usize, every: i64 },
    /// Every fill.
    Trade,
    /// Fills of one taker order at one price.
    AggTrade,
    /// Best bid and ask.
    BookTicker,
    /// 24 h statistics.
    Ticker,
    /// 24 h statistics, few.
    MiniTicker,
    /// Mark price, index price, funding, every so many nanoseconds.
    MarkPrice { every: i64 },
    /// Forced orders.
    ForceOrder,
}

impl Kind {
    /// Nanoseconds between messages; `None` where they follow what happens.
    pub(crate) fn every(self) -> Option<i64> {
        match self {
            Kind::Depth { every } | Kind::Partial { every, .. } | Kind::MarkPrice { every } => Some(every),
            Kind::Ticker | Kind::MiniTicker => Some(NANOS_PER_SECOND),
            // Of one symbol it is sent on change, as events come; this is for `!bookTicker`.
            Kind::BookTicker => Some(5 * NANOS_PER_SECOND),
            Kind::Trade | Kind::AggTrade | Kind::ForceOrder => None,
        }
    }

    /// Whether futures URLs have it under `/market` rather than `/public`.
    pub(crate) fn is_market(self) -> bool {
        !matches!(self, Kind::Depth { .. } | Kind::Partial { .. } | Kind::Trade | Kind::BookTicker)
    }
}

/// One stream, its subscribers, and what it has already told.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) topic: Topic,
    pub(crate) kind: Kind,
    /// When it speaks next.
    pub(crate) due: Nanos,
    /// Position of the board it has told.
    pub(crate) position: u64,
    /// Id it has told.
    pub(crate) last_id: u64,
    pub(crate) poison: Poison,
}

/// Symbol (upper case; `None` for all) and kind of a stream name; `None` where it is no stream with data of its own.
pub(crate) fn parse(name: &str, product: Product) -> Option<(Option<String>, Kind)> {
    let is_spot = product == Product::Spot;
    let futures = |kind: Kind| (!is_spot).then_some(kind);
    if let Some(name) = name.strip_prefix('!') {
        let kind = match name {
            "miniTicker@arr" => Kind::MiniTicker,
            "ticker@arr" => futures(Kind::Ticker)?, // retired on spot in 2026
            "bookTicker" => futures(Kind::BookTicker)?,
            "forceOrder@arr" => futures(Kind::ForceOrder)?,
            "markPrice@arr" => futures(Kind::MarkPrice { every: 3 * NANOS_PER_SECOND })?,
            "markPrice@arr@1s" => futures(Kind::MarkPrice { every: NANOS_PER_SECOND })?,
            _ => return None,
        };
        return Some((None, kind));
    }
    let (symbol, rest) = name.split_once('@')?;
    if symbol != symbol.to_lowercase() {
        return None;
    }
    let (what, speed) = rest.split_once('@').map_or((rest, None), |(w, s)| (w, Some(s)));
    let millis = match (is_spot, speed) {
        (true, None | Some("1000ms")) => Some(1000),
        (false, None | Some("250ms")) => Some(250),
        (false, Some("500ms")) => Some(500),
        (false, Some("0ms")) => Some(0),
        (_, Some("100ms")) => Some(100),
        _ => None,
    };
    let paced = |kind: fn(i64) -> Kind| millis.map(|ms| kind(ms * NANOS_PER_MILLI));
    let plain = |kind: Kind| speed.is_none().then_some(kind);
    let kind = match what {
        "depth" => paced(|every| Kind::Depth { every })?,
        "depth5" => paced(|every| Kind::Partial { levels: 5, every })?,
        "depth10" => paced(|every| Kind::Partial { levels: 10, every })?,
        "depth20" => paced(|every| Kind::Partial { levels: 20, every })?,
        "trade" => plain(Kind::Trade)?,
        "aggTrade" => plain(Kind::AggTrade)?,
        "bookTicker" => plain(Kind::BookTicker)?,
        "ticker" => plain(Kind::Ticker)?,
        "miniTicker" => plain(Kind::MiniTicker)?,
        "forceOrder" => futures(plain(Kind::ForceOrder)?)?,
        "markPrice" if speed.is_none() => futures(Kind::MarkPrice { every: 3 * NANOS_PER_SECOND })?,
        "markPrice" if speed == Some("1s") => futures(Kind::MarkPrice { every: NANOS_PER_SECOND })?,
        _ => return None,
    };
    Some((Some(symbol.to_uppercase()), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_symbol_and_kind() {
        const MS: i64 = NANOS_PER_MILLI;
        let check = |name: &str, product, symbol: Option<&str>, kind| {
            assert_eq!(parse(name, product), Some((symbol.map(str::to_owned), kind)), "{name}");
        };
        let btc = Some("BTCUSDT");
        check("btcusdt@depth", Product::Spot, btc, Kind::Depth { every: 1000 * MS });
        check("btcusdt@depth@100ms", Product::Spot, btc, Kind::Depth { every: 100 * MS });
        check("btcusdt@depth", Product::Usdm, btc, Kind::Depth { every: 250 * MS });
        check("btcusdt@depth@0ms", Product::Usdm, btc, Kind::Depth { every: 0 });
        check(
            "btcusd_perp@depth20@500ms",
            Product::Coinm,
            Some("BTCUSD_PERP"),
            Kind::Partial { levels: 20, every: 500 * MS },
        );
        check("btcusdt@markPrice@1s", Product::Usdm, btc, Kind::MarkPrice { every: 1000 * MS });
        check("!markPrice@arr", Product::Usdm, None, Kind::MarkPrice { every: 3000 * MS });
        check("!forceOrder@arr", Product::Coinm, None, Kind::ForceOrder);
        for (name, product) in [
            ("btcusdt@depth@500ms", Product::Spot),
            ("BTCUSDT@depth", Product::Spot),
            ("btcusdt@forceOrder", Product::Spot),
            ("btcusdt@kline_1m", Product::Spot),
            ("btcusdt", Product::Spot),
            ("!bookTicker", Product::Spot),
            ("btcusdt@trade@100ms", Product::Usdm),
        ] {
            assert_eq!(parse(name, product), None, "{name}");
        }
    }
}
