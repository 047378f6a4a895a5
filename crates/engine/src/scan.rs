//! A strict scanner for the few message shapes that make up nearly all traffic. It accepts less than JSON allows: on
//! anything unexpected it returns `None` and the general parser decides. What it accepts, the general parser accepts
//! with the same result (`tests/differential.rs` and the fuzz targets hold it to that).

use crate::units::{POW10, parse_units};

mod levels;
pub use levels::Forms;

/// A position in a frame.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A simple value of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plain<'a> {
    /// The key was not there.
    #[default]
    Missing,
    /// A string without escapes.
    Text(&'a [u8]),
    /// A whole number.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// `null`.
    Null,
}

impl<'a> Plain<'a> {
    /// The whole number.
    pub fn int(self) -> Option<i64> {
        if let Plain::Int(n) = self { Some(n) } else { None }
    }
    /// The string.
    pub fn text(self) -> Option<&'a [u8]> {
        if let Plain::Text(t) = self { Some(t) } else { None }
    }
    /// The truth value.
    pub fn truth(self) -> Option<bool> {
        if let Plain::Bool(b) = self { Some(b) } else { None }
    }
}

impl<'a> Cursor<'a> {
    /// At the start of a frame.
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    /// The next byte, not consumed; 0 at the end.
    #[inline]
    pub fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Consumes exactly this text.
    #[inline]
    pub fn literal(&mut self, text: &[u8]) -> Option<()> {
        if self.bytes.get(self.at..)?.starts_with(text) {
            self.at += text.len();
            Some(())
        } else {
            None
        }
    }

    /// Consumes one byte if it is this one.
    #[inline]
    pub fn skip_if(&mut self, byte: u8) -> bool {
        let yes = self.peek() == byte && self.at < self.bytes.len();
        self.at += usize::from(yes);
        yes
    }

