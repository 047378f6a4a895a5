//! Faults on demand: what may be made to go wrong, for whom, when and how often, and an exact log of what did.

use anyhow::{Context, Result, bail};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::{NANOS_PER_MILLI, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::str::FromStr;

/// Most injections remembered; the oldest are forgotten and counted.
pub const LOG_MAX: usize = 10_000;
/// Delay of `slow` where none is given, milliseconds.
const SLOW_MS: u64 = 2_000;
/// Age of a `late-snapshot` (older than any client buffers before it asks), and time between Binance's warning and its
/// shutdown, where none is given, milliseconds.
const LATE_MS: u64 = 5_000;
/// Time between OKX's notice 64008 and the end, where none is given, milliseconds.
const NOTICE_MS: u64 = 60_000;
/// Size of an `oversize` frame where none is given, bytes: twice the frame limit that WebSocket libraries default to.
const OVERSIZE_BYTES: u64 = 32 << 20;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A depth message is dropped.
    Gap,
    /// A depth message is sent twice.
    Duplicate,
    /// A depth message is sent after its successor.
    Reorder,
    /// A REST snapshot is older than what the client has buffered.
    LateSnapshot,
    /// A futures REST snapshot lies between two depth events.
    PuHole,
    /// Pings stay unanswered, and the server sends none.
    PongSilence,
    /// A stream stops while its siblings go on.
    SilentStream,
    /// TCP connections are dropped.
    Cut,
    /// Messages are sent late.
    Slow,
    /// A message is broken JSON.
    Malformed,
    /// A frame is cut short, then the connection drops.
    Truncated,
    /// A huge frame.
    Oversize,
    /// Binance says that it shuts down, then does.
    ServerShutdown,
    /// OKX gives notice 64008, then closes.
    OkxNotice,
    /// OKX sequence ids start again lower.
    SeqReset,
    /// OKX sends the empty update of a quiet minute at once.
    KeepAlive,
    /// The market is in pre-open and its book crossed; uncrossed at the end.
    Crossed,
    /// One level is told with a wrong size and not corrected.
    Corrupt,
    /// HTTP requests (and handshakes) are answered with this status.
    Http(u16),
    /// Unrouted futures sockets carry the public streams only, as on the real host.
    UnroutedPublicOnly,
    /// OKX books carry the true CRC instead of 0.
    OkxCrc,
}

/// Every kind but `Http`, with the name it goes by and what it does.
const NAMES: [(&str, Kind, &str); 20] = [
    ("gap", Kind::Gap, "a depth message is dropped"),
    ("duplicate", Kind::Duplicate, "a depth message is sent twice"),
    ("reorder", Kind::Reorder, "a depth message is sent after its successor"),
    ("late-snapshot", Kind::LateSnapshot, "a REST snapshot is older than what the client has buffered (ms: its age)"),
    ("pu-hole", Kind::PuHole, "a futures REST snapshot lies between two depth events"),
    ("pong-silence", Kind::PongSilence, "pings stay unanswered, and the server sends none"),
    ("silent-stream", Kind::SilentStream, "a stream stops while its siblings go on"),
    ("cut", Kind::Cut, "TCP connections are dropped"),
    ("slow", Kind::Slow, "messages are sent late (ms: by how much)"),
    ("malformed", Kind::Malformed, "a message is broken JSON"),
    ("truncated", Kind::Truncated, "a frame is cut short, then the connection drops"),
    ("oversize", Kind::Oversize, "a huge frame (bytes: its size)"),
    ("server-shutdown", Kind::ServerShutdown, "Binance says that it shuts down, then does (ms: time between)"),
    ("okx-notice", Kind::OkxNotice, "OKX gives notice 64008, then closes (ms: time between)"),
    ("seq-reset", Kind::SeqReset, "OKX sequence ids start again lower"),
    ("keep-alive-60s", Kind::KeepAlive, "OKX sends the empty update of a quiet minute at once"),
    ("crossed", Kind::Crossed, "pre-open with a crossed book, uncrossed at the end"),
    ("corrupt", Kind::Corrupt, "one level is told with a wrong size and not corrected"),
    ("unrouted-public-only", Kind::UnroutedPublicOnly, "unrouted USD-M sockets carry public streams only"),
    ("okx-crc", Kind::OkxCrc, "OKX books carry the true CRC instead of 0"),
];

