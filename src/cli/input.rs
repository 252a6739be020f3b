//! Reading secrets from standard input.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use zeroize::Zeroizing;

use super::output;
use crate::error::Error;

/// How much is read from standard input at most, in bytes.
const LIMIT: u64 = 16 * 1024 * 1024;

/// Whether a person types standard input.
pub(super) fn is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// Reads a secret from standard input; a person at a terminal is asked for it, and does not see it
/// typed.
pub(super) fn secret(prompt: &str) -> Result<Zeroizing<String>, Error> {
    if is_terminal() {
        return rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(unreadable);
    }
    all()
}

/// Reads lines, secrets among them, from standard input; a person at a terminal is told what to
/// give.
pub(super) fn lines(prompt: &str) -> Result<Zeroizing<String>, Error> {
    if is_terminal() {
        output::say(prompt);
    }
    all()
}

/// Reads one line; not a secret.
pub(super) fn line() -> Result<String, Error> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(LIMIT)
        .read_line(&mut line)
        .map_err(unreadable)?;
    Ok(line)
}

fn all() -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin()
        .lock()
        .take(LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if read as u64 > LIMIT {
        return Err(Error::Refused(format!(
            "Standard input is longer than {LIMIT} bytes."
        )));
    }
    Ok(text)
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn unreadable(cause: std::io::Error) -> Error {
    Error::Refused(format!("Standard input cannot be read: {cause}."))
}
