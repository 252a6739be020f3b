//! One connection for many requests.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Asks whether a token is good, and gives the status.
    #[track_caller]
    pub fn verify(&mut self, token: &str, query: &str) -> u16 {
        let head = format!(
            "GET /v2/verify{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        self.send(head.as_bytes());
        self.answer().0
    }

    /// Reads one whole answer: its status and its body.
    #[track_caller]
    pub fn answer(&mut self) -> (u16, String) {
        let end = loop {
            let end = self.unread.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(end) => break end,
                None => self.read_more(),
            }
        };
        let head = String::from_utf8(self.unread[..end].to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap_or("0").parse().unwrap();
        while self.unread.len() < end + 4 + length {
            self.read_more();
        }
        let answer: Vec<u8> = self.unread.drain(..end + 4 + length).collect();
        let body = String::from_utf8(answer[end + 4..].to_vec()).unwrap();
        (status, body)
    }

    /// Sends nothing more.
    pub fn end(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// All that comes until the connection is closed.
    pub fn rest(mut self) -> String {
        // Closed for what was not read of it, it counts as closed too.
        let _ = self.stream.read_to_end(&mut self.unread);
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// Whether nothing has come that was not asked for yet.
    pub fn is_quiet(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    #[track_caller]
    fn read_more(&mut self) {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the connection was closed");
        self.unread.extend_from_slice(&chunk[..read]);
    }
}
