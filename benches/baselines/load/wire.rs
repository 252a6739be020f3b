//! A connection that is kept alive: requests go out as they are, and of answers what counts is read.

use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::Pin,
};

use tokio::{
    io::{AsyncRead as _, ReadBuf},
    net::TcpStream,
};

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
        let mut bytes = [0; 4096];
        let mut read = ReadBuf::new(&mut bytes);
        // Not `try_read`, which would be tried in vain before each answer.
        poll_fn(|context| Pin::new(&mut self.stream).poll_read(context, &mut read)).await?;
        match read.filled() {
            [] => Err(ErrorKind::UnexpectedEof.into()),
            _ if self.buffer.len() > ROOM => Err(ErrorKind::FileTooLarge.into()),
            read => {
                self.buffer.extend_from_slice(read);
                Ok(())
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
    let body = &bytes[end + 4..];
    let mut length = None;
    let mut answer = Answer {
        status: head
            .get(9..12)
            .and_then(|digits| digits.parse().ok())
            .ok_or(ErrorKind::InvalidData)?,
        body: Vec::new(),
        retry_after: RetryAfter::Unsaid,
        keep_alive: true,
    };
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok(),
            11 if name.eq_ignore_ascii_case("retry-after") => {
                answer.retry_after = RetryAfter::Said;
            }
            10 if name.eq_ignore_ascii_case("connection") => answer.keep_alive = value != "close",
            _ => {}
        }
    }
    let length = length.ok_or(ErrorKind::InvalidData)?;
    if body.len() < length {
        return Ok(None);
    }
    answer.body = body[..length].to_vec();
    Ok(Some(answer))
}
