//! What the other venues of a group agree on.

use super::bars::round;
use super::{Look, Mate};
use crate::instrument::Kind;
use crate::units::NANOS_PER_MILLI;

/// Most mates that are asked.
const MATES_MAX: usize = 15;

/// The mid that others quote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Consensus {
    /// Median of their mids, quote currency.
    pub(super) mid: f64,
    /// How many, and a number that says which: the comparison starts anew when it changes.
    pub(super) count: usize,
    pub(super) who: u64,
}

/// The median of the mates that trade the same kind of thing (of all, if there is none), where their books moved lately.
pub(super) fn consensus(look: &Look<'_>, age_max_ms: u32) -> Option<Consensus> {
    let fresh = |mate: &&Mate| look.at.since(mate.at) <= i64::from(age_max_ms) * NANOS_PER_MILLI && mate.mid() > 0.0;
    let same = |mate: &&Mate| mate.kind == look.instrument.kind;
    let options = |mate: &&Mate| mate.kind != Kind::Option && mate.kind != Kind::Future;
    let has_same = look.mates.iter().any(|mate| same(&mate));
    let chosen = look.mates.iter().filter(|mate| if has_same { same(mate) } else { options(mate) }).filter(fresh);
    let (mut mids, mut count, mut who) = ([0.0; MATES_MAX], 0, 0u64);
    for (slot, mate) in mids.iter_mut().zip(chosen) {
        *slot = mate.mid();
        count += 1;
        who = who.wrapping_mul(1_000_003).wrapping_add(u64::from(mate.id.0) + 1);
    }
    let mids = mids.get_mut(..count)?;
    mids.sort_by(f64::total_cmp);
    let mid = round(f64::midpoint(*mids.get(count.checked_sub(1)? / 2)?, *mids.get(count / 2)?));
    Some(Consensus { mid, count, who })
}
