//! `moneyer backup`.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{open, output::Output};
use crate::{config::Config, error::Error, store::Absent};

/// Copy the whole store to a new file, consistently, also while a server uses it
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The new file
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let app = open(config, Absent::Refuse)?;
        // Draws on standard error, and only where that is a terminal.
        let bar = ProgressBar::new(0).with_style(style());
        let mut copied = 0;
        app.store.backup(&self.file, &mut |done, all| {
            copied = done;
            bar.set_length(all);
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        output.data(
            format_args!("Copied {copied} pages to {}.", self.file.display()),
            &serde_json::json!({ "file": self.file.display().to_string(), "pages": copied }),
        )
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {percent}% of {len} pages, {eta} left")
        .expect("a constant template that a test draws")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bar_can_be_drawn() {
        super::style();
    }
}
