//! The lines of an input: counted from 1, and of bounded length.

use std::io::{self, BufRead, ErrorKind::InvalidData, Read};

/// How many bytes a line may have, and a CSV record that goes over several. A token with all that it
/// may have, every character escaped, has fewer.
const LONGEST: usize = 256 * 1024;

/// Lines that end with LF or CRLF, given without these.
pub(super) struct Lines<'a> {
    reader: &'a mut dyn BufRead,
    text: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn of(reader: &'a mut dyn BufRead) -> Self {
        let (text, number) = (Vec::new(), 0);
        Self {
            reader,
            text,
            number,
        }
    }

    /// The next line, and its number. Fails at one that is too long, or holds a CR elsewhere: whether
    /// that ends a line is not for us to guess.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.text.clear();
        let within = LONGEST + b"\r\n".len();
        let mut bounded = (&mut *self.reader).take(within as u64);
        if bounded.read_until(b'\n', &mut self.text)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let fault = |what: &str| {
            Err(io::Error::new(
                InvalidData,
                format!("line {} {what}", self.number),
            ))
        };
        let line = match self.text.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None => &self.text,
        };
        if line.len() > LONGEST {
            return fault(&format!("is longer than {LONGEST} bytes"));
        }
        if line.contains(&b'\r') {
            return fault("holds a carriage return, and lines must end with LF or CRLF");
        }
        Ok(Some((self.number, line)))
    }
}

/// Hands lines to the csv crate one by one, each ended by LF, and so knows where a record begins: the
/// crate itself does not tell where there are blank lines, or an open quote.
pub(super) struct RecordLines<'a> {
    lines: Lines<'a>,
    line: Vec<u8>,
    given: usize,
    record: Place,
}

/// Where the record that is being read stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// The line at which it begins; 0 before that.
    pub(super) line: u64,
    /// Whether it goes on to the end of the input: a quote in it is never closed.
    pub(super) is_open: bool,
    bytes: usize,
}

impl<'a> RecordLines<'a> {
    pub(super) fn of(lines: Lines<'a>) -> Self {
        let (line, given) = (Vec::new(), 0);
        let record = Place {
            line: 0,
            is_open: false,
            bytes: 0,
        };
        Self {
            lines,
            line,
            given,
            record,
        }
    }

    /// Must be told before a record is read.
    pub(super) fn begin_record(&mut self) {
        self.record = Place::default();
    }

    /// Where the record that was read last stands.
    pub(super) const fn place(&self) -> Place {
        self.record
    }

    /// Takes the next line, if there is one.
    fn advance(&mut self) -> io::Result<()> {
        self.line.clear();
        self.given = 0;
        let record = &mut self.record;
        let Some((number, text)) = self.lines.next()? else {
            record.is_open = true;
            return Ok(());
        };
        if record.line == 0 && !text.is_empty() {
            record.line = number;
        }
        if record.line != 0 {
            let joint = usize::from(number > record.line);
            record.bytes += joint + text.len();
        }
        if record.bytes > LONGEST {
            let line = record.line;
            let why = format!("line {line} has a quote that is not closed within {LONGEST} bytes");
            return Err(io::Error::new(InvalidData, why));
        }
        self.line.extend_from_slice(text);
        self.line.push(b'\n');
        Ok(())
    }
}

impl Read for RecordLines<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() {
            self.advance()?;
        }
        let given = (&self.line[self.given..]).read(into)?;
        self.given += given;
        Ok(given)
    }
}
