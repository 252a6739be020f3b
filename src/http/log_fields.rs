//! What handlers say about a request for its line in the log.

use crate::domain::{KeyId, TokenId};

/// What the handlers add to a request's line.
#[derive(Debug, Default, Clone)]
pub(super) struct LogFields {
    /// The key that was shown, once it is known to be right.
    pub(super) key: Option<KeyId>,
    /// The token that the request was about.
    pub(super) token: Option<TokenId>,
    /// Why the request failed, where the caller is not told.
    pub(super) cause: Option<String>,
    /// What an operator should look into, though nothing failed here.
    pub(super) warning: Option<&'static str>,
}

impl LogFields {
    /// Whether lines of routine requests are written at all: else nothing has to be noted for them.
    pub(super) fn are_wanted_of_routine() -> bool {
        tracing::enabled!(tracing::Level::DEBUG)
    }
}
