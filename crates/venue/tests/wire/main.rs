//! The server as clients see it: over real sockets, through an independent WebSocket implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

mod binance;
mod faults;
mod kit;
mod okx;
