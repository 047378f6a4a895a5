//! Past columns of the heatmap, in the binary form of the stream.

use super::asked::{Asked, Named, Origin, SourceQuery, instrument};
use super::history::time;
use super::problem::Problem;
use super::stream::fold::Head;
use super::stream::frame;
use super::stream::kind::Kind;
use super::{Api, Routes};
use axum::http::{HeaderName, header};
use fathometer_engine::output::Validity;
use fathometer_engine::units::Nanos;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(relief))
}

/// Which columns.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReliefQuery {
    /// Not before that time, unix milliseconds.
    pub from_ms: Option<f64>,
    /// Not after that time, unix milliseconds.
    pub to_ms: Option<f64>,
}

/// Past columns of the heatmap, one a second, oldest first: each a length (four bytes, little-endian) and a frame of kind
/// `relief` as the stream sends it. There is no column of a time when the book could not be believed.
#[utoipa::path(get, path = "/api/v1/instruments/{id}/relief", tag = "market", params(Named, ReliefQuery, SourceQuery),
    responses((status = 200, description = "The columns", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn relief(
    Named { id }: Named,
    Asked(asked): Asked<ReliefQuery>,
    Origin(state): Origin,
) -> Result<([(HeaderName, &'static str); 1], Vec<u8>), Problem> {
    let index = instrument(&state.view(), &id)?;
    let (from, to) = (asked.from_ms.map_or(Nanos(i64::MIN), time), asked.to_ms.map_or(Nanos(i64::MAX), time));
    let (columns, scale) = {
        let hub = state.hub.lock();
        hub.get(index).map_or_else(Default::default, |slot| (slot.reliefs.excerpt(from, to), slot.info.scale))
    };
    let mut all = Vec::new();
    let mut one = Vec::new();
    for (sequence, column) in (0u64..).zip(&columns) {
        let validity = Some(Validity::Live);
        let head = Head { sequence, at: column.head.at, validity, instrument: Some(index), scale, ..Head::default() };
        one.clear();
        frame::head(Kind::Relief, &head, true, &mut one);
        frame::relief(column, scale, &mut one);
        all.extend((one.len() as u32).to_le_bytes());
        all.extend(&one);
    }
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], all))
}
