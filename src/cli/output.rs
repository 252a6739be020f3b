//! Printing: data to standard output, in the wanted format; words to standard error.

use std::{fmt::Display, io::Write as _};

use serde::Serialize;

use super::Format;
use crate::{domain::Timestamp, error::Error};

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    format: Format,
}

impl Output {
    pub(super) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Prints a result: `text` for people, or `json` for programs.
    pub(super) fn data(self, text: impl Display, json: &impl Serialize) -> Result<(), Error> {
        let line = match self.format {
            Format::Text => text.to_string(),
            Format::Json => {
                serde_json::to_string(json).map_err(|cause| Error::Internal(cause.into()))?
            }
        };
        if line.is_empty() {
            Ok(())
        } else {
            raw(format!("{line}\n").as_bytes())
        }
    }

    /// Says something to a person; a program that reads JSON is not told.
    pub(super) fn words(self, text: impl Display) {
        if self.format == Format::Text {
            say(text);
        }
    }
}

/// Says something on standard error. Where that is gone nobody listens, and the work goes on.
pub(super) fn say(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints bytes as they are.
pub(super) fn raw(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|cause| Error::Refused(format!("Cannot print the result: {cause}.")))
}

/// `rows` under `heads`, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let heads = heads.map(str::to_owned);
    let all = || std::iter::once(&heads).chain(rows);
    // The last column ends the line: what is long there need not widen the others.
    let widths: [usize; N] = std::array::from_fn(|column| {
        all()
            .filter(|_| column + 1 < N)
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    all().map(line).collect::<Vec<_>>().join("\n")
}

/// `1 token`, `2 tokens`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A moment that may not have come, for a table's cell.
pub(super) fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            ["a".to_owned(), "bcd".to_owned()],
            ["efg".to_owned(), "-".to_owned()],
        ];
        assert_eq!(table(["ID", "B"], &rows), "ID   B\na    bcd\nefg  -");
    }
}
