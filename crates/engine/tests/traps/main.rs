//! The known traps of exchange feeds, one test each: what arrives, and all that is said and known after it.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod connections;
mod futures;
mod numbers;
mod okx;
mod replies;
mod spot;
