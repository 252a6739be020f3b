//! Values that have the right type and make no sense.

use std::time::Duration;

use super::Config;
use crate::{domain::is_unprintable, error::Error};

impl Config {
    /// Looks for values that have the right type and make no sense.
    pub(super) fn check(&self) -> Result<(), Error> {
        let broken = self
            .rules()
            .into_iter()
            .find(|(holds, _)| !holds)
            .map(|(_, rule)| rule.to_owned());
        let large = self
            .largest()
            .into_iter()
            .find(|(_, value, most)| value > most);
        let large = large.map(|(name, _, most)| format!("{name} must be at most {most}"));
        match broken.or(large) {
            None => Ok(()),
            Some(rule) => Err(Error::Configuration(format!(
                "In the configuration, {rule}."
            ))),
        }
    }

    /// Whether each rule holds, and how it reads.
    fn rules(&self) -> [(bool, &'static str); 26] {
        let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
        [
            (
                self.limits.target >= 64,
                "limits.target must be at least 64 bytes",
            ),
            (
                self.limits.headers >= 256,
                "limits.headers must be at least 256 bytes",
            ),
            (
                self.limits.connections > 0,
                "limits.connections must be at least 1",
            ),
            (
                (1..=9).contains(&self.limits.shutdown_timeout.get().as_secs()),
                "limits.shutdown_timeout must be from 1s to 9s",
            ),
            (
                self.limits.head_timeout.get() >= Duration::from_secs(1),
                "limits.head_timeout must be at least 1s",
            ),
            (
                self.limits.body_timeout.get() >= Duration::from_secs(1),
                "limits.body_timeout must be at least 1s",
            ),
            (
                self.keyring.cached_keys > 0,
                "keyring.cached_keys must be at least 1",
            ),
            (
                self.throttle.failures_per_second > 0,
                "throttle.failures_per_second must be at least 1",
            ),
            (self.throttle.burst > 0, "throttle.burst must be at least 1"),
            (
                self.throttle.delay.get() < self.limits.shutdown_timeout.get(),
                "throttle.delay must be less than limits.shutdown_timeout",
            ),
            (
                self.throttle.addresses > 0,
                "throttle.addresses must be at least 1",
            ),
            (
                self.verify.cached_tokens > 0,
                "verify.cached_tokens must be at least 1",
            ),
            (
                self.verify.cached_unknown > 0,
                "verify.cached_unknown must be at least 1",
            ),
            (
                self.verify.rate_buckets > 0,
                "verify.rate_buckets must be at least 1",
            ),
            (
                (1..=3600).contains(&self.verify.usage_interval.get().as_secs()),
                "verify.usage_interval must be from 1s to 1h",
            ),
            (
                !self.signing.keys_file.as_os_str().is_empty(),
                "signing.keys_file must name a file",
            ),
            (
                (1..=255).contains(&self.signing.issuer.chars().count())
                    && !self.signing.issuer.chars().any(is_unprintable),
                "signing.issuer must be 1 to 255 printable characters",
            ),
            (
                self.sweeper.interval.get() >= Duration::from_secs(1),
                "sweeper.interval must be at least 1s",
            ),
            (
                self.sweeper.interval.get() <= hour,
                "sweeper.interval must be at most 1h",
            ),
            (
                self.sweeper.retention.get() >= day,
                "sweeper.retention must be at least 1d, or retries would be misled",
            ),
            (self.sweeper.batch > 0, "sweeper.batch must be at least 1"),
            (self.store.readers > 0, "store.readers must be at least 1"),
            (self.store.queue > 0, "store.queue must be at least 1"),
            (self.store.batch > 0, "store.batch must be at least 1"),
            (
                self.store.unindexed_tokens > 0,
                "store.unindexed_tokens must be at least 1",
            ),
            (
                self.store.busy_timeout.get() <= Duration::from_mins(1),
                "store.busy_timeout must be at most 1m",
            ),
        ]
    }

    /// Each number that could ask for more than any machine has, and the most that it may be.
    fn largest(&self) -> [(&'static str, usize, usize); 15] {
        [
            ("workers", self.workers, 512),
            ("limits.target", self.limits.target, 65_000),
            ("limits.headers", self.limits.headers, 130_000),
            ("limits.connections", self.limits.connections, 1_000_000),
            ("keyring.argon2_workers", self.keyring.argon2_workers, 512),
            ("keyring.argon2_queue", self.keyring.argon2_queue, 1_000_000),
            ("keyring.cached_keys", self.keyring.cached_keys, 10_000_000),
            ("throttle.addresses", self.throttle.addresses, 10_000_000),
            (
                "verify.cached_tokens",
                self.verify.cached_tokens,
                100_000_000,
            ),
            (
                "verify.cached_unknown",
                self.verify.cached_unknown,
                100_000_000,
            ),
            ("verify.rate_buckets", self.verify.rate_buckets, 100_000_000),
            ("store.readers", self.store.readers, 1024),
            ("store.queue", self.store.queue, 1_000_000),
            ("store.batch", self.store.batch, 100_000),
            (
                "store.unindexed_tokens",
                self.store.unindexed_tokens,
                10_000_000,
            ),
        ]
    }
}
