//! Reading what a request says: its query, and the form in its body.

use std::borrow::Cow;

use actix_web::{HttpMessage as _, HttpRequest, http::Method, web::Payload};
use futures_util::StreamExt as _;
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::{document::Rendering, failure::Failure};
use crate::{command::Parameters, config::Limits, error::Error};

const FORM: &str = "application/x-www-form-urlencoded";

/// What a request says. The rendering is known even where the rest is not, so that a failure is
/// answered in it.
pub(super) struct Form {
    /// The form that answers are wanted in, as far as that can be told.
    pub(super) rendering: Rendering,
    /// The parameters, those of the body after those of the query.
    pub(super) parameters: Result<Parameters, Failure>,
}

impl Form {
    /// Reads query and body.
    pub(super) async fn read(request: &HttpRequest, payload: Payload, limits: &Limits) -> Self {
        let mut form = Self::of_query(request);
        match read_body(request, payload, limits).await {
            Ok(body) => form.add(&body),
            Err(failure) => form.parameters = Err(failure),
        }
        form
    }

    /// Reads the query alone.
    pub(super) fn of_query(request: &HttpRequest) -> Self {
        let mut form = Self {
            rendering: Rendering::default(),
            parameters: Ok(Parameters::default()),
        };
        form.add(request.query_string().as_bytes());
        form
    }

    /// Adds the pairs of `encoded`. One that is broken spoils the parameters, but not the
    /// rendering.
    fn add(&mut self, encoded: &[u8]) {
        for pair in encoded
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (
                halves.next().unwrap_or_default(),
                halves.next().unwrap_or_default(),
            );
            let decoded = decode(name).and_then(|name| Some((name, decode(value)?)));
            match (decoded, &mut self.parameters) {
                (Some((name, value)), parameters) => {
                    if name.eq_ignore_ascii_case("output") {
                        self.rendering = Rendering::parse(value.trim()).unwrap_or_default();
                    }
                    if let Ok(parameters) = parameters {
                        parameters.insert(&name, &value);
                    }
                }
                (None, Ok(_)) => {
                    let reason = "are not properly percent-encoded UTF-8";
                    self.parameters =
                        Err(Error::invalid("The request's parameters", reason).into());
                }
                (None, Err(_)) => {}
            }
        }
    }
}

/// Decodes `+` and `%XX`; `None` when an escape is broken or the outcome is not UTF-8.
fn decode(encoded: &[u8]) -> Option<Zeroizing<String>> {
    let escapes_are_whole = encoded
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .all(|(place, _)| {
            encoded
                .get(place + 1..place + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        });
    if !escapes_are_whole {
        return None;
    }
    let bytes = encoded
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte });
    let spaced = Zeroizing::new(bytes.collect::<Vec<u8>>());
    let decoded = Cow::from(percent_decode(&spaced)).into_owned();
    String::from_utf8(decoded).ok().map(Zeroizing::new)
}

async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if request.method() != Method::POST {
        return refuse_body(request);
    }
    let reading = tokio::time::timeout(limits.body_timeout.get(), collect(payload, limits.body));
    let body = reading
        .await
        .map_err(|_| Failure::BodyTimeout(limits.body_timeout.get()))??;
    let content_type = request.content_type();
    if body.is_empty() || content_type.is_empty() || content_type.trim().eq_ignore_ascii_case(FORM)
    {
        return Ok(body);
    }
    Err(Error::invalid(
        "The request's body",
        "must be application/x-www-form-urlencoded",
    )
    .into())
}

/// A body where none is looked for: passing it over could mint a token that was to expire.
fn refuse_body(request: &HttpRequest) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let headers = request.headers();
    let has_body = headers.contains_key("transfer-encoding")
        || headers
            .get("content-length")
            .is_some_and(|length| length.as_bytes() != b"0");
    if has_body {
        return Err(Error::invalid(
            "The request's body",
            "is read with POST alone; give parameters in the query",
        )
        .into());
    }
    Ok(Zeroizing::default())
}

async fn collect(mut payload: Payload, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = payload.next().await {
        let broken = |_| {
            Failure::from(Error::invalid(
                "The request's body",
                "broke off before its end",
            ))
        };
        let chunk = chunk.map_err(broken)?;
        if body.len() + chunk.len() > limit {
            return Err(Failure::BodyTooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
