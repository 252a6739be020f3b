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

/// Who asks on a connection.
#[derive(Debug)]
pub(super) struct Asker {
    peer: IpAddr,
    /// What has the next answer be held back.
    pub(super) brake: Brake,
    /// Of the question that was read last.
    headers: HeaderMap,
}

impl Asker {
    pub(super) fn at(peer: IpAddr) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const TOKEN: &str = "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n";

    /// The length of the plain question that `text` begins with.
    fn length(text: &str) -> Option<usize> {
        let limits = Config::default().limits;
        let mut asker = Asker::at([127, 0, 0, 1].into());
        let read = asker.read(text.as_bytes(), &limits);
        read.map(|(_, length)| length)
    }

    fn is_plain(line: &str, headers: &str) -> bool {
        length(&format!("{line}\r\nHost: x\r\n{headers}\r\n")).is_some()
    }

    #[test]
    fn what_gateways_send_is_plain() {
        for headers in [
            "",
            TOKEN,
            "Connection: Keep-Alive\r\n",
            "Cookie: a\r\nX-Forwarded-For: b\r\n",
        ] {
            assert!(is_plain("GET /v2/verify HTTP/1.1", headers), "{headers}");
        }
        for query in ["", "scope=a%20b+c&explain=1", "token=x&units=m(2);"] {
            let line = format!("GET /v2/verify?{query} HTTP/1.1");
            assert!(is_plain(&line, ""), "{line}");
        }
    }

    #[test]
    fn what_is_more_than_a_question_is_not() {
        for line in [
            "POST /v2/verify HTTP/1.1",
            "HEAD /v2/verify HTTP/1.1",
            "GET /v2/verify HTTP/1.0",
            "GET /v2/verify/ HTTP/1.1",
            "GET /v2/verify/original HTTP/1.1",
            "GET /v2/verifyx HTTP/1.1",
            "GET //v2/verify HTTP/1.1",
            "GET http://x/v2/verify HTTP/1.1",
            "GET /v2/verify?a=\"b\" HTTP/1.1",
            "GET /v2/verify?a#b HTTP/1.1",
            "GET /v2/auth HTTP/1.1",
            "GET /v2/verify",
        ] {
            assert!(!is_plain(line, ""), "{line}");
        }
        for header in [
            "Content-Length: 0",
            "Transfer-Encoding: chunked",
            "Connection: close",
            "Connection: keep-alive, close",
            "Connection: upgrade",
            "Upgrade: h2c",
            "Expect: 100-continue",
            "TE: trailers",
            "Trailer: x",
            "Moneyer-Version: 2026-11-25",
            "Host: y",
            "Folded: a\r\n b",
            "No colon",
        ] {
            let header = format!("{header}\r\n");
            assert!(!is_plain("GET /v2/verify HTTP/1.1", &header), "{header}");
        }
    }

    #[test]
    fn what_is_too_long_is_left_to_who_refuses_it() {
        let limits = Config::default().limits;
        let target = |length: usize| {
            let query = "a".repeat(length - "/v2/verify?".len());
            is_plain(&format!("GET /v2/verify?{query} HTTP/1.1"), "")
        };
        assert!(target(limits.target) && !target(limits.target + 1));
        let header = |length: usize| {
            let value = "a".repeat(length - "Hostx".len() - "X".len());
            is_plain("GET /v2/verify HTTP/1.1", &format!("X: {value}\r\n"))
        };
        assert!(header(limits.headers) && !header(limits.headers + 1));
        let lines = |count| "X: y\r\n".repeat(count - 1);
        assert!(is_plain("GET /v2/verify HTTP/1.1", &lines(MOST_HEADERS)));
        assert!(!is_plain(
            "GET /v2/verify HTTP/1.1",
            &lines(MOST_HEADERS + 1)
        ));
    }

    #[test]
    fn a_question_ends_where_the_next_request_begins_and_a_part_of_one_is_none() {
        let question = format!("GET /v2/verify HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n");
        for next in ["", "GET /", "\0"] {
            assert_eq!(length(&format!("{question}{next}")), Some(question.len()));
        }
        for end in 0..question.len() {
            assert_eq!(length(&question[..end]), None);
        }
    }

    #[test]
    fn nothing_of_one_question_is_left_in_the_next() {
        let limits = Config::default().limits;
        let mut asker = Asker::at([127, 0, 0, 1].into());
        let first = format!("GET /v2/verify?explain=1 HTTP/1.1\r\n{TOKEN}\r\n");
        let (question, _) = asker.read(first.as_bytes(), &limits).unwrap();
        assert_eq!(
            (question.query(), question.headers().len()),
            ("explain=1", 1)
        );
        let second = b"GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n";
        let (question, _) = asker.read(second, &limits).unwrap();
        assert_eq!(question.query(), "");
        let names: Vec<_> = question.headers().keys().collect();
        assert_eq!(names, [header::HOST]);
    }
}
