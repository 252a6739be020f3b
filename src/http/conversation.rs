//! Conversations with gateways. A gateway keeps its connection, and asks on it whether tokens are
//! good, thousands of times a second. Of what the server itself works at such a question, actix-web
//! would be a third. So each connection begins as a conversation, and is one for as long as nothing
//! but plain questions (see [`question`](super::question)) comes. The first request that is anything
//! else goes to actix-web, and the connection with it, for good.

use std::{
    future::ready,
    io::{ErrorKind, Result},
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
};

use actix_server::GracefulShutdownSignal;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    select,
    time::{Instant, Sleep, sleep},
};

use super::{
    Service,
    failure::Failure,
    log,
    question::{Asker, Heard},
    verify,
    wire::Wire,
    written::{self, Date},
};

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

/// How a conversation ends.
enum End {
    /// Something came that is no plain question.
    Other,
    /// The connection ends with it.
    Silence,
}

/// What has become of what was read.
enum Step {
    /// The answer to a question is to be sent.
    Answered,
    /// There is no whole question.
    Part,
    /// Something else is there.
    Other,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The first question, or the rest of one.
    ForQuestion,
    /// The next, if there is to be one.
    ForNext,
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
        // Several answers may be sent before the first has been acknowledged.
        stream.set_nodelay(true)?;
        let mut conversation = Conversation {
            service: &self.service,
            stream,
            asker: Asker::at(peer),
            unread: Vec::new(),
            answer: Vec::new(),
            date: Date::default(),
        };
        // A connection that is not kept is for one request, which actix-web says in its answer.
        let is_kept = !self.service.limits.keep_alive.get().is_zero();
        if is_kept && matches!(conversation.go_on(&self.stopping).await?, End::Silence) {
            return Ok(None);
        }
        let Conversation { stream, unread, .. } = conversation;
        Ok(Some(Wire::new(stream, unread, Arc::clone(&self.service))))
    }
}

impl Conversation<'_> {
    async fn go_on(&mut self, stopping: &GracefulShutdownSignal) -> Result<End> {
        let head_timeout = self.service.limits.head_timeout.get();
        let mut stopping = pin!(stopping.notified());
        let mut patience = pin!(sleep(head_timeout));
        let mut waiting = Waiting::ForQuestion;
        loop {
            match self.take_step().await {
                Step::Answered => {
                    self.send(patience.as_mut()).await?;
                    waiting = Waiting::ForNext;
                    // Once it stops, what was read already is not answered either.
                    select! {
                        biased;
                        () = &mut stopping => return Ok(End::Silence),
                        () = ready(()) => {}
                    }
                }
                Step::Part => {
                    if waiting == Waiting::ForNext && !self.unread.is_empty() {
                        waiting = Waiting::ForQuestion;
                        patience.as_mut().reset(Instant::now() + head_timeout);
                    }
                    self.unread.reserve(CHUNK);
                    select! {
                        biased;
                        () = &mut stopping => return Ok(End::Silence),
                        read = self.stream.read_buf(&mut self.unread) => if read? == 0 {
                            return Ok(End::Silence);
                        },
                        () = &mut patience => return self.lose_patience(waiting).await,
                    }
                }
                Step::Other => return Ok(End::Other),
            }
        }
    }

    /// Answers the question that comes first in what was read, if there is one.
    async fn take_step(&mut self) -> Step {
        let service = self.service;
        self.pass_over_empty_lines();
        let (question, length) = match self.asker.hear(&self.unread, &service.limits) {
            Heard::Question(question, length) => (question, length),
            Heard::Part => return Step::Part,
            Heard::Other => return Step::Other,
        };
        let started = service.app.clock.elapsed();
        let answer = verify::answer(service, &question).await;
        let id = service.next_request_id();
        let date = self.date.at(service.app.clock.now());
        let status = written::write(answer, id, date, &mut self.answer);
        log::write_line(service, &question, status, id, started);
        self.unread.drain(..length);
        if length > CHUNK {
            // Most are short: a long one leaves no room taken behind it.
            self.unread.shrink_to(CHUNK);
            self.asker.forget();
        }
        Step::Answered
    }

    /// Passes over the empty lines that some clients put between requests (RFC 9112, section 2.2).
    fn pass_over_empty_lines(&mut self) {
        let ends = self.unread.chunks(2).take_while(|pair| pair == b"\r\n");
        let length = 2 * ends.count();
        self.unread.drain(..length);
    }

    /// Sends the answer, when it may go out. From then on there is patience for the next question,
    /// and with a client that does not read.
    async fn send(&mut self, mut patience: Pin<&mut Sleep>) -> Result<()> {
        if self.asker.brake.release()
            && let Some(hold) = self.service.throttle.hold()
        {
            hold.await;
        }
        let keep_alive = self.service.limits.keep_alive.get();
        patience.as_mut().reset(Instant::now() + keep_alive);
        select! {
            biased;
            sent = self.stream.write_all(&self.answer) => sent?,
            () = patience => return Err(ErrorKind::TimedOut.into()),
        }
        self.answer.clear();
        Ok(())
    }

    /// Ends a connection on which nothing more came; says why if a question should have.
    async fn lose_patience(&mut self, waiting: Waiting) -> Result<End> {
        if waiting == Waiting::ForQuestion {
            let failure = Failure::HeadTimeout(self.service.limits.head_timeout.get());
            let refusal = log::refuse_unheard(self.service, &failure);
            self.stream.write_all(&refusal).await?;
        }
        Ok(End::Silence)
    }
}
