//! A local exchange: simulated order flow or a recording, served over the exchanges' own REST and WebSocket protocols,
//! with faults on demand.

pub mod market;
pub mod sim;
