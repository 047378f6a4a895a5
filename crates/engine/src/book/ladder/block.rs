//! Blocks of a ladder: 64 neighbouring keys, what is known of them at a glance, and their sums.

use super::{BLOCK, NONE};

/// Sizes of 64 neighbouring keys, 0 where there is no level; eight whole cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(in crate::book) struct Block(pub(super) [i64; BLOCK as usize]);

/// All that is known of a block without visiting it: an update touches one line here and one of the block.
#[derive(Clone, Copy, Debug)]
pub(in crate::book) struct Head {
    pub(in crate::book) sums: Sums,
    /// Which of the keys hold levels, one bit each.
    pub(in crate::book) occupied: u64,
    /// Index in `pool`, or `NONE` where no key holds a level.
    pub(super) at: u16,
}

/// Sums over the levels of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::book) struct Sums {
    /// Sum of sizes.
    pub(in crate::book) size: i64,
    /// Sum of offset times size.
    pub(in crate::book) moment: i64,
}

pub(super) const EMPTY: Block = Block([0; BLOCK as usize]);
pub(super) const VACANT: Head = Head { sums: Sums { size: 0, moment: 0 }, occupied: 0, at: NONE };

impl Block {
    /// Last offset in a block.
    pub(in crate::book) const LAST: i64 = BLOCK - 1;

    /// Offsets and sizes of the levels that these bits stand for, in order.
    #[inline]
    pub(in crate::book) fn levels(&self, mut bits: u64) -> impl Iterator<Item = (i64, i64)> + '_ {
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
    pub(super) fn totals_to(&self, all: Sums, last: u32) -> Sums {
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
