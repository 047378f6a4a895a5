//! Fathometer, the program: command line, configuration, roles, screens. It computes no metric.

pub mod alerts;
pub mod api;
pub mod bench;
pub mod cli;
pub mod commands;
pub mod config;
pub mod cost;
pub mod failure;
pub mod health;
pub mod hub;
pub mod lab;
pub mod live;
pub mod logging;
pub mod monitor;
pub mod nearest;
pub mod player;
pub mod report;
pub mod runner;
pub mod symbols;
pub mod tui;
pub mod view;
