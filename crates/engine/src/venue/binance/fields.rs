//! The keys of Binance's flat messages. Which key means what depends on the message; here they are only collected.

use crate::event::LevelSpan;
use crate::scan::Plain;

/// Values by key, of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, non_snake_case)] // named as the exchange names them
pub(super) struct Fields<'a> {
    pub e: Plain<'a>,
    pub E: Plain<'a>,
    pub T: Plain<'a>,
    pub s: Plain<'a>,
    pub U: Plain<'a>,
    pub u: Plain<'a>,
    pub pu: Plain<'a>,
    pub b: Plain<'a>,
    pub B: Plain<'a>,
    pub a: Plain<'a>,
    pub A: Plain<'a>,
    pub t: Plain<'a>,
    pub p: Plain<'a>,
    pub q: Plain<'a>,
    pub m: Plain<'a>,
    pub i: Plain<'a>,
    pub r: Plain<'a>,
    pub cs: Plain<'a>,
    pub lastUpdateId: Plain<'a>,
    pub id: Plain<'a>,
    pub result: Plain<'a>,
    pub code: Plain<'a>,
    pub msg: Plain<'a>,
    pub symbol: Plain<'a>,
    /// Levels of `b`/`bids` and `a`/`asks` where these are arrays.
    pub bids: Option<(u32, u32)>,
    /// See `bids`.
    pub asks: Option<(u32, u32)>,
    /// How many of the message's keys are not known at all.
    pub unknown: u64,
}

/// Keys that messages carry and that nothing here needs: seen, not counted as unknown.
const IGNORED: [&[u8]; 44] = [
    b"M", b"f", b"l", b"X", b"P", b"ap", b"nq", b"st", b"ps", b"w", b"x", b"c", b"Q", b"o", b"h", b"v", b"O", b"C",
    b"F", b"L", b"n", b"k", b"pair", b"z", b"S", b"rq", b"N", b"d", b"di", b"ct", b"dt", b"ot", b"bks", b"V", b"ht",
    b"R", b"stream", b"ts", b"tu", b"W", b"D", b"qv", b"pp", b"g",
];

impl<'a> Fields<'a> {
    /// Stores a plain value under its key.
    #[inline]
    pub(super) fn put(&mut self, key: &[u8], value: Plain<'a>) {
        match key {
            b"e" => self.e = value,
            b"E" => self.E = value,
            b"T" => self.T = value,
            b"s" => self.s = value,
            b"U" => self.U = value,
            b"u" => self.u = value,
            b"pu" => self.pu = value,
            b"b" => self.b = value,
            b"B" => self.B = value,
            b"a" => self.a = value,
            b"A" => self.A = value,
            b"t" => self.t = value,
            b"p" => self.p = value,
            b"q" => self.q = value,
            b"m" => self.m = value,
            b"i" => self.i = value,
            b"r" => self.r = value,
            b"cs" => self.cs = value,
            b"lastUpdateId" => self.lastUpdateId = value,
            b"id" => self.id = value,
            b"result" => self.result = value,
            b"code" => self.code = value,
            b"msg" => self.msg = value,
            b"symbol" => self.symbol = value,
            b"bids" | b"asks" => {} // taken as levels
            _ => self.unknown += u64::from(!IGNORED.contains(&key)),
        }
    }

    /// Where the message's levels stand, bids directly before asks; `None` unless both sides were there, in that order.
    pub(super) fn span(&self) -> Option<LevelSpan> {
        match (self.bids, self.asks) {
            (Some(b), Some(a)) if b.1 == a.0 => Some(LevelSpan { start: b.0, asks: a.0, end: a.1 }),
            _ => None,
        }
    }
}

/// What a stream name (`btcusdt@depth20@100ms`) says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stream<'a> {
    /// Symbol in lower case; empty when there is no name.
    pub symbol: &'a [u8],
    /// Kind: `depth20`, `trade`.
    pub kind: &'a [u8],
}

impl<'a> Stream<'a> {
    /// Splits a name at its first two `@`.
    #[inline]
    pub(super) fn parse(name: &'a [u8]) -> Self {
        let mut parts = name.split(|c| *c == b'@');
        Stream { symbol: parts.next().unwrap_or_default(), kind: parts.next().unwrap_or_default() }
    }

    /// Whether it is a partial-depth stream: the whole top few levels instead of changes.
    #[inline]
    pub(super) fn is_partial(&self) -> bool {
        self.kind.strip_prefix(b"depth").is_some_and(|n| !n.is_empty())
    }
}
