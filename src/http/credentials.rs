//! The private key that a request shows, and who that is.

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName, HeaderValue},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

use super::{Service, asking::Asking, failure::Failure, version};
use crate::{app::Source, command::Parameters, domain::PrivateKey, error::Error, keyring::Caller};

/// Shows the key of a caller that verifies tokens for others.
static X_MONEYER_KEY: HeaderName = HeaderName::from_static("x-moneyer-key");

/// Finds out who is asking. The key comes from `Authorization: Bearer KEY`, else from the parameter
/// `apikey`, which is taken out either way; a header that is present counts alone.
pub(super) async fn authenticate(
    service: &Service,
    request: &HttpRequest,
    parameters: &mut Parameters,
) -> Result<Arc<Caller>, Failure> {
    let parameter = parameters.take("apikey");
    let key = match only_header(request, &header::AUTHORIZATION) {
        Ok(None) => parameter
            .and_then(|text| PrivateKey::presented(&text))
            .ok_or(Error::MissingKey),
        Ok(Some(header)) => bearer(header.as_bytes()),
        Err(error) => Err(error),
    };
    admit(service, request, key).await
}

/// Finds out who is asking as an OAuth 2.0 client does: as [`authenticate`], or by
/// `Authorization: Basic`, with the private key as the password (RFC 6749, section 2.3.1).
pub(super) async fn authenticate_client(
    service: &Service,
    request: &HttpRequest,
    parameters: &mut Parameters,
) -> Result<Arc<Caller>, Failure> {
    match only_header(request, &header::AUTHORIZATION) {
        Ok(Some(header)) if is_basic(header.as_bytes()) => {
            parameters.take("apikey");
            admit(service, request, basic(header.as_bytes())).await
        }
        _ => authenticate(service, request, parameters).await,
    }
}

/// Finds out who is asking by `X-Moneyer-Key`, if that is there.
pub(super) async fn authenticate_verifier(
    service: &Service,
    request: &impl Asking,
) -> Result<Option<Arc<Caller>>, Failure> {
    let key = match only_header(request, &X_MONEYER_KEY) {
        Ok(None) => return Ok(None),
        Ok(Some(header)) => header
            .to_str()
            .ok()
            .and_then(PrivateKey::presented)
            .ok_or(Failure::MayNotVerify)?,
        Err(error) => return Err(error.into()),
    };
    // Boxed: most gateways show no key, and their requests' futures are smaller without this.
    Box::pin(confirm(service, request, Ok(key))).await.map(Some)
}

/// The only header of this name, if it is there; two are none that could be chosen from.
fn only_header<'a>(
    request: &'a impl Asking,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Error> {
    let mut headers = request.headers().get_all(name);
    match (headers.next(), headers.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Error::InvalidKey),
    }
}

/// Confirms the key that was shown, and has its holder answered in his account's version.
async fn admit(
    service: &Service,
    request: &HttpRequest,
    key: Result<PrivateKey, Error>,
) -> Result<Arc<Caller>, Failure> {
    let caller = confirm(service, request, key).await?;
    version::settle_for(request, caller.api_version);
    Ok(caller)
}

/// Confirms the key that was shown.
async fn confirm(
    service: &Service,
    request: &impl Asking,
    key: Result<PrivateKey, Error>,
) -> Result<Arc<Caller>, Failure> {
    Ok(identify(service, request, &key?).await?)
}

/// Finds out who shows `key`, and notes that for the log.
pub(super) async fn identify(
    service: &Service,
    request: &impl Asking,
    key: &PrivateKey,
) -> Result<Arc<Caller>, Error> {
    let source = || match service.client(request) {
        Some(client) if service.throttle.is_slowing(client.believed) => Source::Suspect,
        _ => Source::Usual,
    };
    let caller = service.app.authenticate_from(key, source).await?;
    request.note(|fields| fields.key = Some(caller.key));
    Ok(caller)
}

