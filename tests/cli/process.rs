//! Programs that are started, watched while they run, and never left behind.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

/// How long anything is waited for before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A program that is about to be started.
pub struct Invocation {
    command: Command,
    input: Vec<u8>,
}

impl Invocation {
    pub fn of(program: impl AsRef<OsStr>, arguments: &[&str], folder: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder);
        Self {
            command,
            input: Vec::new(),
        }
    }

    /// Has the program see no variable of the test's own surroundings.
    pub fn without_environment(mut self) -> Self {
        self.command.env_clear();
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the program reads from its standard input; nothing if this is not called.
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = text.into();
        self
    }

    #[track_caller]
    pub fn spawn(mut self) -> Process {
        let program = self.command.get_program().to_owned();
        let pipes = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
        let mut stdin = child.stdin.take().unwrap();
        // A program that ends before it has read everything is judged by how it ends.
        let _ = stdin.write_all(&self.input);
        Process {
            stdout: Output::collect(child.stdout.take().unwrap()),
            stderr: Output::collect(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Starts the program and waits for its end.
    #[track_caller]
    pub fn run(self) -> Run {
        self.spawn().finish_within(PATIENCE)
    }
}

/// A running program; killed when dropped.
pub struct Process {
    child: Child,
    pub stdout: Output,
    pub stderr: Output,
}

impl Process {
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let kill = ["-c", r#"kill -s "$1" "$2""#, "sh", name, &pid];
        let status = Command::new("sh").args(kill).status().unwrap();
        assert!(status.success(), "SIG{name} could not be sent");
    }

    /// Waits for the end of the program, which must come within `limit`.
    #[track_caller]
    pub fn finish_within(mut self, limit: Duration) -> Run {
        // A program's pipes are closed when it ends, so there is no need to ask again and again
        // whether it has.
        let ended = self.stderr.ended_within(limit) && self.stdout.ended_within(limit);
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        assert!(
            ended,
            "still running after {limit:?}\nstdout: {stdout}\nstderr: {stderr}"
        );
        Run {
            code: self.child.wait().unwrap().code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program has written so far.
#[derive(Clone)]
pub struct Output(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    text: String,
    ended: bool,
}

impl Output {
    fn collect(from: impl Read + Send + 'static) -> Self {
        let output = Self(Arc::default());
        let filled = output.clone();
        thread::spawn(move || {
            let (mut from, mut line) = (BufReader::new(from), Vec::new());
            while from
                .read_until(b'\n', &mut line)
                .is_ok_and(|length| length > 0)
            {
                filled.change(|written| written.text.push_str(&String::from_utf8_lossy(&line)));
                line.clear();
            }
            filled.change(|written| written.ended = true);
        });
        output
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    pub fn text(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }

    fn ended_within(&self, limit: Duration) -> bool {
        self.wait_while(limit, |written| !written.ended);
        self.0.0.lock().unwrap().ended
    }

    /// Waits until `find` finds something in what was written; `None` when it does not before the
    /// end.
    pub fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.wait_while(PATIENCE, |written| {
            !written.ended && find(&written.text).is_none()
        });
        find(&self.text())
    }

    fn wait_while(&self, limit: Duration, waiting: impl Fn(&Written) -> bool) {
        let written = self.0.0.lock().unwrap();
        let _ = self
            .0
            .1
            .wait_timeout_while(written, limit, |written| waiting(written))
            .unwrap();
    }
}

/// How a program ended, and all that it wrote.
#[derive(Debug)]
pub struct Run {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The program did what it was asked for.
    #[track_caller]
    pub fn done(self) -> Self {
        self.exits_with(0)
    }

    /// The program refused, and printed no data.
    #[track_caller]
    pub fn refused(self) -> Self {
        let run = self.exits_with(1);
        assert_eq!(run.stdout, "", "data beside a refusal: {run:#?}");
        assert!(run.stderr.starts_with("moneyer: "), "{run:#?}");
        run
    }

    /// All that was said is one line, with a full stop at its end.
    #[track_caller]
    pub fn in_one_sentence(self) -> Self {
        let one = self.stderr.lines().count() == 1 && self.stderr.ends_with(".\n");
        assert!(one, "not in one sentence: {self:#?}");
        self
    }

    /// The program was called in a way that it does not know.
    #[track_caller]
    pub fn misused(self) -> Self {
        let run = self.exits_with(2);
        assert_eq!(run.stdout, "", "data beside a usage error: {run:#?}");
        assert!(!run.stderr.is_empty(), "no word about the usage: {run:#?}");
        run
    }

    #[track_caller]
    pub fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for panic in ["panicked", "\"a defect\""] {
            assert!(!self.stderr.contains(panic), "it panicked: {self:#?}");
        }
        self
    }

    /// The words on standard error hold `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "does not say {text:?}: {self:#?}"
        );
        self
    }

    /// Neither data nor words hold `secret`.
    #[track_caller]
    pub fn keeps_quiet_about(self, secret: &str) -> Self {
        let heard = self.stdout.contains(secret) || self.stderr.contains(secret);
        assert!(!heard, "{secret:?} is told: {self:#?}");
        self
    }

    /// Standard output without the line end that it must close with; it must be a single line.
    #[track_caller]
    pub fn line(&self) -> &str {
        match self.stdout.split_once('\n') {
            Some((line, "")) => line,
            _ => panic!("not one line: {self:#?}"),
        }
    }

    /// Standard output, which must be JSON in one line.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.line()).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}
