//! Answers as bytes (RFC 9112), where actix-web does not see to that.

use actix_web::{
    HttpResponse,
    body::MessageBody as _,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};

use super::{
    request_id::{RequestId, X_REQUEST_ID},
    respond::FIXED,
    verdict::Answer,
};

/// An answer that is being written: its status first, then its headers, then its body.
pub(super) struct Written<'a>(&'a mut Vec<u8>);

impl<'a> Written<'a> {
    /// Begins an answer behind what is in `bytes`.
    pub(super) fn begin(bytes: &'a mut Vec<u8>, status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        for part in ["HTTP/1.1 ", status.as_str(), " ", reason, "\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(bytes)
    }

    pub(super) fn header(&mut self, name: &HeaderName, value: &[u8]) {
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            self.0.extend_from_slice(part);
        }
    }

    /// Adds the headers that every answer has.
    pub(super) fn fixed_headers(&mut self, id: RequestId) {
        for (name, value) in &FIXED {
            self.header(name, value.as_bytes());
        }
        self.header(&X_REQUEST_ID, id.as_bytes());
    }

    /// Adds the body, after its length.
    pub(super) fn finish(mut self, body: &[u8]) {
        self.header(&header::CONTENT_LENGTH, body.len().to_string().as_bytes());
        self.0.extend_from_slice(b"\r\n");
        self.0.extend_from_slice(body);
    }
}

/// Adds the answer to a gateway to `bytes`; gives its status.
pub(super) fn write(answer: Answer, id: RequestId, date: &str, bytes: &mut Vec<u8>) -> StatusCode {
    match answer {
        Answer::Accepted(accepted) => {
            let mut written = Written::begin(bytes, StatusCode::OK);
            accepted.each_header(|name, value| written.header(name, value.as_bytes()));
            written.fixed_headers(id);
            written.header(&header::DATE, date.as_bytes());
            written.finish(accepted.body().as_bytes());
            StatusCode::OK
        }
        Answer::Refused(response) => write_response(response, id, date, bytes),
    }
}

fn write_response(
    response: HttpResponse,
    id: RequestId,
    date: &str,
    bytes: &mut Vec<u8>,
) -> StatusCode {
    let status = response.status();
    let mut written = Written::begin(bytes, status);
    for (name, value) in response.headers() {
        written.header(name, value.as_bytes());
    }
    written.fixed_headers(id);
    written.header(&header::DATE, date.as_bytes());
    let body = response.into_body().try_into_bytes();
    written.finish(&body.expect("an answer's body is whole"));
    status
}
