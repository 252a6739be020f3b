//! Answers in this manner: `data` or `errors`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::ContentType},
};
use serde::Serialize;

use crate::{
    domain::Denied,
    error::Error,
    http::{failure::Failure, respond::fill_in},
};

/// What a request that was done is answered with.
#[derive(Debug)]
pub(super) enum Answer {
    /// This body.
    Body(StatusCode, Vec<u8>),
    /// No body at all.
    Nothing,
}

#[derive(Serialize)]
struct Data<'a, T> {
    data: &'a T,
}

#[derive(Serialize)]
struct Errors<'a> {
    errors: [Line<'a>; 1],
}

#[derive(Serialize)]
struct Line<'a> {
    code: &'a str,
    message: String,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

impl Answer {
    /// Something was done.
    pub(super) fn done(data: &impl Serialize) -> Self {
        Self::Body(StatusCode::OK, to_json(&Data { data }))
    }

    /// A part of a list.
    pub(super) fn part(data: &impl Serialize) -> Self {
        Self::Body(StatusCode::PARTIAL_CONTENT, to_json(&Data { data }))
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Nothing => Self::NoContent().finish(),
            Answer::Body(status, body) => Self::build(status)
                .content_type(ContentType::json())
                .body(body),
        }
    }
}

/// The response to a request that was not done.
pub(in crate::http) fn refused(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    let line = Line {
        code: failure.code(),
        message: failure.to_string(),
        r#type: kind(failure.status()),
        field: field(failure),
    };
    fill_in(request, failure)
        .content_type(ContentType::json())
        .body(to_json(&Errors { errors: [line] }))
}

/// What sort of error a status stands for.
fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::CONFLICT => "conflict_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// The parameter or member that is at fault, if it is one.
fn field(failure: &Failure) -> Option<&'static str> {
    let Failure::Domain(error) = failure else {
        return None;
    };
    match error {
        Error::InvalidParameter { name, .. } => {
            let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            plain.then_some(*name)
        }
        Error::Denied(Denied::Undeclared(_)) => Some("permissions"),
        Error::UnknownTokenId(_) => Some("access_token_id"),
        Error::UnknownApiKey(_) => Some("api_key_id"),
        _ => None,
    }
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("texts, numbers and lists of them are always JSON")
}
