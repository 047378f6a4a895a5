//! Files of whatever kind, as recordings.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("recording");
