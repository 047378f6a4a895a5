//! Fathometer, the program: command line, configuration, roles, screens. It computes no metric.

pub mod config;
pub mod failure;
pub mod nearest;
