//! The log that commits are appended to, and how it is kept short.

use std::fs;

use futures_util::future::join_all;
use moneyer::store::Minted;

use crate::support::{Fixture, NOW};

/// Minted so many at once, so many tokens write some 250 MiB to the log.
const TOKENS: u32 = 50_000;
const AT_ONCE: u32 = 25;
/// The log is to begin anew at 64 MiB, as soon as that can be done.
const LONGEST: u64 = 130 * 1024 * 1024;

fn log_bytes(it: &Fixture) -> u64 {
    let mut log = it.store.path().into_os_string();
    log.push("-wal");
    fs::metadata(log).unwrap().len()
}

#[tokio::test]
async fn the_log_begins_anew_while_it_is_written_to() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let mut longest = 0;
    for _ in 0..TOKENS / AT_ONCE {
        let tokens: Vec<_> = (0..AT_ONCE).map(|_| it.new_token(key)).collect();
        let minted = join_all(tokens.into_iter().map(|token| it.store.mint(token, NOW))).await;
        assert!(
            minted
                .iter()
                .all(|minted| matches!(minted, Ok(Minted::Done)))
        );
        longest = longest.max(log_bytes(&it));
    }
    assert!(longest < LONGEST, "{longest} bytes");
    assert_eq!(it.count("tokens"), i64::from(TOKENS));
}
