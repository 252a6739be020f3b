//! How often a token may be used.

use std::num::NonZeroU32;

use serde::Serialize;

/// A token bucket: it holds `requests`, and fills up from empty in `per_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// How many requests may come at once: 1 to [`RateLimit::MOST_REQUESTS`].
    pub requests: NonZeroU32,
    /// In how many seconds as many more may come: 1 to [`RateLimit::LONGEST_SECONDS`].
    pub per_seconds: NonZeroU32,
}

impl RateLimit {
    /// The most requests.
    pub const MOST_REQUESTS: u32 = 1_000_000;
    /// The longest time: a day.
    pub const LONGEST_SECONDS: u32 = 86_400;

    /// A limit, unless one of the numbers is zero.
    #[must_use]
    pub fn new(requests: u32, per_seconds: u32) -> Option<Self> {
        Some(Self {
            requests: NonZeroU32::new(requests)?,
            per_seconds: NonZeroU32::new(per_seconds)?,
        })
    }
}
