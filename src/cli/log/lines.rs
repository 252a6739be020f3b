//! Lines of the log on their way: gathered in memory, and written by a thread of their own, so that
//! whoever logs never waits for whoever reads.

use std::{
    io::{ErrorKind, Write},
    mem,
    sync::{Condvar, Mutex, MutexGuard},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How many bytes may wait; as many again may be in the hands of the thread that writes.
const ROOM: usize = 8 << 20;
/// How many bytes of memory are kept for the next lines, when more were needed once.
const KEPT: usize = 256 << 10;
/// How long the thread rests after it has written, so that lines gather meanwhile.
const REST: Duration = Duration::from_millis(10);

/// Lines that wait to be written, in the order in which they came.
#[derive(Debug)]
pub(super) struct Lines {
    waiting: Mutex<Waiting>,
    /// There is something to write, or no more time to rest.
    more: Condvar,
    /// What was taken is written.
    written: Condvar,
}

#[derive(Debug)]
struct Waiting {
    text: Vec<u8>,
    haste: Haste,
    /// How many lines found no room, and were not told of yet.
    dropped: u64,
    /// Lines that are no longer in `text` are being written.
    writing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Haste {
    None,
    AtOnce,
}

impl Lines {
    pub(super) const fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                text: Vec::new(),
                haste: Haste::None,
                dropped: 0,
                writing: false,
            }),
            more: Condvar::new(),
            written: Condvar::new(),
        }
    }

    /// Writes what comes to `sink`, for ever; `tell` is given the number of lines that found no
    /// room, or that `sink` did not take, between what is written before it is called, and what is
    /// added from then on.
    pub(super) fn write_to(&self, mut sink: impl Write, tell: impl Fn(u64)) -> ! {
        let mut taken = Vec::new();
        let mut end = End::OfLine;
        let (mut untold, mut works) = (0, true);
        loop {
            untold += self.take(&mut taken);
            // Not while nobody listens: the line that tells it would be lost as well, for ever.
            if works && untold > 0 {
                tell(mem::take(&mut untold));
            }
            let left = write_lines(&mut sink, &taken, &mut end);
            works = left.is_empty();
            untold += left.split_inclusive(|byte| *byte == b'\n').count() as u64;
            taken.clear();
            taken.shrink_to(KEPT);
            self.rest();
        }
    }

    /// Waits until everything is written, but no longer than `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let mut waiting = self.lock();
        waiting.haste = Haste::AtOnce;
        self.more.notify_one();
        let unwritten = |waiting: &mut Waiting| waiting.writing || !waiting.text.is_empty();
        drop(
            self.written
                .wait_timeout_while(waiting, limit, unwritten)
                .expect(UNBROKEN),
        );
    }

    fn add(&self, line: &[u8], haste: Haste) {
        let mut waiting = self.lock();
        if waiting.text.len() + line.len() > ROOM {
            waiting.dropped += 1;
            return;
        }
        let is_first = waiting.text.is_empty();
        waiting.text.extend_from_slice(line);
        if haste == Haste::AtOnce {
            waiting.haste = haste;
        }
        drop(waiting);
        if is_first || haste == Haste::AtOnce {
            self.more.notify_one();
        }
    }

    /// Waits for lines, and moves them into `taken`, which is empty; gives how many were dropped.
    fn take(&self, taken: &mut Vec<u8>) -> u64 {
        let none = |waiting: &mut Waiting| waiting.text.is_empty();
        let mut waiting = self.more.wait_while(self.lock(), none).expect(UNBROKEN);
        mem::swap(&mut waiting.text, taken);
        waiting.haste = Haste::None;
        waiting.writing = true;
        mem::take(&mut waiting.dropped)
    }

    fn rest(&self) {
        let mut waiting = self.lock();
        waiting.writing = false;
        self.written.notify_all();
        let may_rest = |waiting: &mut Waiting| waiting.haste == Haste::None;
        drop(
            self.more
                .wait_timeout_while(waiting, REST, may_rest)
                .expect(UNBROKEN),
        );
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect(UNBROKEN)
    }
}

const UNBROKEN: &str = "nothing panics while it holds the lines";

/// Where what is written ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OfLine,
    WithinLine,
}

