//! Which symbol a depth answer belongs to that stands among the frames without the request it answers.

use fathometer_engine::instrument::Venue;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Symbols remembered per file; far more than one connection carries.
const SYMBOLS_MAX: usize = 4096;
/// An answer's middle may be that far from its symbol's last price, as a fraction.
const NEAR: f64 = 0.05;
/// Among several that near, the nearest by update id must be that many times nearer than the next.
const CLEARLY: u64 = 10;
/// What tells a frame's symbol, price and id stands before its levels: within that many bytes.
const KEYS_WITHIN: usize = 400;

/// The symbols of a file, with what tells them apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    all: Vec<Symbol>,
    /// Index of the last one seen.
    last: usize,
}

#[derive(Clone, Debug)]
struct Symbol {
    /// Upper case.
    name: String,
    price: Option<f64>,
    id: Option<u64>,
}

/// The parts of a depth answer that matter here.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(rename = "lastUpdateId")]
    id: u64,
    #[serde(borrow, default)]
    symbol: Option<&'a str>,
    #[serde(borrow)]
    bids: Vec<(&'a str, IgnoredAny)>,
    #[serde(borrow)]
    asks: Vec<(&'a str, IgnoredAny)>,
}

impl Symbols {
    /// Takes note of a symbol.
    pub(super) fn add(&mut self, name: &str) {
        if !name.is_empty() && self.all.len() < SYMBOLS_MAX && !self.has(name) {
            self.all.push(Symbol { name: name.to_ascii_uppercase(), price: None, id: None });
        }
    }

    /// Whether a symbol was seen, in whatever case.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all.iter().any(|s| s.name.eq_ignore_ascii_case(name))
    }

    /// Whether both have seen the same symbol, or neither any.
    pub(super) fn share(&self, other: &Symbols) -> bool {
        (self.all.is_empty() && other.all.is_empty()) || self.all.iter().any(|s| other.has(&s.name))
    }

    /// Takes note of a Binance frame's symbol; of its price and id too once there is more than one symbol.
    pub(super) fn observe(&mut self, frame: &[u8]) {
        let start = frame.get(..frame.len().min(KEYS_WITHIN)).unwrap_or_default();
        let Some(name) = text_after(start, b"\"s\":\"") else { return };
        if self.all.get(self.last).is_none_or(|s| s.name.as_bytes() != name) {
            let Ok(name) = std::str::from_utf8(name) else { return };
            self.add(name);
            let Some(index) = self.all.iter().position(|s| s.name.eq_ignore_ascii_case(name)) else { return };
            self.last = index;
        }
        if self.all.len() < 2 && self.all.first().is_some_and(|s| s.price.is_some()) {
            return; // nothing to tell apart; the first price stays, in case another symbol comes
        }
        let Some(symbol) = self.all.get_mut(self.last) else { return };
        let price = [&b"\"p\":\""[..], b"\"b\":\""].into_iter().find_map(|key| text_after(start, key)).and_then(number);
        symbol.price = price.or(symbol.price).or_else(|| highest_bid(frame));
        let id = number_after(start, b"\"u\":");
        symbol.id = id.or(symbol.id);
    }

    /// The request that a bare depth answer must have been asked with.
    ///
    /// # Errors
    /// Why it cannot be told, for people.
    pub(super) fn request(&self, venue: Venue, body: &[u8]) -> Result<String, String> {
        let answer: Answer<'_> =
            serde_json::from_slice(body).map_err(|e| format!("a depth answer that cannot be read: {e}"))?;
        let symbol = match (answer.symbol, self.all.as_slice()) {
            (Some(symbol), _) => symbol,
            (None, [only]) => &only.name,
            (None, _) => self.nearest(&answer).ok_or_else(|| {
                let names: Vec<&str> = self.all.iter().map(|s| s.name.as_str()).take(8).collect();
                format!("a depth answer that does not tell its symbol and fits none of {} or several", names.join(", "))
            })?,
        };
        let levels = answer.bids.len().max(answer.asks.len());
        let limit = [100, 500, 1000, 5000].into_iter().find(|limit| levels <= *limit).unwrap_or(levels);
        let path = match venue {
            Venue::BinanceUsdm => "/fapi/v1/depth",
            Venue::BinanceCoinm => "/dapi/v1/depth",
            Venue::Binance | Venue::Okx => "/api/v3/depth",
        };
        Ok(format!("{path}?symbol={symbol}&limit={limit}"))
    }

    /// The symbol whose last price and id fit an answer, if one clearly does.
    fn nearest(&self, answer: &Answer<'_>) -> Option<&str> {
        let best = |side: &[(&str, IgnoredAny)]| side.first()?.0.parse::<f64>().ok();
        let (bid, ask) = (best(&answer.bids), best(&answer.asks));
        let middle = (bid.or(ask)? + ask.or(bid)?) / 2.0;
        let near = |s: &&Symbol| s.price.is_some_and(|p| (p / middle - 1.0).abs() <= NEAR);
        let mut fitting: Vec<&Symbol> = self.all.iter().filter(near).collect();
        let distance = |s: &Symbol| s.id.map_or(u64::MAX, |id| id.abs_diff(answer.id));
        fitting.sort_by_key(|s| distance(s));
        match fitting.as_slice() {
            [only] => Some(&only.name),
            [first, second, ..] if distance(first).saturating_mul(CLEARLY) < distance(second) => Some(&first.name),
            _ => None,
        }
    }
}

