//! Which part of a list is asked for.

use std::collections::BTreeMap;

use crate::{
    domain::shown_name,
    error::Error,
    store::{Direction, Page, Start},
};

/// How long a part is when nothing is said of that.
const USUAL: u32 = 20;
/// The longest.
const MOST: u32 = 1000;

const SKIP: &str = "skip";
const TAKE: &str = "take";
const ORDER: &str = "order";

/// The parameters of a query, to be taken one by one.
#[derive(Debug, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Adds a parameter.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when it is there already: either could be meant.
    pub fn insert(&mut self, name: String, value: String) -> Result<(), Error> {
        let shown = shown_name(&name);
        if self.0.insert(name, value).is_none() {
            return Ok(());
        }
        let reason = format!("has the parameter \"{shown}\" twice");
        Err(Error::invalid("The request's query", reason))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes `skip` and `take`: numbers, or ids that `read` reads. The list runs in `direction`.
    pub(super) fn page<Id>(
        &mut self,
        direction: Direction,
        read: fn(&str) -> Option<Id>,
    ) -> Result<Page<Id>, Error> {
        let skip = self.take(SKIP);
        let (limit, before) = match self.take(TAKE) {
            None => (USUAL, None),
            Some(text) => match number(&text) {
                Some(limit @ 1..=MOST) => (limit, None),
                Some(_) => return Err(unusable_take()),
                None => (USUAL, Some(read(&text).ok_or_else(unusable_take)?)),
            },
        };
        let start = match (skip, before) {
            (None, None) => Start::Skip(0),
            (None, Some(id)) => Start::Before(id),
            (Some(_), Some(_)) => {
                return Err(Error::invalid(TAKE, "is an id, so skip must be left out"));
            }
            (Some(text), None) => match number(&text) {
                Some(count) => Start::Skip(count),
                None => Start::After(read(&text).ok_or_else(unusable_skip)?),
            },
        };
        Ok(Page {
            start,
            limit,
            direction,
        })
    }

    /// Takes `order`, which `read` reads; `allowed` says what it may be.
    pub(super) fn order<T>(
        &mut self,
        usual: T,
        read: fn(&str) -> Option<T>,
        allowed: &str,
    ) -> Result<T, Error> {
        match self.take(ORDER) {
            None => Ok(usual),
            Some(text) => {
                read(&text).ok_or_else(|| Error::invalid(ORDER, format!("must be {allowed}")))
            }
        }
    }

    /// Refuses what is left over: a list that passes a wish over looks like one that fulfils it.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] names the first.
    pub fn finish(self) -> Result<(), Error> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let shown = shown_name(name);
                let reason = format!("has a parameter that is not known here, \"{shown}\"");
                Err(Error::invalid("The request's query", reason))
            }
        }
    }
}

/// The direction of this name.
pub(super) fn direction(name: &str) -> Option<Direction> {
    match name {
        "ASC" => Some(Direction::Ascending),
        "DESC" => Some(Direction::Descending),
        _ => None,
    }
}

/// A number that is small enough not to be an id.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn unusable_skip() -> Error {
    let most = u32::MAX;
    let reason = format!("must be a whole number from 0 to {most}, or the id of what is listed");
    Error::invalid(SKIP, reason)
}

fn unusable_take() -> Error {
    let reason = format!("must be a whole number from 1 to {MOST}, or the id of what is listed");
    Error::invalid(TAKE, reason)
}