/// Has a failed authentication count against its address, and be refused as one too many when it
/// is: after a while. The one place that every failure of a handler passes.
pub(super) fn count_failure(service: &Service, request: &impl Asking, failure: Failure) -> Failure {
    let is_authentication = matches!(
        failure,
        Failure::MayNotVerify
            | Failure::NoCredentials
            | Failure::BadCredentials
            | Failure::Domain(Error::MissingKey | Error::InvalidKey)
    );
    let Some(client) = service.client(request).filter(|_| is_authentication) else {
        return failure;
    };
    match service.throttle.count_failure(client.believed) {
        Ok(()) => failure,
        Err(retry_after) => {
            if let Some(brake) = request.brake() {
                brake.apply();
            }
            Error::TooManyRequests { retry_after }.into()
        }
    }
}

/// The challenge to a client whose credentials are refused: by the scheme that it used (RFC 6749,
/// section 5.2).
pub(super) fn client_challenge(request: &HttpRequest) -> &'static str {
    let used = request.headers().get(header::AUTHORIZATION);
    if used.is_some_and(|used| is_basic(used.as_bytes())) {
        "Basic realm=\"moneyer\""
    } else {
        "Bearer realm=\"moneyer\""
    }
}

fn is_basic(header: &[u8]) -> bool {
    let scheme = header.split(|byte| *byte == b' ').next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
}

/// The password in the value of an `Authorization` header of the scheme Basic (RFC 7617); the user
/// may be anything.
fn basic(header: &[u8]) -> Result<PrivateKey, Error> {
    let encoded = header.split(|byte| *byte == b' ').next_back();
    let decoded = BASE64_STANDARD
        .decode(encoded.unwrap_or_default())
        .map(Zeroizing::new)
        .map_err(|_| Error::InvalidKey)?;
    let text = std::str::from_utf8(&decoded).map_err(|_| Error::InvalidKey)?;
    let (_, password) = text.split_once(':').ok_or(Error::InvalidKey)?;
    PrivateKey::presented(password).ok_or(Error::MissingKey)
}

/// The key in the value of an `Authorization` header (RFC 6750, section 2.1; the scheme in any
/// case).
fn bearer(header: &[u8]) -> Result<PrivateKey, Error> {
    let text = std::str::from_utf8(header)
        .map_err(|_| Error::InvalidKey)?
        .trim();
    let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.is_empty() {
        return Err(Error::MissingKey);
    }
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Error::InvalidKey);
    }
    PrivateKey::presented(key).ok_or(Error::MissingKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_in_any_case_and_the_key_may_not() {
        for header in ["Bearer aB", "bearer aB", "BEARER   aB "] {
            assert_eq!(
                bearer(header.as_bytes()).unwrap().expose(),
                "aB",
                "{header:?}"
            );
        }
    }

    #[test]
    fn an_empty_key_is_none_and_another_scheme_is_wrong() {
        for empty in ["", "Bearer", "Bearer  "] {
            assert!(
                matches!(bearer(empty.as_bytes()), Err(Error::MissingKey)),
                "{empty:?}"
            );
        }
        for wrong in ["Basic aB", "Bearer:aB", "aB"] {
            assert!(
                matches!(bearer(wrong.as_bytes()), Err(Error::InvalidKey)),
                "{wrong:?}"
            );
        }
        assert!(matches!(bearer(b"Bearer \xff"), Err(Error::InvalidKey)));
    }

    #[test]
    fn a_basic_password_is_the_key() {
        let of = |pair: &str| basic(format!("Basic {}", BASE64_STANDARD.encode(pair)).as_bytes());
        assert_eq!(of("anybody:aB").unwrap().expose(), "aB");
        assert_eq!(of(":a:B").unwrap().expose(), "a:B");
        assert!(matches!(of("aB"), Err(Error::InvalidKey)));
        assert!(matches!(of("anybody:"), Err(Error::MissingKey)));
        assert!(matches!(basic(b"Basic !"), Err(Error::InvalidKey)));
        assert!(is_basic(b"bAsIc x") && !is_basic(b"Bearer x") && !is_basic(b"Basically x"));
    }
}