/// Writes `text` to `sink`, on a new line where one was torn by an error; gives what could not be
/// written.
fn write_lines<'a>(sink: &mut impl Write, mut text: &'a [u8], end: &mut End) -> &'a [u8] {
    if *end == End::WithinLine && sink.write_all(b"\n").is_ok() {
        *end = End::OfLine;
    }
    while !text.is_empty() {
        match sink.write(text) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(count) => {
                let is_whole = text[count - 1] == b'\n';
                *end = if is_whole {
                    End::OfLine
                } else {
                    End::WithinLine
                };
                text = &text[count..];
            }
        }
    }
    text
}

impl<'a> MakeWriter<'a> for &'static Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self, Haste::None)
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Line {
        let is_grave = *of.level() <= Level::WARN;
        Line(self, if is_grave { Haste::AtOnce } else { Haste::None })
    }
}

/// Takes one line, whole, as `tracing_subscriber::fmt` writes them.
pub(super) struct Line(&'static Lines, Haste);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.add(line, self.1);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{self, Receiver, Sender},
        thread,
    };

    use super::*;

    /// A sink that hands on what it is given, and then stalls until it is let go on.
    struct Stalling(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Stalling {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            self.1.recv().unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    struct Reader {
        lines: &'static Lines,
        written: Receiver<Vec<u8>>,
        go_on: Sender<()>,
    }

    impl Reader {
        /// Reads nothing yet, so that the thread that writes is stalled with the line `first`.
        fn stalled() -> Self {
            let lines: &'static Lines = Box::leak(Box::new(Lines::new()));
            let (send, written) = mpsc::channel();
            let (go_on, wait) = mpsc::channel();
            thread::spawn(move || {
                lines.write_to(Stalling(send, wait), |dropped| {
                    lines.add(format!("dropped {dropped}\n").as_bytes(), Haste::AtOnce);
                })
            });
            lines.add(b"first\n", Haste::None);
            assert_eq!(written.recv().unwrap(), b"first\n");
            Self {
                lines,
                written,
                go_on,
            }
        }

        /// The next text that is written by one call.
        fn next(&self) -> Vec<u8> {
            self.go_on.send(()).unwrap();
            self.written.recv().unwrap()
        }
    }

    #[test]
    fn what_gathers_is_written_at_one_go_and_in_order() {
        let reader = Reader::stalled();
        for line in ["a\n", "b\n", "c\n"] {
            reader.lines.add(line.as_bytes(), Haste::None);
        }
        assert_eq!(reader.next(), b"a\nb\nc\n");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_told_once_there_is_some() {
        let reader = Reader::stalled();
        let mut line = vec![b'x'; ROOM / 8];
        line[ROOM / 8 - 1] = b'\n';
        for _ in 0..8 + 3 {
            reader.lines.add(&line, Haste::None);
        }
        assert_eq!(reader.next().len(), ROOM);
        reader.lines.add(b"after\n", Haste::None);
        assert_eq!(reader.next(), b"dropped 3\nafter\n");
        reader.lines.add(b"later\n", Haste::None);
        assert_eq!(reader.next(), b"later\n");
    }

    #[test]
    fn what_follows_a_torn_line_begins_a_new_one() {
        /// Takes so many bytes more.
        struct Full(Vec<u8>, usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let count = bytes.len().min(self.1);
                self.1 -= count;
                self.0.extend_from_slice(&bytes[..count]);
                match count {
                    0 => Err(ErrorKind::StorageFull.into()),
                    _ => Ok(count),
                }
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let (mut sink, mut end) = (Full(Vec::new(), 8), End::OfLine);
        let left = write_lines(&mut sink, b"first\nsecond\nthird\n", &mut end);
        assert_eq!(left, b"cond\nthird\n");
        assert_eq!(write_lines(&mut sink, b"lost\n", &mut end), b"lost\n");
        sink.1 = 100;
        assert_eq!(write_lines(&mut sink, b"later\n", &mut end), b"");
        assert_eq!(sink.0, b"first\nse\nlater\n");
    }

    #[test]
    fn a_flush_waits_for_the_last_line() {
        let reader = Reader::stalled();
        reader.lines.add(b"last\n", Haste::None);
        let lines = reader.lines;
        let reading = thread::spawn(move || {
            let last = reader.next();
            reader.go_on.send(()).unwrap();
            last
        });
        lines.flush(Duration::from_mins(1));
        assert!(!lines.lock().writing && lines.lock().text.is_empty());
        assert_eq!(reading.join().unwrap(), b"last\n");
    }

    #[test]
    fn a_flush_gives_up_on_a_reader_that_stalls() {
        let reader = Reader::stalled();
        reader.lines.flush(Duration::from_millis(1));
        assert!(reader.lines.lock().writing);
    }
}
