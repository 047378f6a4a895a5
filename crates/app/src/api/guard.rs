//! Who is let in, and how much: every request passes here before it reaches a handler.
//!
//! In this order: the host it was sent to (against names that were pointed at this machine), the page it comes from
//! (against other sites' scripts and WebSockets), how much its address asks, its token, its size, and its time.

pub mod access;
pub mod answer;
pub mod origin;
pub mod rate;
pub mod token;

use super::Api;
use super::problem::Problem;
use access::Access;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rate::Rate;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the guard knows.
pub struct Guard {
    /// Who is let in.
    pub access: Access,
    rate: Rate,
    /// Requests since the start.
    pub requests: AtomicU64,
    /// Of these, refused for being too many.
    pub throttled: AtomicU64,
    /// Of these, refused for their host, origin or token.
    pub refused: AtomicU64,
}

impl Guard {
    /// Lets those in.
    pub fn new(access: Access) -> Self {
        Guard {
            access,
            rate: Rate::default(),
            requests: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

/// Lets a request in, or says why not; and finishes the answer.
pub async fn guard(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    api.guard.requests.fetch_add(1, Ordering::Relaxed);
    let origin = request.headers().get(header::ORIGIN).cloned();
    let foreign = origin.filter(|origin| api.guard.access.lists(origin));
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    let offers = is_upgrade && token::offers_protocol(request.headers());
    let response = match admit(&api, &mut request) {
        Err(problem) => problem.into_response(),
        Ok(()) if is_preflight(&request) => answer::preflight(),
        Ok(()) if is_upgrade => next.run(request).await,
        Ok(()) => match tokio::time::timeout(api.limits.answer_within, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::busy("the answer took too long").into_response(),
        },
    };
    let mut response = answer::finish(response, foreign.as_ref()).await;
    if offers && response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // A browser that offered protocols ends a connection that names none of them.
        let named = HeaderValue::from_static(token::PROTOCOL);
        response.headers_mut().entry(header::SEC_WEBSOCKET_PROTOCOL).or_insert(named);
    }
    response
}

fn admit(api: &Api, request: &mut Request<Body>) -> Result<(), Problem> {
    let access = &api.guard.access;
    let refused = |problem| {
        api.guard.refused.fetch_add(1, Ordering::Relaxed);
        problem
    };
    origin::check_host(access, request).map_err(refused)?;
    origin::check_origin(access, request).map_err(refused)?;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    api.guard.rate.take(peer, &api.limits).inspect_err(|_| {
        api.guard.throttled.fetch_add(1, Ordering::Relaxed);
    })?;
    if !is_preflight(request) {
        token::check(access, request).map_err(refused)?;
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.is_some_and(|length| length.parse().is_ok_and(|bytes: u64| bytes > api.limits.body_bytes_max as u64)) {
        return Err(too_long(api.limits.body_bytes_max));
    }
    Ok(())
}

/// A body beyond the limit.
pub fn too_long(bytes_max: usize) -> Problem {
    let detail = format!("the body is longer than {bytes_max} bytes");
    let remedy = "send less; /api/v1/docs shows what this path takes";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", "The request is too long", detail, remedy)
}

/// A browser asks beforehand whether a listed page may ask.
fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
