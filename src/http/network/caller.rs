//! Who asks: the holder of a private key or of a token, whichever is shown.

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName},
};
use zeroize::Zeroizing;

use crate::{
    command::{
        Detail, Reach, Verify,
        management::{Party, api_version_for},
    },
    domain::{PrivateKey, Token, TokenDigest},
    error::Error,
    http::{
        Service, asking::Asking as _, credentials, failure::Failure, presented::circumstances,
        version,
    },
    verification::{Refusal, Shown, Subject},
};

static API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Finds out who asks, by `api-key` or else `Authorization`. The first that shows anything counts
/// alone.
pub(super) async fn authenticate(
    service: &Service,
    request: &HttpRequest,
) -> Result<Party, Failure> {
    let text = match in_header(request, &API_KEY)? {
        Some(text) => text,
        None => in_header(request, &header::AUTHORIZATION)?.ok_or(Failure::NoCredentials)?,
    };
    let token = Token::parse(&text).ok();
    match token {
        Some(token) if token.is_opaque() || token.is_signed() => {
            judge(service, request, &token).await.map(Party::Token)
        }
        // A private key or a token that was made elsewhere: they may look alike.
        token => match (confirm(service, request, &text).await, token) {
            (Err(Failure::BadCredentials), Some(token)) => {
                judge(service, request, &token).await.map(Party::Token)
            }
            (confirmed, _) => confirmed,
        },
    }
}

async fn confirm(service: &Service, request: &HttpRequest, text: &str) -> Result<Party, Failure> {
    let key = PrivateKey::presented(text).ok_or(Failure::NoCredentials)?;
    match credentials::identify(service, request, &key).await {
        Ok(caller) => {
            version::settle_for(request, caller.api_version);
            Ok(Party::Key(caller))
        }
        Err(Error::InvalidKey) => Err(Failure::BadCredentials),
        Err(error) => Err(error.into()),
    }
}

/// Judges a token as a gateway would: by its life and its circumstances; this counts as a use. Its
/// bearer is answered in the version of its account, whatever the verdict on a good token is.
pub(super) async fn judge(
    service: &Service,
    request: &HttpRequest,
    token: &Token,
) -> Result<Arc<Subject>, Failure> {
    let digest = TokenDigest::of(token);
    let verify = Verify {
        shown: Shown::Token(digest),
        circumstances: circumstances(service, request, Vec::new()),
        reach: Reach::Everyone,
        detail: Detail::Verdict,
    };
    let verdict = verify.execute(&service.app).await?;
    request.note(|fields| fields.token = verdict.token);
    if verdict.token.is_some()
        && let Some(pinned) = api_version_for(&service.app, digest).await?
    {
        version::settle_for(request, pinned);
    }
    let wait = verdict.rate.and_then(|rate| rate.wait);
    verdict.outcome.map_err(|refusal| match refusal {
        Refusal::Missing | Refusal::NotGood => Failure::BadCredentials,
        refusal => Failure::TokenRefused(refusal, wait),
    })
}

/// What the only header of this name shows: a text by itself, or after `Bearer`.
fn in_header(
    request: &HttpRequest,
    name: &HeaderName,
) -> Result<Option<Zeroizing<String>>, Failure> {
    let mut values = request.headers().get_all(name);
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| Failure::BadCredentials)?,
        (Some(_), Some(_)) => return Err(Failure::BadCredentials),
    };
    let mut words = value.split_ascii_whitespace();
    let text = match (words.next(), words.next(), words.next()) {
        (None, ..) => return Ok(None),
        (Some(scheme), None, _) if scheme.eq_ignore_ascii_case("Bearer") => return Ok(None),
        (Some(text), None, _) => text,
        (Some(scheme), Some(text), None) if scheme.eq_ignore_ascii_case("Bearer") => text,
        _ => return Err(Failure::BadCredentials),
    };
    Ok(Some(Zeroizing::new(text.to_owned())))
}
