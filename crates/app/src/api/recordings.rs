//! What can be replayed: `/api/v1/recordings`.

use super::problem::Problem;
use super::stamp::rfc3339;
use super::{Api, Routes};
use crate::player::booth::BoothError;
use crate::player::recordings::About;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(recordings))
}

/// What `/api/v1/recordings` answers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Recordings {
    /// Where they lie; null where no folder was named (`--recordings DIR` or `--record DIR`).
    pub folder: Option<String>,
    /// By name.
    pub recordings: Vec<RecordingTold>,
}

/// One recording.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RecordingTold {
    /// What it is opened by.
    pub name: String,
    /// On disk.
    pub bytes: u64,
    /// Time of the first input, RFC 3339, UTC.
    pub from: Option<String>,
    /// Time of the last; null where only reading everything would tell.
    pub to: Option<String>,
    /// `tape`: of this program; `foreign`: of another.
    pub kind: String,
}

impl RecordingTold {
    fn of(about: &About) -> Self {
        RecordingTold {
            name: about.name.clone(),
            bytes: about.bytes,
            from: about.from.map(rfc3339),
            to: about.to.map(rfc3339),
            kind: about.kind.to_owned(),
        }
    }
}

impl From<BoothError> for Problem {
    fn from(error: BoothError) -> Self {
        let (status, kind, title, remedy) = match &error {
            BoothError::NoFolder => (
                StatusCode::CONFLICT,
                "no-recordings",
                "Recordings cannot be opened here",
                "start the program with --recordings DIR (or --record DIR)",
            ),
            BoothError::Folder { .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "recordings",
                "The recordings cannot be listed",
                "check the folder and its permissions",
            ),
            BoothError::Unknown(_) => (
                StatusCode::NOT_FOUND,
                "unknown-recording",
                "There is no such recording",
                "GET /api/v1/recordings lists them",
            ),
            BoothError::Open(_) => (
                StatusCode::CONFLICT,
                "unreadable-recording",
                "The recording cannot be played",
                "choose another; `fathometer replay FILE` tells more of this one",
            ),
            BoothError::Served => (
                StatusCode::CONFLICT,
                "served-recording",
                "The recording cannot be exchanged",
                "this program serves the recording it was started with; start another for another",
            ),
        };
        Problem::new(status, kind, title, error.to_string(), remedy)
    }
}

/// What a thread that may block came to.
///
/// # Errors
/// What it says, or that it broke down.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BoothError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(Problem::busy(format!("the recording could not be looked at: {error}"))),
    }
}

/// What can be replayed, by name.
#[utoipa::path(get, path = "/api/v1/recordings", tag = "replay",
    responses((status = 200, description = "The recordings", body = Recordings),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json")))]
async fn recordings(Shared(api): Shared<Arc<Api>>) -> Result<Json<Recordings>, Problem> {
    let folder = api.booth.folder.as_ref().map(|folder| folder.display().to_string());
    let listed = blocking(move || api.booth.list()).await?;
    Ok(Json(Recordings { folder, recordings: listed.iter().map(RecordingTold::of).collect() }))
}
