//! Configuration files.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("config");
