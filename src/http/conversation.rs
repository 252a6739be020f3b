//! Conversations with gateways. A gateway keeps its connection and asks on it whether tokens are
//! good, thousands of times a second: as long as nothing but plain [`Question`](super::question::Question)s comes, they are
//! answered here, since the HTTP framework would take twice as long for each. The first request
//! that is anything else goes to the framework, and the connection with it for good.

use std::{
    io::Result,
    net::IpAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use actix_server::GracefulShutdownSignal;
use httpdate::HttpDate;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    select,
    time::sleep,
};

use super::{
    Service,
    failure::Failure,
    log,
    question::Line,
    verify,
    wire::{self, Wire},
    written,
};
use crate::domain::Timestamp;

/// How much is read at once: bytes.
const CHUNK: usize = 4096;

/// What conversations are had with.
pub(super) struct Conversations {
    service: Arc<Service>,
    stopping: GracefulShutdownSignal,
}

/// One of them.
struct Conversation<'a> {
    service: &'a Service,
    stream: TcpStream,
    line: Line,
    /// What was read and is not answered yet.
    unread: Vec<u8>,
    answer: Vec<u8>,
    date: Date,
    /// When a question last came, if one did.
    asked: Option<Duration>,
}

/// The value of the header `Date`, made once a second.
#[derive(Debug, Default)]
struct Date {
    at: Option<Timestamp>,
    text: String,
}

impl Conversations {
    pub(super) fn new(service: Arc<Service>, stopping: GracefulShutdownSignal) -> Self {
        Self { service, stopping }
    }

    /// Answers the plain questions that come on `stream` first. What comes then is left to be read on
    /// the wire that is given; there is none where nothing more is to come.
    ///
    /// # Errors
    /// Those of the connection.
    pub(super) async fn converse(&self, stream: TcpStream, peer: IpAddr) -> Result<Option<Wire>> {
        let mut conversation = Conversation {
            service: &self.service,
            stream,
            line: Line::of(peer),
            unread: Vec::with_capacity(CHUNK),
            answer: Vec::new(),
            date: Date::default(),
            asked: None,
        };
        if !conversation.go_on(&self.stopping).await? {
            return Ok(None);
        }
        let Conversation { stream, unread, .. } = conversation;
        Ok(Some(Wire::new(stream, unread, Arc::clone(&self.service))))
    }
}

impl Conversation<'_> {
    /// Answers questions; says whether something else has come.
    async fn go_on(&mut self, stopping: &GracefulShutdownSignal) -> Result<bool> {
        let mut stopping = pin!(stopping.notified());
        let mut patience = pin!(sleep(self.service.limits.head_timeout.get()));
        loop {
            self.unread.reserve(CHUNK);
            let is_first = self.asked.is_none();
            select! {
                biased;
                read = self.stream.read_buf(&mut self.unread) => {
                    if read? == 0 {
                        return Ok(false);
                    }
                    if self.answer_all().await? {
                        return Ok(true);
                    }
                    if is_first {
                        patience.set(sleep(self.service.limits.keep_alive.get()));
                    }
                }
                () = &mut stopping => return Ok(false),
                () = &mut patience => match self.rest_of_patience() {
                    Some(rest) => patience.set(sleep(rest)),
                    None => return self.part().await.map(|()| false),
                },
            }
        }
    }

    /// Answers the questions that have been read; says whether something else follows them.
    async fn answer_all(&mut self) -> Result<bool> {
        while !self.unread.is_empty() {
            let service = self.service;
            let Some((question, length)) = self.line.read(&self.unread, &service.limits) else {
                return Ok(true);
            };
            let started = service.app.clock.elapsed();
            let answer = verify::answer(service, &question).await;
            let id = service.next_request_id();
            let date = self.date.at(service.app.clock.now());
            let status = written::write(answer, id, date, &mut self.answer);
            log::write_line(service, &question, status, id, started);
            self.unread.drain(..length);
            self.asked = Some(started);
            self.send().await?;
        }
        Ok(false)
    }

    /// Sends the answer, once it may go out.
    async fn send(&mut self) -> Result<()> {
        if self.line.brake.release()
            && let Some(hold) = self.service.throttle.hold()
        {
            hold.await;
        }
        self.stream.write_all(&self.answer).await?;
        self.answer.clear();
        Ok(())
    }

    /// For how long the connection is still kept, if it is.
    fn rest_of_patience(&self) -> Option<Duration> {
        let since = self.service.app.clock.elapsed().saturating_sub(self.asked?);
        let rest = self.service.limits.keep_alive.get().checked_sub(since)?;
        (!rest.is_zero()).then_some(rest)
    }

    /// Says why the connection ends, to who never asked anything.
    async fn part(&mut self) -> Result<()> {
        if self.asked.is_some() {
            return Ok(());
        }
        let failure = Failure::HeadTimeout(self.service.limits.head_timeout.get());
        let refusal = wire::refuse(self.service, &failure);
        self.stream.write_all(&refusal).await?;
        self.stream.shutdown().await
    }
}

impl Date {
    fn at(&mut self, now: Timestamp) -> &str {
        if self.at != Some(now) {
            let seconds = u64::try_from(now.seconds()).unwrap_or_default();
            let at = UNIX_EPOCH + Duration::from_secs(seconds);
            self.text = HttpDate::from(at).to_string();
            self.at = Some(now);
        }
        &self.text
    }
}
