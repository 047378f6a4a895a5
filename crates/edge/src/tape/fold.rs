//! Folds a block before compression: frames are taken apart into their wording, which repeats, and their numbers, which
//! are written as the difference from the number that stood in the same place before.
//!
//! A block becomes `PARTS` byte strings, each compressed on its own, since like compresses best with like:
//!
//! | part | content |
//! |---|---|
//! | heads | the inputs as `codec` writes them, with all times equal and without the bodies of frames and answers |
//! | times | zigzag varint differences |
//! | words | those bodies, each number replaced by the byte 1, each body ended by a 0; bytes 0, 1, 2 preceded by a 2 |
//! | marks | a byte per number: base * 9 + length, plus 27 if its decimals differ from those in the same place before |
//! | digits | four parts: first, second, third and further bytes of the differences (and the decimals that differ, in the first) |
//!
//! A number is a run of decimal digits without leading zeros, with at most one point, of 18 digits at most. Its place is
//! told by the words before it in the frame. Its base is what it is a difference from: the number in the same place before
//! (0), the number before it in the frame (1), nothing (2); whichever leaves the fewest bytes.

use super::codec;
use fathometer_engine::input::{Body, Input};
use fathometer_engine::units::Nanos;

/// Byte strings of a folded block.
pub(crate) const PARTS: usize = 8;
const HEADS: usize = 0;
const TIMES: usize = 1;
const WORDS: usize = 2;
const MARKS: usize = 3;
const DIGITS: usize = 4;

const END: u8 = 0;
const NUMBER: u8 = 1;
const ESCAPE: u8 = 2;

/// Most digits of a number: they fit 63 bits.
const DIGITS_MAX: usize = 18;
/// Places remembered; a power of two, several times what a busy connection has.
const PLACES: usize = 1 << 14;
/// Words longer than this name a key and begin a new part of the frame; shorter ones only separate.
const SEPARATOR_MAX: usize = 6;

/// The byte strings.
#[derive(Debug, Default)]
pub(crate) struct Parts([Part; PARTS]);

/// A byte string that grows without asking at every byte whether there is room: `room` is asked for once per frame.
#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    length: usize,
}

impl Part {
    fn room(&mut self, more: usize) {
        let needed = self.length + more;
        if self.bytes.len() < needed {
            self.bytes.resize(needed.next_power_of_two(), 0);
        }
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.push_if(byte, true);
    }

    /// Without a branch that could be guessed wrong.
    #[inline]
    fn push_if(&mut self, byte: u8, really: bool) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
            self.length += usize::from(really);
        }
    }
}

impl Parts {
    /// The byte strings, in order.
    pub(crate) fn get(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|part| part.bytes.get(..part.length).unwrap_or_default())
    }

    /// Fills one, whatever it takes to.
    pub(crate) fn fill(&mut self, part: usize, fill: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
        let part = self.0.get_mut(part)?;
        fill(&mut part.bytes)?;
        part.length = part.bytes.len();
        Some(())
    }
}

/// What was in a place before.
#[derive(Clone, Copy, Default)]
struct Place {
    value: u64,
    decimals: u8,
}

/// Where in the frame we are, and what was in each place. Folding and unfolding go through the same states.
struct Walk {
    places: Box<[Place; PLACES]>,
    /// Of the words that named the part of the frame.
    part: u64,
    /// Of the words before the last number.
    before: u64,
    /// How many times the same words stood before a number, one after the other.
    repeated: u64,
    /// The number before.
    value: u64,
}

impl Walk {
    fn new() -> Self {
        Walk { places: Box::new([Place::default(); PLACES]), part: 0, before: 0, repeated: 0, value: 0 }
    }

    fn begin(&mut self) {
        (self.part, self.before, self.repeated, self.value) = (0, 0, 0, 0);
    }

    /// The place of a number after these words.
    fn place(&mut self, words: &[u8]) -> usize {
        let hash = hash(words);
        self.repeated = if hash == self.before { self.repeated + 1 } else { 0 };
        self.before = hash;
        if words.len() > SEPARATOR_MAX {
            self.part = mix(self.part ^ hash);
        }
        (mix(self.part ^ hash ^ self.repeated) >> 32) as usize % PLACES
    }
}

