//! Load at a fixed rate, whatever the server does: each request has a time at which it is due, and
//! its latency counts from then, so that a server that stalls cannot hide it ("coordinated
//! omission"). wrk has no rate.

mod schedule;
mod tally;
mod wire;

use std::{
    cell::RefCell,
    fs,
    net::SocketAddr,
    path::PathBuf,
    rc::Rc,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant, SystemTime},
};

use clap::Args;
use tokio::task::LocalSet;

use self::{schedule::Schedule, tally::Tally, wire::Wire};
use crate::Outcome;

/// How long answers are waited for after the last request was due.
const GRACE: Duration = Duration::from_secs(10);
/// What stands in the request where a value goes.
const PLACE: &str = "{value}";

/// Send requests at a fixed rate; print counts and latencies as JSON
#[derive(Args)]
pub struct Load {
    /// The server
    #[arg(long)]
    address: SocketAddr,
    /// The file that holds the request, as it is sent; {value} in it stands for a value
    #[arg(long)]
    request: PathBuf,
    /// The file of values, one a line, taken in turn
    #[arg(long)]
    values: PathBuf,
    /// Requests per second
    #[arg(long)]
    rate: f64,
    /// How many connections, which are kept alive
    #[arg(long)]
    connections: usize,
    /// For how long: seconds
    #[arg(long)]
    seconds: f64,
    /// How many threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// The file that is to hold the bodies of all answers of status 200, one a line
    #[arg(long)]
    save: Option<PathBuf>,
    /// The file that is to hold a line for each request: when it was due (microseconds since the
    /// epoch), its latency (microseconds), and the status (0 for none)
    #[arg(long)]
    trace: Option<PathBuf>,
}

/// What all connections of a thread share.
struct Shared {
    address: SocketAddr,
    requests: Arc<[Vec<u8>]>,
    schedule: Arc<Schedule>,
    tally: RefCell<Tally>,
}

impl Load {
    pub fn run(self) -> Outcome {
        let template = fs::read_to_string(&self.request)?;
        let requests: Arc<[Vec<u8>]> = fs::read_to_string(&self.values)?
            .lines()
            .map(|value| template.replace(PLACE, value).into_bytes())
            .collect();
        if requests.is_empty() || self.threads == 0 || self.connections < self.threads {
            return Err("there must be values, threads, and a connection for each thread".into());
        }
        let ready = Barrier::new(self.threads);
        let tallies = thread::scope(|scope| {
            let drive = |first| {
                let (load, ready, requests) = (&self, &ready, Arc::clone(&requests));
                scope.spawn(move || load.drive(first, requests, ready))
            };
            let threads: Vec<_> = (0..self.threads).map(drive).collect();
            let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined.collect::<Result<Vec<_>, _>>()
        });
        let mut all = Tally::default();
        for tally in tallies.map_err(|_| "a thread panicked")? {
            all.add(tally?);
        }
        if let Some(file) = &self.save {
            all.save(file)?;
        }
        if let Some(file) = &self.trace {
            all.trace(file)?;
        }
        println!("{}", all.summary(self.seconds));
        Ok(())
    }

    /// One thread's part, which begins with the request `first`. All threads start together, once
    /// each has its connections.
    fn drive(
        &self,
        first: usize,
        requests: Arc<[Vec<u8>]>,
        ready: &Barrier,
    ) -> std::io::Result<Tally> {
        let threads = u32::try_from(self.threads).expect("there are few threads");
        let shared = Rc::new(Shared {
            address: self.address,
            requests,
            schedule: Arc::new(Schedule::new(first, self.threads)),
            tally: RefCell::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut wires = Vec::new();
        for _ in 0..self.connections / self.threads {
            wires.push(runtime.block_on(Wire::open(self.address))?);
        }
        ready.wait();
        let rate = self.rate / f64::from(threads);
        let (pacer, span) = (
            Arc::clone(&shared.schedule),
            Duration::from_secs_f64(self.seconds),
        );
        let pacer = thread::spawn(move || {
            pacer.pace(rate, span);
            SystemTime::now()
        });
        let tasks = LocalSet::new();
        for wire in wires {
            tasks.spawn_local(serve(Rc::clone(&shared), wire));
        }
        runtime.block_on(async {
            let _ = tokio::time::timeout(GRACE + span, tasks).await;
        });
        let mut tally = shared.tally.take();
        tally.end(pacer.join().expect("the pacer does not panic"));
        tally.unanswered(&shared.schedule.left(), Instant::now());
        Ok(tally)
    }
}

/// Sends what is due over one connection, and notes what comes back, until the load is over.
async fn serve(shared: Rc<Shared>, wire: Wire) {
    let mut wire = Some(wire);
    while let Some((number, due)) = shared.schedule.next().await {
        let request = &shared.requests[number % shared.requests.len()];
        let answer = exchange(&mut wire, shared.address, request).await;
        if !matches!(&answer, Ok(answer) if answer.keep_alive) {
            wire = None;
        }
        let answer = answer.ok();
        shared.tally.borrow_mut().note(due, Instant::now(), answer);
    }
}

/// Sends over the connection, or over a new one when the last has ended.
async fn exchange(
    wire: &mut Option<Wire>,
    address: SocketAddr,
    request: &[u8],
) -> std::io::Result<wire::Answer> {
    let open = match wire {
        Some(open) => open,
        None => wire.insert(Wire::open(address).await?),
    };
    open.exchange(request).await
}
