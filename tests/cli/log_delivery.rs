//! That the log arrives whole, and that nobody waits for who reads it.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    thread,
    time::Duration,
};

use crate::{
    process::{PATIENCE, Process},
    server::{Server, find_line, lines_of},
    support::{Folder, MONEYER},
};

/// More requests than there is room for in a pipe, whose lines are some 200 bytes each.
const MANY: usize = 1000;

/// A server whose log goes into a pipe, which is read only when a test does so.
struct Unread {
    server: Server,
    log: BufReader<File>,
}

impl Unread {
    fn start(folder: &Folder) -> Self {
        let pipe = folder.program("mkfifo", &["log"]).run().done();
        assert_eq!(pipe.stderr, "");
        let serve = format!("exec {MONEYER} serve --listen 127.0.0.1:0 2> log");
        let serving = folder.program("sh", &["-c", &serve]);
        let process = serving.env("MONEYER_LOG_LEVEL", "debug").spawn();
        // Both ends wait for each other here.
        let mut log = BufReader::new(File::open(folder.path("log")).unwrap());
        let address = first_address(&mut log);
        let server = Server::at(address, process);
        Self { server, log }
    }

    fn ask_often(&self) -> Vec<String> {
        let ask = |_| self.server.get("/health/liveness").request_id;
        (0..MANY).map(ask).collect()
    }
}

fn first_address(log: &mut BufReader<File>) -> SocketAddr {
    let mut text = String::new();
    loop {
        assert!(log.read_line(&mut text).unwrap() > 0, "no address: {text}");
        if let Some(line) = find_line(&text, "listening") {
            return line["address"].as_str().unwrap().parse().unwrap();
        }
    }
}

#[test]
fn requests_are_answered_while_nobody_reads_the_log_and_it_is_whole_afterwards() {
    let folder = Folder::new();
    let unread = Unread::start(&folder);
    let ids = unread.ask_often();
    let Unread { server, log } = unread;
    let reading = thread::spawn(move || {
        let lines = log.lines().map(Result::unwrap);
        lines.collect::<Vec<_>>().join("\n")
    });
    server.stop();
    let log = reading.join().unwrap();
    let requests = lines_of(&log, "request");
    let logged: Vec<&str> = requests
        .iter()
        .map(|line| line["request_id"].as_str().unwrap())
        .collect();
    assert_eq!(logged, ids);
    assert!(log.lines().last().unwrap().contains("\"stopped\""), "{log}");
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_a_server_from_stopping() {
    let folder = Folder::new();
    let unread = Unread::start(&folder);
    unread.ask_often();
    let process = unread.server.process;
    process.signal("TERM");
    // Well before the time at which a server that hangs is cut off.
    process.finish_within(Duration::from_secs(7)).done();
    drop(unread.log);
}

#[test]
fn a_panic_that_ends_the_process_is_in_the_log() {
    let folder = Folder::new();
    // With so few files the store can be opened, but the runtime cannot be made, which panics.
    let ended = (5..64).find_map(|files| {
        let serve = format!("ulimit -n {files}; exec {MONEYER} serve --listen 127.0.0.1:0");
        let serving: Process = folder.program("sh", &["-c", &serve]).spawn();
        let run = serving.finish_within(PATIENCE);
        (run.code != Some(1)).then_some(run)
    });
    let run = ended.expect("some number of files is enough for the store alone");
    assert_eq!(run.code, Some(101), "{run:#?}");
    let line = find_line(&run.stderr, "a defect").unwrap_or_else(|| panic!("{run:#?}"));
    assert!(line["panic"].is_string(), "{line}");
}
