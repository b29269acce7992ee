//! The command line of Tillkeep's centre.

fn main() -> std::process::ExitCode {
    sync_server::cli::main()
}
