//! Past metrics of an instrument, at one value a second or every ten seconds.

use super::asked::{Asked, Named, Origin, SourceQuery, instrument};
use super::problem::Problem;
use super::stamp::{Stamp, millis, now, split};
use super::{Api, Routes};
use crate::hub::Hub;
use crate::hub::history::Excerpt;
use crate::nearest::nearest;
use axum::http::StatusCode;
use axum::response::Json;
use fathometer_engine::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(history))
}

/// Which values.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Names of columns, with commas between them [default: mid].
    #[param(min_length = 1, max_length = 4096, example = "mid,spread_bps")]
    pub columns: Option<String>,
    /// Not before that time, unix milliseconds.
    pub from_ms: Option<f64>,
    /// Not after that time, unix milliseconds.
    pub to_ms: Option<f64>,
    /// How far the values are apart [default: 1s].
    #[param(inline)]
    pub resolution: Option<Resolution>,
}

/// How far values are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Resolution {
    /// A second.
    #[default]
    #[serde(rename = "1s")]
    Second,
    /// Ten seconds.
    #[serde(rename = "10s")]
    TenSeconds,
}

/// Past values.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryTold {
    /// `venue:symbol`.
    pub id: String,
    /// Whether the book may be believed now: `live`, or why not.
    pub validity: String,
    /// Last update id now; -1 where there is none.
    pub sequence: i64,
    /// When the latest sample was taken, RFC 3339, UTC.
    pub at: Option<String>,
    /// How long ago that was, ms.
    pub age_ms: Option<f64>,
    /// What was asked for.
    pub columns: Vec<String>,
    /// How far values are apart, ms.
    pub resolution_ms: u32,
    /// When each was sampled, unix milliseconds, ascending.
    pub at_ms: Vec<f64>,
    /// By column, a value for each time; null where there was none.
    pub values: BTreeMap<String, Vec<Option<f64>>>,
    /// By column, for each run of nulls with one reason: index of its first, and the reason.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, String>>)]
    pub reasons: BTreeMap<String, BTreeMap<usize, String>>,
}

/// A time in milliseconds, however far away.
pub fn time(ms: f64) -> Nanos {
    Nanos((ms * 1e6) as i64) // saturates
}

/// Numbers of the columns of that names.
fn columns(hub: &Hub, asked: Option<&str>) -> Result<Vec<(usize, String)>, Problem> {
    let asked = asked.unwrap_or("mid");
    let mut found: Vec<(usize, String)> = Vec::new();
    for name in asked.split(',').map(str::trim) {
        let Some(number) = hub.columns.iter().position(|column| column.id == name) else {
            let shown: String = name.chars().take(64).collect();
            let near = nearest(&shown, hub.columns.iter().map(|column| column.id.as_str()), 5);
            let near = near.into_iter().map(str::to_owned).collect();
            let detail = format!("`{shown}` is the name of no column");
            let remedy = "GET /api/v1/catalogue lists them; `candidates` holds the nearest names";
            let problem =
                Problem::new(StatusCode::NOT_FOUND, "unknown-column", "There is no such column", detail, remedy);
            return Err(problem.meaning(near));
        };
        if !found.iter().any(|(known, _)| *known == number) {
            found.push((number, name.to_owned()));
        }
    }
    Ok(found)
}

/// Past values of some metrics of an instrument.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/metrics/history", tag = "market",
    params(Named, HistoryQuery, SourceQuery),
    responses((status = 200, description = "The values", body = HistoryTold)))]
async fn history(
    Named { id }: Named,
    Asked(asked): Asked<HistoryQuery>,
    Origin(state): Origin,
) -> Result<Json<HistoryTold>, Problem> {
    let columns = columns(&state.hub, asked.columns.as_deref())?;
    let (index, id, stamp) = {
        let view = state.view();
        let index = instrument(&view, &id)?;
        let market = view.get(index).ok_or_else(|| Problem::busy("the instruments have just changed"))?;
        (index, market.id.clone(), Stamp::at(market, Some(market.sampled_at), now(&state, &view)))
    };
    let (from, to) = (asked.from_ms.map_or(Nanos(i64::MIN), time), asked.to_ms.map_or(Nanos(i64::MAX), time));
    let resolution = asked.resolution.unwrap_or_default();
    let numbers: Vec<usize> = columns.iter().map(|(number, _)| *number).collect();
    let excerpt = {
        let hub = state.hub.lock();
        let slot = hub.get(index);
        let kept = slot.map(|slot| if resolution == Resolution::Second { &slot.fine } else { &slot.coarse });
        kept.map(|kept| kept.excerpt(&numbers, from, to)).unwrap_or_default()
    };
    let names: Vec<String> = columns.into_iter().map(|(_, name)| name).collect();
    let (values, reasons) = tell(&names, &excerpt);
    let resolution_ms = if resolution == Resolution::Second { 1_000 } else { 10_000 };
    let at_ms = excerpt.at.iter().map(|at| millis(*at)).collect();
    let Stamp { validity, sequence, at, age_ms, .. } = stamp;
    Ok(Json(HistoryTold { id, validity, sequence, at, age_ms, columns: names, resolution_ms, at_ms, values, reasons }))
}

type Values = BTreeMap<String, Vec<Option<f64>>>;
type Runs = BTreeMap<String, BTreeMap<usize, String>>;

fn tell(names: &[String], excerpt: &Excerpt) -> (Values, Runs) {
    let (mut values, mut reasons) = (Values::new(), Runs::new());
    for (name, kept) in names.iter().zip(&excerpt.values) {
        let mut before: Option<String> = None;
        let mut numbers = Vec::with_capacity(kept.len());
        for (row, value) in kept.iter().enumerate() {
            let (number, reason) = split(*value);
            if let Some(reason) = &reason
                && before.as_ref() != Some(reason)
            {
                reasons.entry(name.clone()).or_default().insert(row, reason.clone());
            }
            before = reason;
            numbers.push(number);
        }
        values.insert(name.clone(), numbers);
    }
    (values, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::metric::{Reason, Value};

    #[test]
    fn a_run_of_nulls_tells_its_reason_once() {
        let (gap, warm) = (Value::Absent(Reason::BookInvalid), Value::Absent(Reason::Warmup));
        let kept = vec![warm, warm, Value::Is(1.0), gap, gap, warm, Value::Is(2.0), gap];
        let excerpt = Excerpt { at: vec![Nanos(0); 8], values: vec![kept] };
        let (values, reasons) = tell(&["mid".to_owned()], &excerpt);
        assert_eq!(values["mid"], [None, None, Some(1.0), None, None, None, Some(2.0), None]);
        let told: Vec<(usize, &str)> = reasons["mid"].iter().map(|(row, reason)| (*row, reason.as_str())).collect();
        assert_eq!(told, [(0, "warmup"), (3, "book_invalid"), (5, "warmup"), (7, "book_invalid")]);
    }

    #[test]
    fn times_saturate() {
        assert_eq!(time(1.5), Nanos(1_500_000));
        assert_eq!((time(1e300), time(-1e300), time(f64::NAN)), (Nanos(i64::MAX), Nanos(i64::MIN), Nanos(0)));
    }
}
