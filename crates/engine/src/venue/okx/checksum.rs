//! OKX's CRC-32 over the text of a book's best levels. The venue stopped sending it in June 2026; recordings from
//! before hold an independent proof of every single book in it.
//!
//! Up to 25 levels of each side, `bid price:bid size:ask price:ask size` in turn, best first; when one side ends the
//! other goes on alone. The text is the one the venue sent, so that a level that was not written in the shortest way
//! (`1.50`, `1e-7`) keeps its own.

use crate::book::Book;
use crate::event::{Depth, DepthKind};
use crate::units::{Decimal, Level, POW10, Price, Scale, Side, Size};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Levels of a side that the checksum covers.
const DEPTH: usize = 25;
/// Longest text of a number: 16 digits (units are below 10^16), a point, a zero before it; and the separator.
const NUMBER_BYTES: usize = 24;
/// A number is written 16 bytes at a time, beyond its end.
const SLACK: usize = 32;
/// Room for all numbers.
const BUFFER: usize = 4 * DEPTH * NUMBER_BYTES + SLACK;

/// A level by side (whether bid) and price (mantissa and decimal places, apart from units, which may become finer).
type Key = (bool, i64, u8);

/// What the venue wrote at levels that it did not write in the shortest way; nearly always nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Price and size as written.
    written: BTreeMap<Key, (Box<str>, Box<str>)>,
}

impl Texts {
    /// Takes over what a depth message wrote. Call it for every message that is applied to the book.
    pub fn apply(&mut self, depth: &Depth, levels: &[Level], texts: &[(u32, Box<str>, Box<str>)], scale: Scale) {
        if depth.kind == DepthKind::Snapshot {
            self.written.clear();
        }
        if self.written.is_empty() && texts.is_empty() {
            return;
        }
        for (side, range) in [(Side::Bid, depth.span.bids()), (Side::Ask, depth.span.asks())] {
            for i in range {
                let Some(level) = levels.get(i) else { return };
                let text = texts.iter().find(|text| text.0 as usize == i);
                match text {
                    Some((_, price, size)) if level.size != Size(0) => {
                        self.written.insert(key(side, level.price, scale), (price.clone(), size.clone()));
                    }
                    _ => {
                        self.written.remove(&key(side, level.price, scale));
                    }
                }
            }
        }
    }

    fn get(&self, side: Side, price: Price, scale: Scale) -> Option<&(Box<str>, Box<str>)> {
        if self.written.is_empty() {
            return None;
        }
        self.written.get(&key(side, price, scale))
    }
}

fn key(side: Side, price: Price, scale: Scale) -> Key {
    let price = Decimal::new(price.0, scale.price);
    (side == Side::Bid, price.mantissa, price.decimals)
}

/// The checksum of a book, as the venue would send it.
pub fn checksum(book: &Book, scale: Scale, texts: &Texts) -> i32 {
    let mut text = Text::new();
    let (price_places, size_places) = (Places::new(scale.price), Places::new(scale.size));
    let mut bids = book.levels(Side::Bid).take(DEPTH);
    let mut asks = book.levels(Side::Ask).take(DEPTH);
    loop {
        let (bid, ask) = (bids.next(), asks.next());
        for (side, level) in [(Side::Bid, bid), (Side::Ask, ask)] {
            let Some(level) = level else { continue };
            match texts.get(side, level.price, scale) {
                Some((price, size)) => {
                    text.literal(price);
                    text.literal(size);
                }
                None => {
                    text.number(level.price.0, price_places);
                    text.number(level.size.0, size_places);
                }
            }
        }
        if bid.is_none() && ask.is_none() {
            return text.finish() as i32; // the venue writes the same 32 bits with a sign
        }
    }
}

/// Decimal places of units.
#[derive(Clone, Copy)]
struct Places {
    decimals: u8,
    /// Units in one, where there are at most eight places; else 0.
    unit: u64,
    /// What makes the places eight.
    to_eight: u64,
}

impl Places {
    fn new(decimals: u8) -> Self {
        let short = decimals <= 8;
        let power = |n: u8| if short { POW10[usize::from(n)] as u64 } else { 0 };
        Places { decimals, unit: power(decimals), to_eight: power(8_u8.saturating_sub(decimals)) }
    }
}

/// Numbers with a colon behind each, in a buffer that does not leave the stack.
struct Text {
    bytes: [u8; BUFFER],
    len: usize,
    crc: crc32fast::Hasher,
}

impl Text {
    fn new() -> Self {
        Text { bytes: [0; BUFFER], len: 0, crc: crc32fast::Hasher::new() }
    }

    fn finish(&mut self) -> u32 {
        self.len = self.len.saturating_sub(1); // no colon behind the last
        self.flush();
        self.crc.clone().finalize()
    }

    fn flush(&mut self) {
        self.crc.update(self.bytes.get(..self.len).unwrap_or_default());
        self.len = 0;
    }

    /// A text as it is.
    #[cold]
    fn literal(&mut self, text: &str) {
        self.flush();
        self.crc.update(text.as_bytes());
        put(&mut self.bytes, 0, [b':']);
        self.len = 1;
    }