    /// Whether everything was consumed.
    #[inline]
    pub fn is_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// A string of printable ASCII without escapes; returns what is between the quotes.
    #[inline]
    pub fn string(&mut self) -> Option<&'a [u8]> {
        if self.skip_if(b'"') { self.rest_of_string() } else { None }
    }

    /// The rest of a string whose opening quote was consumed.
    #[inline]
    pub fn rest_of_string(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        while let Some(word) = load(self.bytes, self.at) {
            let special = specials(word);
            if special != 0 {
                self.at += (special.trailing_zeros() / 8) as usize;
                return self.close_string(start);
            }
            self.at += 8;
        }
        while !matches!(self.bytes.get(self.at)?, b'"' | b'\\' | 0..=0x1f | 0x7f..) {
            self.at += 1;
        }
        self.close_string(start)
    }

    #[inline]
    fn close_string(&mut self, start: usize) -> Option<&'a [u8]> {
        if self.bytes[self.at] != b'"' {
            return None; // an escape, a control character, or beyond ASCII
        }
        let text = &self.bytes[start..self.at];
        self.at += 1;
        Some(text)
    }

    /// A whole number of at most 18 digits, as JSON writes it.
    #[inline]
    pub fn integer(&mut self) -> Option<i64> {
        match self.quick_integer() {
            Some(n) => Some(n),
            None => self.any_integer(),
        }
    }

    /// At most 15 digits: two loads, without a branch on how many.
    #[inline]
    fn quick_integer(&mut self) -> Option<i64> {
        let (head, tail) = (load(self.bytes, self.at)? ^ ZEROS, load_end(self.bytes, self.at + 8)? ^ ZEROS);
        let short = digits(head);
        let (n, len) = if short < 8 {
            if short == 0 || (short > 1 && head & 0xff == 0) {
                return None;
            }
            (value(head << (64 - 8 * short)), short)
        } else {
            let more = digits(tail);
            if more == 8 || head & 0xff == 0 {
                return None;
            }
            (value(head) * POW10[more as usize] as u64 + value(tail << (56 - 8 * more) << 8), 8 + more)
        };
        let end = self.at + len as usize;
        if matches!(self.bytes.get(end)?, b'.' | b'e' | b'E') {
            return None;
        }
        self.at = end;
        Some(n as i64)
    }

    fn any_integer(&mut self) -> Option<i64> {
        let negative = self.skip_if(b'-');
        let start = self.at;
        let mut n: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            if self.at - start >= 18 {
                return None;
            }
            n = n * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        let count = self.at - start;
        if count == 0
            || (count > 1 && self.bytes[start] == b'0')
            || (negative && n == 0)
            || matches!(self.peek(), b'.' | b'e' | b'E')
        {
            return None;
        }
        Some(if negative { -n } else { n })
    }

    /// A string, whole number, truth value or null.
    #[inline]
    pub fn plain(&mut self) -> Option<Plain<'a>> {
        match self.peek() {
            b'"' => self.string().map(Plain::Text),
            b'-' | b'0'..=b'9' => self.integer().map(Plain::Int),
            b't' => self.literal(b"true").map(|()| Plain::Bool(true)),
            b'f' => self.literal(b"false").map(|()| Plain::Bool(false)),
            b'n' => self.literal(b"null").map(|()| Plain::Null),
            _ => None,
        }
    }

    /// A decimal number up to the closing quote, which is not consumed, in units of `decimals` places.
    #[inline]
    pub fn number(&mut self, decimals: u8, canonical: bool) -> Option<i64> {
        if let Some(word) = load(self.bytes, self.at)
            && let Some((units, len)) = within_word(word, u32::from(decimals), canonical)
            && (len < 8 || self.bytes.get(self.at + 8) == Some(&b'"'))
        {
            self.at += len as usize;
            return Some(units);
        }
        match self.short_number(decimals, canonical) {
            Some(units) => Some(units),
            None => self.long_number(decimals, canonical),
        }
    }

    /// Up to seven digits, a point, and up to eight: two loads, eight digits at a time.
    #[inline]
    fn short_number(&mut self, decimals: u8, canonical: bool) -> Option<i64> {
        let decimals = u32::from(decimals);
        if decimals > 8 {
            return None;
        }
        let head = load(self.bytes, self.at)? ^ ZEROS;
        let head_len = digits(head);
        if head_len == 0 || head_len == 8 {
            return None;
        }
        let whole = value(head << (64 - 8 * head_len)) as i64 * POW10[decimals as usize];
        if canonical && head_len > 1 && head & 0xff == 0 {
            return None;
        }
        let stop = self.at + head_len as usize;
        match self.bytes.get(stop)? {
            b'"' => {
                self.at = stop;
                return Some(whole);
            }
            b'.' => {}
            _ => return None,
        }
        let tail = load(self.bytes, stop + 1)? ^ ZEROS;
        let tail_len = digits(tail);
        let end = stop + 1 + tail_len as usize;
        if tail_len == 0 || self.bytes.get(end) != Some(&b'"') || (canonical && self.bytes.get(end - 1) == Some(&b'0'))
        {
            return None;
        }
        let tail = if tail_len == 8 { tail } else { tail & ((1 << (8 * tail_len)) - 1) };
        // Digits beyond the scale have to be zeros; the ones within it are moved so that the last counts one unit.
        let (beyond, within) = match decimals {
            0 => (tail, 0),
            8 => (0, tail),
            d => (tail >> (8 * d), tail << (64 - 8 * d)),
        };
        if beyond != 0 {
            return None;
        }
        self.at = end;
        Some(whole + value(within) as i64)
    }

    #[cold]
    fn long_number(&mut self, decimals: u8, canonical: bool) -> Option<i64> {
        let rest = self.bytes.get(self.at..)?;
        let len = rest.iter().take(48).position(|b| *b == b'"')?;
        let text = &rest[..len];
        let units = parse_units(text, decimals).ok()?;
        if canonical && !is_canonical(text) {
            return None;
        }
        self.at += len;
        Some(units)
    }
}

/// Units of a whole number text at `decimals` places, as `parse_units` would have them; `None` where it would refuse.
#[inline]
pub fn units_of(text: &[u8], decimals: u8) -> Option<i64> {
    const ROOM: usize = 32; // a short number is read eight bytes at a time, beyond its end
    if text.len() <= ROOM - 16 {
        let mut padded = [b'"'; ROOM];
        padded[..text.len()].copy_from_slice(text);
        let mut cursor = Cursor::new(&padded);
        let first = u64::from_le_bytes([
            padded[0], padded[1], padded[2], padded[3], padded[4], padded[5], padded[6], padded[7],
        ]);
        if let Some((units, len)) = within_word(first, u32::from(decimals), false)
            && len as usize == text.len()
        {
            return Some(units);
        }
        if let Some(units) = cursor.short_number(decimals, false)
            && cursor.at == text.len()
        {
            return Some(units);
        }
    }
    parse_units(text, decimals).ok()
}

/// Whether a decimal text is the shortest one: no leading or trailing zeros, no exponent.
pub fn is_canonical(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let leading = digits.len() > 1 && digits[0] == b'0' && digits[1] != b'.';
    let trailing = digits.contains(&b'.') && digits.last() == Some(&b'0');
    !leading && !trailing && !digits.iter().any(|b| matches!(b, b'e' | b'E'))
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The same where the end may be nearer than eight bytes, with zero bytes behind it.
#[inline]
fn load_end(bytes: &[u8], at: usize) -> Option<u64> {
    match load(bytes, at) {
        Some(word) => Some(word),
        None => {
            let missing = (at + 8).checked_sub(bytes.len()).filter(|missing| *missing < 8)?;
            Some(load(bytes, bytes.len().checked_sub(8)?)? >> (8 * missing))
        }
    }
}

#[inline]
fn load(bytes: &[u8], at: usize) -> Option<u64> {
    let eight: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_le_bytes(eight))
}

