//! The inside of a block whose checksums are right.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("tape_block");
