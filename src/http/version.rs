//! Which version of the interface a request is answered in: the one that it asks for, else the one
//! that the caller's account is pinned to, else the current one.

use actix_web::{
    HttpMessage as _, HttpRequest,
    dev::ServiceResponse,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

use super::failure::Failure;
use crate::{domain::ApiVersion, error::Error};

static MONEYER_VERSION: HeaderName = HeaderName::from_static("moneyer-version");
const SHOWN: &str = "Moneyer-Version";

/// The version that a request asks for, if it does.
pub(super) fn wanted(headers: &HeaderMap) -> Result<Option<ApiVersion>, Failure> {
    let mut given = headers.get_all(&MONEYER_VERSION);
    let version = match (given.next(), given.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one,
        (Some(_), Some(_)) => return Err(Error::invalid(SHOWN, "is given more than once").into()),
    };
    match ApiVersion::parse(version.to_str().unwrap_or_default()) {
        Ok(version) => Ok(Some(version)),
        Err(unknown) => Err(Error::invalid(SHOWN, unknown.to_string()).into()),
    }
}

/// Whether a header of this name asks for a version.
pub(super) fn is_asked_for_by(name: &HeaderName) -> bool {
    *name == MONEYER_VERSION
}

/// Has `request` answered in this version, whosever it is.
pub(super) fn settle(request: &HttpRequest, version: ApiVersion) {
    request.extensions_mut().insert(version);
}

/// Has `request` answered in the version that its caller's account is pinned to, unless it asks for
/// another.
pub(super) fn settle_for(request: &HttpRequest, pinned: ApiVersion) {
    let mut extensions = request.extensions_mut();
    if !extensions.contains::<ApiVersion>() {
        extensions.insert(pinned);
    }
}

/// The version that `request` is answered in, once it is known who asks.
pub(super) fn of(request: &HttpRequest) -> ApiVersion {
    let settled = request.extensions().get::<ApiVersion>().copied();
    settled.unwrap_or(ApiVersion::CURRENT)
}

/// Whether a request asks for a version, be it a known one or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    ForOne,
    ForNone,
}

impl Asked {
    pub(super) const fn by(wanted: &Result<Option<ApiVersion>, Failure>) -> Self {
        match wanted {
            Ok(None) => Self::ForNone,
            Ok(Some(_)) | Err(_) => Self::ForOne,
        }
    }
}

/// Names the version in an answer.
pub(super) fn name(response: &mut ServiceResponse) {
    let version = HeaderValue::from_static(of(response.request()).as_str());
    response
        .headers_mut()
        .insert(MONEYER_VERSION.clone(), version);
}
