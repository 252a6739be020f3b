//! The private key that a request shows, and who that is.

use actix_web::{HttpRequest, http::header};

use super::{Service, failure::Failure};
use crate::{command::Parameters, domain::PrivateKey, error::Error, keyring::Caller};
use std::sync::Arc;

/// Finds out who is asking. The key comes from `Authorization: Bearer KEY`, else from the parameter
/// `apikey`, which is taken out either way; a header that is present counts alone.
pub(super) async fn authenticate(
    service: &Service,
    request: &HttpRequest,
    parameters: &mut Parameters,
) -> Result<Arc<Caller>, Failure> {
    let parameter = parameters.take("apikey");
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let key = match (headers.next(), headers.next()) {
        (None, _) => parameter
            .and_then(|text| PrivateKey::presented(&text))
            .ok_or(Error::MissingKey)?,
        (Some(header), None) => bearer(header.as_bytes())?,
        (Some(_), Some(_)) => return Err(Error::InvalidKey.into()),
    };
    Ok(service.app.authenticate(&key).await?)
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
}
