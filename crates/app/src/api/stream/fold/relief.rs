//! Columns of the heatmap: each is whole, the latest wins.

use super::{Extent, Fold, Head, list, units};
use crate::api::stream::frame;
use crate::hub::Store;
use crate::hub::relief::Relief;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::units::{Nanos, Price};
use std::fmt::Write;

/// There is no column yet.
static NONE: Relief = Relief {
    head: crate::hub::relief::Head { at: Nanos(0), width: 0, first: 0, bid: None, ask: None, split: 0 },
    sizes: Vec::new(),
};

/// The column last said.
#[derive(Default)]
pub struct Column {
    next: Option<Relief>,
    said: Option<Relief>,
}

impl Fold for Column {
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos> {
        let latest = instrument.and_then(|id| store.get(id)).and_then(|slot| slot.relief.as_ref());
        if latest.map(|it| it.head) != self.next.as_ref().map(|it| it.head) {
            self.next = latest.cloned();
        }
        Some(latest.map_or(Nanos(0), |it| it.head.at))
    }

    fn step(&mut self) -> bool {
        let changed = self.next != self.said;
        if changed {
            self.said.clone_from(&self.next);
        }
        changed && self.said.is_some()
    }

    fn text(&self, _: Extent, head: &Head, out: &mut String) {
        let Relief { head: it, sizes } = self.said.as_ref().unwrap_or(&NONE);
        let best = |price: Option<Price>, out: &mut String| match price {
            Some(price) => units(price.0, head.scale.price, out),
            None => out.push_str("null"),
        };
        out.push_str(r#","row":"#);
        units(it.width, head.scale.price, out);
        let _ = write!(out, r#","first":{},"bid":"#, it.first);
        best(it.bid, out);
        out.push_str(r#","ask":"#);
        best(it.ask, out);
        let _ = write!(out, r#","split":{},"sizes":"#, it.split);
        list(sizes, out, |size, out| {
            let _ = write!(out, "{}", frame::shown(*size, head.scale)); // the digits that tell the four bytes
        });
    }

    fn binary(&self, _: Extent, head: &Head, out: &mut Vec<u8>) {
        frame::relief(self.said.as_ref().unwrap_or(&NONE), head.scale, out);
    }
}
