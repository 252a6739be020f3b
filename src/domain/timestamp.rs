//! Moments, to the second, in UTC.

use std::{fmt, time::Duration};

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat};

/// A moment: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// Why a text is not a timestamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableTimestamp {
    /// Not twelve ASCII digits.
    #[error("must be 12 digits, YYYYmmddHHMM in UTC")]
    Form,
    /// Neither twelve ASCII digits nor RFC 3339.
    #[error(
        "must be 12 digits, YYYYmmddHHMM in UTC, or an RFC 3339 time such as 2030-01-02T03:04:00Z"
    )]
    EitherForm,
    /// Not a date and time of ISO 8601.
    #[error(
        "must be a date and time such as 2030-01-02T03:04:05Z; without a zone it is taken as UTC"
    )]
    DateTime,
    /// Twelve digits that no calendar or clock shows.
    #[error("is not a real date and time; it must be YYYYmmddHHMM in UTC")]
    Calendar,
    /// RFC 3339 whose year in UTC has not four digits.
    #[error("must lie between 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z")]
    OutOfRange,
}

impl Timestamp {
    /// 0000-01-01T00:00:00Z, before which RFC 3339 has no form.
    const FIRST: Self = Self(-62_167_219_200);
    /// 9999-12-31T23:59:59Z, after which RFC 3339 has no form.
    pub const LAST: Self = Self(253_402_300_799);

