//! What a request says: its query, and the object in its body.

use actix_web::{HttpMessage as _, HttpRequest, web::Payload};
use serde_json::Value;

use crate::{
    command::management::{Members, Query},
    config::Limits,
    error::Error,
    http::{
        body::{self, check_headers},
        failure::Failure,
        form::decode,
        json,
    },
};

const JSON: &str = "application/json";

/// Reads the query.
pub(super) fn read_query(request: &HttpRequest) -> Result<Query, Error> {
    let mut query = Query::default();
    let pairs = request.query_string().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = decode(name.as_bytes()).zip(decode(value.as_bytes()));
        let (name, value) = decoded.ok_or_else(|| {
            Error::invalid(
                "The request's query",
                "is not properly percent-encoded UTF-8",
            )
        })?;
        query.insert(name.to_string(), value.to_string())?;
    }
    Ok(query)
}

/// Reads the object in the body.
pub(super) async fn read_members(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<Members, Failure> {
    check_headers(request)?;
    let content_type = request.content_type().trim();
    if !content_type.is_empty() && !content_type.eq_ignore_ascii_case(JSON) {
        return Err(Error::invalid("The request's body", format!("must be {JSON}")).into());
    }
    let body = body::read(payload, limits.body, limits).await?;
    Ok(Members::of(json::parse(&body)?)?)
}

/// Checks that neither query nor body asks for anything; an empty object may be there.
pub(super) async fn read_nothing(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<(), Failure> {
    read_query(request)?.finish()?;
    let body = body::read(payload, limits.body, limits).await?;
    let is_empty =
        body.is_empty() || matches!(json::parse(&body)?, Value::Object(it) if it.is_empty());
    if is_empty {
        return Ok(());
    }
    Err(Error::invalid("The request's body", "must be left out, or {}").into())
}
