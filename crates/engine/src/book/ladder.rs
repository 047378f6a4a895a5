//! One side of a book: sizes by key, the best being the smallest key.

use std::collections::BTreeMap;

/// Sizes by key (price for asks, negated price for bids).
#[derive(Clone, Debug, Default)]
pub(super) struct Ladder {
    levels: BTreeMap<i64, i64>,
}

impl Ladder {
    pub(super) fn set(&mut self, key: i64, size: i64) -> crate::units::Size {
        let old = if size == 0 { self.levels.remove(&key) } else { self.levels.insert(key, size) };
        crate::units::Size(old.unwrap_or(0))
    }
    pub(super) fn best(&self) -> Option<(i64, i64)> {
        self.levels.first_key_value().map(|(k, v)| (*k, *v))
    }
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.levels.iter().map(|(k, v)| (*k, *v))
    }
    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }
    pub(super) fn total_to(&self, limit: i64) -> (i128, i128) {
        self.levels
            .range(..=limit)
            .fold((0, 0), |(s, m), (k, v)| (s + i128::from(*v), m + i128::from(*k) * i128::from(*v)))
    }
    pub(super) fn clear(&mut self) {
        self.levels.clear();
    }
}
