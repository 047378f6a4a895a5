//! What `okx` sends, and what it does not.
#![no_main]

use fathometer_engine::instrument::Venue;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fathometer_fuzz::decode(Venue::Okx, data));
