//! `moneyer token import`.

use std::{
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    input, open,
    output::{self, Output, count},
    parse_id,
};
use crate::{
    config::{self, API_KEY_VARIABLE, Config},
    domain::{KeyId, PrivateKey},
    error::Error,
    operator::token_import::{self, Format},
    store::{Absent, Progress},
};

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The public id of the key, `key_…`, whose tokens they are to be
    #[arg(value_name = "KEY_ID")]
    key: String,
    /// Where they stand; without, or with -, standard input is read
    file: Option<PathBuf>,
    /// How they are written [default: as the file's ending or its first character says]
    #[arg(long, value_enum)]
    input: Option<Written>,
    /// Check everything, and import nothing
    #[arg(long)]
    dry_run: bool,
}

/// How tokens are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    /// A header line that names the columns, and a token a line
    Csv,
    /// A JSON object a line
    Jsonl,
}

impl Import {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let key: KeyId = parse_id("KEY_ID", &self.key);
        let app = open(config, Absent::Refuse)?;
        let private_key = config::api_key().and_then(|text| PrivateKey::presented(&text));
        let (mut reader, bar) = self.reader()?;
        let read = token_import::read(&app, key, private_key.as_ref(), self.format(), &mut reader);
        let tokens = read.await.map_err(in_variable)?;
        bar.finish_and_clear();
        let (number, unlisted) = (tokens.count(), tokens.unlisted());
        let done = if self.dry_run {
            ("Would import", "would_import")
        } else {
            let bar = ProgressBar::new(number).with_style(style(WRITING));
            let shown = bar.clone();
            let progress = Progress(Box::new(move |written| shown.set_position(written)));
            token_import::import(&app, tokens, progress).await?;
            bar.finish_and_clear();
            ("Imported", "imported")
        };
        if unlisted > 0 {
            output.words(unlisted_words(unlisted, key));
        }
        output.data(
            format_args!("{} {} of {key}.", done.0, count(number, "token")),
            &serde_json::json!({ "key": key, done.1: number, "unlisted": unlisted }),
        )
    }

    /// The file, if it is not standard input.
    fn file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|file| *file != Path::new("-"))
    }

    fn format(&self) -> Option<Format> {
        let ending = self
            .file()
            .and_then(Path::extension)
            .and_then(OsStr::to_str);
        match (self.input, ending) {
            (Some(Written::Csv), _) | (None, Some("csv")) => Some(Format::Csv),
            (Some(Written::Jsonl), _) | (None, Some("jsonl" | "ndjson")) => Some(Format::JsonLines),
            (None, _) => None,
        }
    }

    /// The input, and the bar that follows its reading, where standard error is a terminal.
    fn reader(&self) -> Result<(Box<dyn BufRead>, ProgressBar), Error> {
        let (bar, read): (_, Box<dyn Read>) = match self.file() {
            None => {
                if input::is_terminal() {
                    output::say("Give the tokens, as CSV or JSON lines, and end with Ctrl-D.");
                }
                (ProgressBar::no_length(), Box::new(std::io::stdin()))
            }
            Some(file) => {
                let open = File::open(file).and_then(|file| Ok((file.metadata()?.len(), file)));
                let (length, open) = open.map_err(|cause| {
                    Error::Refused(format!("{} cannot be read: {cause}.", file.display()))
                })?;
                (ProgressBar::new(length), Box::new(open))
            }
        };
        let bar = bar.with_style(style(READING));
        Ok((Box::new(BufReader::new(bar.wrap_read(read))), bar))
    }
}

const READING: &str = "{bar:40} read {bytes} of {total_bytes}";
const WRITING: &str = "{bar:40} written {pos} of {len} tokens, {eta} left";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a constant template that a test draws")
}

/// Where the private key that is not good came from.
fn in_variable(error: Error) -> Error {
    match error {
        Error::InvalidKey => Error::Refused(format!(
            "The private key in {API_KEY_VARIABLE} is not valid; nothing was imported."
        )),
        other => other,
    }
}

fn unlisted_words(unlisted: u64, key: KeyId) -> String {
    format!(
        "Of these, {} not listed by /v2/auth?list: to be listed, tokens must be given as text while {API_KEY_VARIABLE} holds the private key of {key}.",
        if unlisted == 1 {
            "1 is".to_owned()
        } else {
            format!("{unlisted} are")
        }
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bars_can_be_drawn() {
        for template in [super::READING, super::WRITING] {
            super::style(template);
        }
    }
}
