//! The plain question about a token, as gateways ask it thousands of times a second: `GET
//! /v2/verify` over HTTP/1.1, without a body, and without a wish that concerns the connection.

use std::{borrow::Cow, cell::RefCell, net::IpAddr};

use actix_web::http::{
    Method,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use httparse::{EMPTY_HEADER, Status};

use super::{asking::Asking, log_fields::LogFields, throttle::Brake, verify, version};
use crate::config::Limits;

/// What every question begins with; the query follows, or the line's end.
const BEGINNING: &[u8] = b"GET /v2/verify";
/// More lines than gateways send; a request with more of them is no plain question.
const MOST_HEADERS: usize = 32;
/// Ask for more than an answer, or announce a body.
const NOT_PLAIN: [HeaderName; 6] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::EXPECT,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
];

/// A plain question that was read whole.
pub(super) struct Question<'a> {
    query: &'a str,
    headers: &'a HeaderMap,
    peer: IpAddr,
    brake: &'a Brake,
    noted: RefCell<LogFields>,
}

/// On whose connection questions are read.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) peer: IpAddr,
    pub(super) brake: Brake,
    /// Of the question that was read last.
    headers: HeaderMap,
}

impl Line {
    pub(super) fn of(peer: IpAddr) -> Self {
        Self {
            peer,
            brake: Brake::default(),
            headers: HeaderMap::new(),
        }
    }

    /// The plain question that `bytes` begin with, and its length in bytes; `None` if they begin
    /// with anything else, or with a part of one.
    pub(super) fn read<'a>(
        &'a mut self,
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Option<(Question<'a>, usize)> {
        if !bytes.starts_with(BEGINNING) {
            return None;
        }
        let mut lines = [EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut lines);
        let Ok(Status::Complete(length)) = request.parse(bytes) else {
            return None;
        };
        let target = request
            .path
            .filter(|target| target.len() <= limits.target)?;
        let query = match target.strip_prefix(verify::PATH)? {
            "" => "",
            rest => rest.strip_prefix('?').filter(|query| is_plain(query))?,
        };
        self.headers.clear();
        let mut room = limits.headers;
        for line in &*request.headers {
            room = room.checked_sub(line.name.len() + line.value.len())?;
            let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
            let is_second_host = name == header::HOST && self.headers.contains_key(&name);
            if is_second_host || asks_for_more(&name, line.value) {
                return None;
            }
            let value = HeaderValue::from_bytes(line.value).ok()?;
            self.headers.append(name, value);
        }
        let question = Question {
            query,
            headers: &self.headers,
            peer: self.peer,
            brake: &self.brake,
            noted: RefCell::default(),
        };
        (request.version == Some(1)).then_some((question, length))
    }
}

/// Whether a query has those characters alone that mean the same to everybody (RFC 3986, section
/// 3.4).
fn is_plain(query: &str) -> bool {
    let others = b"-._~!$&'()*+,;=:@/?%";
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    query.bytes().all(is_plain)
}

fn asks_for_more(name: &HeaderName, value: &[u8]) -> bool {
    if *name == header::CONNECTION {
        return !value.eq_ignore_ascii_case(b"keep-alive");
    }
    NOT_PLAIN.contains(name) || version::is_asked_for_by(name)
}

impl Asking for Question<'_> {
    fn method(&self) -> &Method {
        &Method::GET
    }

    fn query(&self) -> &str {
        self.query
    }

    fn headers(&self) -> &HeaderMap {
        self.headers
    }

    fn peer(&self) -> Option<IpAddr> {
        Some(self.peer)
    }

    fn route(&self) -> Cow<'static, str> {
        verify::PATH.into()
    }

    fn brake(&self) -> Option<Brake> {
        Some(self.brake.clone())
    }

    fn note(&self, note: impl FnOnce(&mut LogFields)) {
        note(&mut self.noted.borrow_mut());
    }

    fn noted(&self) -> LogFields {
        self.noted.borrow().clone()
    }
}
