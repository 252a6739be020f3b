//! How long tokens live, as people write it.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

/// A length of time of whole seconds, from a second to a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(Duration);

/// A text that is no lifetime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a length of time such as 90m, 180d or 1h 30m, each unit once, from 1s to 36500d")]
pub struct MalformedLifetime;

/// The units in which a lifetime is written, the longest first.
const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

impl Lifetime {
    const LONGEST: Duration = Duration::from_hours(36_500 * 24);

    /// Reads `180d`, `12h`, `90m`, `45s`, or several of these, such as `1h 30m`, each unit once.
    /// There are no months: `1M` is too near to `1m`.
    ///
    /// # Errors
    /// [`MalformedLifetime`] for anything else, and for less than a second or more than a hundred
    /// years.
    pub fn parse(text: &str) -> Result<Self, MalformedLifetime> {
        let mut given = [false; UNITS.len()];
        let parts = text.split_ascii_whitespace().map(|part| {
            let unit = UNITS.iter().position(|(_, name)| part.ends_with(name))?;
            let (length, name) = UNITS[unit];
            if std::mem::replace(&mut given[unit], true) {
                return None;
            }
            let number = part.strip_suffix(name)?;
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            let number: u32 = number.parse().ok().filter(|_| digits)?;
            Some(length * u64::from(number))
        });
        let seconds: u64 = parts.sum::<Option<u64>>().ok_or(MalformedLifetime)?;
        let within = 1..=Self::LONGEST.as_secs();
        within
            .contains(&seconds)
            .then_some(Self(Duration::from_secs(seconds)))
            .ok_or(MalformedLifetime)
    }

    /// The length.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Lifetime {
    /// In the longest unit that it is a whole number of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let unit = UNITS
            .iter()
            .find(|(length, _)| seconds.is_multiple_of(*length));
        let (length, name) = unit.expect("everything is a whole number of seconds");
        write!(f, "{}{name}", seconds / length)
    }
}

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_survives_text_in_its_longest_unit() {
        let shown = |text| Lifetime::parse(text).unwrap().to_string();
        assert_eq!(shown("180d"), "180d");
        assert_eq!(shown("24h"), "1d");
        assert_eq!(shown("1h 30m"), "90m");
        assert_eq!(shown("61s"), "61s");
    }

    #[test]
    fn what_is_none_is_refused() {
        for bad in [
            "",
            "180",
            "0s",
            "500ms",
            "-1d",
            "36501d",
            "99999999999999999999d",
            "long",
            "1M",
            "1y",
            "1 d",
            "+1d",
            "1d 1d",
            "1h 30m 2h",
        ] {
            assert_eq!(Lifetime::parse(bad), Err(MalformedLifetime), "{bad}");
        }
    }
}
