//! Where the time comes from. The only code that asks the machine for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::domain::Timestamp;

/// The time of day, and time that only runs forward.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clocks; holds the instant at which this one was made.
    System(Instant),
    /// A clock that stands still until it is told otherwise, for tests: seconds since the epoch.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the machine for the time"
    )]
    pub fn system() -> Self {
        Self::System(Instant::now())
    }

    /// A clock that stands at `at`.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.seconds())))
    }

    /// The time of day.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the machine for the time"
    )]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_seconds(match self {
            Self::System(_) => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                Err(before) => i64::try_from(before.duration().as_secs())
                    .map_or(i64::MIN, |seconds| -seconds - 1),
            },
            Self::Fixed(at) => at.load(Ordering::SeqCst),
        })
    }

    /// The time since some moment in the past; never runs backwards, whatever becomes of the time
    /// of day.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match self {
            Self::System(start) => start.elapsed(),
            Self::Fixed(at) => Duration::from_secs(at.load(Ordering::SeqCst).unsigned_abs()),
        }
    }

    /// Moves a fixed clock forward; the machine's goes by itself.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(at) = self {
            at.fetch_add(
                i64::try_from(by.as_secs()).unwrap_or(i64::MAX),
                Ordering::SeqCst,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told_and_for_all_its_copies() {
        let clock = Clock::fixed(Timestamp::from_seconds(100));
        let copy = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(copy.now(), Timestamp::from_seconds(105));
        assert_eq!(copy.elapsed(), Duration::from_secs(105));
    }
}
