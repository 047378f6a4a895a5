//! Fathometer edge.

pub mod recording;
pub mod tape;
//! How Fathometer touches the world: sockets, tape, recordings. It knows what to move, never what it means.
#![forbid(unsafe_code)]

pub mod budget;
pub mod clock;
pub mod feed;
pub mod inbox;
pub mod net;
pub mod rest;
