//! OKX v5: spot, swaps, futures and options on one kind of connection.

pub mod plan;
