//! The bytes of a connection, on their way to and from the HTTP parser.
//!
//! What the parser cannot take it refuses by itself, with a status and nothing else: a head of more
//! than 128 KiB, a target of more than 64 KiB, anything that is not HTTP, a head that does not
//! come. [`Wire`] puts our own refusal in the place of such a bare one, so that every failure has
//! its code and its sentence. One that goes out together with an earlier, pipelined answer stays
//! bare.
//!
//! An answer can be held back here ([`Brake`]), when all of the request has been dealt with. While
//! one cannot go out, for that or since the client does not read, nothing more is read.

use std::{
    io::Result,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{
    Service,
    failure::Failure,
    log,
    throttle::{Brake, Hold},
};

/// How a response begins that the parser made: no handler's answer is empty.
const BARE: [&[u8]; 3] = [
    b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n",
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n",
];
const STATUS: std::ops::Range<usize> = 9..12;

/// A connection whose bare refusals are filled in, and whose answers can be held back.
pub(super) struct Wire {
    stream: TcpStream,
    service: Arc<Service>,
    /// What was read of it before, and comes first.
    unread: Vec<u8>,
    line: Line,
    refusal: Option<Refusal>,
    brake: Brake,
    hold: Option<Hold>,
    reading: Reading,
}

/// Whether more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Goes,
    /// Not while an answer cannot go out.
    Rests,
    /// And the parser has asked for more in vain.
    IsMissed,
}

/// How much has been read of the line that a request begins with.
#[derive(Debug, Clone, Copy)]
enum Line {
    Begun(usize),
    Whole(usize),
}

/// A refusal on its way out, and how much of it has gone.
struct Refusal {
    bytes: Vec<u8>,
    written: usize,
}

impl Wire {
    /// The wire on which `unread` comes first, then what `stream` brings.
    pub(super) fn new(stream: TcpStream, unread: Vec<u8>, service: Arc<Service>) -> Self {
        Self {
            stream,
            service,
            unread,
            line: Line::Begun(0),
            refusal: None,
            brake: Brake::default(),
            hold: None,
            reading: Reading::Goes,
        }
    }

    /// What has the next answer be held back.
    pub(super) fn brake(&self) -> Brake {
        self.brake.clone()
    }

    /// Writes `bytes`, or our own refusal in their place.
    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if self.brake.release() {
            self.hold = self.service.throttle.hold();
        }
        if let Some(hold) = &mut self.hold {
            ready!(Pin::new(hold).poll(context));
            self.hold = None;
        }
        if self.refusal.is_none() {
            self.refusal = self.refusal_for(bytes);
        }
        let Some(refusal) = &mut self.refusal else {
            self.line = Line::Begun(0);
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        while refusal.written < refusal.bytes.len() {
            let rest = &refusal.bytes[refusal.written..];
            refusal.written += ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// What to write in the place of `response`, if the parser made it.
    fn refusal_for(&self, response: &[u8]) -> Option<Refusal> {
        let bare = BARE.iter().find(|bare| response.starts_with(bare))?;
        let limits = &self.service.limits;
        let failure = match (&bare[STATUS], self.line) {
            (b"408", _) => Failure::HeadTimeout(limits.head_timeout.get()),
            (_, Line::Begun(length) | Line::Whole(length)) if length > limits.target => {
                Failure::TargetTooLarge(limits.target)
            }
            (b"431", _) => Failure::HeadersTooLarge(limits.headers),
            _ => Failure::NotHttp,
        };
        Some(Refusal {
            bytes: log::refuse_unheard(&self.service, &failure),
            written: 0,
        })
    }
}

impl Line {
    fn after(self, read: &[u8]) -> Self {
        match self {
            Self::Whole(_) => self,
            Self::Begun(before) => match read.iter().position(|byte| *byte == b'\n') {
                Some(end) => Self::Whole(before + end),
                None => Self::Begun(before + read.len()),
            },
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.reading != Reading::Goes {
            self.reading = Reading::IsMissed;
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if self.unread.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            let length = self.unread.len().min(buffer.remaining());
            buffer.put_slice(&self.unread[..length]);
            self.unread.drain(..length);
            if self.unread.is_empty() {
                self.unread = Vec::new();
            }
        }
        self.line = self.line.after(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let sent = self.poll_send(context, bytes);
        self.reading = match (sent.is_ready(), self.reading) {
            (false, Reading::Goes) => Reading::Rests,
            (false, resting) => resting,
            (true, Reading::IsMissed) => {
                context.waker().wake_by_ref();
                Reading::Goes
            }
            (true, Reading::Goes | Reading::Rests) => Reading::Goes,
        };
        sent
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_measured_to_its_end_however_it_arrives() {
        let line = Line::Begun(0)
            .after(b"GET /")
            .after(b"v2 HTTP/1.1\r\nHost: x")
            .after(b"\n\n");
        assert!(matches!(line, Line::Whole(17)), "{line:?}");
        assert!(matches!(
            Line::Begun(0).after(b"GET /").after(b"v2"),
            Line::Begun(7)
        ));
    }
}
