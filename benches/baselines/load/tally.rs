//! What came of each request.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::wire::{Answer, RetryAfter};

const OK: u16 = 200;
const UNAVAILABLE: u16 = 503;

/// What came of each request, and of all together.
#[derive(Default)]
pub struct Tally {
    requests: Vec<Request>,
    bodies: Vec<Vec<u8>>,
    without_retry_after: u64,
    unsent: u64,
    ended: Option<SystemTime>,
}

struct Request {
    due: Instant,
    latency: Duration,
    /// 0 when there was no answer.
    status: u16,
}

impl Tally {
    /// Notes what was answered at `now` to the request that was due at `due`, if anything was.
    pub fn note(&mut self, due: Instant, now: Instant, answer: Option<Answer>) {
        self.requests.push(Request {
            due,
            latency: now.duration_since(due),
            status: answer.as_ref().map_or(0, |answer| answer.status),
        });
        match answer {
            Some(Answer {
                status: OK, body, ..
            }) => self.bodies.push(body),
            Some(Answer {
                status: UNAVAILABLE,
                retry_after: RetryAfter::Unsaid,
                ..
            }) => {
                self.without_retry_after += 1;
            }
            _ => {}
        }
    }

    /// Notes requests that were due and that no connection was free for: they waited as long as the
    /// load went on.
    pub fn unanswered(&mut self, due: &[Instant], now: Instant) {
        self.unsent += due.len() as u64;
        for due in due {
            self.note(*due, now, None);
        }
    }

    /// Notes that the last request was due at `now`.
    pub fn end(&mut self, now: SystemTime) {
        self.ended = self.ended.max(Some(now));
    }

    pub fn add(&mut self, other: Self) {
        self.ended = self.ended.max(other.ended);
        self.requests.extend(other.requests);
        self.bodies.extend(other.bodies);
        self.without_retry_after += other.without_retry_after;
        self.unsent += other.unsent;
    }

    /// Counts, latencies in milliseconds, and when the last request was due: seconds since the epoch.
    pub fn summary(&self, seconds: f64) -> Value {
        let mut statuses = BTreeMap::<String, u64>::new();
        for request in &self.requests {
            *statuses.entry(request.status.to_string()).or_default() += 1;
        }
        let mut latencies: Vec<_> = self.requests.iter().map(|r| r.latency).collect();
        latencies.sort_unstable();
        let at = |per_mille: usize| {
            let place = (latencies.len() * per_mille / 1000).min(latencies.len().saturating_sub(1));
            let latency = latencies.get(place).copied().unwrap_or_default();
            latency.as_secs_f64() * 1000.0
        };
        let answered = u32::try_from(self.requests.len()).map_or(f64::INFINITY, f64::from);
        let ended = self.ended.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        json!({
            "ended_at": ended.unwrap_or_default().as_secs_f64(),
            "requests": self.requests.len(),
            "rate": answered / seconds,
            "statuses": statuses,
            "unsent": self.unsent,
            "unavailable_without_retry_after": self.without_retry_after,
            "p50": at(500), "p99": at(990), "p999": at(999), "max": at(1000),
        })
    }

    /// Writes the bodies of answers of status 200, one a line.
    pub fn save(&self, file: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        for body in &self.bodies {
            file.write_all(body)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    }

    /// Writes a line for each request.
    pub fn trace(&self, file: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        let (now, time) = (Instant::now(), SystemTime::now());
        for Request {
            due,
            latency,
            status,
        } in &self.requests
        {
            let due = time - now.duration_since(*due);
            let since = due.duration_since(UNIX_EPOCH).unwrap_or_default();
            writeln!(
                file,
                "{} {} {status}",
                since.as_micros(),
                latency.as_micros()
            )?;
        }
        file.flush()
    }
}
