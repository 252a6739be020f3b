//! The members of an object that a command is parsed from.

use serde_json::{Map, Value};

use crate::{
    domain::{Label, Note, Timestamp, shown_name},
    error::Error,
};

/// The members of an object, to be taken one by one; what is `null` counts as left out.
#[derive(Debug)]
pub struct Members(Map<String, Value>);

impl Members {
    /// The members of `document`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when it is no object.
    pub fn of(document: Value) -> Result<Self, Error> {
        match document {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Error::invalid(
                "The request's body",
                "must be a JSON object",
            )),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when it is something else.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid(name, "must be a text")),
        }
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, Error> {
        let refusal = || Error::invalid(name, "must be a list of texts");
        let list = match self.take(name) {
            None => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(refusal()),
        };
        let texts = list.into_iter().map(|item| match item {
            Value::String(text) => Ok(text),
            _ => Err(refusal()),
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// Takes a name that is neither left out nor empty.
    pub(super) fn name(&mut self, name: &'static str) -> Result<Label, Error> {
        let text = self.text(name)?;
        let text = text.ok_or_else(|| Error::invalid(name, "must be given"))?;
        if text.trim().is_empty() {
            return Err(Error::invalid(name, "must not be empty"));
        }
        Label::parse(&text).map_err(|_| {
            Error::invalid(
                name,
                "must have at most 128 characters and no control characters",
            )
        })
    }

    pub(super) fn note(&mut self, name: &'static str) -> Result<Option<Note>, Error> {
        let note = self.text(name)?.map(Note::parse).transpose();
        note.map_err(|malformed| Error::invalid(name, malformed.to_string()))
    }

    pub(super) fn time(&mut self, name: &'static str) -> Result<Option<Timestamp>, Error> {
        let time = self.text(name)?;
        let time = time
            .map(|text| Timestamp::parse_date_time(&text))
            .transpose();
        time.map_err(|unreadable| Error::invalid(name, unreadable.to_string()))
    }

    /// Refuses what is left over: passing it over could make something that was not to be made so.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] names the first.
    pub fn finish(self) -> Result<(), Error> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let reason = format!(
                    "has a member that is not known here, \"{}\"",
                    shown_name(name)
                );
                Err(Error::invalid("The request's body", reason))
            }
        }
    }
}
