//! Names for requests, which answers and log lines share.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::HeaderName;

use super::Service;

/// Names the request in its answer.
pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A name for a request: eight hexadecimal digits for this run of the server, twelve that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestId([u8; Self::LENGTH]);

/// Counts requests. Every thread writes to it at each request, so it has a cache line to itself:
/// what lay beside it would be fetched anew by the others each time.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Counter(AtomicU64);

impl RequestId {
    const LENGTH: usize = 20;

    fn new(run: u32, count: u64) -> Self {
        let mut bytes = [0; Self::LENGTH / 2];
        bytes[..4].copy_from_slice(&run.to_be_bytes());
        bytes[4..].copy_from_slice(&count.to_be_bytes()[2..]);
        Self(std::array::from_fn(|place| {
            let digit = bytes[place / 2] >> (4 * (1 - place % 2)) & 15;
            DIGITS[usize::from(digit)]
        }))
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are text")
    }
}

impl Service {
    /// A name for one more request.
    pub(super) fn next_request_id(&self) -> RequestId {
        let count = self.requests.0.fetch_add(1, Ordering::Relaxed);
        RequestId::new(self.run_id, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_run_and_the_count_in_digits() {
        let id = |run, count| RequestId::new(run, count).as_str().to_owned();
        assert_eq!(id(0x00c0_ffee, 0x1234), "00c0ffee000000001234");
        assert_eq!(id(u32::MAX, 0), "ffffffff000000000000");
        assert_eq!(id(1, u64::MAX), "00000001ffffffffffff");
    }
}