/// HTTP statuses that can be asked for.
const STATUSES: [u16; 8] = [403, 418, 429, 451, 500, 502, 503, 504];

impl Kind {
    /// The name in flags and on the control port.
    pub fn name(self) -> String {
        match self {
            Kind::Http(status) => format!("http-{status}"),
            other => NAMES.iter().find(|(_, k, _)| *k == other).map_or_else(String::new, |(n, ..)| (*n).to_owned()),
        }
    }

    /// Every name.
    pub fn names() -> Vec<String> {
        Kind::catalogue().into_iter().map(|(name, _)| name).collect()
    }

    /// Every name, and what it does.
    pub fn catalogue() -> Vec<(String, String)> {
        let plain = NAMES.iter().map(|(name, _, help)| ((*name).to_owned(), (*help).to_owned()));
        let http =
            STATUSES.iter().map(|s| (format!("http-{s}"), format!("requests and handshakes are answered with {s}")));
        plain.chain(http).collect()
    }

    /// A state that holds until it ends, rather than something done a number of times.
    fn holds(self) -> bool {
        matches!(
            self,
            Kind::PongSilence
                | Kind::SilentStream
                | Kind::Slow
                | Kind::Crossed
                | Kind::UnroutedPublicOnly
                | Kind::OkxCrc
        )
    }

    /// Whether it falls on depth diffs only, unless a stream is named.
    fn depth_only(self) -> bool {
        matches!(
            self,
            Kind::Gap | Kind::Duplicate | Kind::Reorder | Kind::Corrupt | Kind::SilentStream | Kind::KeepAlive
        )
    }
}

impl FromStr for Kind {
    type Err = anyhow::Error;
    fn from_str(name: &str) -> Result<Self> {
        if let Some(status) = name.strip_prefix("http-").and_then(|s| s.parse().ok()).filter(|s| STATUSES.contains(s)) {
            return Ok(Kind::Http(status));
        }
        let found = NAMES.iter().find(|(n, ..)| *n == name).map(|(_, k, _)| *k);
        found.with_context(|| format!("no fault is called '{name}'; there are: {}", Kind::names().join(", ")))
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// One order to make something go wrong. As text: `kind[:venue[:symbol or stream]][@after_s][+duration_s]`, and any of
/// `:every=30s`, `:after=5s`, `:for=10s`, `:count=3`, `:ms=500`, `:bytes=1000000`, `:subscriber=1` behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// Only on this market; else on all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Venue>,
    /// Only for this symbol (as the venue writes it, in any case); else for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Only on this stream (`btcusdt@trade`, OKX `trades:BTC-USDT`); else on all that the kind concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Starts that many milliseconds from now.
    #[serde(default)]
    pub after_ms: u64,
    /// Ends that many milliseconds after its start; else when its count is used up, or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// How often it happens; 1 where neither this nor a duration is given, unless the kind is a lasting state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// At most once in that many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
    /// Delay of `slow`, age of `late-snapshot`, time from warning to end of `server-shutdown` and `okx-notice`, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Size of an `oversize` frame, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Only the connection that was the n-th (from 0) to subscribe, so that a second one sees the truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<usize>,
}

impl Fault {
    /// That kind, everywhere, now.
    pub fn new(kind: Kind) -> Self {
        Fault {
            kind,
            venue: None,
            symbol: None,
            stream: None,
            after_ms: 0,
            for_ms: None,
            count: None,
            every_ms: None,
            ms: None,
            bytes: None,
            subscriber: None,
        }
    }

    /// Only there.
    #[must_use]
    pub fn on(mut self, venue: Venue, symbol: &str) -> Self {
        self.venue = Some(venue);
        self.symbol = Some(symbol.to_owned());
        self
    }

    /// Size of an `oversize` frame, bytes.
    pub(crate) fn frame_bytes(&self) -> usize {
        usize::try_from(self.bytes.unwrap_or(OVERSIZE_BYTES)).unwrap_or(usize::MAX).min(1 << 30)
    }

