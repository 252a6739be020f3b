//! What holds where nothing is set.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::{
    Config, Keyring, Limits, Log, LogFormat, LogLevel, Signing, Span, StoreConfig, Sweeper,
    Throttle, Verify,
};
use crate::signing::Custody;

impl Default for Config {
    fn default() -> Self {
        Self {
            database: "sqlite:moneyer.db".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: 0,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            keyring: Keyring::default(),
            throttle: Throttle::default(),
            verify: Verify::default(),
            signing: Signing::default(),
            sweeper: Sweeper::default(),
            store: StoreConfig::default(),
            log: Log::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 * 1024,
            settings_body: 2 * 1024 * 1024,
            target: 8 * 1024,
            headers: 16 * 1024,
            connections: 10_000,
            head_timeout: Span::seconds(5),
            body_timeout: Span::seconds(10),
            keep_alive: Span::seconds(75),
            shutdown_timeout: Span::seconds(8),
        }
    }
}

impl Default for Keyring {
    fn default() -> Self {
        Self {
            argon2_workers: 0,
            argon2_queue: 256,
            cached_keys: 10_000,
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            failures_per_second: 20,
            burst: 100,
            delay: Span::seconds(1),
            addresses: 100_000,
        }
    }
}

impl Default for Verify {
    fn default() -> Self {
        let loopback = [IpAddr::from([127, 0, 0, 0]), Ipv6Addr::LOCALHOST.into()];
        let trusted = loopback.map(|address| {
            let length = if address.is_ipv4() { 8 } else { 128 };
            IpNet::new_assert(address, length)
        });
        Self {
            trusted: trusted.to_vec(),
            cached_tokens: 200_000,
            cached_unknown: 10_000,
            rate_buckets: 1_000_000,
            usage_interval: Span::seconds(10),
        }
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            keys_file: "moneyer.signing-keys.json".into(),
            issuer: "moneyer".into(),
            custody: Custody::default(),
        }
    }
}

impl Default for Sweeper {
    fn default() -> Self {
        Self {
            interval: Span::seconds(60),
            retention: Span::seconds(24 * 3600),
            batch: 100,
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            readers: 2,
            queue: 4096,
            batch: 256,
            unindexed_tokens: 250_000,
            page_cache_kib: 16 * 1024,
            busy_timeout: Span::seconds(5),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            level: LogLevel::Info,
        }
    }
}
