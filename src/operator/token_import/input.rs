//! Reading entries: CSV (RFC 4180) with a header, or JSON objects, one a line.

use std::{
    fmt::Display,
    io::{BufRead, Read},
};

use csv::ByteRecord;
use serde_json::Value;

use super::entry::{Entry, Field, Members};
use crate::error::Error;

/// How an input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values; the first line names the columns.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// Is given the line at which an entry begins, and the entry or what is wrong with its form.
pub(super) type Each<'a> = dyn FnMut(u64, Result<Entry, String>) -> Result<(), Error> + 'a;

/// UTF-8's mark of itself, which some programs begin a file with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads all entries. Without a format it is told by the first character that is not blank.
pub(super) fn read(
    reader: &mut dyn BufRead,
    format: Option<Format>,
    each: &mut Each<'_>,
) -> Result<(), Error> {
    let begins = reader.fill_buf().map_err(unreadable)?;
    let format = format.unwrap_or_else(|| format_of(begins));
    if begins.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    match format {
        Format::Csv => read_csv(reader, each),
        Format::JsonLines => read_json_lines(reader, each),
    }
}

fn format_of(begins: &[u8]) -> Format {
    let begins = begins.strip_prefix(BYTE_ORDER_MARK).unwrap_or(begins);
    match begins.trim_ascii_start().first() {
        Some(b'{') => Format::JsonLines,
        _ => Format::Csv,
    }
}

fn read_csv(reader: &mut dyn BufRead, each: &mut Each<'_>) -> Result<(), Error> {
    let plain = PlainLines::of(reader);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(plain);
    let mut record = ByteRecord::new();
    let mut columns = None;
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        // Where the record begins: its position may be that of blank lines before it.
        let within = record.as_slice().split(|b| *b == b'\n').count();
        let line = reader.position().line() - within as u64;
        match &columns {
            None => {
                let named = columns_of(&record).map_err(|why| {
                    Error::Refused(format!(
                        "Line {line} must name the columns: {why}. Nothing was imported."
                    ))
                });
                columns = Some(named?);
            }
            Some(columns) => each(line, entry_of(columns, &record))?,
        }
    }
    Ok(())
}

fn columns_of(header: &ByteRecord) -> Result<Vec<Field>, String> {
    let mut columns = Vec::new();
    for name in header {
        let field = Field::named(String::from_utf8_lossy(name).trim())?;
        if columns.contains(&field) {
            return Err(format!("it has {} twice", field.name()));
        }
        columns.push(field);
    }
    Ok(columns)
}

fn entry_of(columns: &[Field], record: &ByteRecord) -> Result<Entry, String> {
    if record.len() != columns.len() {
        let (has, named) = (record.len(), columns.len());
        return Err(format!("it has {has} fields, and the header names {named}"));
    }
    let mut entry = Entry::default();
    for (field, bytes) in columns.iter().zip(record) {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        entry.set(*field, value_of(*field, text.trim())?)?;
    }
    Ok(entry)
}

/// What a CSV field's text stands for.
fn value_of(field: Field, text: &str) -> Result<Value, String> {
    let list = |parts: &mut dyn Iterator<Item = &str>| {
        let parts = parts.map(str::trim).filter(|part| !part.is_empty());
        parts.map(Value::from).collect()
    };
    Ok(match field {
        _ if text.is_empty() => Value::Null,
        // Tags may hold white space, and scopes may not.
        Field::Tags => list(&mut text.split(';')),
        Field::Scopes => list(&mut text.split([' ', ','])),
        Field::Settings => {
            serde_json::from_str(text).map_err(|_| "settings must be a JSON object")?
        }
        _ => text.into(),
    })
}

fn read_json_lines(reader: &mut dyn BufRead, each: &mut Each<'_>) -> Result<(), Error> {
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if reader.read_until(b'\n', &mut text).map_err(unreadable)? == 0 {
            break;
        }
        if !text.trim_ascii().is_empty() {
            each(line, object(&text))?;
        }
    }
    Ok(())
}

fn object(text: &[u8]) -> Result<Entry, String> {
    // What serde_json says of a value of another type repeats the value.
    match serde_json::from_slice::<Members>(text) {
        Ok(members) => members.0,
        Err(error) if error.is_data() => Err("it must be a JSON object".into()),
        Err(error) => Err(format!("it is not JSON, at column {}", error.column())),
    }
}

/// A reader's lines, each ended by a line feed alone: of other lines the csv crate loses count.
struct PlainLines<'a> {
    reader: &'a mut dyn BufRead,
    line: Vec<u8>,
    given: usize,
}

impl<'a> PlainLines<'a> {
    fn of(reader: &'a mut dyn BufRead) -> Self {
        let (line, given) = (Vec::new(), 0);
        Self {
            reader,
            line,
            given,
        }
    }
}

impl Read for PlainLines<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.given == self.line.len() {
            self.line.clear();
            self.given = 0;
            if self.reader.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(0);
            }
            let end = [&b"\r\n"[..], b"\n"];
            let end = end.iter().find(|end| self.line.ends_with(end));
            self.line
                .truncate(self.line.len() - end.map_or(0, |end| end.len()));
            self.line.push(b'\n');
        }
        let given = (&self.line[self.given..]).read(into)?;
        self.given += given;
        Ok(given)
    }
}

/// The csv crate too fails at reading alone: records may be of any length, and of any bytes.
fn unreadable(cause: impl Display) -> Error {
    Error::Refused(format!("The input cannot be read: {cause}."))
}
