//! A strict scanner for the few message shapes that make up nearly all traffic. It accepts less than JSON allows: on
//! anything unexpected it returns `None` and the general parser decides. What it accepts, the general parser accepts
//! with the same result (`tests/differential.rs` and the fuzz targets hold it to that).

use crate::units::{Level, POW10, Price, Size, parse_units};

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
        let negative = self.skip_if(b'-');
        let start = self.at;
        let mut n: i64 = 0;
        while let Some(word) = load(self.bytes, self.at) {
            let word = word ^ ZEROS;
            let count = digits(word);
            if count > 0 {
                n = n * POW10[count as usize] + value(word << (64 - 8 * count)) as i64;
                self.at += count as usize;
            }
            if count < 8 || self.at - start > 10 {
                break; // whole, or so long that the rest is better read one by one
            }
        }
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

    /// An array of levels, each `["price","size"]` or with further strings behind; appended to `out`. With
    /// `canonical`, a number text that is not the shortest one (`1.50`, `01`) is refused.
    #[inline]
    pub fn levels(&mut self, price: u8, size: u8, canonical: bool, out: &mut Vec<Level>) -> Option<()> {
        self.literal(b"[")?;
        if self.skip_if(b']') {
            return Some(());
        }
        self.literal(b"[\"")?;
        if canonical {
            self.rest_of_levels::<true>(price, size, out)
        } else {
            self.rest_of_levels::<false>(price, size, out)
        }
    }

    #[inline]
    fn rest_of_levels<const CANONICAL: bool>(&mut self, price: u8, size: u8, out: &mut Vec<Level>) -> Option<()> {
        let mut shape = Shape::default();
        loop {
            let (level, next) = match self.quick_level::<CANONICAL>(u32::from(price), u32::from(size), &mut shape) {
                Some(quick) => quick,
                None => self.any_level(price, size, CANONICAL)?,
            };
            out.push(level);
            match next {
                Next::Level => {}
                Next::End => return Some(()),
            }
        }
    }

    /// A level of the usual widths, read from a window of fixed size: one bounds check for all of it.
    #[inline(always)]
    fn quick_level<const CANONICAL: bool>(
        &mut self,
        price: u32,
        size: u32,
        shape: &mut Shape,
    ) -> Option<(Level, Next)> {
        let window: &[u8; WINDOW] = self.bytes.get(self.at..)?.first_chunk()?;
        let first = word_at(window, 0);
        if !CANONICAL && shape.read(first).is_none() {
            *shape = Shape::of(first, price);
        }
        let (price, end) = match shape.read(first) {
            Some(units) if !CANONICAL => (units, shape.len),
            _ => quick_number(window, 0, price, CANONICAL)?,
        };
        if word_at(window, end) & 0xff_ffff != u64::from_le_bytes(*b"\",\"\0\0\0\0\0") {
            return None;
        }
        let (size, mut end) = quick_number(window, end + 3, size, CANONICAL)?;
        let mut tail = word_at(window, end);
        if CANONICAL && tail & 0xff_ffff_ffff_ffff == u64::from_le_bytes(*b"\",\"0\",\"\0") {
            // OKX: a dead field, and the number of orders.
            let orders = digits(word_at(window, end + 7) ^ ZEROS);
            end += 7 + orders as usize;
            tail = word_at(window, end);
        }
        let level = Level { price: Price(price), size: Size(size) };
        if tail & 0xff_ffff_ffff == u64::from_le_bytes(*b"\"],[\"\0\0\0") {
            self.at += end + 5;
            return Some((level, Next::Level));
        }
        if tail & 0xff_ffff == u64::from_le_bytes(*b"\"]]\0\0\0\0\0") {
            self.at += end + 3;
            return Some((level, Next::End));
        }
        None
    }

    /// Any level.
    #[cold]
    fn any_level(&mut self, price: u8, size: u8, canonical: bool) -> Option<(Level, Next)> {
        let price = self.number(price, canonical)?;
        self.literal(b"\",\"")?;
        let size = self.number(size, canonical)?;
        if (price | size) < 0 {
            return None;
        }
        let level = Level { price: Price(price), size: Size(size) };
        self.literal(b"\"")?;
        while self.skip_if(b',') {
            self.string()?;
        }
        self.literal(b"]")?;
        if !self.skip_if(b',') {
            self.literal(b"]")?;
            return Some((level, Next::End));
        }
        self.literal(b"[\"")?;
        Some((level, Next::Level))
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

#[inline]
fn load(bytes: &[u8], at: usize) -> Option<u64> {
    let eight: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_le_bytes(eight))
}

