//! `tillkeep-edge`: the till's daemon and its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge::cli::main()
}