    /// Delay, age or time of notice, milliseconds.
    pub(crate) fn lag_ms(&self) -> u64 {
        self.ms.unwrap_or(match self.kind {
            Kind::Slow => SLOW_MS,
            Kind::OkxNotice => NOTICE_MS,
            _ => LATE_MS,
        })
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self> {
        let (options, plain): (Vec<&str>, Vec<&str>) = text.split([':', ',']).partition(|part| part.contains('='));
        let mut fault = Fault::read_plain(&plain.join(":"))?;
        for option in options {
            fault.set(option).with_context(|| format!("in fault '{text}'"))?;
        }
        Ok(fault)
    }
}

impl Fault {
    fn set(&mut self, option: &str) -> Result<()> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let number = || value.parse::<u64>().with_context(|| format!("'{value}' is not a whole number"));
        match key {
            "every" => self.every_ms = Some(millis(value)?),
            "after" => self.after_ms = millis(value)?,
            "for" => self.for_ms = Some(millis(value)?),
            "count" => self.count = Some(u32::try_from(number()?)?),
            "ms" => self.ms = Some(number()?),
            "bytes" => self.bytes = Some(number()?),
            "subscriber" => self.subscriber = Some(usize::try_from(number()?)?),
            other => bail!("no option is called '{other}'; there are: every, after, for, count, ms, bytes, subscriber"),
        }
        Ok(())
    }

    fn read_plain(text: &str) -> Result<Self> {
        let is_timing = |t: &str| !t.is_empty() && t.bytes().all(|c| c.is_ascii_digit() || c == b'.' || c == b'+');
        // A stream name has an '@' of its own: only a numeric tail is a time.
        let (what, times) = match text.rsplit_once('@') {
            Some((what, tail)) if is_timing(tail) => (what, tail.to_owned()),
            _ => match text.rsplit_once('+') {
                Some((what, tail)) if is_timing(tail) => (what, format!("0+{tail}")),
                _ => (text, String::new()),
            },
        };
        let (after, duration) = times.split_once('+').map_or((times.as_str(), None), |(a, d)| (a, Some(d)));
        let mut parts = what.splitn(3, ':');
        let mut fault = Fault::new(parts.next().unwrap_or_default().parse()?);
        if let Some(name) = parts.next() {
            let Some(venue) = Venue::from_name(name) else {
                bail!(
                    "no venue is called '{name}' in fault '{text}'; there are: {}",
                    Venue::ALL.map(Venue::name).join(", ")
                );
            };
            fault.venue = Some(venue);
        }
        if let Some(name) = parts.next() {
            let target = if name.contains(['@', ':', '!']) { &mut fault.stream } else { &mut fault.symbol };
            *target = Some(name.to_owned());
        }
        if !after.is_empty() {
            fault.after_ms = millis(after)?;
        }
        fault.for_ms = duration.map(millis).transpose()?;
        Ok(fault)
    }
}

/// Milliseconds of `30s`, `500ms`, `2m`, or a plain number of seconds.
fn millis(text: &str) -> Result<u64> {
    let (number, factor) = match text {
        t if t.ends_with("ms") => (t.trim_end_matches("ms"), 1.0),
        t if t.ends_with('s') => (t.trim_end_matches('s'), 1e3),
        t if t.ends_with('m') => (t.trim_end_matches('m'), 60e3),
        t => (t, 1e3),
    };
    let value: f64 = number.parse().with_context(|| format!("'{text}' is not a time such as 30s, 500ms or 2m"))?;
    Ok((value * factor) as u64)
}

/// One thing that did go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// When, exchange nanoseconds since the epoch.
    pub at_ns: i64,
    /// Which fault, by the number it was given.
    pub fault: u64,
    /// What.
    pub kind: Kind,
    /// Where.
    pub venue: Venue,
    /// For which symbol, if for one.
    pub symbol: Option<String>,
    /// On which stream, path or connection.
    pub target: String,
}

/// Where something is about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    pub(crate) venue: Venue,
    pub(crate) symbol: Option<&'a str>,
    pub(crate) target: &'a str,
    pub(crate) is_diff: bool,
}

/// A fault under way.
#[derive(Clone, Debug, Serialize)]
pub struct Active {
    /// Its number.
    pub id: u64,
    /// The order.
    #[serde(flatten)]
    pub fault: Fault,
    /// From when, exchange nanoseconds.
    pub from_ns: i64,
    /// Until when, exchange nanoseconds; `None` is until its count is used up or it is removed.
    pub until_ns: Option<i64>,
    /// How often it may still happen; `None` is without limit.
    pub left: Option<u32>,
    /// Not again before, exchange nanoseconds.
    pub not_before_ns: i64,
    /// What it already held for: logged once each.
    #[serde(skip)]
    seen: BTreeSet<String>,
}

