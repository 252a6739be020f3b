//! What can go wrong over HTTP, and with which status it is answered.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::{
    config::Limits,
    domain::{Denied, OutsidePolicy},
    error::Error,
    verification::Refusal,
};

/// An error of the domain's, or one of HTTP's own.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// What went wrong beneath.
    #[error(transparent)]
    Domain(#[from] Error),
    /// Whoever asks may not verify tokens.
    #[error(
        "Verifying tokens needs a private key of the role verify or admin in X-Moneyer-Key, or a trusted address."
    )]
    MayNotVerify,
    /// Neither a private key nor a token was shown where either can be.
    #[error(
        "An API key or an access token is needed: give it in the header api-key, or as Authorization: Bearer."
    )]
    NoCredentials,
    /// What was shown there is not good; why is not said.
    #[error("This API key or access token is not valid: it is unknown, has expired, or was ended.")]
    BadCredentials,
    /// The token that was shown there may not be used so; how long to wait, where that helps.
    #[error("{0}")]
    TokenRefused(Refusal, Option<Duration>),
    /// Nothing is served at this path.
    #[error(
        "There is nothing at this path; tokens are minted, listed and disabled at /v2/auth, and verified at /v2/verify."
    )]
    NotFound,
    /// The path is served, by these methods alone.
    #[error("This path takes the methods {0} only; nothing was done.")]
    MethodNotAllowed(&'static str),
    /// The body is too long.
    #[error("The request's body is longer than {0} bytes; nothing was done.")]
    BodyTooLarge(usize),
    /// The target is too long.
    #[error("The request's target is longer than {0} bytes; nothing was done.")]
    TargetTooLarge(usize),
    /// The headers are too long.
    #[error(
        "The request has more than {MOST_HEADERS} headers, or they are longer than {0} bytes together; nothing was done."
    )]
    HeadersTooLarge(usize),
    /// Something that is not HTTP.
    #[error("This is not a proper HTTP request; nothing was done.")]
    NotHttp,
    /// The head did not come.
    #[error("The request's head did not arrive within {} seconds; nothing was done.", .0.as_secs())]
    HeadTimeout(Duration),
    /// The body did not come.
    #[error("The request's body did not arrive within {} seconds; nothing was done.", .0.as_secs())]
    BodyTimeout(Duration),
}

/// The HTTP parser takes no more headers than these.
pub(super) const MOST_HEADERS: usize = 96;

/// What a caller is told to wait when the store or a queue is the reason.
const PAUSE: Duration = Duration::from_secs(1);

impl Failure {
    /// That a request's target, or its headers with their names, are longer than `limits` has it.
    pub(super) fn if_too_large(target: usize, headers: usize, limits: &Limits) -> Result<(), Self> {
        if target > limits.target {
            return Err(Self::TargetTooLarge(limits.target));
        }
        if headers > limits.headers {
            return Err(Self::HeadersTooLarge(limits.headers));
        }
        Ok(())
    }

    /// The stable code that callers may act on.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Domain(error) => error.code(),
            Self::MayNotVerify | Self::NoCredentials => "missing_key",
            Self::BadCredentials => "invalid_key",
            Self::TokenRefused(Refusal::Rate, _) => "too_many_requests",
            Self::TokenRefused(..) => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::BodyTooLarge(_) | Self::TargetTooLarge(_) | Self::HeadersTooLarge(_) => {
                "too_large"
            }
            Self::NotHttp => "invalid_request",
            Self::HeadTimeout(_) | Self::BodyTimeout(_) => "request_timeout",
        }
    }

    /// The status: the one place where it is decided.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Domain(error) => match error {
                Error::OutsidePolicy(OutsidePolicy::TooMany(_))
                | Error::AccountExists(_)
                | Error::DisabledAccount(_) => StatusCode::CONFLICT,
                Error::OutsidePolicy(_)
                | Error::InvalidParameter { .. }
                | Error::InvalidSettings(_)
                | Error::InvalidPolicy(_)
                | Error::UnknownParameter { .. }
                | Error::ConflictingParameters { .. }
                | Error::ProtectedToken
                | Error::Denied(Denied::Undeclared(_) | Denied::Outlives(_))
                | Error::Refused(_) => StatusCode::BAD_REQUEST,
                Error::MissingKey | Error::InvalidKey | Error::Denied(Denied::Gone) => {
                    StatusCode::UNAUTHORIZED
                }
                Error::Forbidden | Error::NotIssuer | Error::Denied(_) => StatusCode::FORBIDDEN,
                Error::UnknownToken
                | Error::UnknownTokenId(_)
                | Error::UnknownKey(_)
                | Error::UnknownApiKey(_)
                | Error::UnknownAccount(_) => StatusCode::NOT_FOUND,
                Error::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
                Error::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
                Error::Internal(_) | Error::Configuration(_) | Error::UnusableSigningKeys(_) => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
                Error::Overloaded
                | Error::Unavailable(_)
                | Error::UnusableStore(_)
                | Error::NoSigningKey(_) => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::MayNotVerify | Self::NoCredentials | Self::BadCredentials => {
                StatusCode::UNAUTHORIZED
            }
            Self::TokenRefused(Refusal::Rate, _) => StatusCode::TOO_MANY_REQUESTS,
            Self::TokenRefused(..) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLarge(_) => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotHttp => StatusCode::BAD_REQUEST,
            Self::HeadTimeout(_) | Self::BodyTimeout(_) => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// How long the caller should wait before it tries again, where waiting helps.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Domain(Error::TooManyRequests { retry_after }) => Some(*retry_after),
            // An operator has to act first.
            Self::Domain(Error::NoSigningKey(_)) => None,
            Self::TokenRefused(_, wait) => *wait,
            failure if failure.status() == StatusCode::SERVICE_UNAVAILABLE => Some(PAUSE),
            _ => None,
        }
    }
}
