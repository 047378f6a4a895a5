//! What a person calls an instrument, to what it is: `venue:symbol`, a canonical name for all venues, or a bare symbol
//! where only one venue has it.

use crate::config::Config;
use crate::failure::Failure;
use crate::nearest::nearest;
use fathometer_engine::instrument::{Kind, Venue};
use std::collections::BTreeSet;

/// One market of one instrument, and its name across venues.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Where.
    pub venue: Venue,
    /// As the venue writes it.
    pub symbol: String,
    /// Name across venues: `BTC-USDT-PERP`.
    pub canonical: String,
    /// Whether it was asked for by configuration, rather than merely known to exist.
    pub configured: bool,
}

impl Known {
    /// `venue:symbol`.
    pub fn id(&self) -> String {
        format!("{}:{}", self.venue.name(), self.symbol)
    }
}

/// Coins that are traded on both exchanges in spot and perpetual, so that their names are understood without configuration.
const COINS: [&str; 24] = [
    "BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "TRX", "LINK", "AVAX", "LTC", "BCH", "DOT", "UNI", "NEAR", "APT",
    "ARB", "OP", "SUI", "TON", "FIL", "ATOM", "ETC", "AAVE",
];

/// Coins with a coin-margined perpetual on both exchanges.
const COIN_MARGINED: [&str; 8] = ["BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "LINK"];

/// Every instrument that can be named.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    all: Vec<Known>,
}

impl Symbols {
    /// Those of a configuration, and well-known others.
    pub fn of(config: &Config) -> Self {
        let mut all = Vec::new();
        for wanted in &config.instruments {
            for (venue, symbol) in &wanted.symbols {
                all.push(Known {
                    venue: *venue,
                    symbol: symbol.clone(),
                    canonical: wanted.id.clone(),
                    configured: true,
                });
            }
        }
        let mut add = |venue, symbol: String, canonical: String| {
            if !all.iter().any(|known: &Known| known.venue == venue && known.symbol == symbol) {
                all.push(Known { venue, symbol, canonical, configured: false });
            }
        };
        for coin in COINS {
            add(Venue::Binance, format!("{coin}USDT"), format!("{coin}-USDT"));
            add(Venue::Okx, format!("{coin}-USDT"), format!("{coin}-USDT"));
            add(Venue::BinanceUsdm, format!("{coin}USDT"), format!("{coin}-USDT-PERP"));
            add(Venue::Okx, format!("{coin}-USDT-SWAP"), format!("{coin}-USDT-PERP"));
        }
        for coin in COIN_MARGINED {
            add(Venue::BinanceCoinm, format!("{coin}USD_PERP"), format!("{coin}-USD-PERP"));
            add(Venue::Okx, format!("{coin}-USD-SWAP"), format!("{coin}-USD-PERP"));
        }
        Symbols { all }
    }

    /// Exactly these.
    pub fn listed(all: Vec<Known>) -> Self {
        Symbols { all }
    }

    /// All, in the order in which they are listed.
    pub fn all(&self) -> &[Known] {
        &self.all
    }

    /// The markets that a name means: one for `venue:symbol` and for a bare symbol, all venues for a canonical name.
    ///
    /// # Errors
    /// The name is unknown (the nearest names are offered) or means several things (they are listed).
    pub fn resolve(&self, asked: &str) -> Result<Vec<&Known>, Failure> {
        if let Some((venue, symbol)) = asked.split_once(':') {
            return self.on_venue(asked, venue, symbol).map(|known| vec![known]);
        }
        let canonical = self.matching(|known| known.canonical.eq_ignore_ascii_case(asked));
        if !canonical.is_empty() {
            return Ok(canonical);
        }
        let bare = self.matching(|known| known.symbol.eq_ignore_ascii_case(asked));
        match bare.len() {
            0 => Err(self.unknown(asked)),
            1 => Ok(bare),
            _ => Err(ambiguous(asked, &bare)),
        }
    }

    /// All of several names, each market once, in the order in which they were asked for; `unlisted` takes a
    /// `venue:symbol` that is not known as it is written.
    ///
    /// # Errors
    /// As `resolve`, for the first name that cannot be resolved.
    pub fn resolve_all(&self, asked: &[String], unlisted: bool) -> Result<Vec<(Venue, String)>, Failure> {
        let mut markets: Vec<(Venue, String)> = Vec::new();
        for name in asked {
            if let Some(market) = as_written(name).filter(|_| unlisted && self.resolve(name).is_err()) {
                markets.push(market);
                continue;
            }
            for known in self.resolve(name)? {
                let market = (known.venue, known.symbol.clone());
                if !markets.contains(&market) {
                    markets.push(market);
                }
            }
        }
        Ok(markets)
    }

    /// What is configured wins over what is merely known to exist.
    fn matching(&self, wanted: impl Fn(&Known) -> bool) -> Vec<&Known> {
        let all: Vec<&Known> = self.all.iter().filter(|known| wanted(known)).collect();
        let configured: Vec<&Known> = all.iter().copied().filter(|known| known.configured).collect();
        if configured.is_empty() { all } else { configured }
    }

