//! One side of a book: sizes by key, the best being the smallest key (price for asks, negated price for bids).
//!
//! Levels near the touch stand in blocks of 64 neighbouring keys, found through a directory that covers a window of
//! 65,536 keys; each block's head keeps an occupancy bitmap and its sums, so that the next level, a band's total and an
//! update all cost a few instructions and nothing is ever shifted. Blocks exist only where there are levels. Levels beyond the
//! window stand in a flat hash and are sorted only when someone walks that far. The window follows the best level.

use crate::units::MAX_UNITS;
use rustc_hash::FxHashMap;

const BLOCK: i64 = 64;
const BLOCKS: usize = 1024;
const SPAN: i64 = BLOCK * BLOCKS as i64;
/// Blocks kept free below the best key when the window is placed: room for the price to improve without moving it.
const HEADROOM_BLOCKS: i64 = 128;
/// The window is moved when the best key is beyond this block.
const DRIFT_BLOCKS: i64 = 640;
const NONE: u16 = u16::MAX;
/// Room made for levels beyond the window, so that a book as large as they usually become never grows in mid-stream.
const FAR_ROOM: usize = 4_096;

/// Sum of sizes up to which a band is added up in 64 bits: times any offset in the window it stays below 2^62.
const LIGHT: i64 = 1 << 46;

/// Sizes of 64 neighbouring keys, 0 where there is no level; eight whole cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Block([i64; BLOCK as usize]);

/// All that is known of a block without visiting it: an update touches one line here and one of the block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) sums: Sums,
    /// Which of the keys hold levels, one bit each.
    pub(super) occupied: u64,
    /// Index in `pool`, or `NONE` where no key holds a level.
    at: u16,
}

/// Sums over the levels of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Sum of sizes.
    pub(super) size: i64,
    /// Sum of offset times size.
    pub(super) moment: i64,
}

const EMPTY: Block = Block([0; BLOCK as usize]);
const VACANT: Head = Head { sums: Sums { size: 0, moment: 0 }, occupied: 0, at: NONE };

/// Sizes by key.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    /// Key of the first slot of block 0; a multiple of 64.
    base: i64,
    /// By block number; empty until the first level. Side by side, so that a band is added up without visiting blocks.
    heads: Vec<Head>,
    /// Which blocks hold levels, one bit each.
    summary: [u64; BLOCKS / 64],
    pool: Vec<Block>,
    free: Vec<u16>,
    /// Levels beyond the window; every key here is at or above `base + SPAN`.
    far: FxHashMap<i64, i64>,
    /// Slot of the smallest key; `FAR` while the window is empty.
    best: i64,
    /// Levels in the window.
    near: usize,
    /// Levels on the move while the window is placed; empty otherwise.
    moved: Vec<(i64, i64)>,
}

/// Behind every slot.
const FAR: i64 = i64::MAX;

impl Default for Ladder {
    fn default() -> Self {
        Ladder {
            base: 0,
            heads: Vec::new(),
            summary: [0; BLOCKS / 64],
            pool: Vec::new(),
            free: Vec::new(),
            far: FxHashMap::default(),
            best: FAR,
            near: 0,
            moved: Vec::new(),
        }
    }
}

impl Ladder {
    /// Sets the size at a key, 0 removes; returns the size before.
    #[inline]
    pub(super) fn set(&mut self, key: i64, size: i64) -> i64 {
        let slot = key - self.base;
        // A slot before the window is a very large number here.
        let Some(head) = self.heads.get_mut((slot >> 6) as usize) else { return self.set_far(key, size) };
        if head.at == NONE {
            if size == 0 {
                return 0; // deleting a level never seen is normal
            }
            self.occupy((slot >> 6) as usize);
        }
        self.set_near(slot, size)
    }

    /// Whether a level comes, stays or goes is as good as random: it is computed, not branched on, but for the few that
    /// matter beyond their block.
    #[inline]
    fn set_near(&mut self, slot: i64, size: i64) -> i64 {
        let (number, offset) = ((slot >> 6) as usize, slot & 63);
        let head = &mut self.heads[number];
        let old = std::mem::replace(&mut self.pool[head.at as usize].0[offset as usize], size);
        let (is, was) = (u64::from(size != 0), u64::from(old != 0));
        head.sums.size += size - old;
        head.sums.moment += (size - old) * offset;
        head.occupied = head.occupied & !(1 << offset) | is << offset;
        self.near = self.near + is as usize - was as usize;
        if slot <= self.best || head.occupied == 0 {
            self.settle(slot, size);
        }
        old
    }

