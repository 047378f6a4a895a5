//! An echo sounder for crypto order books.
fn main() {}
