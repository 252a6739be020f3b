//! The types of values that the configuration has for itself.

use std::{fmt, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::domain::network;

/// A length of time, written like `90s`, `15m`, `1h 30m` or `7d`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The length.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map(Self).map_err(|_| {
            D::Error::custom(format!(
                "\"{text}\" is no length of time; write it like 90s, 15m or 7d"
            ))
        })
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, else as JSON lines.
    Auto,
    /// For people.
    Text,
    /// As JSON lines.
    Json,
}

/// The least of what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Failures of Moneyer's.
    Error,
    /// And what an operator should look into.
    Warn,
    /// And a line per request.
    Info,
    /// And what helps to find a defect.
    Debug,
}

/// Reads a list of networks and addresses.
pub(super) fn nets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let net = |text: &String| {
        let refuse = |malformed| D::Error::custom(format!("the network \"{text}\" {malformed}"));
        network::parse(text).map_err(refuse)
    };
    texts.iter().map(net).collect()
}