/// Bytes in which a level of the usual widths is read.
const WINDOW: usize = 72; // places up to 63, and eight bytes from there

/// What follows a level.
#[derive(Clone, Copy)]
enum Next {
    Level,
    End,
}

/// Eight bytes of a window; `at` is below 64 wherever a level may reach.
#[inline(always)]
fn word_at(window: &[u8; WINDOW], at: usize) -> u64 {
    let at = at & 63; // what the compiler needs to see
    u64::from_le_bytes([
        window[at],
        window[at + 1],
        window[at + 2],
        window[at + 3],
        window[at + 4],
        window[at + 5],
        window[at + 6],
        window[at + 7],
    ])
}

/// How the last price was written: prices of one side nearly always have their point in the same place.
#[derive(Default)]
struct Shape {
    /// Bytes (high bits) that belong to the number, and which of them is no digit.
    number: u64,
    point: u64,
    /// Where the point stands, and the zeros that are left out.
    mask: u64,
    dot: u64,
    up: u32,
    before: u64,
    behind: u64,
    factor: i64,
    len: usize,
}

impl Shape {
    /// Of a number within one word, with a point; of any other the shape that nothing has. Places beyond the units have to
    /// be zeros, and are left out (`28145.10` in tenths).
    #[inline]
    fn of(word: u64, decimals: u32) -> Self {
        let others = non_digits(word ^ ZEROS);
        let point = others.trailing_zeros() & !7;
        let end = (others & others.wrapping_sub(1)).trailing_zeros() & !7;
        if point == 0 || point >= 56 || end <= point + 8 || (word >> point) as u8 != b'.' {
            return Shape::default();
        }
        let places = (end - point) / 8 - 1;
        let zeros = places.saturating_sub(decimals);
        let missing = decimals.saturating_sub(places);
        if zeros >= places || missing > 8 {
            return Shape::default();
        }
        let below = |bits: u32| if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        let kept = end - 8 * zeros;
        let left_out = below(end) & !below(kept);
        let up = 64 - kept;
        let before = below(point + up);
        Shape {
            number: below(end) & 0x8080_8080_8080_8080,
            point: 0x80 << point,
            mask: 0xff << point | left_out,
            dot: u64::from(b'.') << point | (ZEROS & left_out),
            up,
            before,
            behind: !(before << 8 | 0xff),
            factor: POW10[missing as usize],
            len: (end / 8) as usize,
        }
    }

    /// A number of this shape; what stands behind it is left to the caller to check.
    #[inline(always)]
    fn read(&self, word: u64) -> Option<i64> {
        let plain = word ^ ZEROS;
        if non_digits(plain) & self.number != self.point || word & self.mask != self.dot || self.len == 0 {
            return None;
        }
        let top = plain << (self.up & 63);
        Some(value(((top & self.before) << 8) | (top & self.behind)) as i64 * self.factor)
    }
}

/// A number at a place in a window: units, and where it ends. The byte behind it is left to the caller to check.
#[inline(always)]
fn quick_number(window: &[u8; WINDOW], at: usize, decimals: u32, canonical: bool) -> Option<(i64, usize)> {
    let word = word_at(window, at);
    if let Some((units, len)) = within_word(word, decimals, canonical)
        && (len < 8 || window[(at & 63) + 8] == b'"')
    {
        return Some((units, at + len as usize));
    }
    // Binance spot: eight places, always.
    let head = word ^ ZEROS;
    let point = digits(head);
    if canonical || decimals > 8 || point == 0 || point > 7 || (word >> (8 * point)) as u8 != b'.' {
        return None;
    }
    let tail = word_at(window, at + point as usize + 1) ^ ZEROS;
    if non_digits(tail) != 0 {
        return None;
    }
    let (beyond, within) = match decimals {
        0 => (tail, 0),
        8 => (0, tail),
        d => (tail >> (8 * d), tail << (64 - 8 * d)),
    };
    let whole = value(head << (64 - 8 * point)) as i64 * POW10[decimals as usize];
    if beyond == 0 { Some((whole + value(within) as i64, at + point as usize + 9)) } else { None }
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
        if let Some(window) = quick.bytes.first_chunk::<WINDOW>()
            && let Some((units, end)) = quick_number(window, 0, u32::from(decimals), false)
            && window[end] == b'"'
        {
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
            prop_assert_eq!(one(&text, decimals), parse_units(text.as_bytes(), decimals).ok());
            prop_assert_eq!(units_of(text.as_bytes(), decimals), parse_units(text.as_bytes(), decimals).ok());
        }
    }
}
