//! Slowing down addresses that fail to authenticate.
//!
//! Only failures count and only failures are refused: a good key is never slowed, whatever else
//! comes from its address.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use governor::Quota;
use tokio::sync::Semaphore;

use crate::{buckets::Buckets, clock::Clock, config};

/// A token bucket for each address that has failed lately.
pub(super) struct Throttle {
    quota: Quota,
    buckets: Buckets<IpAddr>,
    delay: Duration,
    /// One for each answer that may be held back at present.
    places: Semaphore,
}

/// What a request carries that failed when its address had failed too often.
pub(super) struct OneTooMany;

impl Throttle {
    /// At most `places` answers are held back at once.
    pub(super) fn new(config: &config::Throttle, places: usize, clock: Clock) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self {
            quota: Quota::per_second(at_least_one(config.failures_per_second))
                .allow_burst(at_least_one(config.burst)),
            buckets: Buckets::new(config.addresses, clock),
            delay: config.delay.get(),
            places: Semaphore::new(places),
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

    /// Waits before the answer to one failure too many goes out, if there is a place to wait in: who
    /// does not heed `Retry-After` tries one key in that time on each connection.
    pub(super) async fn hold_back(&self) {
        if let Ok(_place) = self.places.try_acquire() {
            tokio::time::sleep(self.delay).await;
        }
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
    use futures_util::{FutureExt as _, poll};

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
        let mut held = Box::pin(throttle.hold_back());
        assert!(poll!(&mut held).is_pending());
        assert_eq!(throttle.hold_back().now_or_never(), Some(()));
        drop(held);
        assert_eq!(throttle.hold_back().now_or_never(), None);
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
