//! The top of a book: changes tell the levels that have changed within the shown depth; size 0 is one that left it.

use super::{Extent, Fold, Head, list, units};
use crate::api::stream::frame;
use crate::hub::Store;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::{Level, Nanos, Side, Size};
use std::cmp::Ordering;
use std::fmt::Write;

/// The levels last said.
pub struct Book {
    depth: usize,
    next: Shown,
    said: Shown,
    changes: [Vec<Level>; 2],
}

#[derive(Default)]
struct Shown {
    sides: [Vec<Level>; 2],
    last_update_id: i64,
}

impl Book {
    pub(super) fn new(depth: usize) -> Self {
        Book { depth, next: Shown::default(), said: Shown::default(), changes: Default::default() }
    }

    fn levels(&self, extent: Extent) -> [&[Level]; 2] {
        let [bids, asks] = if extent == Extent::Whole { &self.said.sides } else { &self.changes };
        [bids, asks]
    }
}

impl Fold for Book {
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos> {
        self.next.sides.iter_mut().for_each(Vec::clear);
        self.next.last_update_id = -1;
        let Some(slot) = instrument.and_then(|id| store.get(id)) else { return Some(Nanos(0)) };
        if !slot.is_copied(self.depth) {
            return None; // the engine's thread is about to
        }
        for (to, from) in self.next.sides.iter_mut().zip([&slot.book.bids, &slot.book.asks]) {
            to.extend(from.iter().take(self.depth));
        }
        self.next.last_update_id = slot.book.last_update_id;
        Some(slot.book.at)
    }

    fn step(&mut self) -> bool {
        for (index, side) in [Side::Bid, Side::Ask].into_iter().enumerate() {
            let (said, next, changes) = (&self.said.sides[index], &self.next.sides[index], &mut self.changes[index]);
            changes.clear();
            compare(side, said, next, changes);
        }
        std::mem::swap(&mut self.said, &mut self.next);
        self.changes.iter().any(|side| !side.is_empty())
    }

    fn text(&self, extent: Extent, head: &Head, out: &mut String) {
        let _ = write!(out, r#","last_update_id":{}"#, self.said.last_update_id);
        for (name, levels) in ["bids", "asks"].into_iter().zip(self.levels(extent)) {
            let _ = write!(out, r#","{name}":"#);
            list(levels, out, |level, out| {
                out.push('[');
                units(level.price.0, head.scale.price, out);
                out.push(',');
                units(level.size.0, head.scale.size, out);
                out.push(']');
            });
        }
    }

    fn binary(&self, extent: Extent, _: &Head, out: &mut Vec<u8>) {
        let [bids, asks] = self.levels(extent);
        frame::book(bids, asks, out);
    }
}

/// What has to be set for one side (best first) to become the other.
fn compare(side: Side, said: &[Level], next: &[Level], changes: &mut Vec<Level>) {
    let (mut old, mut new) = (said.iter().peekable(), next.iter().peekable());
    loop {
        // Which of both is nearer to the best.
        let order = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) if side == Side::Bid => other.price.cmp(&one.price),
            (Some(one), Some(other)) => one.price.cmp(&other.price),
        };
        match order {
            Ordering::Less => changes.extend(old.next().map(|gone| Level { size: Size(0), ..*gone })),
            Ordering::Greater => changes.extend(new.next()),
            Ordering::Equal => {
                let (before, after) = (old.next(), new.next());
                changes.extend(after.filter(|_| before != after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::units::Price;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn changes_turn_one_ladder_into_the_next(
            one in prop::collection::btree_map(1i64..40, 1i64..5, 0..20),
            other in prop::collection::btree_map(1i64..40, 1i64..5, 0..20), bid in any::<bool>(),
        ) {
            let side = if bid { Side::Bid } else { Side::Ask };
            let ladder = |levels: &BTreeMap<i64, i64>| {
                let mut all: Vec<Level> =
                    levels.iter().map(|(p, s)| Level { price: Price(*p), size: Size(*s) }).collect();
                if bid {
                    all.reverse();
                }
                all
            };
            let mut changes = Vec::new();
            compare(side, &ladder(&one), &ladder(&other), &mut changes);
            let mut told = one.clone();
            for level in &changes {
                let before = told.insert(level.price.0, level.size.0);
                prop_assert_ne!(before, Some(level.size.0), "nothing is told twice");
                if level.size.0 == 0 {
                    told.remove(&level.price.0);
                }
            }
            prop_assert_eq!(told, other);
        }
    }
}
