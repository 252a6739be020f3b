//! What an operator may set: defaults, then `moneyer.toml`, then `MONEYER_*`, then flags.
//!
//! The only code that reads the environment or a configuration file. A name that it does not know
//! is an error that repeats the name, wherever it was given.

mod check;
mod defaults;
mod signing;
mod sources;
mod values;

use std::{net::SocketAddr, path::PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

pub use self::{
    sources::{API_KEY_VARIABLE, Overrides, api_key, load},
    values::{LogFormat, LogLevel, Span},
};
use crate::{
    keyring,
    signing::{Custody, KeyFile},
    store::{self, Absent},
    sweeper, verification,
};

/// Everything that can be set. `moneyer.example.toml` says what each is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the store is, as `sqlite:PATH`.
    pub database: String,
    /// The address to serve at.
    pub listen: SocketAddr,
    /// How many threads serve requests; 0 for one per core.
    pub workers: usize,
    /// The proxies whose `X-Forwarded-For` or `Forwarded` is believed.
    #[serde(deserialize_with = "values::nets")]
    pub trusted_proxies: Vec<IpNet>,
    /// How large, how many and how long requests may be.
    pub limits: Limits,
    /// Checking private keys.
    pub keyring: Keyring,
    /// Slowing down those who fail.
    pub throttle: Throttle,
    /// Verifying tokens.
    pub verify: Verify,
    /// Signing tokens.
    pub signing: Signing,
    /// Reclaiming what has ended.
    pub sweeper: Sweeper,
    /// Work on the store.
    pub store: StoreConfig,
    /// The log.
    pub log: Log,
}

/// How large, how many and how long requests may be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// The longest document of settings, in bytes.
    pub settings_body: usize,
    /// The longest target (path and query), in bytes.
    pub target: usize,
    /// The longest head: all header names and values, in bytes.
    pub headers: usize,
    /// How many connections may be open at once.
    pub connections: usize,
    /// How long a client may take to send a request's head.
    pub head_timeout: Span,
    /// How long a client may take to send a request's body.
    pub body_timeout: Span,
    /// How long an idle connection is kept, and one on which a gateway leaves answers unread.
    pub keep_alive: Span,
    /// How long requests in flight are waited for when the server stops.
    pub shutdown_timeout: Span,
}

/// Checking private keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keyring {
    /// How many argon2id hashes may be computed at once; 0 for one per core.
    pub argon2_workers: usize,
    /// How many more may wait.
    pub argon2_queue: usize,
    /// How many verified keys are remembered.
    pub cached_keys: usize,
}

/// Slowing down those who fail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Throttle {
    /// How many failed authentications a second an address may go on with.
    pub failures_per_second: u32,
    /// How many it may have at once.
    pub burst: u32,
    /// How long the answer to one too many is held back.
    pub delay: Span,
    /// How many addresses are remembered.
    pub addresses: usize,
}

/// Verifying tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    /// Who may verify tokens without a private key.
    #[serde(deserialize_with = "values::nets")]
    pub trusted: Vec<IpNet>,
    /// How many good tokens are remembered.
    pub cached_tokens: usize,
    /// How many tokens that are not good are remembered.
    pub cached_unknown: usize,
    /// For how many tokens with a rate limit it is remembered how much they used.
    pub rate_buckets: usize,
    /// How often it is written down how keys and tokens were used.
    pub usage_interval: Span,
}

/// Signing tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signing {
    /// The file that the signing keys are in.
    pub keys_file: PathBuf,
    /// In whose name tokens are signed: their `iss`.
    pub issuer: String,
    /// Who looks after the file; follows from where it was found.
    #[serde(skip)]
    pub custody: Custody,
}

/// Reclaiming what has ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sweeper {
    /// How long the sweeper rests between two sweeps.
    pub interval: Span,
    /// How long an ended token is kept.
    pub retention: Span,
    /// How many rows of a kind are reclaimed in one transaction.
    pub batch: u32,
}

/// Work on the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// How many threads look things up, beside the one that finds out whether tokens and keys are good.
    pub readers: usize,
    /// How many jobs may wait.
    pub queue: usize,
    /// How many jobs may share one transaction.
    pub batch: usize,
    /// How many of the newest tokens may be found by memory before their digests are indexed.
    pub unindexed_tokens: usize,
    /// How much of the file each connection may keep in memory, in KiB.
    pub page_cache_kib: u32,
    /// How long to wait for another process that is writing.
    pub busy_timeout: Span,
}

/// The log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// The least of what is written.
    pub level: LogLevel,
}

impl Config {
    /// How the store is opened.
    #[must_use]
    pub fn store_options(&self, absent: Absent) -> store::Options {
        store::Options {
            url: self.database.clone(),
            absent,
            busy_timeout: self.store.busy_timeout.get(),
            readers: self.store.readers,
            queue: self.store.queue,
            batch: self.store.batch,
            unindexed_tokens: self.store.unindexed_tokens,
            page_cache_kib: self.store.page_cache_kib,
        }
    }

    /// Sizes of the keyring.
    #[must_use]
    pub fn keyring_limits(&self) -> keyring::Limits {
        keyring::Limits {
            argon2_workers: or_cores(self.keyring.argon2_workers),
            argon2_queue: self.keyring.argon2_queue,
            cached_keys: self.keyring.cached_keys,
        }
    }

    /// Sizes of the verifier.
    #[must_use]
    pub const fn verification_limits(&self) -> verification::Limits {
        verification::Limits {
            cached_tokens: self.verify.cached_tokens,
            cached_unknown: self.verify.cached_unknown,
            rate_buckets: self.verify.rate_buckets,
        }
    }

    /// The file of the signing keys.
    #[must_use]
    pub fn signing_key_file(&self) -> KeyFile {
        KeyFile::new(self.signing.keys_file.clone(), self.signing.custody)
    }

    /// How the sweeper goes about it.
    #[must_use]
    pub fn sweeper_plan(&self) -> sweeper::Plan {
        sweeper::Plan {
            interval: self.sweeper.interval.get(),
            retention: self.sweeper.retention.get(),
            batch: self.sweeper.batch,
        }
    }

    /// How many threads serve requests.
    #[must_use]
    pub fn http_workers(&self) -> usize {
        or_cores(self.workers)
    }
}

fn or_cores(count: usize) -> usize {
    if count > 0 {
        count
    } else {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}
