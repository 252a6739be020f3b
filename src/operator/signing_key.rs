//! The server's signing keys.

use crate::{app::App, domain::SigningKeyId, error::Error};

/// How many tokens end in one transaction, so that nothing waits long behind it.
const AT_ONCE: u32 = 1000;

/// Ends every token that `key` signed, and says how many these were. What ended before a failure has
/// ended; the same again does the rest.
///
/// # Errors
/// The store's.
pub async fn end_tokens(app: &App, key: SigningKeyId) -> Result<u64, Error> {
    let mut all = 0;
    loop {
        let now = app.clock.now();
        let ended = app.store.end_signed_by(key, AT_ONCE, now).await?;
        all += ended;
        if ended < u64::from(AT_ONCE) {
            return Ok(all);
        }
    }
}
