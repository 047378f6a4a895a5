//! What went wrong, with its remedy.

use super::asked::{Asked, Origin, SourceQuery};
use super::problem::Problem;
use super::stamp::{millis, rfc3339, snake};
use super::{Api, Routes};
use crate::view::{FAULTS_MAX, FaultLine};
use axum::response::Json;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(faults))
}

/// How many.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FaultsQuery {
    /// Most faults, the latest ones [default: 200].
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// The latest faults.
#[derive(Debug, Serialize, ToSchema)]
pub struct Faults {
    /// Faults since the start, those that are no longer kept included.
    pub seen: u64,
    /// Oldest first.
    pub faults: Vec<FaultTold>,
}

/// One fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultTold {
    /// Its number since the start, from 1.
    pub sequence: u64,
    /// When, RFC 3339, UTC.
    pub at: String,
    /// The same, unix milliseconds.
    pub at_ms: f64,
    /// Whose book, if one.
    pub instrument: Option<String>,
    /// What kind.
    pub kind: String,
    /// What is done about it.
    pub remedy: String,
    /// What happened.
    pub text: String,
}

impl FaultTold {
    /// A fault and its number.
    pub fn of(sequence: u64, line: &FaultLine) -> Self {
        FaultTold {
            sequence,
            at: rfc3339(line.at),
            at_ms: millis(line.at),
            instrument: line.instrument.clone(),
            kind: snake(&line.kind),
            remedy: snake(&line.remedy),
            text: line.text.clone(),
        }
    }
}

/// What went wrong: the latest faults, with what is done about each.
#[utoipa::path(get, path = "/api/v1/faults", tag = "operation", params(FaultsQuery, SourceQuery),
    responses((status = 200, description = "The faults", body = Faults)))]
async fn faults(Asked(asked): Asked<FaultsQuery>, Origin(state): Origin) -> Result<Json<Faults>, Problem> {
    let limit = asked.limit.unwrap_or(FAULTS_MAX as u32) as usize;
    if limit == 0 || limit > FAULTS_MAX {
        return Err(Problem::malformed(format!("limit is {limit}"), "limit is between 1 and 200"));
    }
    let view = state.view();
    let skipped = view.faults.len().saturating_sub(limit);
    let first = view.faults_seen.saturating_sub(view.faults.len() as u64) + skipped as u64 + 1;
    let kept = view.faults.iter().skip(skipped);
    let faults = (first..).zip(kept).map(|(sequence, line)| FaultTold::of(sequence, line)).collect();
    Ok(Json(Faults { seen: view.faults_seen, faults }))
}
