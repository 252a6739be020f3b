//! Slowing down addresses that fail to authenticate.
//!
//! Only failures count and only failures are refused: a good key is never slowed, whatever else
//! comes from its address. Only what follows a failure on the same connection waits with it.

use std::{
    cell::Cell,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use governor::Quota;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

use crate::{buckets::Buckets, clock::Clock, config};

/// A token bucket for each address that has failed lately.
pub(super) struct Throttle {
    quota: Quota,
    buckets: Buckets<IpAddr>,
    delay: Duration,
    /// One for each answer that may be held back at present.
    places: Arc<Semaphore>,
}

/// Whether what is written next on a connection is to be held back: its requests tell who writes.
#[derive(Debug, Clone, Default)]
pub(super) struct Brake(Rc<Cell<bool>>);

impl Brake {
    /// Has what is written next be held back.
    pub(super) fn apply(&self) {
        self.0.set(true);
    }

    /// Whether it was applied since this was last asked.
    pub(super) fn release(&self) -> bool {
        self.0.take()
    }
}

/// Completes when an answer has been held back for long enough; it has its place until then.
#[derive(Debug)]
pub(super) struct Hold {
    until: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Future for Hold {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.until.as_mut().poll(context)
    }
}

impl Throttle {
    /// At most `places` answers are held back at once.
    pub(super) fn new(config: &config::Throttle, places: usize, clock: Clock) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self {
            quota: Quota::per_second(at_least_one(config.failures_per_second))
                .allow_burst(at_least_one(config.burst)),
            buckets: Buckets::new(config.addresses, clock),
            delay: config.delay.get(),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// Counts a failure of `client`'s; how long it should wait, if it has failed too often.
    pub(super) fn count_failure(&self, client: IpAddr) -> Result<(), Duration> {
        self.buckets.take(&block(client), self.quota).map(drop)
    }

    /// Whether a failure of `client`'s would be one too many, as one before was.
    pub(super) fn is_slowing(&self, client: IpAddr) -> bool {
        self.buckets.is_empty(&block(client))
    }

    /// Holds the answer to one failure too many back, if there is a place for it: who does not heed
    /// `Retry-After` is slowed down on each connection.
    pub(super) fn hold(&self) -> Option<Hold> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Hold {
            until: Box::pin(sleep(self.delay)),
            _place: place,
        })
    }
}

/// What counts as one address: an IPv4 address, or the /64 that an IPv6 subscriber has for itself.
fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::domain::Timestamp;

    fn throttle(clock: &Clock) -> Throttle {
        Throttle::new(
            &config::Throttle {
                failures_per_second: 2,
                burst: 3,
                addresses: 10,
                delay: config::Span::seconds(60),
            },
            1,
            clock.clone(),
        )
    }

    #[test]
    fn an_address_may_fail_a_burst_and_then_slowly() {
        let clock = Clock::fixed(Timestamp::from_seconds(1_000_000));
        let (throttle, client) = (throttle(&clock), "192.0.2.1".parse().unwrap());
        assert!((0..3).all(|_| throttle.count_failure(client).is_ok()));
        assert!(!throttle.is_slowing(client));
        assert_eq!(
            throttle.count_failure(client),
            Err(Duration::from_millis(500))
        );
        assert!(throttle.is_slowing(client));
        assert!(throttle.count_failure("192.0.2.2".parse().unwrap()).is_ok());
        clock.advance(Duration::from_secs(1));
        assert!((0..2).all(|_| throttle.count_failure(client).is_ok()));
        assert!(throttle.count_failure(client).is_err());
    }

    #[tokio::test]
    async fn so_many_answers_are_held_back_and_no_more() {
        let throttle = throttle(&Clock::fixed(Timestamp::from_seconds(1_000_000)));
        let held = throttle.hold().unwrap();
        assert!(throttle.hold().is_none());
        assert_eq!(held.now_or_never(), None);
        assert_eq!(throttle.hold().unwrap().now_or_never(), None);
    }

    #[test]
    fn an_ipv6_subscriber_counts_once() {
        let clock = Clock::fixed(Timestamp::from_seconds(1_000_000));
        let throttle = throttle(&clock);
        let within = |host| format!("2001:db8:0:1::{host}").parse().unwrap();
        assert!((0..3).all(|host| throttle.count_failure(within(host)).is_ok()));
        assert!(throttle.count_failure(within(9)).is_err());
        assert!(throttle.is_slowing(within(8)));
        assert!(
            throttle
                .count_failure("2001:db8:0:2::1".parse().unwrap())
                .is_ok()
        );
    }
}
