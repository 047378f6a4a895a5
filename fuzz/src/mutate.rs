//! Damages seeds, the same way for the same seed number.

/// What readers of this house stumble over, if over anything.
const WORDS: [&str; 40] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "-",
    ".",
    "e",
    "E9",
    "\\",
    "\\u0000",
    "\\\"",
    "\n",
    "\t",
    " ",
    "\0",
    "0",
    "null",
    "true",
    "[]",
    "{}",
    "[[",
    "]]",
    "\"\"",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1125899906842624",
    "0.000000000000000001",
    "1e-18",
    "1e400",
    "\u{feff}",
    "\u{fffd}",
    "é",
    "\"b\":",
    "\"a\":",
    "\"u\":",
    "\"s\":\"",
];

/// Numbers that look random and are not (xorshift64*).
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same number.
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `end`; 0 for 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end.max(1)
    }

    /// One to that many bytes somewhere in `bytes`, which may be fewer.
    fn span(&mut self, bytes: &[u8], longest: usize) -> std::ops::Range<usize> {
        let start = self.below(bytes.len());
        start..(start + 1 + self.below(longest)).min(bytes.len())
    }
}

/// Makes one out of many.
pub fn mutate(dice: &mut Dice, seeds: &[Vec<u8>], longest: usize, out: &mut Vec<u8>) {
    let empty = Vec::new();
    out.clear();
    out.extend_from_slice(seeds.get(dice.below(seeds.len())).unwrap_or(&empty));
    for _ in 0..=dice.below(6) {
        let place = dice.below(out.len() + 1);
        let span = dice.span(out, 24);
        match dice.below(10) {
            0 if !out.is_empty() => out[span.start] ^= 1 << dice.below(8),
            1 if !out.is_empty() => out[span.start] = dice.next() as u8,
            2 => drop(out.drain(span)),
            3 => {
                let word = WORDS[dice.below(WORDS.len())];
                out.splice(place..place, word.bytes());
            }
            4 => {
                let word = WORDS[dice.below(WORDS.len())];
                out.splice(span, word.bytes());
            }
            5 => {
                let again = out[span].to_vec();
                out.splice(place..place, again);
            }
            6 => {
                let other = seeds.get(dice.below(seeds.len())).unwrap_or(&empty);
                let part = other[dice.span(other, 400)].to_vec();
                out.splice(place..place, part);
            }
            7 => digit(dice, out),
            8 => lines(dice, out),
            _ => out.truncate(place.max(out.len() / 8)),
        }
    }
    out.truncate(longest);
}

/// Changes a digit, so that numbers stay numbers.
fn digit(dice: &mut Dice, out: &mut [u8]) {
    let from = dice.below(out.len());
    if let Some(byte) = out.iter_mut().skip(from).find(|byte| byte.is_ascii_digit()) {
        *byte = b'0' + dice.below(10) as u8;
    }
}

/// Takes a line out, doubles it, or puts it elsewhere.
fn lines(dice: &mut Dice, out: &mut Vec<u8>) {
    let mut all: Vec<Vec<u8>> = out.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (from, to) = (dice.below(all.len()), dice.below(all.len()));
    if all.len() > 1 {
        let line = if dice.below(2) == 0 { all[from].clone() } else { all.remove(from) };
        if dice.below(3) > 0 {
            all.insert(to.min(all.len()), line);
        }
        *out = all.concat();
    }
}
