//! Segment files, with their checksums put right so that what is behind them is reached.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("tape");
