//! Every market metric by instrument; what cannot be vouched for is absent.

use super::operation::instrument;
use super::page::{Labels, Page};
use crate::live::state::State;
use fathometer_engine::metric::Value;
use std::fmt;

pub(super) fn write(page: &mut Page<'_>, state: &State) -> fmt::Result {
    let (columns, markets) = {
        let view = state.view();
        let markets: Vec<(Labels, Vec<Value>)> =
            view.markets.iter().map(|market| (instrument(&market.id), market.values.clone())).collect();
        (view.columns.clone(), markets)
    };
    for (index, column) in columns.iter().enumerate() {
        let number = |values: &[Value]| values.get(index).and_then(|value| value.get()).filter(|x| x.is_finite());
        let rows = markets.iter().filter_map(|(labels, values)| Some((labels.clone(), number(values)?))).collect();
        page.gauges(
            &format!("market_{}", plain(&column.id)),
            &format!("{} Unit: {}.", column.help, column.unit),
            rows,
        )?;
    }
    Ok(())
}

/// A column's name with its units written out, as Prometheus wants them.
pub(super) fn plain(id: &str) -> String {
    match id.strip_suffix("_s") {
        Some(rest) => format!("{rest}_{}", if rest.ends_with("_per") { "second" } else { "seconds" }),
        None => id.to_owned(),
    }
}
