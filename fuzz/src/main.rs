//! All targets one after the other, without `cargo fuzz`.

fn main() -> std::process::ExitCode {
    fathometer_fuzz::plain::main(None)
}
