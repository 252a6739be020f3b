//! A small HTTP server: the API behind a gateway, or something in Moneyer's place.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde::{Deserialize, Serialize};

/// A request as it arrived.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    /// The values of the headers with this name.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = self
            .headers
            .iter()
            .filter(|(sent, _)| sent.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that is there at most once; an empty one is as good as none.
    #[track_caller]
    pub fn value(&self, name: &str) -> &str {
        match self.values(name)[..] {
            [] => "",
            [value] => value,
            _ => panic!("{name} is there more than once: {self:#?}"),
        }
    }
}

/// What is answered to a request: all bytes of it, or `None` for silence.
type Answering = fn(&Seen) -> Option<String>;

/// A server that keeps what it has seen.
pub struct Backend {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Backend {
    /// An API that answers with the request that it saw.
    pub fn api() -> Self {
        Self::answering(|seen| Some(echo(seen)))
    }

    pub fn answering(answering: Answering) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let backend = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let all = Arc::clone(&backend.seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, all) = (stream.unwrap(), Arc::clone(&all));
                thread::spawn(move || converse(stream, &all, answering));
            }
        });
        backend
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// One request and its answer. Who goes away early, like a gateway that looks whether anybody is
/// there, is no matter.
fn converse(stream: TcpStream, all: &Mutex<Vec<Seen>>, answering: Answering) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let seen = read_request(&mut stream)?;
    all.lock().unwrap().push(seen.clone());
    match answering(&seen) {
        Some(answer) => stream.get_mut().write_all(answer.as_bytes()).ok(),
        None => stream.read_to_end(&mut Vec::new()).ok().map(|_| ()),
    }
}

fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let first = read_line(stream)?;
    let mut words = first.split(' ');
    let mut seen = Seen {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        ..Seen::default()
    };
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let header = (name.to_owned(), value.trim().to_owned());
        seen.headers.push(header);
    }
    let body = if seen.value("Transfer-Encoding") == "chunked" {
        read_chunks(stream)?
    } else {
        read_exactly(stream, seen.value("Content-Length").parse().unwrap_or(0))?
    };
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}

fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).ok()?;
    (length > 0).then(|| line.trim_end().to_owned())
}

fn read_exactly(stream: &mut BufReader<TcpStream>, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn read_chunks(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(stream)?, 16).ok()?;
        body.extend(read_exactly(stream, length)?);
        read_line(stream)?;
        if length == 0 {
            return Some(body);
        }
    }
}

/// The request itself, as JSON. `/answers/STATUS` has another status than 200.
fn echo(seen: &Seen) -> String {
    let status = seen.target.strip_prefix("/answers/").unwrap_or("200");
    let body = serde_json::to_string(seen).unwrap();
    let length = body.len();
    let body = if seen.method == "HEAD" { "" } else { &body };
    format!(
        "HTTP/1.1 {status} As Asked\r\nX-Reached: the API\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}
