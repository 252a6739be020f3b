//! One hash of argon2id, with Moneyer's parameters.

use std::time::Instant;

use clap::Args;
use moneyer::{domain::PrivateKey, entropy::Entropy, keyring};

use crate::Outcome;

/// Hash new private keys, one after the other, and print how long each took: milliseconds, as JSON
#[derive(Args)]
pub struct Hash {
    /// How many
    #[arg(long)]
    count: usize,
}

impl Hash {
    pub fn run(self) -> Outcome {
        let took: Vec<f64> = (0..self.count).map(|_| one()).collect();
        println!("{}", serde_json::to_string(&took)?);
        Ok(())
    }
}

fn one() -> f64 {
    Entropy::Os.draw(|rng| {
        let key = PrivateKey::generate(rng);
        let start = Instant::now();
        std::hint::black_box(keyring::hash(&key, rng));
        start.elapsed().as_secs_f64() * 1000.0
    })
}
