//! The `moneyer` command: see [`moneyer::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    moneyer::cli::run(std::env::args_os())
}
