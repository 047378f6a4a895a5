//! Listening to exchanges, over real sockets on this machine, against servers that do as each test tells them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod dialing;
mod links;
mod requests;
mod server;
