//! Reading entries: CSV (RFC 4180) with a header, or JSON objects, one a line.

use std::{fmt::Display, io::BufRead};

use csv::ByteRecord;
use serde_json::Value;

use super::{
    entry::{Entry, Field, twice},
    lines::{Lines, RecordLines},
};
use crate::{
    domain::{UnreadableJson, parse_json},
    error::Error,
};

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
    let lines = Lines::of(reader);
    match format {
        Format::Csv => read_csv(lines, each),
        Format::JsonLines => read_json_lines(lines, each),
    }
}

fn format_of(begins: &[u8]) -> Format {
    let begins = begins.strip_prefix(BYTE_ORDER_MARK).unwrap_or(begins);
    match begins.trim_ascii_start().first() {
        Some(b'{') => Format::JsonLines,
        _ => Format::Csv,
    }
}

fn read_csv(lines: Lines<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(RecordLines::of(lines));
    let mut record = ByteRecord::new();
    let mut columns = None;
    loop {
        reader.get_mut().begin_record();
        if !reader.read_byte_record(&mut record).map_err(unreadable)? {
            return Ok(());
        }
        let place = reader.get_ref().place();
        let line = place.line;
        let record = if place.is_open {
            Err("it has a quote that is never closed".to_owned())
        } else {
            Ok(&record)
        };
        match &columns {
            None => {
                let named = record.and_then(columns_of).map_err(|why| {
                    Error::Refused(format!(
                        "Line {line} must name the columns: {why}. Nothing was imported."
                    ))
                });
                columns = Some(named?);
            }
            Some(columns) => each(line, record.and_then(|record| entry_of(columns, record)))?,
        }
    }
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
        entry.set(*field, value_of(*field, text.trim())?);
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
        Field::Settings => parse_json(text.as_bytes()).map_err(|unreadable| match unreadable {
            UnreadableJson::Broken { .. } => "settings must be a JSON object".to_owned(),
            UnreadableJson::Twice { name, .. } => twice("settings have", &name),
        })?,
        _ => text.into(),
    })
}

fn read_json_lines(mut lines: Lines<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    while let Some((line, text)) = lines.next().map_err(unreadable)? {
        if !text.trim_ascii().is_empty() {
            each(line, object(text))?;
        }
    }
    Ok(())
}

fn object(text: &[u8]) -> Result<Entry, String> {
    let members = parse_json(text).map_err(|unreadable| match unreadable {
        UnreadableJson::Broken { column, .. } => format!("it is not JSON, at column {column}"),
        UnreadableJson::Twice { name, .. } => twice("it has", &name),
    })?;
    let Value::Object(members) = members else {
        return Err("it must be a JSON object".into());
    };
    let mut entry = Entry::default();
    for (name, value) in members {
        entry.set(Field::named(&name)?, value);
    }
    Ok(entry)
}

/// The csv crate too fails at reading alone: records may have any fields, of any bytes.
fn unreadable(cause: impl Display) -> Error {
    Error::Refused(format!(
        "The input cannot be read: {cause}. Nothing was imported."
    ))
}