    fn on_venue(&self, asked: &str, venue: &str, symbol: &str) -> Result<&Known, Failure> {
        let names = Venue::ALL.map(Venue::name);
        let Some(venue) = Venue::from_name(&venue.to_lowercase()) else {
            let near = nearest(venue, names, 1);
            let hint = near
                .first()
                .map_or(format!("venues are {}", names.join(", ")), |near| format!("did you mean `{near}:{symbol}`?"));
            return Err(Failure::input(format!("unknown venue `{venue}` in `{asked}`; {hint}")));
        };
        let found = self.all.iter().find(|known| known.venue == venue && known.symbol.eq_ignore_ascii_case(symbol));
        found.ok_or_else(|| self.unknown(asked))
    }

    fn unknown(&self, asked: &str) -> Failure {
        let plain = !asked.contains(':');
        let names: BTreeSet<String> = self
            .all
            .iter()
            .flat_map(
                |known| if plain { vec![known.canonical.clone(), known.symbol.clone()] } else { vec![known.id()] },
            )
            .collect();
        let near = nearest(asked, names.iter().map(String::as_str), 3);
        let hint = match near.is_empty() {
            true => "`fathometer list instruments` shows what is known".to_owned(),
            false => format!("did you mean {}?", near.join(", ")),
        };
        Failure::input(format!(
            "unknown instrument `{asked}`; {hint} (others are added in config/instruments.yaml, or named venue:symbol with --unlisted)"
        ))
    }
}

fn ambiguous(asked: &str, candidates: &[&Known]) -> Failure {
    let list: String = candidates.iter().map(|known| format!("\n  {}  ({})", known.id(), known.canonical)).collect();
    Failure::input(format!("`{asked}` means {} instruments; say which:{list}", candidates.len()))
}

fn as_written(name: &str) -> Option<(Venue, String)> {
    let (venue, symbol) = name.split_once(':')?;
    let plain = !symbol.is_empty() && symbol.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    plain.then_some((Venue::from_name(venue)?, symbol.to_owned()))
}

/// How a kind is called in lists.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Spot => "spot",
        Kind::Perpetual => "perpetual",
        Kind::Future => "future",
        Kind::Option => "option",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn symbols() -> Symbols {
        Symbols::of(&Config::load(Sources::default()).unwrap())
    }

    fn ids(asked: &str) -> Result<Vec<String>, String> {
        let symbols = symbols();
        symbols.resolve(asked).map(|found| found.into_iter().map(Known::id).collect()).map_err(|failure| failure.text)
    }

    #[test]
    fn a_name_is_an_identity_a_canonical_name_or_a_bare_symbol() {
        for (asked, expected) in [
            ("binance:BTCUSDT", vec!["binance:BTCUSDT"]),
            ("OKX:btc-usdt-swap", vec!["okx:BTC-USDT-SWAP"]),
            ("BTC-USDT-PERP", vec!["binance-usdm:BTCUSDT", "okx:BTC-USDT-SWAP"]),
            ("btc-usdt", vec!["binance:BTCUSDT", "okx:BTC-USDT"]),
            ("eth-usdt-swap", vec!["okx:ETH-USDT-SWAP"]),
            ("btcusd_perp", vec!["binance-coinm:BTCUSD_PERP"]),
            ("binance-usdm:SOLUSDT", vec!["binance-usdm:SOLUSDT"]),
        ] {
            assert_eq!(ids(asked).unwrap(), expected, "{asked}");
        }
    }

    #[test]
    fn what_is_not_listed_is_taken_as_written_when_asked_to() {
        let asked = ["binance:PEPEUSDT".to_owned(), "okx:BTC-USDT".to_owned()];
        assert!(symbols().resolve_all(&asked, false).is_err());
        let expected = [(Venue::Binance, "PEPEUSDT".to_owned()), (Venue::Okx, "BTC-USDT".to_owned())];
        assert_eq!(symbols().resolve_all(&asked, true).unwrap(), expected);
        assert!(symbols().resolve_all(&["nyse:IBM".to_owned()], true).is_err());
    }

    #[test]
    fn an_ambiguous_name_lists_its_candidates() {
        let text = ids("btcusdt").unwrap_err();
        assert!(
            text.contains("means 2 instruments")
                && text.contains("binance:BTCUSDT")
                && text.contains("binance-usdm:BTCUSDT"),
            "{text}"
        );
    }

    #[test]
    fn an_unknown_name_offers_the_nearest() {
        for (asked, near) in [
            ("btcusdtt", "BTCUSDT"),
            ("BTC-USDT-PRP", "BTC-USDT-PERP"),
            ("binance:ETHUSTD", "binance:ETHUSDT"),
            ("binanc:X", "binance:X"),
        ] {
            let text = ids(asked).unwrap_err();
            assert!(text.contains(near), "{asked}: {text}");
        }
        assert!(ids("zzzzzzzzzzzz").unwrap_err().contains("fathometer list instruments"));
    }
}
