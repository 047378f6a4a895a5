//! The metrics of an instrument: the latest values, each with its reason where it is absent.

use super::asked::{Named, Origin, SourceQuery, instrument};
use super::problem::Problem;
use super::stamp::{Stamp, now, split};
use super::{Api, Routes};
use axum::response::Json;
use fathometer_engine::metric::{Reason, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(latest))
}

/// The latest values.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricsTold {
    /// `venue:symbol`.
    pub id: String,
    /// How far they may be believed, and when they were sampled.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// By column; null where there is none.
    pub values: BTreeMap<String, Option<f64>>,
    /// By column, why it is null.
    pub reasons: BTreeMap<String, String>,
}

/// The latest value of every metric of an instrument.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/metrics", tag = "market", params(Named, SourceQuery),
    responses((status = 200, description = "The metrics", body = MetricsTold)))]
async fn latest(Named { id }: Named, Origin(state): Origin) -> Result<Json<MetricsTold>, Problem> {
    let view = state.view();
    let index = instrument(&view, &id)?;
    let market = view.get(index).ok_or_else(|| Problem::busy("the instruments have just changed"))?;
    let (mut values, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    for (number, column) in view.columns.iter().enumerate() {
        let value = market.values.get(number).copied().unwrap_or(Value::Absent(Reason::NoData));
        let (value, reason) = split(value);
        values.insert(column.id.clone(), value);
        if let Some(reason) = reason {
            reasons.insert(column.id.clone(), reason);
        }
    }
    let stamp = Stamp::at(market, Some(market.sampled_at), now(&state, &view));
    Ok(Json(MetricsTold { id: market.id.clone(), stamp, values, reasons }))
}
