//! What a symbol alone tells of an instrument, for recordings that do not carry the venue's own list.

use crate::instrument::{Contract, Instrument, Kind, Venue};
use crate::units::{Decimal, Scale};

/// Quote currencies of Binance symbols, which are written without a separator; of those that fit the longest is meant.
/// Left out is what would cut common symbols wrongly (`AEUR` in `ADAEUR`, `USD` in `DOTUSD`).
const BINANCE_QUOTES: &[&str] = &[
    "FDUSD", "RLUSD", "BFUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "USDS", "USD1", "IDRT", "BIDR", "BKRW", "BVND",
    "EURI", "DOGE", "BTC", "ETH", "BNB", "TRX", "XRP", "DOT", "SOL", "DAI", "PAX", "UST", "VAI", "EUR", "GBP", "AUD",
    "TRY", "BRL", "RUB", "UAH", "ZAR", "NGN", "PLN", "RON", "ARS", "JPY", "MXN", "CZK", "COP",
];

/// An instrument as far as its symbol tells; what the venue says later replaces it.
pub fn infer(venue: Venue, symbol: &str) -> Instrument {
    let known = match venue {
        Venue::Binance => binance_spot(symbol),
        Venue::BinanceUsdm => binance_usdm(symbol),
        Venue::BinanceCoinm => binance_coinm(symbol),
        Venue::Okx => okx(symbol),
    };
    let told = known.unwrap_or_default();
    Instrument {
        venue,
        symbol: symbol.to_owned(),
        canonical: if told.base.is_empty() { symbol.to_owned() } else { told.canonical() },
        base: told.base,
        quote: told.quote,
        kind: told.kind,
        contract: told.contract,
        tick: None,
        lot: None,
        scale: Scale::default(),
    }
}

/// The name that groups an instrument across venues; `suffix` is the expiry, or expiry, strike and type of an option.
pub(super) fn canonical(base: &str, quote: &str, kind: Kind, suffix: &str) -> String {
    match kind {
        Kind::Spot => format!("{base}-{quote}"),
        Kind::Perpetual => format!("{base}-{quote}-PERP"),
        Kind::Future | Kind::Option => format!("{base}-{quote}-{suffix}"),
    }
}

/// The parts of a symbol.
struct Told {
    base: String,
    quote: String,
    kind: Kind,
    contract: Contract,
    suffix: String,
}

impl Default for Told {
    fn default() -> Self {
        Told {
            base: String::new(),
            quote: String::new(),
            kind: Kind::Spot,
            contract: Contract::Unknown,
            suffix: String::new(),
        }
    }
}

impl Told {
    fn new(pair: (&str, &str), kind: Kind, contract: Contract, suffix: &str) -> Self {
        Told { base: pair.0.to_owned(), quote: pair.1.to_owned(), kind, contract, suffix: suffix.to_owned() }
    }

    fn canonical(&self) -> String {
        canonical(&self.base, &self.quote, self.kind, &self.suffix)
    }
}

fn split_binance(pair: &str) -> Option<(&str, &str)> {
    let quote =
        BINANCE_QUOTES.iter().filter(|q| pair.len() > q.len() && pair.ends_with(**q)).max_by_key(|q| q.len())?;
    Some(pair.split_at(pair.len() - quote.len()))
}

fn is_date(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())
}

fn binance_spot(symbol: &str) -> Option<Told> {
    Some(Told::new(split_binance(symbol)?, Kind::Spot, Contract::Base, ""))
}

fn binance_usdm(symbol: &str) -> Option<Told> {
    match symbol.split_once('_') {
        None => Some(Told::new(split_binance(symbol)?, Kind::Perpetual, Contract::Base, "")),
        Some((pair, date)) if is_date(date) => {
            Some(Told::new(split_binance(pair)?, Kind::Future, Contract::Base, date))
        }
        Some(_) => None,
    }
}

fn binance_coinm(symbol: &str) -> Option<Told> {
    let (pair, expiry) = symbol.split_once('_')?;
    let base = pair.strip_suffix("USD").filter(|b| !b.is_empty())?;
    let kind = if expiry == "PERP" { Kind::Perpetual } else { Kind::Future };
    if kind == Kind::Future && !is_date(expiry) {
        return None;
    }
    // The values the venue has published since the market opened; its own list, where present, replaces them.
    let dollars = if base == "BTC" { 100 } else { 10 };
    Some(Told::new((base, "USD"), kind, Contract::Inverse(Decimal::new(dollars, 0)), expiry))
}