/// Whether a frame is a depth answer without its request.
pub(super) fn is_bare_depth(frame: &[u8]) -> bool {
    let Some(rest) = frame.trim_ascii_start().strip_prefix(b"{") else { return false };
    rest.trim_ascii_start().starts_with(b"\"lastUpdateId\"")
}

fn text_after<'a>(frame: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let (_, rest) = frame.split_at_checked(frame.windows(key.len()).position(|w| w == key)? + key.len())?;
    rest.split(|b| *b == b'"').next()
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Of the changes in a frame; near the price, where no trade told it.
fn highest_bid(frame: &[u8]) -> Option<f64> {
    let at = frame.windows(6).position(|w| w == b"\"b\":[[")?;
    let (_, bids) = frame.split_at_checked(at + 6)?;
    let end = bids.windows(2).position(|w| w == b"]]")?;
    let prices = bids.get(..end)?.split(|b| *b == b'[').filter_map(|level| number(level.split(|b| *b == b'"').nth(1)?));
    prices.reduce(f64::max)
}

fn number_after(frame: &[u8], key: &[u8]) -> Option<u64> {
    let (_, rest) = frame.split_at_checked(frame.windows(key.len()).position(|w| w == key)? + key.len())?;
    let digits = rest.split(|b| !b.is_ascii_digit()).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(frames: &[&str]) -> Symbols {
        let mut symbols = Symbols::default();
        frames.iter().for_each(|f| symbols.observe(f.as_bytes()));
        symbols
    }

    #[test]
    fn the_only_symbol_or_the_one_told_or_the_one_that_fits() {
        let depth = r#"{"e":"depthUpdate","s":"ETHUSDT","u":100,"b":[["200.00","1"],["2680.00","0"]],"a":[]}"#;
        let btc = r#"{"e":"trade","s":"BTCUSDT","p":"61000.5"}"#;
        let eth = r#"{"u":100,"s":"ETHUSDT","b":"2680.10","B":"1","a":"2680.11","A":"1"}"#;
        let alike = r#"{"u":9000000,"s":"ETHBUSD","b":"2681.00","B":"1","a":"2681.01","A":"1"}"#;
        let answer = r#"{"lastUpdateId":90,"bids":[["2680.00","1"],["2679.99","1"]],"asks":[["2680.20","1"]]}"#;
        let ask = |frames: &[&str], body: &str| symbols(frames).request(Venue::Binance, body.as_bytes());
        assert_eq!(ask(&[eth], answer).unwrap(), "/api/v3/depth?symbol=ETHUSDT&limit=100");
        assert_eq!(ask(&[btc, eth], answer).unwrap(), "/api/v3/depth?symbol=ETHUSDT&limit=100");
        assert_eq!(ask(&[btc, depth], answer).unwrap(), "/api/v3/depth?symbol=ETHUSDT&limit=100");
        assert_eq!(ask(&[btc, alike, eth], answer).unwrap(), "/api/v3/depth?symbol=ETHUSDT&limit=100");
        let told = r#"{"lastUpdateId":90,"symbol":"BTCUSD_PERP","pair":"BTCUSD","bids":[],"asks":[]}"#;
        assert_eq!(
            symbols(&[eth]).request(Venue::BinanceCoinm, told.as_bytes()).unwrap(),
            "/dapi/v1/depth?symbol=BTCUSD_PERP&limit=100"
        );
        let far = r#"{"lastUpdateId":90,"bids":[["5.00","1"]],"asks":[]}"#;
        assert!(ask(&[btc, eth], far).unwrap_err().contains("BTCUSDT, ETHUSDT"));
        assert!(ask(&[], answer).is_err());
    }

    #[test]
    fn the_limit_is_the_next_that_the_venue_allows() {
        for (levels, limit) in [(3, 100), (101, 500), (1000, 1000), (1001, 5000)] {
            let bids = vec![r#"["1","1"]"#; levels].join(",");
            let body = format!(r#"{{"lastUpdateId":1,"E":2,"T":2,"bids":[{bids}],"asks":[]}}"#);
            let request = symbols(&[r#"{"s":"X"}"#]).request(Venue::BinanceUsdm, body.as_bytes()).unwrap();
            assert_eq!(request, format!("/fapi/v1/depth?symbol=X&limit={limit}"));
        }
    }
}
