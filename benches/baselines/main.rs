//! What Moneyer's speed is measured against and with: the bare handler, raw SQLite and one hash of
//! argon2id; stores filled with tokens; and a generator of paced load. `scripts/bench.sh` uses it.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program of its own, and it measures time"
)]

mod bare;
mod fill;
mod hash;
mod keep;
mod load;
mod replay;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

/// What goes wrong is told to whoever runs the benchmark, in the words of its cause.
type Outcome = Result<(), Box<dyn Error>>;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Given by `cargo bench`
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum What {
    Bare(bare::Bare),
    Replay(replay::Replay),
    Argon2(hash::Hash),
    Keys(keep::Keys),
    Fill(fill::Fill),
    Kept(keep::Kept),
    Load(load::Load),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Bare(bare) => bare.run(),
        What::Replay(replay) => replay.run(),
        What::Argon2(hash) => hash.run(),
        What::Keys(keys) => {
            keys.run();
            Ok(())
        }
        What::Fill(fill) => fill.run(),
        What::Kept(kept) => kept.run(),
        What::Load(load) => load.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("baselines: {cause}");
            ExitCode::FAILURE
        }
    }
}
