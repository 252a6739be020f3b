//! A plain client: requests that read as sentences, sent as bytes, and what comes back.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use moneyer::domain::PrivateKey;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// A request being put together.
#[derive(Clone)]
pub struct Request {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    query: Vec<String>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        Self {
            address,
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
        }
    }

    pub fn key(self, key: &PrivateKey) -> Self {
        self.header("Authorization", &format!("Bearer {}", key.expose()))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a parameter to the query, encoded.
    pub fn query(self, name: &str, value: &str) -> Self {
        let pair = format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        self.raw_query(&pair)
    }

    /// Adds to the query as it stands.
    pub fn raw_query(mut self, text: &str) -> Self {
        self.query.push(text.into());
        self
    }

    /// Sends a form, encoded already.
    pub fn form(self, body: &str) -> Self {
        self.body("application/x-www-form-urlencoded", body.as_bytes())
    }

    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", content_type)
    }

    fn head(&self) -> String {
        let query = if self.query.is_empty() {
            String::new()
        } else {
            format!("?{}", self.query.join("&"))
        };
        let mut head = format!(
            "{} {}{query} HTTP/1.1\r\nHost: moneyer\r\n",
            self.method, self.target
        );
        if !self.is_question() {
            head += "Connection: close\r\n";
        }
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if let Some(body) = &self.body {
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        head + "\r\n"
    }

    #[track_caller]
    pub fn send(&self) -> Answer {
        let bytes = [
            self.head().into_bytes(),
            self.body.clone().unwrap_or_default(),
        ]
        .concat();
        let stream = connect_and_send(self.address, &bytes);
        if self.is_question() {
            let _ = stream.shutdown(Shutdown::Write);
        }
        read_answer(stream)
    }

    /// Whether a gateway asks like this, whose connection does not end with its question.
    fn is_question(&self) -> bool {
        self.method == "GET" && self.target == "/v2/verify"
    }
}

/// Sends bytes as they are; gives what is answered until the connection is closed.
#[track_caller]
pub fn send_raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    read_answer(connect_and_send(address, bytes))
}

fn connect_and_send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // A server that has seen enough may close before all is sent; what it answered counts.
    let _ = stream.write_all(bytes);
    stream
}

#[track_caller]
fn read_answer(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    let mut chunk = [0; 8192];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
    }
    let text = String::from_utf8(answer).expect("answers are UTF-8");
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no whole answer: {text:?}"));
    Answer {
        head: head.into(),
        body: body.into(),
    }
}

/// What came back.
pub struct Answer {
    head: String,
    pub body: String,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The whole answer, headers in order of name and without the date.
    pub fn whole(&self) -> String {
        let mut lines = self.head.lines();
        let status = lines.next().unwrap();
        let mut headers: Vec<_> = lines.filter(|line| !line.starts_with("date: ")).collect();
        headers.sort_unstable();
        format!("{status}\n{}\n\n{}", headers.join("\n"), self.body)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.whole()))
    }

    #[track_caller]
    pub fn token(&self) -> String {
        assert_eq!(self.status(), 200, "{}", self.whole());
        self.json()["TOKEN"].as_str().expect("a token").to_owned()
    }

    #[track_caller]
    pub fn tokens(&self) -> Vec<String> {
        assert_eq!(self.status(), 200, "{}", self.whole());
        let list = self.json();
        list["TOKENS"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|token| token.as_str().unwrap().to_owned())
            .collect()
    }

    /// Checks that the answer is this error, with a sentence and nothing beside it.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str) {
        let json = self.json();
        assert_eq!(
            (self.status(), json["ERROR"].as_str()),
            (status, Some(code)),
            "{}",
            self.whole()
        );
        let members = json.as_object().unwrap();
        assert!(
            members.len() == 2
                && members["MESSAGE"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
            "{json}"
        );
    }
}
