//! What can go wrong, in the domain's words.
//!
//! `Display` is for whoever asked and never holds a secret or an internal cause; the cause is what
//! [`std::error::Error::source`] gives, for the log alone.

use std::time::Duration;

use crate::domain::{
    AccountId, Algorithm, Denied, InvalidPolicy, InvalidSettings, KeyId, MalformedToken,
    OutsidePolicy, Token, TokenId, shown_name,
};

/// Everything that can go wrong once a request or a command line has been understood.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter's value cannot be used.
    #[error("{name} {reason}.")]
    InvalidParameter {
        /// The parameter, as it is properly written.
        name: &'static str,
        /// What is wrong with its value: the rest of a sentence.
        reason: String,
    },
    /// A token's settings cannot be used.
    #[error("{0}; nothing was changed.")]
    InvalidSettings(#[from] InvalidSettings),
    /// The account's policy does not allow what is asked for.
    #[error("{0}; nothing was changed.")]
    OutsidePolicy(#[from] OutsidePolicy),
    /// An account's policy cannot be used.
    #[error("{0}; nothing was changed.")]
    InvalidPolicy(#[from] InvalidPolicy),
    /// A parameter whose name is nearly that of a known one.
    #[error("There is no parameter \"{given}\" (did you mean {meant}?), so nothing was done.")]
    UnknownParameter {
        /// The name as given, shortened.
        given: String,
        /// The known name.
        meant: &'static str,
    },
    /// Parameters that contradict each other.
    #[error("{left} and {right} cannot be given together; nothing was done.")]
    ConflictingParameters {
        /// One of them.
        left: &'static str,
        /// The other.
        right: &'static str,
    },
    /// The token is tagged against being disabled.
    #[error("This token is tagged as protected and cannot be disabled while it carries that tag.")]
    ProtectedToken,
    /// No private key was shown.
    #[error(
        "A private key is needed: give it as Authorization: Bearer KEY or as the parameter apikey."
    )]
    MissingKey,
    /// The private key shown is not good; why is not said.
    #[error("This private key is not valid.")]
    InvalidKey,
    /// The key's role does not reach as far.
    #[error("This private key's role does not allow that.")]
    Forbidden,
    /// The caller may not do that among its account's access tokens and API keys.
    #[error("{0}.")]
    Denied(#[from] Denied),
    /// The token was minted by another key of the account.
    #[error("Only the private key that minted this token may change it.")]
    NotIssuer,
    /// No token that the caller may use in this way.
    #[error("There is no such token, or this private key may not use it.")]
    UnknownToken,
    /// The account's tokens are to be signed, and there is no key for that.
    #[error(
        "This account's tokens are to be signed by {0}, and this server has no key for that; nothing was done. `moneyer signing-key create --algorithm {0}` makes one."
    )]
    NoSigningKey(Algorithm),
    /// An `Idempotency-Key` that was used for something else.
    #[error("This Idempotency-Key was used before with other parameters; nothing was done.")]
    IdempotencyMismatch,
    /// The caller failed too often.
    #[error("Too many requests from this address have failed; wait before trying again.")]
    TooManyRequests {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Too much is waiting already.
    #[error("Moneyer is overloaded and nothing was done; try again shortly.")]
    Overloaded,
    /// The store cannot do its work at present.
    #[error("The store is unavailable and nothing was done; try again shortly.")]
    Unavailable(#[source] Cause),
    /// A defect of Moneyer's.
    #[error("Moneyer failed; the cause is in its log under this request's id.")]
    Internal(#[source] Cause),

    /// The store cannot be opened or used as it is; the sentence says what to do.
    #[error("{0}")]
    UnusableStore(String),
    /// The configuration cannot be used; the sentence names the key.
    #[error("{0}")]
    Configuration(String),
    /// The signing keys cannot be used as they are; the sentence says what to do.
    #[error("{0}")]
    UnusableSigningKeys(String),
    /// What an operator gave cannot be used; the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// An account of that name exists.
    #[error("An account named \"{0}\" exists already.")]
    AccountExists(String),
    /// No account has that name or id.
    #[error("There is no account \"{0}\"; `moneyer account list` shows them.")]
    UnknownAccount(String),
    /// The account is disabled.
    #[error("Account {0} is disabled; it can be given no more keys.")]
    DisabledAccount(AccountId),
    /// No key has that id.
    #[error("There is no key {0}; `moneyer key list ACCOUNT` shows an account's.")]
    UnknownKey(KeyId),
    /// The account has no private key of that number.
    #[error("There is no API key {0}.")]
    UnknownApiKey(u64),
    /// No token has that id.
    #[error("There is no token {0}: it was never minted, or it ended long ago.")]
    UnknownTokenId(TokenId),
}

/// An internal cause: a source error, or a sentence of our own.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// A parameter's value cannot be used: `reason` completes the sentence that begins with `name`.
    pub(crate) fn invalid(name: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidParameter {
            name,
            reason: reason.into(),
        }
    }

    /// No token that the caller may use is the one given as `name`: a malformed one, unless it could
    /// be.
    pub(crate) fn unknown_token(name: &'static str, token: &Token) -> Self {
        if token.is_opaque() || token.is_signed() {
            Self::UnknownToken
        } else {
            Self::invalid(name, MalformedToken.to_string())
        }
    }

    /// A parameter's name is nearly that of the known one `meant`.
    pub(crate) fn unknown_parameter(given: &str, meant: &'static str) -> Self {
        let given = shown_name(given);
        Self::UnknownParameter { given, meant }
    }

    /// The stable code that callers may act on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidParameter { .. }
            | Self::InvalidSettings(_)
            | Self::InvalidPolicy(_)
            | Self::Denied(Denied::Undeclared(_) | Denied::Outlives(_))
            | Self::Refused(_) => "invalid_parameter",
            Self::OutsidePolicy(OutsidePolicy::TooMany(_)) => "too_many_tokens",
            Self::OutsidePolicy(_) => "outside_policy",
            Self::UnknownParameter { .. } => "unknown_parameter",
            Self::ConflictingParameters { .. } => "conflicting_parameters",
            Self::ProtectedToken => "protected_token",
            Self::MissingKey => "missing_key",
            Self::InvalidKey | Self::Denied(Denied::Gone) => "invalid_key",
            Self::Forbidden | Self::NotIssuer | Self::Denied(_) => "forbidden",
            Self::UnknownToken | Self::UnknownTokenId(_) => "unknown_token",
            Self::NoSigningKey(_) => "no_signing_key",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Overloaded | Self::Unavailable(_) | Self::UnusableStore(_) => "unavailable",
            Self::Internal(_) => "internal",
            Self::Configuration(_) => "configuration",
            Self::UnusableSigningKeys(_) => "signing_keys",
            Self::AccountExists(_) => "account_exists",
            Self::UnknownAccount(_) => "unknown_account",
            Self::DisabledAccount(_) => "disabled_account",
            Self::UnknownKey(_) | Self::UnknownApiKey(_) => "unknown_key",
        }
    }
}

/// An error and all its causes, for the log: `error: cause: cause of the cause`.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