fn okx(symbol: &str) -> Option<Told> {
    let mut parts = symbol.splitn(3, '-');
    let pair = (parts.next()?, parts.next()?);
    if pair.0.is_empty() || pair.1.is_empty() {
        return None;
    }
    // Contracts are worth what the venue's list says: 0.01, 0.1, 1, 1000 coins; nothing in the symbol tells.
    match parts.next() {
        None => Some(Told::new(pair, Kind::Spot, Contract::Base, "")),
        Some("SWAP") => Some(Told::new(pair, Kind::Perpetual, Contract::Unknown, "")),
        Some(date) if is_date(date) => Some(Told::new(pair, Kind::Future, Contract::Unknown, date)),
        Some(option) if option.get(..6).is_some_and(is_date) && (option.ends_with("-C") || option.ends_with("-P")) => {
            Some(Told::new(pair, Kind::Option, Contract::Unknown, option))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_every_venue() {
        let (base, unknown) = (Contract::Base, Contract::Unknown);
        let inverse = |n| Contract::Inverse(Decimal::new(n, 0));
        use Kind::{Future, Option, Perpetual, Spot};
        use Venue::{Binance, BinanceCoinm, BinanceUsdm, Okx};
        for (venue, symbol, coin, quote, kind, contract, canonical) in [
            (Binance, "BTCUSDT", "BTC", "USDT", Spot, base, "BTC-USDT"),
            (Binance, "BTCFDUSD", "BTC", "FDUSD", Spot, base, "BTC-FDUSD"),
            (Binance, "TUSDT", "T", "USDT", Spot, base, "T-USDT"),
            (Binance, "ADAEUR", "ADA", "EUR", Spot, base, "ADA-EUR"),
            (Binance, "BETHETH", "BETH", "ETH", Spot, base, "BETH-ETH"),
            (Binance, "USDTTRY", "USDT", "TRY", Spot, base, "USDT-TRY"),
            (Binance, "1000SATSUSDC", "1000SATS", "USDC", Spot, base, "1000SATS-USDC"),
            (Binance, "USDT", "", "", Spot, unknown, "USDT"),
            (Binance, "", "", "", Spot, unknown, ""),
            (BinanceUsdm, "BTCUSDT", "BTC", "USDT", Perpetual, base, "BTC-USDT-PERP"),
            (BinanceUsdm, "ETHUSDC", "ETH", "USDC", Perpetual, base, "ETH-USDC-PERP"),
            (BinanceUsdm, "BTCUSDT_260626", "BTC", "USDT", Future, base, "BTC-USDT-260626"),
            (BinanceUsdm, "BTCUSDT_X", "", "", Spot, unknown, "BTCUSDT_X"),
            (BinanceCoinm, "BTCUSD_PERP", "BTC", "USD", Perpetual, inverse(100), "BTC-USD-PERP"),
            (BinanceCoinm, "ETHUSD_260626", "ETH", "USD", Future, inverse(10), "ETH-USD-260626"),
            (BinanceCoinm, "USD_PERP", "", "", Spot, unknown, "USD_PERP"),
            (Okx, "BTC-USDT", "BTC", "USDT", Spot, base, "BTC-USDT"),
            (Okx, "BTC-USDT-SWAP", "BTC", "USDT", Perpetual, unknown, "BTC-USDT-PERP"),
            (Okx, "BTC-USD-SWAP", "BTC", "USD", Perpetual, unknown, "BTC-USD-PERP"),
            (Okx, "BTC-USD-220527", "BTC", "USD", Future, unknown, "BTC-USD-220527"),
            (Okx, "BTC-USD-210924-66000-C", "BTC", "USD", Option, unknown, "BTC-USD-210924-66000-C"),
            (Okx, "BTC-USD-2109é4-66000-C", "", "", Spot, unknown, "BTC-USD-2109é4-66000-C"),
            (Okx, "BTC", "", "", Spot, unknown, "BTC"),
        ] {
            let told = infer(venue, symbol);
            let got = (told.base.as_str(), told.quote.as_str(), told.kind, told.contract, told.canonical.as_str());
            assert_eq!(got, (coin, quote, kind, contract, canonical), "{venue:?} {symbol}");
        }
    }
}