    /// A level came or went at the touch, or the last one of its block went.
    #[inline(never)]
    fn settle(&mut self, slot: i64, size: i64) {
        let number = (slot >> 6) as usize;
        if self.heads[number].occupied == 0 {
            self.free.push(self.heads[number].at);
            self.heads[number] = VACANT;
            self.summary[number >> 6] &= !(1 << (number & 63));
        }
        if size != 0 {
            self.best = slot;
        } else if slot == self.best {
            self.best_left(slot);
        }
    }

    /// The best level was removed: the next one becomes best, and the window follows if it is far behind.
    fn best_left(&mut self, slot: i64) {
        match self.next_slot(slot) {
            Some(next) => {
                self.best = next;
                if next > DRIFT_BLOCKS * BLOCK {
                    self.place(self.base + next);
                }
            }
            None => {
                self.best = FAR;
                if let Some(key) = self.far.keys().copied().min() {
                    self.place(key);
                }
            }
        }
    }

    #[cold]
    fn set_far(&mut self, key: i64, size: i64) -> i64 {
        if self.heads.is_empty() || (self.near == 0 && self.far.is_empty()) || key < self.base {
            // The first level, or one before the window, where nothing stands.
            if size != 0 {
                self.place(key);
                self.occupy(((key - self.base) >> 6) as usize);
                self.set_near(key - self.base, size);
            }
            return 0;
        }
        let old = if size == 0 { self.far.remove(&key) } else { self.far.insert(key, size) };
        old.unwrap_or(0)
    }

    /// Gives a block to that part of the window, if it has none.
    #[cold]
    fn occupy(&mut self, number: usize) {
        if self.heads[number].at != NONE {
            return;
        }
        self.heads[number].at = self.free.pop().unwrap_or_else(|| {
            self.pool.push(EMPTY);
            (self.pool.len() - 1) as u16 // at most BLOCKS blocks are in use, and NONE is beyond that
        });
        self.summary[number >> 6] |= 1 << (number & 63);
    }

    /// Moves the window so that `best` stands `HEADROOM_BLOCKS` into it; levels change between window and far store.
    #[cold]
    fn place(&mut self, best: i64) {
        let base = (best & !(BLOCK - 1)) - HEADROOM_BLOCKS * BLOCK;
        if self.heads.is_empty() {
            self.reserve();
        }
        let mut moved = std::mem::take(&mut self.moved);
        for number in 0..self.heads.len() {
            let Head { occupied, at, .. } = self.heads[number];
            if at == NONE {
                continue;
            }
            let block = &mut self.pool[at as usize];
            let first = self.base + number as i64 * BLOCK;
            moved.extend(block.levels(occupied).map(|(offset, size)| (first + offset, size)));
            *block = EMPTY;
            self.free.push(at);
        }
        self.heads.clear();
        self.heads.resize(BLOCKS, VACANT);
        self.summary = [0; BLOCKS / 64];
        self.near = 0;
        self.best = FAR;
        self.base = base;
        // A hash is emptied here, not walked into an output: where a level ends up does not depend on the order.
        moved.extend(self.far.drain());
        for (key, size) in moved.drain(..) {
            let slot = key - base;
            if (slot as u64) < SPAN as u64 {
                self.occupy((slot >> 6) as usize);
                self.set_near(slot, size);
            } else {
                self.far.insert(key, size);
            }
        }
        self.moved = moved;
    }

    /// All the memory that the window can need, at once: it is only taken up as it is written to.
    #[cold]
    fn reserve(&mut self) {
        self.pool.reserve(BLOCKS.saturating_sub(self.pool.len()));
        self.free.reserve(BLOCKS.saturating_sub(self.free.len()));
        self.far.reserve(FAR_ROOM);
        self.moved.reserve(FAR_ROOM);
    }