impl Active {
    fn is_on(&self, now: Nanos) -> bool {
        self.from_ns.max(self.not_before_ns) <= now.0
            && self.until_ns.is_none_or(|end| now.0 < end)
            && self.left != Some(0)
    }

    fn is_over(&self, now: Nanos) -> bool {
        self.left == Some(0) || self.until_ns.is_some_and(|end| now.0 >= end)
    }

    fn concerns(&self, spot: &Spot<'_>) -> bool {
        let f = &self.fault;
        let same = |wanted: &Option<String>, is: Option<&str>| match (wanted, is) {
            (None, _) => true,
            (Some(wanted), Some(is)) => wanted.eq_ignore_ascii_case(is),
            (Some(_), None) => false,
        };
        f.venue.is_none_or(|v| v == spot.venue)
            && same(&f.symbol, spot.symbol)
            && same(&f.stream, Some(spot.target))
            && (f.stream.is_some() || spot.is_diff || !f.kind.depth_only())
    }
}

/// All faults of a server, and the log of what they did.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    log: VecDeque<Injection>,
    forgotten: u64,
    next_id: u64,
}

impl Faults {
    /// Orders a fault; returns its number.
    pub(crate) fn add(&mut self, fault: Fault, now: Nanos) -> u64 {
        self.next_id += 1;
        let millis = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_MILLI);
        let from = now.plus(millis(fault.after_ms));
        let once = fault.count.is_none() && fault.for_ms.is_none() && fault.every_ms.is_none() && !fault.kind.holds();
        self.active.push(Active {
            id: self.next_id,
            from_ns: from.0,
            until_ns: fault.for_ms.map(|ms| from.plus(millis(ms)).0),
            left: if once { Some(1) } else { fault.count },
            not_before_ns: from.0,
            seen: BTreeSet::new(),
            fault,
        });
        self.next_id
    }

    /// Ends one fault, or all.
    pub(crate) fn remove(&mut self, id: Option<u64>) -> usize {
        let before = self.active.len();
        self.active.retain(|a| id.is_some_and(|id| id != a.id));
        before - self.active.len()
    }

    /// Forgets what is over.
    pub(crate) fn prune(&mut self, now: Nanos) {
        self.active.retain(|a| !a.is_over(now));
    }

    /// What is ordered or under way.
    pub(crate) fn active(&self) -> &[Active] {
        &self.active
    }

    /// What happened, oldest first.
    pub(crate) fn log(&self) -> impl Iterator<Item = &Injection> {
        self.log.iter()
    }

    /// How many entries the log no longer has.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Whether nothing is ordered, so that callers may skip asking.
    pub(crate) fn is_idle(&self) -> bool {
        self.active.is_empty()
    }

    /// If a fault of one of the kinds is on here: counts it, logs it, and returns its order.
    pub(crate) fn strike(&mut self, kinds: &[Kind], spot: Spot<'_>, now: Nanos) -> Option<Fault> {
        self.strike_if(|k| kinds.contains(&k), spot, now)
    }

    /// The same for any HTTP status.
    pub(crate) fn strike_http(&mut self, spot: Spot<'_>, now: Nanos) -> Option<u16> {
        let fault = self.strike_if(|k| matches!(k, Kind::Http(_)), spot, now)?;
        if let Kind::Http(status) = fault.kind { Some(status) } else { None }
    }

    fn strike_if(&mut self, wanted: impl Fn(Kind) -> bool, spot: Spot<'_>, now: Nanos) -> Option<Fault> {
        let active = self.active.iter_mut().find(|a| wanted(a.fault.kind) && a.is_on(now) && a.concerns(&spot))?;
        if let Some(left) = &mut active.left {
            *left -= 1;
        }
        let fault = active.fault.clone();
        if let Some(every) = fault.every_ms {
            let every = i64::try_from(every).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_MILLI);
            active.not_before_ns = now.plus(every).0;
        }
        // A lasting state is logged where it first holds, not for every message.
        if !fault.kind.holds() || active.seen.insert(spot.target.to_owned()) {
            if self.log.len() == LOG_MAX {
                self.log.pop_front();
                self.forgotten += 1;
            }
            self.log.push_back(Injection {
                at_ns: now.0,
                fault: active.id,
                kind: fault.kind,
                venue: spot.venue,
                symbol: spot.symbol.map(str::to_owned),
                target: spot.target.to_owned(),
            });
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests;
