//! A local exchange: simulated order flow or a recording, served over the exchanges' own REST and WebSocket protocols,
//! with faults on demand.

pub mod control;
pub mod fault;
pub mod lab;
pub mod market;
pub mod playback;
pub mod publish;
pub mod serve;
pub mod sim;
pub mod tls;

mod clock;
mod frame;
mod http;
mod hub;
mod session;
mod wire;
