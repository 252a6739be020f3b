//! The plain question about a token, as gateways ask it thousands of times a second: `GET
//! /v2/verify` over HTTP/1.1, without a body, and without a wish that concerns the connection.

use std::{borrow::Cow, cell::RefCell, mem::MaybeUninit, net::IpAddr};

use actix_web::http::{
    Method,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use httparse::{Header, Status};

use super::{
    asking::Asking,
    failure::{Failure, MOST_HEADERS},
    log_fields::LogFields,
    throttle::Brake,
    verify, version,
};
use crate::config::Limits;

/// What every question begins with; its query follows, or the end of the line.
const BEGINNING: &[u8] = b"GET /v2/verify";
/// How long a part of a question may be: bytes.
const LONGEST_PART: usize = 16 * 1024;
/// Headers that ask for more than an answer, or announce a body.
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

/// What bytes begin with.
pub(super) enum Heard<'a> {
    /// A plain question, of so many bytes.
    Question(Question<'a>, usize),
    /// What may become one, with more bytes.
    Part,
    /// Anything else.
    Other,
}

/// Who asks on a connection.
#[derive(Debug)]
pub(super) struct Asker {
    peer: IpAddr,
    /// What has the next answer be held back.
    pub(super) brake: Brake,
    /// Of the question that was heard last.
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

    /// What `bytes` begin with. Those that are refused, for their length or otherwise, are no plain
    /// questions.
    pub(super) fn hear<'a>(&'a mut self, bytes: &'a [u8], limits: &Limits) -> Heard<'a> {
        if !bytes.starts_with(BEGINNING) {
            let is_part = BEGINNING.starts_with(bytes);
            return if is_part { Heard::Part } else { Heard::Other };
        }
        let mut lines = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut []);
        let length = match request.parse_with_uninit_headers(bytes, &mut lines) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if bytes.len() < LONGEST_PART => return Heard::Part,
            Ok(Status::Partial) | Err(_) => return Heard::Other,
        };
        let target = request.path.filter(|_| request.version == Some(1));
        let query = target.and_then(plain_query);
        let (Some(target), Some(query)) = (target, query) else {
            return Heard::Other;
        };
        if self
            .take_in(request.headers, target.len(), limits)
            .is_none()
        {
            return Heard::Other;
        }
        let question = Question {
            query,
            headers: &self.headers,
            peer: self.peer,
            brake: &self.brake,
            noted: RefCell::default(),
        };
        Heard::Question(question, length)
    }

    /// Gives the room back that the last question took.
    pub(super) fn forget(&mut self) {
        self.headers = HeaderMap::new();
    }

    /// Takes the headers of a question in; `None` if they make it another request.
    fn take_in(&mut self, lines: &[Header<'_>], target: usize, limits: &Limits) -> Option<()> {
        let length = lines.iter().map(|line| line.name.len() + line.value.len());
        Failure::if_too_large(target, length.sum(), limits).ok()?;
        self.headers.clear();
        for line in lines {
            let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
            if asks_for_more(&name, line.value) {
                return None;
            }
            let value = HeaderValue::from_bytes(line.value).ok()?;
            self.headers.append(name, value);
        }
        // Without a host, or with two, it is to be refused (RFC 9112, section 3.2).
        (self.headers.get_all(header::HOST).count() == 1).then_some(())
    }
}

/// The query of a target at which questions are asked, if it has those characters alone that mean
/// the same to everybody (RFC 3986, section 3.4); empty if there is none.
fn plain_query(target: &str) -> Option<&str> {
    let query = match target.strip_prefix(verify::PATH)? {
        "" => "",
        rest => rest.strip_prefix('?')?,
    };
    let others = b"-._~!$&'()*+,;=:@/?%";
    let mut bytes = query.bytes();
    let is_plain = bytes.all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte));
    is_plain.then_some(query)
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

    const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// The length of the plain question that `text` begins with; 0 for a part of one.
    fn length(text: &str) -> Option<usize> {
        let limits = Config::default().limits;
        match Asker::at(LOCALHOST).hear(text.as_bytes(), &limits) {
            Heard::Question(_, length) => Some(length),
            Heard::Part => Some(0),
            Heard::Other => None,
        }
    }

    fn is_plain(line: &str, headers: &str) -> bool {
        let text = format!("{line}\r\nHost: x\r\n{headers}\r\n");
        length(&text) == Some(text.len())
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
        assert_eq!(length("GET /v2/verify HTTP/1.1\r\n\r\n"), None);
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
    fn a_question_ends_where_the_next_request_begins_and_may_come_in_parts() {
        let question = format!("GET /v2/verify HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n");
        for next in ["", "GET /", "\0"] {
            assert_eq!(length(&format!("{question}{next}")), Some(question.len()));
        }
        for end in 0..question.len() {
            assert_eq!(length(&question[..end]), Some(0), "{end}");
        }
        assert_eq!(length("GET /v2/a"), None);
        let endless = |length: usize| format!("GET /v2/verify?{}", "a".repeat(length - 15));
        assert_eq!(length(&endless(LONGEST_PART - 1)), Some(0));
        assert_eq!(length(&endless(LONGEST_PART)), None);
    }

    #[test]
    fn nothing_of_one_question_is_left_in_the_next() {
        let limits = Config::default().limits;
        let mut asker = Asker::at(LOCALHOST);
        let first = format!("GET /v2/verify?explain=1 HTTP/1.1\r\nHost: x\r\n{TOKEN}\r\n");
        for (text, query, count) in [
            (first.as_str(), "explain=1", 2),
            ("GET /v2/verify HTTP/1.1\r\nHost: x\r\n\r\n", "", 1),
        ] {
            let Heard::Question(question, _) = asker.hear(text.as_bytes(), &limits) else {
                panic!("{text}");
            };
            assert_eq!((question.query(), question.headers().len()), (query, count));
        }
    }
}
