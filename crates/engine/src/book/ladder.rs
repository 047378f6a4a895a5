//! One side of a book: sizes by key, the best being the smallest key (price for asks, negated price for bids).
//!
//! Levels near the touch stand in blocks of 64 neighbouring keys, found through a directory that covers a window of
//! 65,536 keys; each block's head keeps an occupancy bitmap and its sums, so that the next level, a band's total and an
//! update all cost a few instructions and nothing is ever shifted. Blocks exist only where there are levels. Levels beyond the
//! window stand in a flat hash and are sorted only when someone walks that far. The window follows the best level.

mod block;
mod read;

pub(super) use block::{Block, Head};

use crate::units::MAX_UNITS;
use block::{EMPTY, VACANT};
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

#[cfg(test)]
mod tests;
