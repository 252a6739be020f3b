//! The log: JSON lines, or text for a person at a terminal, on standard error.

mod json;
mod lines;

use std::{io::IsTerminal as _, thread, time::Duration};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use self::{json::Json, lines::Lines};
use crate::{
    config::{Log, LogFormat, LogLevel},
    error::Error,
};

/// How long an end is put off for a reader of the log that stalls.
const PATIENCE: Duration = Duration::from_millis(300);

static LINES: Lines = Lines::new();

/// The log at work. Dropped at the end, it has the last lines written.
pub(super) struct Logging(());

impl Drop for Logging {
    fn drop(&mut self) {
        flush();
    }
}

/// Waits until what was logged is written, though not long.
pub(super) fn flush() {
    LINES.flush(PATIENCE);
}

/// Has everything that is logged from here on go to standard error, by a thread of its own; panics
/// too, as one line each.
///
/// # Errors
/// When there can be no more threads.
pub(super) fn start(log: Log) -> Result<Logging, Error> {
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(|| LINES.write_to(std::io::stderr(), tell_of_dropped))
        .map_err(|cause| Error::Internal(cause.into()))?;
    let is_terminal = std::io::stderr().is_terminal();
    let as_json = match log.format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    // Of libraries' lines only errors: Moneyer vouches for what its own lines hold.
    let targets = Targets::new()
        .with_default(LevelFilter::ERROR)
        .with_target("actix_http", LevelFilter::OFF) // what strangers send is no error
        .with_target("moneyer", level(log.level));
    let lines = fmt::layer().with_writer(&LINES).with_target(false);
    let registry = tracing_subscriber::registry().with(targets);
    if as_json {
        registry.with(lines.event_format(Json)).init();
    } else {
        registry.with(lines.with_ansi(is_terminal)).init();
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, panic = panic.payload_as_str(), "a defect");
        // It may be the end of the process.
        flush();
    }));
    Ok(Logging(()))
}

fn tell_of_dropped(lines: u64) {
    tracing::warn!(lines, "the log was not read in time, and lacks lines here");
}

const fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}