    /// The moment `seconds` after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Reads `YYYYmmddHHMM`, UTC: the moment at which that minute begins. Years run from 0001 to
    /// 9999.
    ///
    /// # Errors
    /// [`UnreadableTimestamp`] says whether the form or the calendar is at fault.
    pub fn parse_minute(text: &str) -> Result<Self, UnreadableTimestamp> {
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(UnreadableTimestamp::Form);
        }
        let part = |from: usize, to: usize| {
            text[from..to]
                .parse::<u32>()
                .expect("ASCII digits, few enough for u32")
        };
        let year = part(0, 4).cast_signed();
        NaiveDate::from_ymd_opt(year, part(4, 6), part(6, 8))
            .filter(|_| year > 0)
            .and_then(|date| date.and_hms_opt(part(8, 10), part(10, 12), 0))
            .map(|moment| Self(moment.and_utc().timestamp()))
            .ok_or(UnreadableTimestamp::Calendar)
    }

    /// Reads `YYYYmmddHHMM` as [`Timestamp::parse_minute`] does, or RFC 3339 with its offset; a
    /// fraction of a second is cut off.
    ///
    /// # Errors
    /// [`UnreadableTimestamp`] says whether the form, the calendar or the range is at fault.
    pub fn parse(text: &str) -> Result<Self, UnreadableTimestamp> {
        if !text.bytes().any(|byte| matches!(byte, b'T' | b't')) {
            return Self::parse_minute(text).map_err(|unreadable| match unreadable {
                UnreadableTimestamp::Form => UnreadableTimestamp::EitherForm,
                calendar => calendar,
            });
        }
        let moment = DateTime::parse_from_rfc3339(text);
        Self::within_range(moment.map_err(|_| UnreadableTimestamp::EitherForm)?)
    }

    /// Reads RFC 3339, with its offset or, for UTC, without one; a fraction of a second is cut off.
    ///
    /// # Errors
    /// [`UnreadableTimestamp::DateTime`], [`UnreadableTimestamp::OutOfRange`].
    pub fn parse_date_time(text: &str) -> Result<Self, UnreadableTimestamp> {
        let moment = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")));
        Self::within_range(moment.map_err(|_| UnreadableTimestamp::DateTime)?)
    }

    /// An offset can put a moment outside of what can be written in UTC.
    fn within_range(moment: DateTime<FixedOffset>) -> Result<Self, UnreadableTimestamp> {
        let read = Self(moment.timestamp());
        (Self::FIRST..=Self::LAST)
            .contains(&read)
            .then_some(read)
            .ok_or(UnreadableTimestamp::OutOfRange)
    }

    /// The minute that the moment lies in, as [`Timestamp::parse_minute`] reads it.
    #[must_use]
    pub fn to_minute(self) -> String {
        DateTime::from_timestamp(self.0, 0)
            .unwrap_or_default()
            .format("%Y%m%d%H%M")
            .to_string()
    }

    /// The moment `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(seconds))
    }

    /// The moment `span` earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with `Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp(self.0, 0) {
            Some(moment) => f.write_str(&moment.to_rfc3339_opts(SecondsFormat::Secs, true)),
            None => write!(f, "@{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_read_as_its_beginning_in_utc() {
        let at = Timestamp::parse_minute("202611250434").unwrap();
        assert_eq!(at.to_string(), "2026-11-25T04:34:00Z");
        assert_eq!(at.to_minute(), "202611250434");
        assert_eq!(
            Timestamp::parse_minute("202802290000").unwrap().to_string(),
            "2028-02-29T00:00:00Z"
        );
    }

    #[test]
    fn rfc_3339_is_read_with_its_offset() {
        let read = |text| Timestamp::parse(text).map(|at| at.to_string());
        let same = Ok("2026-11-25T04:34:00Z".to_owned());
        for text in [
            "202611250434",
            "2026-11-25T04:34:00Z",
            "2026-11-25t05:34:00.9+01:00",
        ] {
            assert_eq!(read(text), same, "{text}");
        }
        for bad in [
            "2026-11-25T04:34Z",
            "2026-11-25T04:34:00",
            "2026-02-31T00:00:00Z",
            "T",
            "",
        ] {
            assert_eq!(read(bad), Err(UnreadableTimestamp::EitherForm), "{bad}");
        }
        assert_eq!(read("202602310000"), Err(UnreadableTimestamp::Calendar));
    }

    #[test]
    fn a_date_time_without_a_zone_is_in_utc() {
        let read = |text| Timestamp::parse_date_time(text).map(|at| at.to_string());
        let same = Ok("2026-11-25T04:34:00Z".to_owned());
        for text in [
            "2026-11-25T04:34:00",
            "2026-11-25T04:34:00.999999",
            "2026-11-25T04:34:00Z",
            "2026-11-25T05:34:00.5+01:00",
        ] {
            assert_eq!(read(text), same, "{text}");
        }
        for bad in [
            "",
            "Z",
            "2026-11-25",
            "2026-11-25T04:34",
            "+12026-11-25T04:34:00",
            "202611250434",
        ] {
            assert_eq!(read(bad), Err(UnreadableTimestamp::DateTime), "{bad}");
        }
    }

    #[test]
    fn what_has_no_form_in_utc_is_refused() {
        for read in [Timestamp::parse, Timestamp::parse_date_time] {
            assert_eq!(read("9999-12-31T23:59:59Z"), Ok(Timestamp::LAST));
            assert_eq!(read("0000-01-01T00:00:00Z"), Ok(Timestamp::FIRST));
            for bad in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"] {
                assert_eq!(read(bad), Err(UnreadableTimestamp::OutOfRange), "{bad}");
            }
        }
        assert_eq!(Timestamp::LAST.to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn anything_but_twelve_ascii_digits_is_refused() {
        let full_width = "２０２６１１２５０４３４";
        for bad in [
            "",
            "20261125043",
            "2026112504340",
            "20261125043x",
            "+02611250434",
            full_width,
            "2026-11-2504",
            " 02611250434",
        ] {
            assert_eq!(
                Timestamp::parse_minute(bad),
                Err(UnreadableTimestamp::Form),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_moment_that_does_not_exist_is_refused() {
        for bad in [
            "202602310000",
            "202602290000",
            "202600010000",
            "202613010000",
            "202611250060",
            "202611252400",
            "000001010000",
        ] {
            assert_eq!(
                Timestamp::parse_minute(bad),
                Err(UnreadableTimestamp::Calendar),
                "{bad:?}"
            );
        }
    }
}