/// Folds encoded inputs whose first is of the given time; false if they are not inputs.
pub(crate) fn fold(mut bytes: &[u8], first: Nanos, parts: &mut Parts) -> bool {
    parts.0.iter_mut().for_each(|part| part.length = 0);
    let (mut state, mut heads) = (codec::State::new(first), codec::State::new(first));
    let (mut walk, mut before, mut small) = (Walk::new(), first, Vec::new());
    while !bytes.is_empty() {
        let Some(input) = codec::decode(&mut bytes, &mut state) else { return false };
        let (body, text) = match input.body {
            Body::Text(text) => (Body::Text(b""), Some(text)),
            Body::Reply { sent, request, status, body } => {
                let sent = Nanos(first.0.wrapping_sub(input.at.0.wrapping_sub(sent.0)));
                (Body::Reply { sent, request, status, body: b"" }, Some(body))
            }
            other => (other, None),
        };
        small.clear();
        codec::encode(&mut small, &mut heads, &Input { at: first, link: input.link, body });
        extend(&mut parts.0[HEADS], &small);
        small.clear();
        codec::put(&mut small, codec::zigzag(input.at.0.wrapping_sub(before.0)));
        extend(&mut parts.0[TIMES], &small);
        before = input.at;
        if let Some(text) = text {
            fold_text(text, &mut walk, parts);
        }
    }
    true
}

fn extend(part: &mut Part, bytes: &[u8]) {
    part.room(bytes.len());
    bytes.iter().for_each(|byte| part.push(*byte));
}

fn fold_text(text: &[u8], walk: &mut Walk, parts: &mut Parts) {
    for part in &mut parts.0[WORDS..] {
        part.room(2 * text.len() + 8); // two bytes for each of ours at most: an escape, or decimals and a digit
    }
    walk.begin();
    let mut rest = text;
    loop {
        let mut length = 0;
        let words = &mut parts.0[WORDS];
        for byte in rest {
            if byte.is_ascii_digit() && !(*byte == b'0' && rest.get(length + 1).is_some_and(u8::is_ascii_digit)) {
                break;
            }
            if *byte <= ESCAPE {
                words.push(ESCAPE);
            }
            words.push(*byte);
            length += 1;
        }
        let (before, after) = rest.split_at(length);
        if after.is_empty() {
            return words.push(END);
        }
        words.push(NUMBER);
        let (value, decimals, length) = number(after);
        let place = walk.place(before);
        put_number(walk, place, value, decimals, &mut parts.0);
        rest = after.split_at(length).1;
    }
}

/// The number at the start of a text: its digits, how many of them are decimals, and its length in bytes.
#[inline]
fn number(text: &[u8]) -> (u64, u8, usize) {
    let (mut value, mut length, mut point) = (0, 0, None);
    for byte in text.iter().take(DIGITS_MAX + 1) {
        match byte {
            b'0'..=b'9' if length < DIGITS_MAX || point.is_some() => value = value * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(length),
            _ => break,
        }
        length += 1;
    }
    match point {
        None => (value, 0, length),
        Some(point) if point + 1 == length => (value, 0, point),
        Some(point) => (value, (length - point - 1) as u8, length),
    }
}

#[inline]
fn put_number(walk: &mut Walk, place: usize, value: u64, decimals: u8, parts: &mut [Part; PARTS]) {
    let place = &mut walk.places[place % PLACES];
    let difference = |base: u64| codec::zigzag(value.wrapping_sub(base) as i64);
    let candidates = [difference(place.value), difference(walk.value), value];
    let cost = |base: usize| bytes_of(candidates[base]) * 4 + base; // the fewest bytes, then the first base
    let best = cost(0).min(cost(1)).min(cost(2));
    let (base, length) = (best % 4, best / 4);
    let rest = candidates[base % 3].to_le_bytes();
    let differ = decimals != place.decimals;
    parts[MARKS].push((base * 9 + length) as u8 + if differ { 27 } else { 0 });
    parts[DIGITS].push_if(decimals, differ);
    parts[DIGITS].push_if(rest[0], length > 0);
    parts[DIGITS + 1].push_if(rest[1], length > 1);
    parts[DIGITS + 2].push_if(rest[2], length > 2);
    for byte in rest.iter().take(length).skip(3) {
        parts[DIGITS + 3].push(*byte);
    }
    *place = Place { value, decimals };
    walk.value = value;
}

