//! Replies and failures as responses.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};

use super::{
    asking::Asking,
    document::{Document, Rendering},
    failure::Failure,
    form::Form,
    request_id::{RequestId, X_REQUEST_ID},
};
use crate::{
    command::Reply,
    error::{self, Error},
};

/// The headers that every answer has. What is public has another `Cache-Control`.
pub(super) static FIXED: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
];

const JSON: &str = "application/json";
const XML: &str = "application/xml; charset=utf-8";
const CHALLENGE: &str = "Bearer realm=\"moneyer\"";

/// The response to a request that was done.
pub(super) fn success(reply: &Reply, rendering: Rendering) -> HttpResponse {
    render(&mut HttpResponse::Ok(), &reply.into(), rendering)
}

/// The response to a request that was not done.
pub(super) fn failure(
    request: &HttpRequest,
    failure: &Failure,
    rendering: Rendering,
) -> HttpResponse {
    render(&mut fill_in(request, failure), &failure.into(), rendering)
}

/// Status and headers of the response to a request that was not done; an internal cause goes into
/// the log with the request's line.
pub(super) fn fill_in(request: &impl Asking, failure: &Failure) -> HttpResponseBuilder {
    if let Failure::Domain(error @ (Error::Internal(_) | Error::Unavailable(_))) = failure {
        request.note(|fields| fields.cause = Some(error::chain(error)));
    }
    let mut response = HttpResponse::build(failure.status());
    if failure.status() == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, CHALLENGE));
    }
    if let Failure::MethodNotAllowed(methods) = failure {
        response.insert_header((header::ALLOW, *methods));
    }
    if let Some(pause) = failure.retry_after() {
        let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        response.insert_header((header::RETRY_AFTER, seconds.max(1)));
    }
    response
}

fn render(
    response: &mut HttpResponseBuilder,
    document: &Document,
    rendering: Rendering,
) -> HttpResponse {
    match rendering {
        Rendering::Json => response.content_type(JSON).body(document.to_json()),
        Rendering::Xml => response.content_type(XML).body(document.to_xml()),
    }
}

/// The response to a request that was not read whole, in the rendering that its query asks for.
pub(super) fn refuse(request: &HttpRequest, refusal: &Failure) -> HttpResponse {
    failure(request, refusal, Form::of_query(request).rendering)
}

/// Adds the headers that every answer has, but for those that are there, and the request's id.
pub(super) fn add_fixed_headers(headers: &mut HeaderMap, id: RequestId) {
    for (name, value) in &FIXED {
        if !headers.contains_key(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    let id = HeaderValue::from_bytes(id.as_bytes()).expect("an id is hexadecimal digits");
    headers.append(X_REQUEST_ID.clone(), id);
}
