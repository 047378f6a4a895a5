//! The table's columns: head, width, what stands in a cell and what rows are ordered by. A new column is one entry here.

use super::number::{ABSENT, fixed, millis, short, signed};
use super::style::{ASK, BID, DIM, PLAIN, WARN};
use crate::view::{Column, Market, View};
use fathometer_engine::metric::Value;
use fathometer_engine::output::Status;
use ratatui::style::Style;

/// One column behind the name and state.
pub struct TableColumn {
    /// Its head, with the unit.
    pub head: &'static str,
    /// Characters.
    pub width: u16,
    cell: Cell,
}

enum Cell {
    /// A metric, by its column's name or else by how one begins; how it is written; its colour.
    Metric(&'static str, &'static str, fn(f64, &Market) -> String, Style),
    /// Something of the book's state: for ordering, and as written.
    Status(fn(&Status) -> Option<(f64, String)>),
}

/// Every column, the most asked for first.
pub const COLUMNS: [TableColumn; 13] = [
    metric("mid", 11, "mid", "mid", |x, market| fixed(x, market.info.scale.price as usize + 1), PLAIN),
    metric("spr bps", 7, "spread_bps", "spread_bps", |x, _| spread(x), PLAIN),
    metric("bid 10bp", 8, "depth_bid_10bps_quote", "depth_bid", |x, _| short(x), BID),
    metric("ask 10bp", 8, "depth_ask_10bps_quote", "depth_ask", |x, _| short(x), ASK),
    metric("imbal", 5, "imbalance_5", "imbalance", |x, _| signed(x), PLAIN),
    metric("OFI 10s", 7, "ofi_10s", "ofi_", |x, _| short(x), PLAIN),
    metric("trd/s", 5, "trades_per_s", "trades_per_s", |x, _| short(x), PLAIN),
    metric("upd/s", 5, "depth_updates_per_s", "depth_updates_per_s", |x, _| short(x), PLAIN),
    status("lat ms", 6, |s| s.latency_ns.map(|(nanos, _)| (nanos as f64, millis(nanos)))),
    status("raw ms", 6, |s| s.latency_raw_ns.map(|nanos| (nanos as f64, millis(nanos)))),
    status("gaps", 4, |s| count(s.counters.gaps)),
    status("resync", 6, |s| count(s.counters.resyncs)),
    status("audit bad", 11, |s| {
        let bad = s.counters.audit_checked - s.counters.audit_matched.min(s.counters.audit_checked);
        Some((bad as f64, format!("{bad}/{}", short(s.counters.audit_checked as f64))))
    }),
];

impl TableColumn {
    /// What stands in the cell.
    pub fn cell(&self, view: &View, market: &Market) -> (String, Style) {
        match &self.cell {
            Cell::Metric(_, _, write, style) => match self.value(view, market) {
                Some(number) => (write(number, market), *style),
                None => (ABSENT.to_owned(), DIM),
            },
            Cell::Status(read) => match market.status.as_ref().and_then(read) {
                Some((number, text)) => (text, if self.head != "lat ms" && number < 0.0 { WARN } else { PLAIN }),
                None => (ABSENT.to_owned(), DIM),
            },
        }
    }

    /// What rows are ordered by; absent comes last.
    pub fn value(&self, view: &View, market: &Market) -> Option<f64> {
        match &self.cell {
            Cell::Metric(id, prefix, ..) => {
                let index = position(&view.columns, id, prefix)?;
                match market.values.get(index) {
                    Some(Value::Is(number)) => Some(*number),
                    _ => None,
                }
            }
            Cell::Status(read) => market.status.as_ref().and_then(read).map(|(number, _)| number),
        }
    }
}

/// The column of that name; where the configuration has chosen others, the first that begins so.
fn position(columns: &[Column], id: &str, prefix: &str) -> Option<usize> {
    let exact = columns.iter().position(|column| column.id == id);
    exact.or_else(|| columns.iter().position(|column| column.id.starts_with(prefix)))
}

fn spread(bps: f64) -> String {
    let decimals = if bps.abs() < 10.0 { 3 } else { 1 };
    fixed(bps, decimals)
}

fn count(n: u64) -> Option<(f64, String)> {
    Some((n as f64, if n < 1000 { n.to_string() } else { short(n as f64) }))
}

const fn metric(
    head: &'static str,
    width: u16,
    id: &'static str,
    prefix: &'static str,
    write: fn(f64, &Market) -> String,
    style: Style,
) -> TableColumn {
    TableColumn { head, width, cell: Cell::Metric(id, prefix, write, style) }
}

const fn status(head: &'static str, width: u16, read: fn(&Status) -> Option<(f64, String)>) -> TableColumn {
    TableColumn { head, width, cell: Cell::Status(read) }
}
