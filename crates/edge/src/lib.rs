//! Fathometer edge.
