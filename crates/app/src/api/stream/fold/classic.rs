//! What `/ws/{symbol}` pushes once a second: a flat object of the most asked-for numbers.

use super::{Extent, Fold, Head};
use crate::api::stamp::{millis, rfc3339};
use crate::hub::Store;
use crate::hub::code::{reason_name, validity_name};
use crate::view::Column;
use fathometer_edge::clock;
use fathometer_engine::instrument::InstrumentId;
use fathometer_engine::metric::{Reason, Value};
use fathometer_engine::output::Validity;
use fathometer_engine::units::{Nanos, POW10};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One push of `/ws/{symbol}`. A number that cannot be vouched for is null, with its reason in `reasons`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Push {
    /// As the venue writes it.
    pub symbol: String,
    /// `venue:symbol`.
    pub id: String,
    /// Middle of best bid and best ask, quote currency.
    pub mid_price: Option<f64>,
    /// Best ask minus best bid, quote currency.
    pub spread: Option<f64>,
    /// Balance of the sizes on the first levels of each side: 1 is all bids.
    pub imbalance: Option<f64>,
    /// Order flow imbalance over the shortest window, size.
    pub ofi: Option<f64>,
    /// Mid weighted by the sizes at the touch, quote currency.
    pub microprice: Option<f64>,
    /// Size of all bids that are known.
    pub total_bid_volume: Option<f64>,
    /// Size of all asks that are known.
    pub total_ask_volume: Option<f64>,
    /// Levels of bids.
    pub bid_levels: usize,
    /// Levels of asks.
    pub ask_levels: usize,
    /// When it was sent, RFC 3339, UTC.
    pub timestamp: String,
    /// The same, unix milliseconds.
    pub timestamp_ms: f64,
    /// State of the book.
    pub validity: String,
    /// Last update id; -1 before the first.
    pub sequence: i64,
    /// Receive time of the newest change of the book, unix milliseconds.
    pub at_ms: f64,
    /// Why numbers are null.
    pub reasons: BTreeMap<&'static str, &'static str>,
}

/// The push last sent.
pub struct Classic {
    columns: [Option<usize>; 5],
    said: Push,
}

const NAMES: [&str; 5] = ["mid_price", "spread", "imbalance", "ofi", "microprice"];

impl Classic {
    pub(super) fn new(columns: &[Column]) -> Self {
        let find = |wanted: fn(&str) -> bool| columns.iter().position(|column| wanted(&column.id));
        let columns = [
            find(|id| id == "mid"),
            find(|id| id == "spread"),
            find(|id| id.starts_with("imbalance_")),
            find(|id| id.starts_with("ofi_") && id.ends_with('s')),
            find(|id| id == "microprice"),
        ];
        Classic { columns, said: Push::default() }
    }
}

impl Fold for Classic {
    fn look(&mut self, store: &Store, instrument: Option<InstrumentId>) -> Option<Nanos> {
        let Some(slot) = instrument.and_then(|id| store.get(id)) else { return Some(Nanos(0)) };
        if !slot.is_copied(1) {
            return None;
        }
        let now = clock::now();
        let mut push = Push {
            symbol: slot.info.symbol.clone(),
            id: slot.id.clone(),
            bid_levels: slot.book.counts[0],
            ask_levels: slot.book.counts[1],
            timestamp: rfc3339(now),
            timestamp_ms: millis(now),
            validity: validity_name(slot.validity()).to_owned(),
            sequence: slot.book.last_update_id,
            at_ms: millis(slot.book.at),
            ..Push::default()
        };
        let numbers = self.columns.map(|column| column.and_then(|index| slot.values.get(index)).copied());
        let fields = [&mut push.mid_price, &mut push.spread, &mut push.imbalance, &mut push.ofi, &mut push.microprice];
        for ((field, value), name) in fields.into_iter().zip(numbers).zip(NAMES) {
            match value.unwrap_or(Value::Absent(Reason::NoData)) {
                Value::Is(number) => *field = Some(number),
                Value::Absent(why) => {
                    push.reasons.insert(name, reason_name(why));
                }
            }
        }
        if slot.validity() == Validity::Live && slot.book.last_update_id >= 0 {
            let unit = POW10.get(usize::from(slot.info.scale.size)).copied().unwrap_or(1) as f64;
            push.total_bid_volume = Some(slot.book.totals[0] as f64 / unit);
            push.total_ask_volume = Some(slot.book.totals[1] as f64 / unit);
        } else {
            let why = reason_name(Reason::BookInvalid);
            push.reasons.extend([("total_bid_volume", why), ("total_ask_volume", why)]);
        }
        self.said = push;
        Some(slot.book.at)
    }

    fn step(&mut self) -> bool {
        true // once a second, whatever there is
    }

    /// Replaces what was begun: the push is an object of its own.
    fn text(&self, _: Extent, _: &Head, out: &mut String) {
        out.clear();
        let object = serde_json::to_string(&self.said).unwrap_or_default();
        out.push_str(object.strip_suffix('}').unwrap_or_default());
    }

    fn is_whole(&self) -> bool {
        true
    }
}
