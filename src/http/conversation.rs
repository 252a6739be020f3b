//! Conversations with gateways. A gateway keeps its connection, and asks on it whether tokens are
//! good, thousands of times a second. Of what the server itself works at such a question, actix-web
//! would be a third. So each connection begins as a conversation, and is one for as long as nothing
//! but plain questions (see [`question`](super::question)) comes. The first request that is anything
//! else goes to actix-web, and the connection with it, for good.

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
    time::{Instant, sleep},
};

use super::{
    Service,
    failure::Failure,
    log,
    question::Asker,
    verify,
    wire::{self, Wire},
    written,
};
use crate::domain::Timestamp;

/// How much is read at once, at least: bytes.
const CHUNK: usize = 4096;

/// Holds conversations.
pub(super) struct Conversations {
    service: Arc<Service>,
    stopping: GracefulShutdownSignal,
}

struct Conversation<'a> {
    service: &'a Service,
    stream: TcpStream,
    asker: Asker,
    /// What was read and is not answered yet.
    unread: Vec<u8>,
    answer: Vec<u8>,
    date: Date,
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

    /// Answers the plain questions that `peer` asks first on `stream`. What comes then is left to be
    /// read from the wire; there is none when nothing more is to come.
    ///
    /// # Errors
    /// Those of the connection.
    pub(super) async fn hold(&self, stream: TcpStream, peer: IpAddr) -> Result<Option<Wire>> {
        let mut conversation = Conversation {
            service: &self.service,
            stream,
            asker: Asker::at(peer),
            unread: Vec::new(),
            answer: Vec::new(),
            date: Date::default(),
        };
        conversation.go_on(&self.stopping).await?;
        let Conversation { stream, unread, .. } = conversation;
        let has_more = !unread.is_empty();
        Ok(has_more.then(|| Wire::new(stream, unread, Arc::clone(&self.service))))
    }
}

impl Conversation<'_> {
    /// Answers questions until something else comes, or nothing more.
    async fn go_on(&mut self, stopping: &GracefulShutdownSignal) -> Result<()> {
        let limits = &self.service.limits;
        let mut stopping = pin!(stopping.notified());
        let mut patience = pin!(sleep(limits.head_timeout.get()));
        let mut has_asked = false;
        while self.unread.is_empty() {
            self.unread.reserve(CHUNK);
            select! {
                biased;
                () = &mut stopping => return Ok(()),
                read = self.stream.read_buf(&mut self.unread) => if read? == 0 {
                    return Ok(());
                },
                () = &mut patience => {
                    return if has_asked { Ok(()) } else { self.refuse_silence().await };
                }
            }
            self.answer_all().await?;
            has_asked = true;
            patience
                .as_mut()
                .reset(Instant::now() + limits.keep_alive.get());
        }
        Ok(())
    }

    /// Answers the questions that have been read, up to what is none.
    async fn answer_all(&mut self) -> Result<()> {
        let service = self.service;
        while let Some((question, length)) = self.asker.read(&self.unread, &service.limits) {
            let started = service.app.clock.elapsed();
            let answer = verify::answer(service, &question).await;
            let id = service.next_request_id();
            let date = self.date.at(service.app.clock.now());
            let status = written::write(answer, id, date, &mut self.answer);
            log::write_line(service, &question, status, id, started);
            self.unread.drain(..length);
            self.send().await?;
        }
        Ok(())
    }

    /// Sends the answer, when it may go out.
    async fn send(&mut self) -> Result<()> {
        if self.asker.brake.release()
            && let Some(hold) = self.service.throttle.hold()
        {
            hold.await;
        }
        self.stream.write_all(&self.answer).await?;
        self.answer.clear();
        Ok(())
    }

    /// Tells who never asked anything why the connection ends.
    async fn refuse_silence(&mut self) -> Result<()> {
        let failure = Failure::HeadTimeout(self.service.limits.head_timeout.get());
        let refusal = wire::refuse(self.service, &failure);
        self.stream.write_all(&refusal).await
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
