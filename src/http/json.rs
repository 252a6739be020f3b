//! Reading JSON.

use serde_json::Value;

use crate::{domain::parse_json, error::Error};

/// Reads a body in which no object has a member twice. The message says where it breaks off, and
/// repeats no value.
pub(super) fn parse(body: &[u8]) -> Result<Value, Error> {
    parse_json(body)
        .map_err(|unreadable| Error::invalid("The request's body", unreadable.to_string()))
}
