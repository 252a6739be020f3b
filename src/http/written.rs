//! Answers as bytes (RFC 9112), where actix-web does not see to that.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::{
    HttpResponse,
    body::MessageBody as _,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use httpdate::HttpDate;

use super::{
    request_id::{RequestId, X_REQUEST_ID},
    respond::{FIXED, add_fixed_headers},
    verdict::Answer,
};
use crate::domain::Timestamp;

/// The value of the header `Date`, made once a second.
#[derive(Debug, Default)]
pub(super) struct Date {
    at: Option<Timestamp>,
    text: String,
}

/// An answer that is being written: its status first, then its headers, then its body.
struct Written<'a>(&'a mut Vec<u8>);

/// Adds the answer to a gateway to `bytes`; gives its status.
pub(super) fn write(answer: Answer, id: RequestId, date: &str, bytes: &mut Vec<u8>) -> StatusCode {
    let accepted = match answer {
        Answer::Accepted(accepted) => accepted,
        Answer::Refused(response) => return write_response(response, id, date, bytes),
    };
    let mut written = Written::begin(bytes, StatusCode::OK);
    accepted.each_header(|name, value| written.header(name, value.as_bytes()));
    for (name, value) in &FIXED {
        written.header(name, value.as_bytes());
    }
    written.header(&X_REQUEST_ID, id.as_bytes());
    written.finish(date, accepted.body().as_bytes());
    StatusCode::OK
}

/// Adds a response to `bytes`, with the headers that every answer has; gives its status.
pub(super) fn write_response(
    mut response: HttpResponse,
    id: RequestId,
    date: &str,
    bytes: &mut Vec<u8>,
) -> StatusCode {
    add_fixed_headers(response.headers_mut(), id);
    let status = response.status();
    let mut written = Written::begin(bytes, status);
    for (name, value) in response.headers() {
        written.header(name, value.as_bytes());
    }
    let body = response.into_body().try_into_bytes();
    written.finish(date, &body.expect("an answer's body is whole"));
    status
}

impl Date {
    /// Its value at this time.
    pub(super) fn at(&mut self, now: Timestamp) -> &str {
        if self.at != Some(now) {
            let seconds = u64::try_from(now.seconds()).unwrap_or_default();
            let at = UNIX_EPOCH + Duration::from_secs(seconds);
            self.text = HttpDate::from(at).to_string();
            self.at = Some(now);
        }
        &self.text
    }
}

impl<'a> Written<'a> {
    /// Begins an answer behind what is in `bytes`.
    fn begin(bytes: &'a mut Vec<u8>, status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        for part in ["HTTP/1.1 ", status.as_str(), " ", reason, "\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(bytes)
    }

    fn header(&mut self, name: &HeaderName, value: &[u8]) {
        debug_assert!(HeaderValue::from_bytes(value).is_ok(), "{name}: {value:?}");
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            self.0.extend_from_slice(part);
        }
    }

    /// Adds the date, the body's length and the body.
    fn finish(mut self, date: &str, body: &[u8]) {
        self.header(&header::DATE, date.as_bytes());
        self.header(&header::CONTENT_LENGTH, body.len().to_string().as_bytes());
        self.0.extend_from_slice(b"\r\n");
        self.0.extend_from_slice(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_its_second() {
        let mut date = Date::default();
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_778, "Sun, 06 Nov 1994 08:49:38 GMT"),
        ] {
            assert_eq!(date.at(Timestamp::from_seconds(seconds)), text);
        }
    }
}
