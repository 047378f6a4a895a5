//! What `fathometer top` reads: the whole view.

use super::asked::{Asked, Origin, SourceQuery};
use super::{Api, Routes};
use crate::view::View;
use axum::response::Json;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(view))
}

/// What may be asked of a view.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ViewQuery {
    /// Only this instrument (`venue:symbol`) comes with its ladder, trades and history; without it all do.
    pub detail: Option<String>,
}

/// Everything the terminal screen draws; its form may change with any version.
#[utoipa::path(get, path = "/api/v1/view", tag = "screens", params(SourceQuery, ViewQuery),
    responses((status = 200, description = "The view", body = serde_json::Value)))]
async fn view(Origin(state): Origin, Asked(asked): Asked<ViewQuery>) -> Json<View> {
    Json(match &asked.detail {
        Some(id) => state.view().condensed(id),
        None => state.view().clone(),
    })
}
