//! The lines that are refused.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::error::Error;

/// So many refused lines are told, and further ones counted.
const MOST_TOLD: usize = 100;

/// The lines that are refused, each with the rest of a sentence that says why.
#[derive(Default)]
pub(super) struct Refusals {
    first: BTreeMap<u64, String>,
    count: usize,
}

impl Refusals {
    pub(super) fn add(&mut self, line: u64, why: String) {
        self.count += 1;
        self.first.insert(line, why);
        if self.first.len() > MOST_TOLD {
            self.first.pop_last();
        }
    }

    /// Whether there are none, of so many lines; else the error that tells them.
    pub(super) fn check(&self, lines: usize) -> Result<(), Error> {
        if self.count == 0 {
            return Ok(());
        }
        let mut told = format!(
            "{} of {lines} tokens cannot be imported, so none was.",
            self.count
        );
        for (line, why) in &self.first {
            let _ = write!(told, "\nline {line}: {why}.");
        }
        if self.count > self.first.len() {
            let _ = write!(told, "\nand {} more.", self.count - self.first.len());
        }
        Err(Error::Refused(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_are_told_in_their_order_and_the_others_counted() {
        let mut refusals = Refusals::default();
        assert!(refusals.check(5).is_ok());
        for line in (1..=250).rev() {
            refusals.add(line, "why".into());
        }
        let told = refusals.check(1000).unwrap_err().to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines[0],
            "250 of 1000 tokens cannot be imported, so none was."
        );
        assert_eq!((lines[1], lines[100]), ("line 1: why.", "line 100: why."));
        assert_eq!(lines[101..], ["and 150 more."]);
    }
}
