//! Volume at price: always whole.

use super::{Extent, Fold, Head, list, units};
use crate::hub::Store;
use crate::hub::profile::{Profile, ROLLING_SECONDS, Rows};
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::{Nanos, Scale};
use std::fmt::Write;

/// The volumes last said.
#[derive(Default)]
pub struct Volumes {
    next: Said,
    said: Said,
}

#[derive(Default, PartialEq)]
struct Said {
    width: i64,
    rolling: Rows,
    session: Rows,
}

impl Fold for Volumes {
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos> {
        let Some(slot) = instrument.and_then(|id| store.get(id)) else { return Some(Nanos(0)) };
        let (profile, next) = (&slot.profile, &mut self.next);
        next.width = profile.width();
        next.rolling.clone_from(profile.rolling());
        next.session.clone_from(profile.session());
        Some(slot.trades.back().map_or(Nanos(0), |trade| trade.at))
    }

    fn step(&mut self) -> bool {
        let changed = self.next != self.said;
        std::mem::swap(&mut self.next, &mut self.said);
        changed
    }

    fn text(&self, _: Extent, head: &Head, out: &mut String) {
        body(self.said.width, &self.said.rolling, &self.said.session, head.scale, out);
    }

    fn is_whole(&self) -> bool {
        true
    }
}

/// A profile as members of a JSON object, each with a comma before it.
pub fn write(profile: &Profile, scale: Scale, out: &mut String) {
    body(profile.width(), profile.rolling(), profile.session(), scale, out);
}

fn body(width: i64, rolling: &Rows, session: &Rows, scale: Scale, out: &mut String) {
    out.push_str(r#","row":"#);
    units(width, scale.price, out);
    let _ = write!(out, r#","rolling_seconds":{ROLLING_SECONDS}"#);
    for (name, rows) in [("rolling", rolling), ("session", session)] {
        let _ = write!(out, r#","{name}":"#);
        list(rows, out, |(row, [buy, sell]), out| {
            out.push_str(r#"{"price":"#);
            units(row.saturating_mul(width), scale.price, out);
            out.push_str(r#","buy":"#);
            units(*buy, scale.size, out);
            out.push_str(r#","sell":"#);
            units(*sell, scale.size, out);
            out.push('}');
        });
    }
}
