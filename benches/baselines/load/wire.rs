//! A connection that is kept alive: requests go out as they are, and of answers what counts is read.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use tokio::net::TcpStream;

/// The longest answer: bytes.
const ROOM: usize = 64 * 1024;

/// A connection.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub retry_after: RetryAfter,
    pub keep_alive: bool,
}

/// Whether the answer says when to come back.
#[derive(PartialEq, Eq)]
pub enum RetryAfter {
    Said,
    Unsaid,
}

impl Wire {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request and waits for its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request).await?;
        self.buffer.clear();
        loop {
            if let Some(answer) = read(&self.buffer)? {
                return Ok(answer);
            }
            self.receive().await?;
        }
    }

    async fn send(&self, mut left: &[u8]) -> io::Result<()> {
        while !left.is_empty() {
            match self.stream.try_write(left) {
                Ok(written) => left = &left[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            let mut bytes = [0; 4096];
            match self.stream.try_read(&mut bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) if self.buffer.len() > ROOM => return Err(ErrorKind::FileTooLarge.into()),
                Ok(read) => {
                    self.buffer.extend_from_slice(&bytes[..read]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The answer in `bytes`, once it is whole: one with a length, as all that are asked for have.
fn read(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| ErrorKind::InvalidData)?;
    let status = head.get(9..12).and_then(|digits| digits.parse().ok());
    let length = header(head, "content-length").and_then(|length| length.parse().ok());
    let (Some(status), Some(length)) = (status, length) else {
        return Err(ErrorKind::InvalidData.into());
    };
    let body = &bytes[end + 4..];
    if body.len() < length {
        return Ok(None);
    }
    Ok(Some(Answer {
        status,
        body: body[..length].to_vec(),
        retry_after: match header(head, "retry-after") {
            Some(_) => RetryAfter::Said,
            None => RetryAfter::Unsaid,
        },
        keep_alive: header(head, "connection") != Some("close"),
    }))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