/// A number whose closing quote stands within eight bytes (or directly behind): units and length. The point is taken out,
/// so that all digits are read at once.
#[inline(always)]
fn within_word(word: u64, decimals: u32, canonical: bool) -> Option<(i64, u32)> {
    let plain = word ^ ZEROS;
    let others = non_digits(plain);
    // Positions in bits; 64 where there is none.
    let point = others.trailing_zeros() & !7;
    let end = (others & others.wrapping_sub(1)).trailing_zeros() & !7;
    if point == 0 || point == 64 || (canonical && point > 8 && plain & 0xff == 0) {
        return None;
    }
    if (word >> point) as u8 != b'.' {
        // No point: a whole number of at most seven digits.
        if (word >> point) as u8 != b'"' || decimals > 8 {
            return None;
        }
        return Some((value(plain << (64 - point)) as i64 * POW10[decimals as usize], point / 8));
    }
    // Moved to the top, so that what follows the number is gone; then the digits before the point close up to those behind.
    let up = 64 - end;
    let (top, before) = (plain << up, (1u64 << (point + up)) - 1);
    let digits = ((top & before) << 8) | (top & !(before << 8 | 0xff));
    let missing = decimals.wrapping_sub((end - point) / 8 - 1);
    // At most seven digits, and at most eight places: below 10^15, which is within the exact range.
    if end <= point + 8 || missing > 8 || (canonical && digits >> 56 == 0) {
        return None;
    }
    Some((value(digits) as i64 * POW10[missing as usize], end / 8))
}

/// Marks (high bit) the bytes of a word that end a string or do not belong in one: quote, backslash, control, non-ASCII.
#[inline]
fn specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte is marked exactly if it is zero: no borrow leaves a byte whose high bit was set first.
    let zero = |x: u64| !(((x & !HIGH) + !HIGH) | x) & HIGH;
    let control = !((word & !HIGH) + (0x60 * ONES)) & HIGH; // below 0x20: adding 0x60 does not reach 0x80
    let delete = zero(word ^ (0x7f * ONES));
    zero(word ^ (u64::from(b'"') * ONES)) | zero(word ^ (u64::from(b'\\') * ONES)) | control | delete | (word & HIGH)
}

/// Number of leading bytes (lowest first) that are digits, in a word from which `'0'` was taken off.
#[inline]
fn digits(word: u64) -> u32 {
    non_digits(word).trailing_zeros() / 8
}

/// Marks (high bit) the bytes that are not digits, in a word from which `'0'` was taken off.
#[inline]
fn non_digits(word: u64) -> u64 {
    let above_nine = (word & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676;
    (above_nine | word) & 0x8080_8080_8080_8080
}

/// The number whose eight decimal digits stand in the word's bytes, first digit lowest.
#[inline]
fn value(word: u64) -> u64 {
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let high = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let low = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    high.wrapping_add(low) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str, decimals: u8) -> Option<i64> {
        let frame = format!("{text}\",\"padding behind the number, long enough for a window of that many bytes\"");
        let mut cursor = Cursor::new(frame.as_bytes());
        let quick = cursor;
        let n = cursor.number(decimals, false)?;
        if let Some((units, end)) = levels::window_number(quick.bytes, decimals) {
            assert_eq!((units, end), (n, cursor.at), "{text}");
        }
        (cursor.literal(b"\"").is_some() && cursor.at == text.len() + 1).then_some(n)
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        for (text, decimals, units) in [
            ("61737.63000000", 2, Some(6173763)),
            ("0.00000000", 5, Some(0)),
            ("0.00000001", 8, Some(1)),
            ("12345678.5", 1, Some(123456785)),
            ("3.27524", 5, Some(327524)),
            ("170", 0, Some(170)),
            ("1.25", 1, None),
            ("1.2x", 2, None),
            ("", 2, None),
            ("1.", 2, None),
        ] {
            assert_eq!(one(text, decimals), units, "{text} at {decimals}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_reader(text in "[0-9]{1,10}(\\.[0-9]{1,10})?|[0-9.eE+-]{0,9}", decimals in 0u8..12) {
            let (read, plain) = (one(&text, decimals), parse_units(text.as_bytes(), decimals).ok());
            // An exponent may be left to the general parser (`0.0E0`), but not be misread.
            prop_assert!(read == plain || (read.is_none() && text.contains(['e', 'E'])), "{:?}, not {:?}", read, plain);
            prop_assert_eq!(units_of(text.as_bytes(), decimals), parse_units(text.as_bytes(), decimals).ok());
        }
    }
}
