//! Levels, which are nearly all of what there is to read. An instrument's numbers are written alike, so the form of the
//! last one is tried first.

use super::{Cursor, ZEROS, digits, load, non_digits, value, within_word};
use crate::units::{Level, POW10, Price, Scale, Size};

/// In which units an instrument's numbers are read, and how the last ones were written.
#[derive(Clone, Debug)]
pub struct Forms {
    scale: Scale,
    price: Form,
    size: Form,
}

impl Forms {
    /// Nothing was read yet.
    pub fn new(scale: Scale) -> Self {
        Forms { scale, price: Form::NONE, size: Form::NONE }
    }

    /// Starts anew if the units are others.
    #[inline]
    pub fn fit(&mut self, scale: Scale) -> &mut Self {
        if self.scale != scale {
            *self = Forms::new(scale);
        }
        self
    }
}

impl Cursor<'_> {
    /// An array of levels, each `["price","size"]` or with further strings behind; appended to `out`.
    #[inline]
    pub fn levels(&mut self, forms: &mut Forms, out: &mut Vec<Level>) -> Option<()> {
        if self.begin_levels()? { Some(()) } else { self.rest_of_levels::<false>(forms, out) }
    }

    /// The same, but a number text that is not the shortest one (`1.50`, `01`) is refused.
    #[inline]
    pub fn canonical_levels(&mut self, forms: &mut Forms, out: &mut Vec<Level>) -> Option<()> {
        if self.begin_levels()? { Some(()) } else { self.rest_of_levels::<true>(forms, out) }
    }

    /// A price, what stands between (from the closing quote on), and a size up to its closing quote.
    #[inline(always)] // so that what stands between is compared as a constant
    pub fn level(&mut self, forms: &mut Forms, between: &[u8]) -> Option<Level> {
        let price = self.alike(&mut forms.price, forms.scale.price)?;
        self.literal(between)?;
        let size = self.alike(&mut forms.size, forms.scale.size)?;
        (self.peek() == b'"' && (price | size) >= 0).then_some(Level { price: Price(price), size: Size(size) })
    }

    /// A number, most likely of this form. What stands behind it is left to the caller to check.
    #[inline]
    fn alike(&mut self, form: &mut Form, decimals: u8) -> Option<i64> {
        if let Some(word) = load(self.bytes, self.at) {
            if let Some((units, len)) = form.read(word) {
                self.at += len;
                return Some(units);
            }
            if form.is_none() {
                *form = Form::of(word, u32::from(decimals));
            }
        }
        self.number(decimals, false)
    }

    /// The opening bracket, and that of the first level; whether there is none.
    #[inline]
    fn begin_levels(&mut self) -> Option<bool> {
        self.literal(b"[")?;
        if self.skip_if(b']') {
            return Some(true);
        }
        self.literal(b"[\"")?;
        Some(false)
    }

    fn rest_of_levels<const CANONICAL: bool>(&mut self, forms: &mut Forms, out: &mut Vec<Level>) -> Option<()> {
        let Scale { price, size } = forms.scale;
        let (bytes, mut at) = (self.bytes, self.at);
        loop {
            let rest = bytes.get(at..)?;
            let padded;
            let window: &[u8; WINDOW] = match rest.first_chunk() {
                Some(window) => window,
                None => {
                    padded = pad(rest);
                    &padded
                }
            };
            let (level, next) = match quick_level::<CANONICAL>(window, forms) {
                Some((level, end, next)) => {
                    at += end;
                    (level, next)
                }
                None => {
                    let mut slow = Cursor { bytes, at };
                    let found = slow.any_level(price, size, CANONICAL)?;
                    at = slow.at;
                    found
                }
            };
            out.push(level);
            match next {
                Next::Level => {}
                Next::End => {
                    self.at = at;
                    return Some(());
                }
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

/// Up to eight bytes of a window, likewise.
#[inline(always)]
fn bytes_at<const N: usize>(window: &[u8; WINDOW], at: usize) -> [u8; N] {
    std::array::from_fn(|i| window[(at & 63) + i.min(8)])
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
fn quick_level<const CANONICAL: bool>(window: &[u8; WINDOW], forms: &mut Forms) -> Option<(Level, usize, Next)> {
    let (price, size) = (u32::from(forms.scale.price), u32::from(forms.scale.size));
    let (price, end) = match forms.price.again(word_at(window, 0)) {
        Some(units) if !CANONICAL => (units, forms.price.len),
        _ if CANONICAL => quick_number(window, 0, price, true)?,
        _ => forms.price.number(window, 0, price)?,
    };
    if bytes_at(window, end) != *b"\",\"" {
        return None;
    }
    let at = end + 3;
    let (size, mut end) = match forms.size.read(word_at(window, at)) {
        Some((units, len)) if !CANONICAL => (units, at + len),
        _ if CANONICAL => quick_number(window, at, size, true)?,
        _ => forms.size.number(window, at, size)?,
    };
    if CANONICAL && bytes_at(window, end) == *b"\",\"0\",\"" {
        // OKX: a dead field, and the number of orders.
        let orders = digits(word_at(window, end + 7) ^ ZEROS);
        end += 7 + orders as usize;
    }
    let level = Level { price: Price(price), size: Size(size) };
    if bytes_at(window, end) == *b"\"],[\"" {
        return Some((level, end + 5, Next::Level));
    }
    if bytes_at(window, end) == *b"\"]]" {
        return Some((level, end + 3, Next::End));
    }
    None
}

/// How the last number was written: with so many places behind the point, and so many digits before it.
#[derive(Clone, Copy, Debug)]
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

    #[inline]
    fn is_none(&self) -> bool {
        self.span == u32::MAX
    }

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
        let mut form = Form {
            span,
            mask: 0xff << (64 - span) | left_out,
            fixed: u64::from(b'.') << (64 - span) | (ZEROS & left_out),
            zeros,
            before,
            behind: !(before << 8 | 0xff),
            factor: POW10[missing as usize],
            ..Form::NONE
        };
        form.follow(word, end);
        form
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

    /// Any number, whose form and length are the ones to try next.
    #[inline(never)]
    fn number(&mut self, window: &[u8; WINDOW], at: usize, decimals: u32) -> Option<(i64, usize)> {
        let word = word_at(window, at);
        if let Some((units, len)) = self.read(word) {
            self.follow(word, 8 * len as u32);
            return Some((units, at + len));
        }
        let form = Form::of(word, decimals);
        if let Some((units, len)) = form.read(word) {
            *self = form;
            return Some((units, at + len));
        }
        quick_number(window, at, decimals, false)
    }

    /// The next number is most likely as long as this one, which ends there.
    fn follow(&mut self, word: u64, end: u32) {
        self.number = (u64::MAX >> (64 - end)) & 0x8080_8080_8080_8080;
        self.point = non_digits(word ^ ZEROS) & self.number;
        self.up = 64 - end;
        self.len = (end / 8) as usize;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::parse_units;
    use proptest::prelude::*;

    /// As the general parser reads an array of levels.
    fn plain(text: &[u8], scale: Scale) -> Option<Vec<Level>> {
        let rows: Vec<Vec<String>> = serde_json::from_slice(text).ok()?;
        let units = |text: &String, decimals| parse_units(text.as_bytes(), decimals).ok().filter(|units| *units >= 0);
        let level = |row: &Vec<String>| {
            let (price, size) = (units(row.first()?, scale.price)?, units(row.get(1)?, scale.size)?);
            Some(Level { price: Price(price), size: Size(size) })
        };
        rows.iter().map(level).collect()
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof!["[1-9][0-9]{0,5}\\.[0-9]{2}", "[0-9]{1,4}\\.[0-9]{2}0", "[0-9]{1,9}(\\.[0-9]{1,9})?"]
    }

    proptest! {
        /// Widths that change from level to level, two arrays with the same memory, near the frame's end and far from it,
        /// with a byte damaged or not.
        #[test]
        fn whatever_was_read_before_a_level_is_what_its_text_says(
            rows in prop::collection::vec((number(), number()), 0..12),
            (price, size) in (0u8..5, 0u8..5),
            padding in 0usize..100,
            damage in prop::option::of((0usize..400, any::<u8>())),
        ) {
            let rows: Vec<String> = rows.iter().map(|(price, size)| format!("[\"{price}\",\"{size}\"]")).collect();
            let text = format!("[{}]", rows.join(","));
            let mut frame = format!("{text}{}", " ".repeat(padding)).into_bytes();
            let whole = damage.is_none_or(|(at, _)| at >= frame.len());
            if let Some((at, byte)) = damage && let Some(place) = frame.get_mut(at) {
                *place = byte;
            }
            let scale = Scale { price, size };
            let mut forms = Forms::new(scale);
            for _ in 0..2 {
                let (mut cursor, mut levels) = (Cursor::new(&frame), Vec::new());
                let read = cursor.levels(&mut forms, &mut levels).map(|()| levels);
                if whole {
                    prop_assert_eq!(&read, &plain(text.as_bytes(), scale));
                } else if read.is_some() {
                    prop_assert_eq!(&read, &plain(&frame[..cursor.at], scale));
                }
            }
        }
    }
}