    /// First occupied slot after `slot`.
    #[inline]
    fn next_slot(&self, slot: i64) -> Option<i64> {
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
    pub(super) fn best(&self) -> Option<(i64, i64)> {
        if self.near == 0 {
            return None; // the far store is never left alone: the window is moved onto it
        }
        let block = &self.pool[self.heads[(self.best >> 6) as usize].at as usize];
        Some((self.base + self.best, block.0[(self.best & 63) as usize]))
    }

    /// Worst key.
    pub(super) fn worst(&self) -> Option<i64> {
        if let Some(far) = self.far.keys().max() {
            return Some(*far); // beyond every level of the window
        }
        let word = self.summary.iter().rposition(|bits| *bits != 0)?;
        let number = word * 64 + self.summary[word].ilog2() as usize;
        Some(self.base + number as i64 * BLOCK + i64::from(self.heads[number].occupied.ilog2()))
    }

    /// Number of levels.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.near + self.far.len()
    }

    /// Keys and sizes, best first.
    pub(super) fn iter(&self) -> Iter<'_> {
        if self.near == 0 {
            return Iter { ladder: self, number: BLOCKS, bits: 0, at: NONE, far: None };
        }
        let number = (self.best >> 6) as usize;
        let head = &self.heads[number];
        Iter { ladder: self, number, bits: head.occupied, at: head.at, far: None }
    }

    /// Sum of sizes and of key times size over the keys up to and including `limit`.
    pub(super) fn total_to(&self, limit: i64) -> (i128, i128) {
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
    pub(super) fn totals_to(&self, limits: impl Iterator<Item = i64>, mut each: impl FnMut(i128, i128)) {
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
    pub(super) fn blocks(&self) -> impl Iterator<Item = (i64, &Block, Head)> {
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
    pub(super) fn walk(&self, mut each: impl FnMut(i64, i64) -> bool) {
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
    pub(super) fn beyond(&self) -> impl Iterator<Item = (i64, i64)> {
        let mut iter = Iter { ladder: self, number: BLOCKS, bits: 0, at: NONE, far: None };
        let is_empty = self.far.is_empty(); // nothing is allocated to say so
        std::iter::from_fn(move || if is_empty { None } else { iter.next_far() })
    }

    /// Forgets every level, keeps the memory.
    pub(super) fn clear(&mut self) {
        for head in self.heads.drain(..) {
            if head.at != NONE {
                self.pool[head.at as usize] = EMPTY;
                self.free.push(head.at);
            }
        }
        self.summary = [0; BLOCKS / 64];
        self.far.clear();
        self.near = 0;
        self.best = FAR;
    }

    /// Multiplies keys and sizes; `false` (and nothing changed) if one would leave the exact range.
    pub(super) fn rescale(&mut self, key_factor: i64, size_factor: i64) -> bool {
        let mut levels = Vec::with_capacity(self.len());
        for (key, size) in self.iter() {
            match (key.checked_mul(key_factor), size.checked_mul(size_factor)) {
                (Some(k), Some(s)) if k.abs() <= MAX_UNITS && s <= MAX_UNITS => levels.push((k, s)),
                _ => return false,
            }
        }
        self.clear();
        for (key, size) in levels {
            self.set(key, size);
        }
        true
    }
}

impl Block {
    /// Last offset in a block.
    pub(super) const LAST: i64 = BLOCK - 1;

    /// Offsets and sizes of the levels that these bits stand for, in order.
    #[inline]
    pub(super) fn levels(&self, mut bits: u64) -> impl Iterator<Item = (i64, i64)> + '_ {
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let offset = bits.trailing_zeros();
            bits &= bits - 1;
            Some((i64::from(offset), self.0[offset as usize]))
        })
    }

    /// Sums over the offsets up to and including `last`, given those over all.
    fn totals_to(&self, all: Sums, last: u32) -> Sums {
        let (within, beyond) = self.0.split_at((last + 1) as usize);
        // The shorter part is added up, or taken off the whole; where no level is, there is 0.
        if within.len() <= beyond.len() {
            Sums::of(within)
        } else {
            let rest = Sums::of(beyond);
            let moment = all.moment - rest.moment - rest.size * within.len() as i64;
            Sums { size: all.size - rest.size, moment }
        }
    }
}

