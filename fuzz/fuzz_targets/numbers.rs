//! Decimal texts: the fast reader of numbers against the plain one.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("numbers");
