//! One line of a foreign recording.

use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A frame was received.
    Frame { at: Nanos, frame: &'a [u8] },
    /// A connection was opened.
    Opened { at: Nanos, url: &'a str },
    /// A frame was sent.
    Sent { at: Nanos, url: &'a str },
    /// An answer over HTTP was received.
    Answer { at: Nanos, url: &'a str, body: &'a [u8] },
    /// Nothing that happened: an empty line, the recorder's configuration.
    Note,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` if it has none of the forms.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        match line.first() {
            None => Some(Line::Note),
            Some(b'0'..=b'9') => {
                let (at, rest) = time(line)?;
                let frame = rest.strip_prefix(b": ").or_else(|| rest.strip_prefix(b" "))?;
                (!frame.is_empty()).then_some(Line::Frame { at, frame })
            }
            Some(b'h' | b'w') => addressed(line),
            Some(_) => {
                let note = line.starts_with(b"configuration: ") || line.iter().all(u8::is_ascii_whitespace);
                note.then_some(Line::Note)
            }
        }
    }

    /// When it happened; `None` for a note.
    pub(super) fn at(&self) -> Option<Nanos> {
        match self {
            Line::Frame { at, .. } | Line::Opened { at, .. } | Line::Sent { at, .. } | Line::Answer { at, .. } => {
                Some(*at)
            }
            Line::Note => None,
        }
    }
}

/// `<url> <mark> <time>[: <text>]`
fn addressed(line: &[u8]) -> Option<Line<'_>> {
    let space = line.iter().position(|b| *b == b' ')?;
    let (url, rest) = line.split_at(space);
    let url = std::str::from_utf8(url).ok().filter(|u| u.contains("://"))?;
    if let Some(rest) = rest.strip_prefix(b" <-> ") {
        let (at, rest) = time(rest)?;
        return rest.is_empty().then_some(Line::Opened { at, url });
    }
    if let Some(rest) = rest.strip_prefix(b" <- ") {
        let (at, rest) = time(rest)?;
        return rest.starts_with(b":").then_some(Line::Sent { at, url });
    }
    let (at, rest) = time(rest.strip_prefix(b" -> ")?)?;
    Some(Line::Answer { at, url, body: rest.strip_prefix(b": ")? })
}

/// A time at the start of a text, in s, ms, us or ns since the epoch as its magnitude tells (by the number of its digits:
/// good from 1973 to 5138), with or without a fraction; digits below 1 ns are dropped.
fn time(text: &[u8]) -> Option<(Nanos, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits);
    let whole = std::str::from_utf8(whole).ok()?.parse::<i64>().ok()?;
    let mut unit = match digits {
        9..=11 => 1_000_000_000,
        12..=14 => 1_000_000,
        15..=17 => 1000,
        18..=19 => 1,
        _ => return None,
    };
    let mut at = whole.checked_mul(unit)?;
    let Some(fraction) = rest.strip_prefix(b".") else { return Some((Nanos(at), rest)) };
    let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    let (fraction, rest) = fraction.split_at(digits);
    for digit in fraction {
        unit /= 10;
        at = at.checked_add(i64::from(digit - b'0') * unit)?;
    }
    Some((Nanos(at), rest))
}

/// What an address says of whom it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// One of ours.
    Known(Venue),
    /// Another exchange, by its host name.
    Other(String),
    /// This machine or a bare address: anybody's.
    Nobody,
}

/// Whom an address belongs to.
pub(super) fn owner(url: &str) -> Owner {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.split(':').next().unwrap_or(host);
    if host == "localhost" || host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return Owner::Nobody;
    }
    let domain = |name: &str| host == name || host.strip_suffix(name).is_some_and(|h| h.ends_with('.'));
    let venue = if domain("okx.com") || domain("okex.com") {
        path.contains("/v5/").then_some(Venue::Okx)
    } else if !(domain("binance.com") || domain("binance.vision") || domain("binancefuture.com")) {
        None
    } else if path.starts_with("/dapi/") || host.starts_with("dstream") {
        Some(Venue::BinanceCoinm)
    } else if path.starts_with("/fapi/") || host.starts_with("fstream") || domain("binancefuture.com") {
        Some(Venue::BinanceUsdm)
    } else if path.starts_with("/api/") || host.contains("stream") {
        Some(Venue::Binance)
    } else {
        None
    };
    venue.map_or_else(|| Owner::Other(host.to_owned()), Owner::Known)
}

/// Path and query of an address.
pub(super) fn request(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// Value of a key in an address's query.
pub(super) fn query<'a>(url: &'a str, key: &str) -> Option<&'a str> {
    let (_, pairs) = url.split_once('?')?;
    pairs.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_line() {
        let parse = |line: &'static str| Line::parse(line.as_bytes());
        let at = Nanos(1_723_161_254_087_891_268);
        assert_eq!(parse("1723161254087891268 {}"), Some(Line::Frame { at, frame: b"{}" }));
        assert_eq!(
            parse("1680652700423575 {}"),
            Some(Line::Frame { at: Nanos(1_680_652_700_423_575_000), frame: b"{}" })
        );
        assert_eq!(
            parse("1628952397.52361: pong"),
            Some(Line::Frame { at: Nanos(1_628_952_397_523_610_000), frame: b"pong" })
        );
        let url = "wss://fstream.binance.com/stream";
        let at = Nanos(1_617_647_797_000_000_000);
        assert_eq!(parse("wss://fstream.binance.com/stream <-> 1617647797"), Some(Line::Opened { at, url }));
        assert_eq!(parse("wss://fstream.binance.com/stream <- 1617647797: {}"), Some(Line::Sent { at, url }));
        let body = b"{\"a\": 1}";
        assert_eq!(
            parse("wss://fstream.binance.com/stream -> 1617647797: {\"a\": 1}"),
            Some(Line::Answer { at, url, body })
        );
        assert_eq!(parse("configuration: {}"), Some(Line::Note));
        assert_eq!(parse(""), Some(Line::Note));
        for bad in [
            "hello",
            "17 {}",
            "1723161254087891268",
            "1723161254087891268 ",
            "{\"e\":1}",
            "wss://x <-> soon",
            "http://x y",
            "9999999999999999999 {}",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_tell_their_venue() {
        for (url, venue) in [
            ("wss://stream.binance.com:9443/stream?streams=x", Venue::Binance),
            ("https://www.binance.com/api/v3/depth?symbol=X", Venue::Binance),
            ("wss://data-stream.binance.vision/ws", Venue::Binance),
            ("wss://fstream.binance.com/stream", Venue::BinanceUsdm),
            ("https://fapi.binance.com/fapi/v1/depth", Venue::BinanceUsdm),
            ("wss://dstream.binance.com/stream", Venue::BinanceCoinm),
            ("https://dapi.binance.com/dapi/v1/depth", Venue::BinanceCoinm),
            ("wss://ws.okex.com:8443/ws/v5/public", Venue::Okx),
            ("https://www.okx.com/api/v5/public/time", Venue::Okx),
        ] {
            assert_eq!(owner(url), Owner::Known(venue), "{url}");
        }
        for url in [
            "wss://ws.kraken.com",
            "wss://stream.binance.us:9443/stream",
            "wss://real.okex.com:8443/ws/v3",
            "wss://notbinance.com/stream",
        ] {
            assert!(matches!(owner(url), Owner::Other(_)), "{url}");
        }
        assert_eq!(owner("ws://127.0.0.1:9000/stream"), Owner::Nobody);
        assert_eq!(
            request("https://fapi.binance.com/fapi/v1/depth?symbol=X&limit=5"),
            "/fapi/v1/depth?symbol=X&limit=5"
        );
        assert_eq!(query("/fapi/v1/depth?symbol=X&limit=5", "limit"), Some("5"));
    }
}
