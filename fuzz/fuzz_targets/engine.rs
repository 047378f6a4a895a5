//! Whole sessions of several connections through the engine.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("engine");