/// Bytes a number takes, without those that are 0 at its upper end.
#[inline]
fn bytes_of(value: u64) -> usize {
    (64 - value.leading_zeros()).div_ceil(8) as usize
}

/// Unfolds so many inputs, appending them as they were; `None` if the parts do not belong together.
pub(crate) fn unfold(parts: &Parts, inputs: u32, first: Nanos, out: &mut Vec<u8>) -> Option<()> {
    let mut at = parts.0.each_ref().map(|part| part.bytes.get(..part.length).unwrap_or_default());
    let (mut state, mut heads) = (codec::State::new(first), codec::State::new(first));
    let (mut walk, mut time, mut text) = (Walk::new(), first, Vec::new());
    for _ in 0..inputs {
        let head = codec::decode(&mut at[HEADS], &mut heads)?;
        time = Nanos(time.0.wrapping_add(codec::unzigzag(codec::take(&mut at[TIMES])?)));
        let body = match head.body {
            Body::Text(_) => {
                unfold_text(&mut at, &mut walk, &mut text)?;
                Body::Text(&text)
            }
            Body::Reply { sent, request, status, .. } => {
                unfold_text(&mut at, &mut walk, &mut text)?;
                let sent = Nanos(time.0.wrapping_sub(first.0.wrapping_sub(sent.0)));
                Body::Reply { sent, request, status, body: &text }
            }
            other => other,
        };
        codec::encode(out, &mut state, &Input { at: time, link: head.link, body });
    }
    at.iter().all(|rest| rest.is_empty()).then_some(())
}

fn unfold_text(at: &mut [&[u8]; PARTS], walk: &mut Walk, text: &mut Vec<u8>) -> Option<()> {
    walk.begin();
    text.clear();
    let mut words_from = 0;
    loop {
        let words = at[WORDS].iter().position(|b| *b <= ESCAPE)?;
        let (words, rest) = at[WORDS].split_at(words);
        text.extend_from_slice(words);
        let (stop, rest) = rest.split_first()?;
        at[WORDS] = rest;
        match *stop {
            END => return Some(()),
            NUMBER => {
                let place = walk.place(text.get(words_from..)?);
                let (value, decimals) = take_number(walk, place, at)?;
                print(text, value, decimals);
                words_from = text.len();
            }
            _ => text.push(codec::take_byte(&mut at[WORDS])?),
        }
    }
}

fn take_number(walk: &mut Walk, place: usize, at: &mut [&[u8]; PARTS]) -> Option<(u64, u8)> {
    let place = &mut walk.places[place % PLACES];
    let mark = codec::take_byte(&mut at[MARKS])?;
    let decimals = if mark >= 27 { codec::take_byte(&mut at[DIGITS])? } else { place.decimals };
    let (base, length) = (mark % 27 / 9, mark % 9);
    let mut bytes = [0; 8];
    for (index, byte) in bytes.iter_mut().take(length as usize).enumerate() {
        *byte = codec::take_byte(&mut at[DIGITS + index.min(PARTS - DIGITS - 1)])?;
    }
    let rest = u64::from_le_bytes(bytes);
    let value = match base {
        0 => place.value.wrapping_add(codec::unzigzag(rest) as u64),
        1 => walk.value.wrapping_add(codec::unzigzag(rest) as u64),
        _ => rest,
    };
    *place = Place { value, decimals };
    walk.value = value;
    (decimals as usize <= DIGITS_MAX && mark < 54).then_some((value, decimals))
}

