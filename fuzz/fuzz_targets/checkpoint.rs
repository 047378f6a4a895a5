//! Engine states from a tape, and what goes on from them.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("checkpoint");
