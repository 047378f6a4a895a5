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
const PLACES: usize = 4096;
/// Words longer than this name a key and begin a new part of the frame; shorter ones only separate.
const SEPARATOR_MAX: usize = 6;

/// The byte strings.
#[derive(Debug, Default)]
pub(crate) struct Parts(pub(crate) [Vec<u8>; PARTS]);

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
    parts.0.iter_mut().for_each(Vec::clear);
    let (mut state, mut heads) = (codec::State::new(first), codec::State::new(first));
    let (mut walk, mut before) = (Walk::new(), first);
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
        codec::encode(&mut parts.0[HEADS], &mut heads, &Input { at: first, link: input.link, body });
        codec::put(&mut parts.0[TIMES], codec::zigzag(input.at.0.wrapping_sub(before.0)));
        before = input.at;
        if let Some(text) = text {
            fold_text(text, &mut walk, &mut parts.0);
        }
    }
    true
}

fn fold_text(text: &[u8], walk: &mut Walk, parts: &mut [Vec<u8>; PARTS]) {
    walk.begin();
    let mut rest = text;
    loop {
        let words = rest.iter().position(|b| b.is_ascii_digit()).unwrap_or(rest.len());
        let (mut words, mut after) = rest.split_at(words);
        // a leading zero belongs to the words
        while let [b'0', b'0'..=b'9', ..] = after {
            let length = words.len() + 1;
            (words, after) = rest.split_at(length);
        }
        put_words(&mut parts[WORDS], words);
        if after.is_empty() {
            break;
        }
        parts[WORDS].push(NUMBER);
        let (value, decimals, length) = number(after);
        let place = walk.place(words);
        put_number(walk, place, value, decimals, parts);
        rest = after.split_at(length).1;
    }
    parts[WORDS].push(END);
}

fn put_words(out: &mut Vec<u8>, words: &[u8]) {
    if words.iter().all(|b| *b > ESCAPE) {
        return out.extend_from_slice(words);
    }
    for byte in words {
        if *byte <= ESCAPE {
            out.push(ESCAPE);
        }
        out.push(*byte);
    }
}

/// The number at the start of a text: its digits, how many of them are decimals, and its length in bytes.
fn number(text: &[u8]) -> (u64, u8, usize) {
    let run = |from: usize, most: usize, value: u64| {
        let digits = text.iter().skip(from).take(most).take_while(|b| b.is_ascii_digit());
        digits.fold((value, 0), |(value, count), d| (value * 10 + u64::from(d - b'0'), count + 1))
    };
    let (value, whole) = run(0, DIGITS_MAX, 0);
    if text.get(whole) != Some(&b'.') {
        return (value, 0, whole);
    }
    match run(whole + 1, DIGITS_MAX - whole, value) {
        (_, 0) => (value, 0, whole),
        (value, decimals) => (value, decimals as u8, whole + 1 + decimals),
    }
}

fn put_number(walk: &mut Walk, place: usize, value: u64, decimals: u8, parts: &mut [Vec<u8>; PARTS]) {
    let place = &mut walk.places[place % PLACES];
    let difference = |base: u64| codec::zigzag(value.wrapping_sub(base) as i64);
    let (mut base, mut rest) = (0, difference(place.value));
    for (other, candidate) in [(1, difference(walk.value)), (2, value)] {
        if bytes_of(candidate) < bytes_of(rest) {
            (base, rest) = (other, candidate);
        }
    }
    let length = bytes_of(rest);
    let differ = decimals != place.decimals;
    parts[MARKS].push(base * 9 + length + if differ { 27 } else { 0 });
    if differ {
        parts[DIGITS].push(decimals);
    }
    for (index, byte) in rest.to_le_bytes().iter().take(length as usize).enumerate() {
        parts[DIGITS + index.min(PARTS - DIGITS - 1)].push(*byte);
    }
    *place = Place { value, decimals };
    walk.value = value;
}

/// Bytes a number takes, without those that are 0 at its upper end.
fn bytes_of(value: u64) -> u8 {
    (64 - value.leading_zeros()).div_ceil(8) as u8
}

/// Unfolds so many inputs, appending them as they were; `None` if the parts do not belong together.
pub(crate) fn unfold(parts: &Parts, inputs: u32, first: Nanos, out: &mut Vec<u8>) -> Option<()> {
    let mut at = parts.0.each_ref().map(|part| part.as_slice());
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

fn hash(words: &[u8]) -> u64 {
    words.chunks(8).fold(words.len() as u64, |h, chunk| mix(h ^ chunk.iter().fold(0, |w, b| w << 8 | u64::from(*b))))
}

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
        let digits: usize = parts.0[DIGITS..].iter().map(Vec::len).sum();
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
            parts.0.iter_mut().for_each(|part| part.extend_from_slice(&bytes));
            let (mut head, mut state) = (Vec::new(), codec::State::new(Nanos(0)));
            codec::encode(&mut head, &mut state, &Input { at: Nanos(0), link: LinkId(1), body: Body::Text(b"") });
            (parts.0[HEADS], parts.0[WORDS]) = (head, words.into_bytes());
            let _ = unfold(&parts, 1, Nanos(0), &mut Vec::new());
        }
    }
}