impl Sums {
    /// From the last to the first: a size is in the moment once for every slot that it was carried over.
    fn of(sizes: &[i64]) -> Self {
        let Some((first, rest)) = sizes.split_first() else { return Sums::default() };
        let (mut size, mut moment) = (0, 0);
        for next in rest.iter().rev() {
            size += next;
            moment += size;
        }
        Sums { size: size + first, moment }
    }
}

/// Levels of a ladder, best first.
pub(super) struct Iter<'a> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Small deterministic generator, so that a failing run can be repeated.
    struct Rng(u64);
    impl Rng {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) % n
        }
    }

    fn agree(ladder: &Ladder, naive: &BTreeMap<i64, i64>) {
        assert_eq!(ladder.len(), naive.len());
        assert_eq!(ladder.best(), naive.first_key_value().map(|(k, v)| (*k, *v)));
        assert_eq!(ladder.worst(), naive.last_key_value().map(|(k, _)| *k));
        assert!(ladder.iter().eq(naive.iter().map(|(k, v)| (*k, *v))));
        let runs = ladder
            .blocks()
            .flat_map(|(key, block, head)| block.levels(head.occupied).map(move |(offset, size)| (key + offset, size)));
        assert!(runs.chain(ladder.beyond()).eq(naive.iter().map(|(k, v)| (*k, *v))));
        for (key, _, Head { sums, .. }) in ladder.blocks() {
            let total = naive.range(key..=key + Block::LAST).fold((0, 0), |(s, m), (k, v)| (s + v, m + (k - key) * v));
            assert_eq!((sums.size, sums.moment), total);
        }
    }

    /// One million operations of every kind that moves the window, empties it and fills the far store.
    #[test]
    fn equals_a_naive_map_over_a_million_operations() {
        let mut rng = Rng(7);
        let mut ladder = Ladder::default();
        let mut naive = BTreeMap::new();
        let mut centre: i64 = -50_000;
        for step in 0..1_000_000u64 {
            let spread = [30, 500, 20_000, 300_000][rng.below(4) as usize];
            let key = centre + rng.below(spread) as i64 - if rng.below(50) == 0 { spread as i64 / 2 } else { 0 };
            let size = if rng.below(2) == 0 { 0 } else { 1 + rng.below(1 << 40) as i64 };
            let old = if size == 0 { naive.remove(&key) } else { naive.insert(key, size) };
            assert_eq!(ladder.set(key, size), old.unwrap_or(0));
            match rng.below(10_000) {
                0 => centre += rng.below(400_000) as i64 - 200_000,
                1 => {
                    while naive.len() > 3 {
                        let (key, _) = naive.pop_first().unwrap();
                        ladder.set(key, 0);
                        assert_eq!(ladder.best(), naive.first_key_value().map(|(k, v)| (*k, *v)));
                    }
                }
                2 if rng.below(20) == 0 => {
                    ladder.clear();
                    naive.clear();
                }
                _ => {}
            }
            assert_eq!(ladder.best(), naive.first_key_value().map(|(k, v)| (*k, *v)), "step {step}");
            if step % 5_000 == 0 {
                agree(&ladder, &naive);
                let limits = [centre, centre + 64, centre + 1_000, centre + 70_000, centre + 1_000_000];
                let (mut one_by_one, mut at_once) = (Vec::new(), Vec::new());
                one_by_one.extend(limits.map(|limit| ladder.total_to(limit)));
                ladder.totals_to(limits.into_iter(), |size, moment| at_once.push((size, moment)));
                assert_eq!(at_once, one_by_one);
                for limit in limits {
                    let expected = naive.range(..=limit).fold((0i128, 0i128), |(s, m), (k, v)| {
                        (s + i128::from(*v), m + i128::from(*k) * i128::from(*v))
                    });
                    assert_eq!(ladder.total_to(limit), expected, "limit {limit}");
                }
            }
        }
        agree(&ladder, &naive);
    }

    #[test]
    fn rescaling_multiplies_or_refuses() {
        let mut ladder = Ladder::default();
        ladder.set(5, 7);
        ladder.set(900_000, 1);
        assert!(ladder.rescale(10, 100));
        assert_eq!(ladder.iter().collect::<Vec<_>>(), [(50, 700), (9_000_000, 100)]);
        assert!(!ladder.rescale(MAX_UNITS, 1));
        assert_eq!(ladder.len(), 2);
    }
}
