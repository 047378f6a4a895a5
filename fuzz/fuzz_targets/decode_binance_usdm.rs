//! What `binance-usdm` sends, and what it does not.
#![cfg_attr(fuzzing, no_main)]

fathometer_fuzz::target!("decode_binance_usdm");
