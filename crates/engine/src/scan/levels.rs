//! Arrays of levels, which are nearly all of what there is to read. Numbers of one array are written alike, so the form
//! of the last one is tried first.

use super::{Cursor, ZEROS, digits, non_digits, value, within_word};
use crate::units::{Level, POW10, Price, Size};

impl Cursor<'_> {
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

    fn rest_of_levels<const CANONICAL: bool>(&mut self, price: u8, size: u8, out: &mut Vec<Level>) -> Option<()> {
        let mut forms = [Form::NONE; 2];
        loop {
            let rest = self.bytes.get(self.at..)?;
            let padded;
            let window: &[u8; WINDOW] = match rest.first_chunk() {
                Some(window) => window,
                None => {
                    padded = pad(rest);
                    &padded
                }
            };
            let (level, next) = match quick_level::<CANONICAL>(window, u32::from(price), u32::from(size), &mut forms) {
                Some((level, end, next)) => {
                    self.at += end;
                    (level, next)
                }
                None => self.any_level(price, size, CANONICAL)?,
            };
            out.push(level);
            match next {
                Next::Level => {}
                Next::End => return Some(()),
            }
        }
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

/// The end of a frame, made as long as a window by bytes that nothing accepts.
#[cold]
fn pad(rest: &[u8]) -> [u8; WINDOW] {
    let mut padded = [0; WINDOW];
    padded[..rest.len()].copy_from_slice(rest);
    padded
}

/// A level of the usual widths, read from a window of fixed size: one bounds check for all of it. Also where it ends.
#[inline(always)]
fn quick_level<const CANONICAL: bool>(
    window: &[u8; WINDOW],
    price: u32,
    size: u32,
    [prices, sizes]: &mut [Form; 2],
) -> Option<(Level, usize, Next)> {
    let (price, end) = match prices.again(word_at(window, 0)) {
        Some(units) if !CANONICAL => (units, prices.len),
        _ if CANONICAL => quick_number(window, 0, price, true)?,
        _ => prices.number(window, 0, price)?,
    };
    if word_at(window, end) & 0xff_ffff != u64::from_le_bytes(*b"\",\"\0\0\0\0\0") {
        return None;
    }
    let at = end + 3;
    let (size, mut end) = match sizes.read(word_at(window, at)) {
        Some((units, len)) if !CANONICAL => (units, at + len),
        _ if CANONICAL => quick_number(window, at, size, true)?,
        _ => sizes.number(window, at, size)?,
    };
    let mut tail = word_at(window, end);
    if CANONICAL && tail & 0xff_ffff_ffff_ffff == u64::from_le_bytes(*b"\",\"0\",\"\0") {
        // OKX: a dead field, and the number of orders.
        let orders = digits(word_at(window, end + 7) ^ ZEROS);
        end += 7 + orders as usize;
        tail = word_at(window, end);
    }
    let level = Level { price: Price(price), size: Size(size) };
    if tail & 0xff_ffff_ffff == u64::from_le_bytes(*b"\"],[\"\0\0\0") {
        return Some((level, end + 5, Next::Level));
    }
    if tail & 0xff_ffff == u64::from_le_bytes(*b"\"]]\0\0\0\0\0") {
        return Some((level, end + 3, Next::End));
    }
    None
}

/// How the last number was written: with so many places behind the point, and so many digits before it.
#[derive(Clone, Copy)]
struct Form {
    /// From the point to the end of the number, bits.
    span: u32,
    /// In a word that the number's last byte is the highest of: the point and the zeros that are left out.
    mask: u64,
    fixed: u64,
    /// Bits of the zeros that are left out, and where the digits before and behind the point are once they are.
    zeros: u32,
    before: u64,
    behind: u64,
    factor: i64,
    /// Of the last number alone: marks of its bytes and of its point, its place in a word, its length.
    number: u64,
    point: u64,
    up: u32,
    len: usize,
}

impl Form {
    /// The form that no number has.
    const NONE: Form = Form {
        span: u32::MAX,
        mask: 0,
        fixed: 1,
        zeros: 0,
        before: 0,
        behind: 0,
        factor: 0,
        number: 0,
        point: 1,
        up: 0,
        len: 0,
    };

    /// Of a number within one word, with a point. Places beyond the units have to be zeros, and are left out (`28145.10`
    /// in tenths).
    #[inline(never)]
    fn of(word: u64, decimals: u32) -> Self {
        let others = non_digits(word ^ ZEROS);
        let point = others.trailing_zeros() & !7;
        let end = (others & others.wrapping_sub(1)).trailing_zeros() & !7;
        if point == 0 || point >= 56 || end <= point + 8 || (word >> point) as u8 != b'.' {
            return Form::NONE;
        }
        let span = end - point;
        let places = span / 8 - 1;
        let zeros = 8 * places.saturating_sub(decimals);
        let missing = decimals.saturating_sub(places);
        if zeros >= 8 * places || missing > 8 {
            return Form::NONE;
        }
        let left_out = !(u64::MAX >> zeros);
        let before = (1 << (64 - span + zeros)) - 1;
        Form {
            span,
            mask: 0xff << (64 - span) | left_out,
            fixed: u64::from(b'.') << (64 - span) | (ZEROS & left_out),
            zeros,
            before,
            behind: !(before << 8 | 0xff),
            factor: POW10[missing as usize],
            number: (u64::MAX >> (64 - end)) & 0x8080_8080_8080_8080,
            point: 0x80 << point,
            up: 64 - end,
            len: (end / 8) as usize,
        }
    }

    /// A number of this form and as long as the last one, so that what follows need not wait to know where it ends. What
    /// stands behind it is left to the caller to check.
    #[inline(always)]
    fn again(&self, word: u64) -> Option<i64> {
        if non_digits(word ^ ZEROS) & self.number == self.point { self.units(word, self.up) } else { None }
    }

    /// A number of this form, and its length. What stands behind it is left to the caller to check.
    #[inline(always)]
    fn read(&self, word: u64) -> Option<(i64, usize)> {
        let others = non_digits(word ^ ZEROS);
        let point = others.trailing_zeros() & !7;
        let end = (others & others.wrapping_sub(1)).trailing_zeros() & !7;
        if end - point != self.span || point == 0 {
            return None;
        }
        Some((self.units(word, 64 - end)?, (end / 8) as usize))
    }

    /// At most seven digits, and at most eight places: below 10^15, which is within the exact range.
    #[inline(always)]
    fn units(&self, word: u64, up: u32) -> Option<i64> {
        if (word << (up & 63)) & self.mask != self.fixed {
            return None;
        }
        let top = (word ^ ZEROS) << ((up + self.zeros) & 63);
        Some(value(((top & self.before) << 8) | (top & self.behind)) as i64 * self.factor)
    }

    /// Any number, whose form is the one to try next.
    #[inline(never)]
    fn number(&mut self, window: &[u8; WINDOW], at: usize, decimals: u32) -> Option<(i64, usize)> {
        let word = word_at(window, at);
        *self = Form::of(word, decimals);
        match self.read(word) {
            Some((units, len)) => Some((units, at + len)),
            None => quick_number(window, at, decimals, false),
        }
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

#[cfg(test)]
pub(super) fn window_number(bytes: &[u8], decimals: u8) -> Option<(i64, usize)> {
    let window = bytes.first_chunk::<WINDOW>()?;
    let (units, end) = quick_number(window, 0, u32::from(decimals), false)?;
    let word = word_at(window, 0);
    let form = Form::of(word, u32::from(decimals));
    if form.len == end {
        assert_eq!((form.again(word), form.read(word)), (Some(units), Some((units, end))));
    }
    (window[end] == b'"').then_some((units, end))
}
