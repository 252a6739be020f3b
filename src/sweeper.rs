//! Reclaiming what has ended, in small batches, so that no request waits behind it.
//!
//! Expiry itself does not depend on this: whether a token is good is decided each time it is asked
//! for.

mod sweep;

use std::time::Duration;

use self::sweep::Sweep;
use crate::{app::App, command::RETRY_WINDOW, domain::SigningKeyId, error::Error, store::Swept};

/// How the sweeper goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long it rests between two sweeps: an hour at most.
    pub interval: Duration,
    /// How long an ended token is kept, so that retries are answered as they should be: a day at
    /// least.
    pub retention: Duration,
    /// How many rows of a kind are reclaimed in one transaction.
    pub batch: u32,
}

/// A server rests so many times as long as a step took before the next one: what is minted
/// meanwhile has the writer for itself.
const REST: u32 = 4;

/// Reclaims all that has ended, batch by batch, without a rest. May be dropped between two batches;
/// what was reclaimed stays so.
///
/// # Errors
/// The store's; the batches before have been done.
pub async fn sweep_once(app: &App, plan: &Plan) -> Result<Swept, Error> {
    sweep(app, plan, 0).await
}

/// The same, with rests of so many times as long as each step took.
async fn sweep(app: &App, plan: &Plan, rests: u32) -> Result<Swept, Error> {
    let now = app.clock.now();
    let sweep = Sweep::new(app, plan.batch, rests);
    let mut expired = sweep.expire(now).await?;
    expired += sweep.end_outdated(now).await?;
    let forgotten = sweep.forget_retries(now.before(RETRY_WINDOW)).await?;
    for key in app.signing.retired() {
        expired += end_signed_by(app, key, plan.batch).await?;
    }
    let purged = sweep.purge(now.before(plan.retention)).await?;
    Ok(Swept {
        expired,
        purged,
        forgotten,
    })
}

/// Marks the tokens that the retired `key` signed as ended, `batch` in a transaction, and says how
/// many these were.
///
/// # Errors
/// The store's; the batches before have been done.
pub async fn end_signed_by(app: &App, key: SigningKeyId, batch: u32) -> Result<u64, Error> {
    let mut total = 0;
    loop {
        let now = app.clock.now();
        let ended = app.store.end_signed_by(key, batch, now).await?;
        total += ended;
        if ended < u64::from(batch) {
            return Ok(total);
        }
    }
}

/// Sweeps for ever. A sweep that fails is logged, and tried again after the next rest.
pub async fn run(app: &App, plan: &Plan) {
    loop {
        match sweep(app, plan, REST).await {
            Ok(swept) if swept.is_nothing() => {}
            Ok(Swept {
                expired,
                purged,
                forgotten,
            }) => tracing::info!(expired, purged, forgotten, "swept"),
            Err(error) => tracing::error!(cause = crate::error::chain(&error), "a sweep failed"),
        }
        tokio::time::sleep(plan.interval).await;
    }
}
