//! The `moneyer` command: see [`moneyer::cli`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Verifying tokens that are not in memory makes and frees much: 5 % faster than with glibc's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    moneyer::cli::run(std::env::args_os())
}
