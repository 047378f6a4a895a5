//! What has to hold whatever arrives. A new reader of foreign bytes gets a function here, a line in `TARGETS`, a file in
//! `fuzz_targets` and an entry in `Cargo.toml`.
//!
//! `cargo run -p fathometer-fuzz --bin throw -- --seconds 10` mutates the seeds of every target, the same way each time;
//! `cargo fuzz run decode_okx --sanitizer none` goes on from there guided by coverage.

mod decode;
mod files;
mod mutate;
mod numbers;
pub mod plain;
mod session;

use fathometer_engine::instrument::Venue;

/// Something that reads foreign bytes.
pub struct Target {
    /// Its name, and that of the folder of its seeds.
    pub name: &'static str,
    /// Reads them.
    ///
    /// # Panics
    /// When something does not hold.
    pub run: fn(&[u8]),
    /// Seeds beside those in its folder.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Everything that reads foreign bytes.
pub const TARGETS: [Target; 11] = [
    Target { name: "decode_binance", run: |data| decode::decode(Venue::Binance, data), seeds: Vec::new },
    Target { name: "decode_binance_usdm", run: |data| decode::decode(Venue::BinanceUsdm, data), seeds: Vec::new },
    Target { name: "decode_binance_coinm", run: |data| decode::decode(Venue::BinanceCoinm, data), seeds: Vec::new },
    Target { name: "decode_okx", run: |data| decode::decode(Venue::Okx, data), seeds: Vec::new },
    Target { name: "numbers", run: numbers::numbers, seeds: numbers::seeds },
    Target { name: "engine", run: session::engine, seeds: session::seeds },
    Target { name: "checkpoint", run: session::checkpoint, seeds: session::states },
    Target { name: "tape", run: files::tape, seeds: files::tapes },
    Target { name: "tape_block", run: files::tape_block, seeds: files::blocks },
    Target { name: "recording", run: files::recording, seeds: files::recordings },
    Target { name: "config", run: files::config, seeds: files::configs },
];

/// The target of that name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The whole of a file in `fuzz_targets`.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            static TARGET: std::sync::OnceLock<fn(&[u8])> = std::sync::OnceLock::new();
            TARGET.get_or_init(|| $crate::find($name).map_or(|_| panic!("no such target"), |target| target.run))(data)
        });

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::plain::main(Some($name))
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_seeds_and_survives_them() {
        for target in &TARGETS {
            let seeds = plain::seeds_of(target);
            assert!(!seeds.is_empty(), "{} has no seeds", target.name);
            seeds.iter().for_each(|seed| (target.run)(seed));
        }
    }

    #[test]
    fn every_target_has_a_binary() {
        let manifest = include_str!("../Cargo.toml");
        for target in &TARGETS {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{}.rs\"", target.name)), "{}", target.name);
        }
        let binaries = manifest.matches("path = \"fuzz_targets/").count();
        assert_eq!(binaries, TARGETS.len(), "a binary without its line in TARGETS");
    }
}
