//! What the market means: units, decoding, books, metrics, detectors. Pure, sans-IO and deterministic: the time comes in with
//! every `Input`, and the same inputs give the same outputs, to the byte.
#![forbid(unsafe_code)]

pub mod alert;
mod audit;
pub mod book;
pub mod cost;
pub mod detector;
pub mod engine;
pub mod event;
pub mod group;
pub mod input;
pub mod instrument;
pub mod metric;
pub mod output;
pub mod registry;
pub mod scan;
pub mod surveillance;
mod sync;
pub mod units;
pub mod venue;
pub mod zscore;
