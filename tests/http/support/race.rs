//! Many who verify a token while it ends.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Barrier, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use super::{Connection, Server};

/// How many connections verify at once.
const CONNECTIONS: usize = 32;
/// How often each asks about a token after its end, and at most before.
const AFTER: usize = 4;
const BEFORE: usize = 100_000;

/// Whether the token is in memory when it ends, or is being looked up for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Warm,
    Cold,
}

/// What the connections share. Tokens are numbered from 1.
#[derive(Default)]
struct Counts {
    ended: AtomicUsize,
    accepted: AtomicUsize,
    refused: AtomicUsize,
    late: AtomicUsize,
    strange: AtomicUsize,
}

impl Counts {
    fn wait_for_acceptances(&self, count: usize) {
        for _ in 0..20_000 {
            if self.accepted.load(SeqCst) >= count {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.strange.fetch_add(1, SeqCst);
    }
}

/// Has 32 connections verify each of `tokens`, one after the other, while `end` ends it. None may
/// be accepted by a request that was sent after `end` had returned.
#[track_caller]
pub fn race(server: &Server, tokens: &[String], query: &str, start: Start, end: impl Fn(&str)) {
    // One race at a time: 32 busy connections are enough for a machine with few cores.
    static TRACK: Mutex<()> = Mutex::new(());
    let _alone = TRACK.lock().unwrap_or_else(PoisonError::into_inner);
    let (gate, counts) = (Barrier::new(CONNECTIONS + 1), Counts::default());
    let mut failed = None;
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = Connection::open(server.address);
                for (number, token) in (1..).zip(tokens) {
                    gate.wait();
                    verify_until_refused(&mut connection, token, query, number, &counts);
                    gate.wait();
                }
            });
        }
        for (number, token) in (1..).zip(tokens) {
            let warm = counts.accepted.load(SeqCst) + 2 * CONNECTIONS;
            gate.wait();
            if start == Start::Warm {
                counts.wait_for_acceptances(warm);
            }
            // The others wait at the gate, whatever happens here.
            let done = catch_unwind(AssertUnwindSafe(|| end(token)));
            counts.ended.store(number, SeqCst);
            gate.wait();
            failed = failed.take().or(done.err());
        }
    });
    if let Some(panic) = failed {
        resume_unwind(panic);
    }
    let all = tokens.len() * CONNECTIONS * AFTER;
    let (late, strange) = (counts.late.into_inner(), counts.strange.into_inner());
    assert_eq!((late, strange), (0, 0), "late acceptances, strange answers");
    assert_eq!(counts.refused.into_inner(), all);
}

fn verify_until_refused(
    connection: &mut Connection,
    token: &str,
    query: &str,
    number: usize,
    counts: &Counts,
) {
    let mut after = 0;
    for _ in 0..BEFORE {
        // Looked at before the request is sent: what was sent earlier may still be accepted.
        let has_ended = counts.ended.load(SeqCst) >= number;
        let answer = catch_unwind(AssertUnwindSafe(|| connection.verify(token, query)));
        let Ok(status) = answer else {
            counts.strange.fetch_add(1, SeqCst);
            return;
        };
        let counter = match (status, has_ended) {
            (200, false) => &counts.accepted,
            (200, true) => &counts.late,
            (401 | 403, true) => &counts.refused,
            (401 | 403, false) => continue,
            _ => &counts.strange,
        };
        counter.fetch_add(1, SeqCst);
        after += usize::from(has_ended);
        if !has_ended {
            // Leaves the processor to whoever ends the token.
            std::thread::sleep(Duration::from_micros(200));
        }
        if after == AFTER {
            return;
        }
    }
}
