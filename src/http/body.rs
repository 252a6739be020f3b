//! Reading bodies, within their limits.

use actix_web::{HttpMessage as _, HttpRequest, http::header, web::Payload};
use futures_util::StreamExt as _;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{failure::Failure, json};
use crate::{config::Limits, error::Error};

/// What a document of settings may be sent as.
const DOCUMENTS: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// Reads a body of at most `most` bytes.
pub(super) async fn read(
    payload: Payload,
    most: usize,
    limits: &Limits,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    tokio::time::timeout(limits.body_timeout.get(), collect(payload, most))
        .await
        .map_err(|_| Failure::BodyTimeout(limits.body_timeout.get()))?
}

/// Reads a JSON document.
pub(super) async fn read_document(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<Value, Failure> {
    check_headers(request)?;
    let content_type = request.content_type().trim();
    let fits = |known: &str| known.eq_ignore_ascii_case(content_type);
    if !content_type.is_empty() && !DOCUMENTS.into_iter().any(fits) {
        let reason = "must be application/json or application/merge-patch+json";
        return Err(Error::invalid("The request's body", reason).into());
    }
    let body = read(payload, limits.settings_body, limits).await?;
    Ok(json::parse(&body)?)
}

/// Refuses headers by which a body could be taken for something else than it is.
pub(super) fn check_headers(request: &HttpRequest) -> Result<(), Error> {
    let headers = request.headers();
    if headers.get_all(header::CONTENT_TYPE).count() > 1 {
        return Err(Error::invalid("Content-Type", "is given more than once"));
    }
    let encoding = headers.get(header::CONTENT_ENCODING);
    match encoding.map(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        None | Some(true) => Ok(()),
        Some(false) => Err(Error::invalid("Content-Encoding", "must be left out")),
    }
}

async fn collect(mut payload: Payload, most: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = payload.next().await {
        let broken = |_| {
            Failure::from(Error::invalid(
                "The request's body",
                "broke off before its end",
            ))
        };
        let chunk = chunk.map_err(broken)?;
        if body.len() + chunk.len() > most {
            return Err(Failure::BodyTooLarge(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
