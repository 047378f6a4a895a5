//! Every refusal as problem+json (RFC 9457): what happened, and what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a request was refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Which kind of problem: a reference into the documentation.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// What to do.
    pub remedy: String,
    /// What could have been meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// When to try again, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem of a kind, which is also its anchor in the documentation.
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>, remedy: &str) -> Self {
        Problem {
            kind: format!("/api/v1/docs#{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            remedy: remedy.to_owned(),
            ..Problem::default()
        }
    }

    /// A parameter or body that cannot be understood.
    pub fn malformed(detail: impl Into<String>, remedy: &str) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be understood", detail, remedy)
    }

    /// Nothing is served at that path.
    pub fn no_path(path: &str) -> Self {
        let detail = format!("nothing is served at {path}");
        let remedy = "see /api/v1/docs for what is";
        Problem::new(StatusCode::NOT_FOUND, "no-such-path", "There is nothing at this path", detail, remedy)
    }

    /// The path is served, but not by that method.
    pub fn no_method(method: &str) -> Self {
        let detail = format!("{method} is not understood here");
        let remedy = "the answer's Allow header and /api/v1/docs tell which methods are";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "The method is not allowed here", detail, remedy)
    }

    /// A recording is asked for and none is open.
    pub fn no_replay() -> Self {
        let remedy = "open one: POST /api/v1/replay {\"action\":\"open\",\"name\":...}; /api/v1/recordings lists them";
        let detail = "the replay was asked for, but no recording is open";
        Problem::new(StatusCode::CONFLICT, "no-replay", "No recording is open", detail, remedy)
    }

    /// Too much is asked at the moment.
    pub fn busy(detail: impl Into<String>) -> Self {
        let remedy = "try again in a second";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(status, "busy", "There is no room for this request now", detail, remedy).again_in(1)
    }

    /// The same with the names that could have been meant.
    #[must_use]
    pub fn meaning(self, candidates: Vec<String>) -> Self {
        Problem { candidates, ..self }
    }

    /// The same with a time to try again.
    #[must_use]
    pub fn again_in(self, seconds: u32) -> Self {
        Problem { retry_after_seconds: Some(seconds), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
