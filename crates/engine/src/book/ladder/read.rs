//! Reading a ladder: its best, its worst, its levels in order, and sums over a band.

use super::block::{Block, Head, Sums};
use super::{BLOCK, BLOCKS, Ladder, NONE, SPAN};

/// Sum of sizes up to which a band is added up in 64 bits: times any offset in the window it stays below 2^62.
const LIGHT: i64 = 1 << 46;

impl Ladder {
    /// First occupied slot after `slot`.
    #[inline]
    pub(super) fn next_slot(&self, slot: i64) -> Option<i64> {
        let (number, offset) = ((slot >> 6) as usize, slot & 63);
        let rest = self.heads[number].occupied & (!0 << offset) & !(1 << offset);
        if rest != 0 {
            return Some((slot & !63) + i64::from(rest.trailing_zeros()));
        }
        let next = self.next_block(number + 1)?;
        Some(next as i64 * BLOCK + i64::from(self.heads[next].occupied.trailing_zeros()))
    }

    /// First occupied block at or after `number`.
    #[inline]
    fn next_block(&self, number: usize) -> Option<usize> {
        if number >= BLOCKS {
            return None;
        }
        let mut word = number >> 6;
        let mut bits = self.summary[word] & (!0 << (number & 63));
        while bits == 0 {
            word += 1;
            if word == self.summary.len() {
                return None;
            }
            bits = self.summary[word];
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// Best key and its size.
    #[inline]
    pub(in crate::book) fn best(&self) -> Option<(i64, i64)> {
        if self.near == 0 {
            return None; // the far store is never left alone: the window is moved onto it
        }
        let block = &self.pool[self.heads[(self.best >> 6) as usize].at as usize];
        Some((self.base + self.best, block.0[(self.best & 63) as usize]))
    }

    /// Worst key.
    pub(in crate::book) fn worst(&self) -> Option<i64> {
        if let Some(far) = self.far.keys().max() {
            return Some(*far); // beyond every level of the window
        }
        let word = self.summary.iter().rposition(|bits| *bits != 0)?;
        let number = word * 64 + self.summary[word].ilog2() as usize;
        Some(self.base + number as i64 * BLOCK + i64::from(self.heads[number].occupied.ilog2()))
    }

    /// Number of levels.
    #[inline]
    pub(in crate::book) fn len(&self) -> usize {
        self.near + self.far.len()
    }

    /// Keys and sizes, best first.
    pub(in crate::book) fn iter(&self) -> Iter<'_> {
        if self.near == 0 {
            return Iter { ladder: self, number: BLOCKS, bits: 0, at: NONE, far: None };
        }
        let number = (self.best >> 6) as usize;
        let head = &self.heads[number];
        Iter { ladder: self, number, bits: head.occupied, at: head.at, far: None }
    }

    /// Sum of sizes and of key times size over the keys up to and including `limit`.
    pub(in crate::book) fn total_to(&self, limit: i64) -> (i128, i128) {
        if self.near == 0 || limit - self.base < self.best {
            return (0, 0);
        }
        let last = (limit - self.base).min(SPAN - 1);
        let (last_number, last_offset) = ((last >> 6) as usize, last & 63);
        let mut size = 0i128;
        let mut moment = 0i128;
        let mut number = (self.best >> 6) as usize;
        while let Some(next) = self.next_block(number) {
            if next > last_number {
                break;
            }
            let head = self.heads[next];
            let key = self.base + next as i64 * BLOCK;
            let Sums { size: sum, moment: offsets } =
                if next == last_number { self.totals_within(head, last_offset as u32) } else { head.sums };
            size += i128::from(sum);
            moment += i128::from(key) * i128::from(sum) + i128::from(offsets);
            number = next + 1;
        }
        if limit >= self.base + SPAN {
            for (key, far) in &self.far {
                if *key <= limit {
                    size += i128::from(*far);
                    moment += i128::from(*key) * i128::from(*far);
                }
            }
        }
        (size, moment)
    }

    /// The same for several limits, ascending, in one pass; `each` is called once per limit, in order.
    pub(in crate::book) fn totals_to(&self, limits: impl Iterator<Item = i64>, mut each: impl FnMut(i128, i128)) {
        // What is summed: every block before `number`, keys counted from the window's base.
        let (mut size, mut moment) = (0i64, 0i64);
        let mut number = if self.near == 0 { BLOCKS } else { (self.best >> 6) as usize };
        for limit in limits {
            let slot = limit - self.base;
            let last = if slot < 0 { 0 } else { (slot >> 6) as usize };
            if let Some(whole) = self.heads.get(number..last) {
                for Head { sums, .. } in whole {
                    if size >= LIGHT {
                        break;
                    }
                    size += sums.size;
                    let inner = (number as i64 * BLOCK).wrapping_mul(sums.size).wrapping_add(sums.moment);
                    moment = moment.wrapping_add(inner);
                    number += 1;
                }
            }
            let part = match self.heads.get(last) {
                Some(head) if number == last && slot >= 0 => self.totals_within(*head, (slot & 63) as u32),
                _ => Sums::default(),
            };
            let whole = size + part.size;
            if self.near == 0 || last >= BLOCKS || whole >= LIGHT {
                let (size, moment) = self.total_to(limit); // from the start, in 128 bits, the far ones too
                each(size, moment);
                continue;
            }
            let inner = moment + last as i64 * BLOCK * part.size + part.moment;
            each(i128::from(whole), i128::from(self.base) * i128::from(whole) + i128::from(inner));
        }
    }

    /// Sums over the offsets of a block up to and including `last`.
    #[inline]
    fn totals_within(&self, head: Head, last: u32) -> Sums {
        match self.pool.get(head.at as usize) {
            Some(block) => block.totals_to(head.sums, last),
            None => Sums::default(),
        }
    }

    /// The blocks of the window that hold levels, best first: first key, and what is in it.
    #[inline]
    pub(in crate::book) fn blocks(&self) -> impl Iterator<Item = (i64, &Block, Head)> {
        let mut number = if self.near == 0 { BLOCKS } else { (self.best >> 6) as usize };
        std::iter::from_fn(move || {
            let next = self.next_block(number)?;
            number = next + 1;
            let head = self.heads[next];
            Some((self.base + next as i64 * BLOCK, &self.pool[head.at as usize], head))
        })
    }

    /// Shows keys and sizes, best first, as long as `each` wants more: quicker than one by one from `iter`.
    #[inline]
    pub(in crate::book) fn walk(&self, mut each: impl FnMut(i64, i64) -> bool) {
        for (key, block, head) in self.blocks() {
            for (offset, size) in block.levels(head.occupied) {
                if !each(key + offset, size) {
                    return;
                }
            }
        }
        for (key, size) in self.beyond() {
            if !each(key, size) {
                return;
            }
        }
    }

    /// Keys and sizes beyond the window, best first.
    pub(in crate::book) fn beyond(&self) -> impl Iterator<Item = (i64, i64)> {
        let mut iter = Iter { ladder: self, number: BLOCKS, bits: 0, at: NONE, far: None };
        let is_empty = self.far.is_empty(); // nothing is allocated to say so
        std::iter::from_fn(move || if is_empty { None } else { iter.next_far() })
    }
}

/// Levels of a ladder, best first.
pub(in crate::book) struct Iter<'a> {
    ladder: &'a Ladder,
    number: usize,
    bits: u64,
    at: u16,
    far: Option<std::vec::IntoIter<(i64, i64)>>,
}

impl Iterator for Iter<'_> {
    type Item = (i64, i64);

    #[inline]
    fn next(&mut self) -> Option<(i64, i64)> {
        while self.bits == 0 {
            let next = if self.number < BLOCKS { self.ladder.next_block(self.number + 1) } else { None };
            match next {
                Some(number) => {
                    self.number = number;
                    (self.at, self.bits) = (self.ladder.heads[number].at, self.ladder.heads[number].occupied);
                }
                None => {
                    self.number = BLOCKS;
                    return self.next_far();
                }
            }
        }
        let offset = self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        let key = self.ladder.base + self.number as i64 * BLOCK + i64::from(offset);
        Some((key, self.ladder.pool[self.at as usize].0[offset as usize]))
    }
}

impl Iter<'_> {
    #[cold]
    fn next_far(&mut self) -> Option<(i64, i64)> {
        let far = self.far.get_or_insert_with(|| {
            let mut sorted: Vec<(i64, i64)> = self.ladder.far.iter().map(|(k, s)| (*k, *s)).collect();
            sorted.sort_unstable();
            sorted.into_iter()
        });
        far.next()
    }
}
