//! What every answer ends up with: headers that keep browsers from doing more than they were asked to, and problem+json in
//! the place of refusals in plain text.

use crate::api::problem::Problem;
use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Nothing may be loaded by what is no page; pages bring their own policy.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Longest text that is taken over into a problem, bytes.
const TEXT_MAX: usize = 2_000;

/// Headers of every answer that does not have its own.
const USUAL: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// The answer to a browser that asks whether a page may ask.
pub fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The answer as it goes out; `foreign` is the listed page that asked, if one did.
pub async fn finish(response: Response, foreign: Option<&HeaderValue>) -> Response {
    let mut response = if is_plain_refusal(&response) { dress(response).await } else { response };
    let headers = response.headers_mut();
    for (name, value) in USUAL {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(origin) = foreign {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// A refusal that is not yet a problem, as libraries write them.
fn is_plain_refusal(response: &Response) -> bool {
    let status = response.status();
    let is_text = |headers: &HeaderMap| match headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) {
        Some(kind) => kind.starts_with(b"text/plain"),
        None => true,
    };
    (status.is_client_error() || status.is_server_error()) && is_text(response.headers())
}

async fn dress(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, TEXT_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let title = parts.status.canonical_reason().unwrap_or("Refused");
    let detail = if text.is_empty() { title } else { text.as_ref() };
    let remedy = "see /api/v1/docs for what this path takes";
    let mut dressed = Problem::new(parts.status, "refused", title, detail, remedy).into_response();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            dressed.headers_mut().insert(name.clone(), value.clone());
        }
    }
    dressed
}
