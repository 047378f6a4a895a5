//! Fathometer edge.

pub mod recording;
pub mod tape;
