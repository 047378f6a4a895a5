//! A listening socket whose connections hold little that is not sent yet: who reads slowly is behind by seconds, not minutes.

use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// What the system may hold for one connection, bytes; Linux takes twice that. Enough for 2 MB/s at 100 ms to the reader.
const SEND_BYTES: u32 = 128 << 10;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// Takes an address.
///
/// # Errors
/// It is taken, or not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?; // a restart does not wait for the last run's connections
    socket.set_send_buffer_size(SEND_BYTES)?; // every accepted connection inherits it
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
