//! When each request is due.

use std::{
    collections::VecDeque,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

/// The shortest sleep between two looks at the clock: shorter ones would take the core that the
/// server needs.
const TICK: Duration = Duration::from_micros(500);

/// Requests that are due, and not sent yet.
pub struct Schedule {
    /// Each with its number, which says what is asked for.
    due: Mutex<VecDeque<(usize, Instant)>>,
    /// As many permits as requests are due; closed when the load is over.
    waiting: Semaphore,
    first: usize,
    step: usize,
}

impl Schedule {
    /// A schedule of the requests `first`, `first + step` and so on.
    pub fn new(first: usize, step: usize) -> Self {
        Self {
            due: Mutex::default(),
            waiting: Semaphore::new(0),
            first,
            step,
        }
    }

    /// Lets `rate` requests a second become due, evenly, for `span` from now on.
    pub fn pace(&self, rate: f64, span: Duration) {
        let start = Instant::now();
        let mut count = 0_u32;
        loop {
            let at = Duration::from_secs_f64(f64::from(count) / rate);
            if at >= span {
                break;
            }
            if let Some(early) = at.checked_sub(start.elapsed()) {
                thread::sleep(early.max(TICK));
                continue;
            }
            let number = self.first + count as usize * self.step;
            self.due().push_back((number, start + at));
            self.waiting.add_permits(1);
            count += 1;
        }
        self.waiting.close();
    }

    /// Waits until a request is due, and takes it; gives none once the load is over.
    pub async fn next(&self) -> Option<(usize, Instant)> {
        self.waiting.acquire().await.ok()?.forget();
        self.due().pop_front()
    }

    /// When those were due that were never sent.
    pub fn left(&self) -> Vec<Instant> {
        self.due().drain(..).map(|(_, due)| due).collect()
    }

    fn due(&self) -> std::sync::MutexGuard<'_, VecDeque<(usize, Instant)>> {
        self.due.lock().expect("no holder panics")
    }
}
