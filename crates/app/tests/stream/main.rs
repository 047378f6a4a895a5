//! The stream over real sockets: what readers are told adds up to what is there, in both forms, at any pace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod asks;
mod books;
mod forms;
mod kit;
mod slow;
