//! How the program itself is doing: how long everything takes, what it costs, what waits where.

pub mod bins;
pub mod laps;
pub mod latency;
pub mod line;
pub mod process;
pub mod rolling;
pub mod system;
