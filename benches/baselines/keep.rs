//! Private keys for a store, and which of the tokens that a server acknowledged are in its store.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use clap::Args;
use moneyer::{
    config::Config,
    domain::{PrivateKey, Token, TokenDigest},
    entropy::Entropy,
    store::{Absent, Store},
};
use serde_json::{Value, json};

use crate::Outcome;

/// Print new private keys, one a line
#[derive(Args)]
pub struct Keys {
    /// How many
    #[arg(long)]
    count: usize,
}

impl Keys {
    pub fn run(self) {
        for _ in 0..self.count {
            println!("{}", Entropy::Os.draw(PrivateKey::generate).expose());
        }
    }
}

/// Count which tokens of a file are in a store, and print that as JSON
#[derive(Args)]
pub struct Kept {
    /// The store, which no server uses at present
    #[arg(long)]
    store: PathBuf,
    /// The bodies of answers that brought tokens, one a line
    #[arg(long)]
    answers: PathBuf,
}

impl Kept {
    pub fn run(self) -> Outcome {
        let store = Store::open(&options(&self.store))?;
        let (mut acknowledged, mut kept) = (0_u64, 0_u64);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        for line in BufReader::new(File::open(&self.answers)?).lines() {
            let answer: Value = serde_json::from_str(&line?)?;
            let text = answer["TOKEN"].as_str().ok_or("an answer has no token")?;
            let digest = TokenDigest::of(&Token::parse(text)?);
            acknowledged += 1;
            kept += u64::from(runtime.block_on(store.find_token(digest))?.is_some());
        }
        println!("{}", json!({"acknowledged": acknowledged, "kept": kept}));
        Ok(())
    }
}

fn options(path: &Path) -> moneyer::store::Options {
    let config = Config {
        database: format!("sqlite:{}", path.display()),
        ..Config::default()
    };
    config.store_options(Absent::Refuse)
}