/// Appends a number as it was written; at most 20 digits and a point.
fn print(text: &mut Vec<u8>, mut value: u64, decimals: u8) {
    const ROOM: usize = 24;
    let (mut digits, mut from) = ([b'0'; ROOM], ROOM);
    let point = if decimals > 0 { ROOM - usize::from(decimals) } else { 0 };
    let least = if decimals > 0 { point - 2 } else { ROOM - 1 }; // a digit before the point, or the only one
    while value > 0 || from > least {
        from -= 1;
        if from + 1 == point {
            digits[from] = b'.';
        } else {
            digits[from] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    text.extend_from_slice(digits.split_at(from).1);
}

#[inline]
fn hash(words: &[u8]) -> u64 {
    let Some(last) = words.last_chunk::<8>() else {
        return mix(words.iter().fold(words.len() as u64, |w, b| w << 8 | u64::from(*b)));
    };
    let mut hash = words.len() as u64;
    let mut rest = words;
    while let Some((chunk, more)) = rest.split_first_chunk::<8>() {
        hash = mix(hash ^ u64::from_le_bytes(*chunk));
        rest = more;
    }
    mix(hash ^ u64::from_le_bytes(*last))
}

#[inline]
fn mix(value: u64) -> u64 {
    let product = value.wrapping_mul(0x9e37_79b9_7f4a_7c15); // 2^64 over the golden ratio
    product ^ product >> 29
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::input::LinkId;
    use proptest::prelude::*;

    fn there_and_back(texts: &[Vec<u8>]) -> Parts {
        let (first, mut bytes) = (Nanos(1_723_161_255_000_000_000), Vec::new());
        let mut state = codec::State::new(first);
        for (i, text) in texts.iter().enumerate() {
            let at = first.plus(i as i64 * 7919);
            let body = if i % 5 == 4 {
                Body::Reply { sent: Nanos(at.0 - 3), request: "/x?1", status: 200, body: text }
            } else {
                Body::Text(text)
            };
            codec::encode(&mut bytes, &mut state, &Input { at, link: LinkId(i as u32 % 2), body });
        }
        let (mut parts, mut out) = (Parts::default(), Vec::new());
        assert!(fold(&bytes, first, &mut parts));
        assert_eq!(unfold(&parts, texts.len() as u32, first, &mut out), Some(()));
        assert_eq!(out, bytes);
        parts
    }

    #[test]
    fn numbers_of_every_shape_survive() {
        let texts = [
            "0",
            "00",
            "007",
            "0.1",
            "0.00000001",
            "00.10",
            "1.",
            "1.a",
            ".5",
            "1..2",
            "1.2.3",
            "-5",
            "1e5",
            "123456789012345678",
            "1234567890123456789",
            "99999999999999999999999999999999999",
            "0.123456789012345678901",
            "123456789012345678.9",
            "12345678901234567.89",
            "000000000000000000000000",
            "",
            "\u{0}\u{1}\u{2}3",
            "a0b00c",
            "100000000000000000.0",
        ];
        there_and_back(&texts.map(|t| t.as_bytes().to_vec()));
    }

    #[test]
    fn what_repeats_folds_into_little() {
        let frame = |i: u64| {
            format!("{{\"e\":\"bookTicker\",\"u\":{},\"b\":\"2681.62\",\"B\":\"1.165\"}}", 5_123_107_838_717 + i * 50)
        };
        let parts = there_and_back(&(0..80).map(|i| frame(i).into_bytes()).collect::<Vec<_>>());
        let digits: usize = parts.get().skip(DIGITS).map(<[u8]>::len).sum();
        assert!(digits < 110, "a byte per frame and the first numbers, not {digits}");
    }

    proptest! {
        #[test]
        fn any_bytes_survive(texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20)) {
            there_and_back(&texts);
        }

        #[test]
        fn any_digits_and_points_survive(texts in proptest::collection::vec("[0-9.]{0,60}|[0-2a,.]{0,30}", 0..20)) {
            there_and_back(&texts.into_iter().map(String::into_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn parts_that_do_not_belong_together_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), words in "[\u{0}-\u{2}a]{0,40}") {
            let mut parts = Parts::default();
            let mut fill = |part: usize, bytes: &[u8]| {
                parts.fill(part, |to| {
                    to.extend_from_slice(bytes);
                    Some(())
                })
            };
            (0..PARTS).filter(|p| *p != HEADS && *p != WORDS).for_each(|p| fill(p, &bytes).unwrap());
            let (mut head, mut state) = (Vec::new(), codec::State::new(Nanos(0)));
            codec::encode(&mut head, &mut state, &Input { at: Nanos(0), link: LinkId(1), body: Body::Text(b"") });
            fill(HEADS, &head).unwrap();
            fill(WORDS, words.as_bytes()).unwrap();
            let _ = unfold(&parts, 1, Nanos(0), &mut Vec::new());
        }
    }
}
