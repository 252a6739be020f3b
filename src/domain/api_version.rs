//! The dated versions of the interface.

use std::fmt;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

/// One line for each version makes it known everywhere.
macro_rules! versions {
    ($($(#[$doc:meta])* $name:ident = $date:literal;)+) => {
        /// A version of the interface, by the date on which it was published; a later one is
        /// greater. Code that differs asks for `version >= ApiVersion::V…`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ApiVersion {
            $($(#[$doc])* $name,)+
        }

        impl ApiVersion {
            /// Every version, oldest first.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The date, as `YYYY-MM-DD`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $date,)+
                }
            }
        }
    };
}

// Oldest first.
versions! {
    /// The first.
    V2026_11_25 = "2026-11-25";
}

/// Why a text is not a version; completes a sentence. Only a date is repeated: anything else
/// might be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownApiVersion {
    /// Not a date.
    #[error(
        "must be the date of a version, as YYYY-MM-DD; the known ones are {}",
        known()
    )]
    NotADate,
    /// A date on which no version was published, as far as this build knows.
    #[error("is {}, which is no version known here; the known ones are {}", .0, known())]
    NoVersion(NaiveDate),
}

impl ApiVersion {
    /// What an account counts as pinned to that names none.
    pub const OLDEST: Self = Self::ALL[0];
    /// What a new account is pinned to, and what holds for whoever names none.
    pub const CURRENT: Self = Self::ALL[Self::ALL.len() - 1];

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`UnknownApiVersion`] says what is wrong, and names the known versions.
    pub fn parse(text: &str) -> Result<Self, UnknownApiVersion> {
        if let Some(version) = Self::ALL.iter().find(|version| version.as_str() == text) {
            return Ok(*version);
        }
        // chrono would also take fewer digits, and a sign.
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(date) if date.to_string() == text => Err(UnknownApiVersion::NoVersion(date)),
            _ => Err(UnknownApiVersion::NotADate),
        }
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self::OLDEST
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ApiVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

fn known() -> String {
    let dates: Vec<&str> = ApiVersion::ALL.iter().map(|known| known.as_str()).collect();
    dates.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_dates_in_order_and_the_last_is_current() {
        let dates: Vec<NaiveDate> = ApiVersion::ALL
            .iter()
            .map(|version| version.as_str().parse().unwrap())
            .collect();
        assert!(dates.is_sorted_by(|earlier, later| earlier < later));
        assert!(ApiVersion::ALL.is_sorted_by(|earlier, later| earlier < later));
        assert_eq!(ApiVersion::ALL.first(), Some(&ApiVersion::OLDEST));
        assert_eq!(ApiVersion::ALL.last(), Some(&ApiVersion::CURRENT));
    }

    #[test]
    fn every_version_is_read_as_it_is_shown() {
        for version in ApiVersion::ALL {
            assert_eq!(ApiVersion::parse(&version.to_string()), Ok(*version));
        }
    }

    #[test]
    fn what_is_no_date_is_refused_and_not_repeated() {
        for bad in [
            "",
            " ",
            "latest",
            "2026-11",
            "2026-1-5",
            "20261125",
            "2026-11-25 ",
            " 2026-11-25",
            "2026-11-25T00:00:00Z",
            "2026-02-30",
            "2026-13-01",
            "+2026-1-25",
            "２０２６-１１-２５",
            "2026-11-25, 2026-11-25",
        ] {
            let refusal = ApiVersion::parse(bad).unwrap_err();
            assert_eq!(refusal, UnknownApiVersion::NotADate, "{bad:?}");
        }
        assert_eq!(
            UnknownApiVersion::NotADate.to_string(),
            format!(
                "must be the date of a version, as YYYY-MM-DD; the known ones are {}",
                known()
            )
        );
    }

    #[test]
    fn a_date_of_no_version_is_refused_with_those_that_are_known() {
        for date in ["2026-11-24", "1999-12-31", "9999-12-31"] {
            let refusal = ApiVersion::parse(date).unwrap_err().to_string();
            assert!(
                refusal.starts_with(&format!("is {date}, which")),
                "{refusal}"
            );
            assert!(refusal.ends_with(&known()), "{refusal}");
        }
    }
}