    /// The shortest plain text of units.
    #[inline]
    fn number(&mut self, units: i64, places: Places) {
        const EIGHT: u64 = 100_000_000;
        let n = units as u64; // a negative one is too large for what follows
        let whole = n.checked_div(places.unit).unwrap_or(EIGHT);
        if whole >= EIGHT {
            return self.wide_number(units, places.decimals);
        }
        let mut at = self.len; // in a register: every step depends on it
        let digits = digits8(whole);
        let first = (digits.trailing_zeros() / 8).min(7);
        put(&mut self.bytes, at, ((digits | ASCII_ZEROS as u64) >> (8 * first)).to_le_bytes());
        at += 8 - first as usize;
        let part = n - whole * places.unit;
        if part != 0 {
            let digits = digits8(part * places.to_eight);
            put(&mut self.bytes, at, [b'.']);
            put(&mut self.bytes, at + 1, (digits | ASCII_ZEROS as u64).to_le_bytes());
            at += 9 - digits.leading_zeros() as usize / 8;
        }
        put(&mut self.bytes, at, [b':']);
        self.len = at + 1;
    }

    /// The same for numbers with more than eight digits on a side of the point.
    fn wide_number(&mut self, units: i64, decimals: u8) {
        let Some(digits) = u64::try_from(units).ok().filter(|n| *n < 10_u64.pow(16) && decimals < 16) else {
            let text = Decimal::new(units, decimals.min(POW10.len() as u8 - 1)).to_string();
            return self.literal(&text);
        };
        let digits = digits16(digits);
        let point = 16 - usize::from(decimals);
        // From the first digit that is not 0, or the one before the point, to the last that is not 0.
        let first = (digits.trailing_zeros() as usize / 8).min(point - 1);
        let end = 16 - digits.leading_zeros() as usize / 8;
        let text = digits | ASCII_ZEROS;
        let mut at = self.len;
        put(&mut self.bytes, at, (text >> (8 * first)).to_le_bytes());
        at += point - first;
        if end > point {
            put(&mut self.bytes, at, [b'.']);
            put(&mut self.bytes, at + 1, (text >> (8 * point)).to_le_bytes());
            at += 1 + end - point;
        }
        put(&mut self.bytes, at, [b':']);
        self.len = at + 1;
    }
}

/// Writes a chunk; there is room for every number, see `BUFFER`.
#[inline]
fn put<const N: usize>(bytes: &mut [u8; BUFFER], at: usize, chunk: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = chunk;
    }
}

const ASCII_ZEROS: u128 = 0x3030_3030_3030_3030_3030_3030_3030_3030;

/// Sixteen decimal digits, the first one lowest, one in each byte.
#[inline]
fn digits16(n: u64) -> u128 {
    u128::from(digits8(n / 100_000_000)) | (u128::from(digits8(n % 100_000_000)) << 64)
}

/// Eight decimal digits of a number below 10^8, the first one lowest: halves, then pairs, then digits, all at once.
#[inline]
fn digits8(n: u64) -> u64 {
    let halves = (n / 10_000) | ((n % 10_000) << 32);
    // x / 100 for x < 10^4, in both halves.
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - 100 * hundreds) << 16);
    // x / 10 for x < 100, in all four.
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((pairs - 10 * tens) << 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LevelSpan;
    use proptest::prelude::*;

    fn book(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Book {
        let mut book = Book::default();
        for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
            for (price, size) in levels {
                book.set(side, Level { price: Price(*price), size: Size(*size) });
            }
        }
        book
    }

    #[test]
    fn worked_examples() {
        let scale = Scale { price: 1, size: 0 };
        let even = book(&[(33661, 7), (33660, 6)], &[(33668, 9), (33680, 8)]);
        assert_eq!(checksum(&even, scale, &Texts::default()), -1_881_014_294);
        let uneven = book(&[(33661, 7)], &[(33668, 9), (33680, 8), (33720, 8)]);
        assert_eq!(checksum(&uneven, scale, &Texts::default()), 831_078_360);
        assert_eq!(checksum(&Book::default(), scale, &Texts::default()), 0);
    }

    #[test]
    fn levels_keep_the_text_they_were_sent_with_until_they_change() {
        let (scale, finer) = (Scale { price: 2, size: 1 }, Scale { price: 3, size: 1 });
        let levels = [(150, 20), (160, 30)].map(|(p, s)| Level { price: Price(p), size: Size(s) });
        let depth = |kind| Depth {
            kind,
            first_id: 1,
            last_id: 1,
            prev_id: -1,
            checksum: Some(1),
            limit: 400,
            span: LevelSpan { start: 0, asks: 1, end: 2 },
        };
        let mut texts = Texts::default();
        texts.apply(&depth(DepthKind::Snapshot), &levels, &[(0, "1.50".into(), "2.0".into())], scale);
        let book = book(&[(150, 20)], &[(160, 30)]);
        let crc = |text: &str| crc32fast::hash(text.as_bytes()) as i32;
        assert_eq!(checksum(&book, scale, &texts), crc("1.50:2.0:1.6:3"));
        let mut rescaled = book.clone();
        assert!(rescaled.rescale(scale, finer));
        assert_eq!(checksum(&rescaled, finer, &texts), crc("1.50:2.0:1.6:3"));
        texts.apply(&depth(DepthKind::Diff), &levels, &[], scale);
        assert_eq!(checksum(&book, scale, &texts), crc("1.5:2:1.6:3"));
        assert_eq!(texts, Texts::default());
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_they_are_displayed(units in prop_oneof![0i64..100_000, 0..=crate::units::MAX_UNITS], decimals in 0u8..=18) {
            let mut text = Text::new();
            text.number(units, Places::new(decimals));
            prop_assert_eq!(text.finish(), crc32fast::hash(Decimal::new(units, decimals).to_string().as_bytes()));
        }
    }
}
