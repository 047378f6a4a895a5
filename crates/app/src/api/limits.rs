//! What one asker may have, and what is kept for all: every limit of the server in one place.

use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Limits of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time, of all askers; the next waits in the system's queue.
    pub connections_max: usize,
    /// Body of a request, bytes.
    pub body_bytes_max: usize,
    /// Head of a request, bytes.
    pub head_bytes_max: usize,
    /// Header lines of a request.
    pub headers_max: usize,
    /// Time for the head of a request, and between two of them.
    pub head_within: Duration,
    /// Time for an answer.
    pub answer_within: Duration,
    /// Requests of one address, per second, after a burst.
    pub requests_per_second: u32,
    /// Requests that one address may make at once.
    pub requests_burst: u32,
    /// Levels a side in an answer.
    pub depth_max: usize,
    /// Fills in an answer.
    pub fills_max: usize,
    /// Trades in an answer.
    pub trades_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 2_000,
            body_bytes_max: 64 << 10,
            head_bytes_max: 16 << 10,
            headers_max: 64,
            head_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(10),
            requests_per_second: 200,
            requests_burst: 400,
            depth_max: 5_000,
            fills_max: 1_000,
            trades_max: 1_000,
        }
    }
}

/// The same as it is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LimitsTold {
    /// Connections at a time.
    pub connections_max: usize,
    /// Body of a request, bytes.
    pub body_bytes_max: usize,
    /// Requests of one address, per second.
    pub requests_per_second: u32,
    /// Requests that one address may make at once.
    pub requests_burst: u32,
    /// Levels a side in an answer.
    pub depth_max: usize,
    /// Fills in an answer.
    pub fills_max: usize,
    /// Trades in an answer.
    pub trades_max: usize,
}

impl Limits {
    /// What askers have to know.
    pub fn told(&self) -> LimitsTold {
        LimitsTold {
            connections_max: self.connections_max,
            body_bytes_max: self.body_bytes_max,
            requests_per_second: self.requests_per_second,
            requests_burst: self.requests_burst,
            depth_max: self.depth_max,
            fills_max: self.fills_max,
            trades_max: self.trades_max,
        }
    }
}
