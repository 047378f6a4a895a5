//! How Fathometer touches the world: sockets, tape, recordings. It knows what to move, never what it means.

pub mod budget;
pub mod clock;
pub mod feed;
pub mod inbox;
pub mod net;
pub mod recording;
pub mod rest;
pub mod tape;
