//! Listening to exchanges, over real sockets on this machine, against servers that do as each test tells them.

mod dialing;
mod links;
mod requests;
mod server;
