//! Fathometer venue.
