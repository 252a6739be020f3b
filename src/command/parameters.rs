//! The parameters of a request, taken out one by one; what is left over at the end is looked at
//! too.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::create::SETTINGS;
use crate::{domain::Token, error::Error};

/// The parameters that mean something at `/v2/auth`, as they are properly written.
const KNOWN: [&str; 7] = [
    "apikey",
    "cloneSettings",
    "disableToken",
    "expire",
    "list",
    "output",
    SETTINGS,
];
/// An unknown name that begins like this is a known one gone wrong.
const STEMS: [(&str, &str); 6] = [
    ("apikey", "apikey"),
    ("clone", "cloneSettings"),
    ("disab", "disableToken"),
    ("expir", "expire"),
    ("list", "list"),
    ("output", "output"),
];
/// What else the known names are called elsewhere.
const SYNONYMS: [(&str, &str); 8] = [
    ("exp", "expire"),
    ("ips", SETTINGS),
    ("origins", SETTINGS),
    ("ratelimit", SETTINGS),
    ("scope", SETTINGS),
    ("scopes", SETTINGS),
    ("ttl", "expire"),
    ("validuntil", "expire"),
];
/// What is left in front of a name when a link was copied out of HTML.
const ESCAPED_AMPERSAND: &str = "amp;";
/// How many letters may be wrong in a long name, and in a short one.
const SLIPS: (usize, usize) = (2, 1);
const LONG_NAME: usize = 8;
/// How much of a name is compared.
const COMPARED_CHARS: usize = 64;

/// Named values. Names are compared without regard to case, values are trimmed of white space, and
/// the last of several values with one name counts.
#[derive(Debug, Default)]
pub struct Parameters {
    texts: BTreeMap<String, Value>,
    settings: Option<Json>,
}

/// A value that may be a secret, and is wiped when dropped.
type Value = zeroize::Zeroizing<String>;

impl Parameters {
    /// Adds a value; an empty name is passed over.
    pub fn insert(&mut self, name: &str, value: &str) {
        if !name.is_empty() {
            self.texts.insert(
                name.to_ascii_lowercase(),
                Value::new(value.trim().to_owned()),
            );
        }
    }

    /// Adds settings, in the place of earlier ones.
    pub fn insert_settings(&mut self, settings: Json) {
        self.settings = Some(settings);
    }

    /// Takes the settings out, if there are any.
    pub fn take_settings(&mut self) -> Option<Json> {
        self.settings.take()
    }

    /// Takes the value of `name` out, if there is one.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        if self.texts.is_empty() {
            return None;
        }
        self.texts.remove(&name.to_ascii_lowercase())
    }

    /// Takes `token` out, which must be there; `None` when it holds something that cannot be a token.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when there is nothing.
    pub fn take_token(&mut self) -> Result<Option<Token>, Error> {
        let text = self.take("token").filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Error::invalid("token", "must be given"))?;
        Ok(Token::parse(&text).ok())
    }

    /// Whether something of this name is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.texts.contains_key(&name.to_ascii_lowercase())
            || (name == SETTINGS && self.settings.is_some())
    }

    /// Looks at what nobody has taken: an unknown name is ignored, unless it is nearly a known one.
    /// Ignoring `expires` could mint a token that never ends.
    ///
    /// # Errors
    /// [`Error::UnknownParameter`] for a near miss.
    pub fn finish(self) -> Result<(), Error> {
        let near_miss = self
            .texts
            .keys()
            .find_map(|name| meant_by(name).map(|meant| (name, meant)));
        match near_miss {
            None => Ok(()),
            Some((name, meant)) => Err(Error::unknown_parameter(name, meant)),
        }
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut parameters = Self::default();
        pairs
            .into_iter()
            .for_each(|(name, value)| parameters.insert(name, value));
        parameters
    }
}

fn known(name: &str) -> Option<&'static str> {
    KNOWN
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
}

/// The known name that the unknown, lower-case `name` was probably meant to be.
fn meant_by(name: &str) -> Option<&'static str> {
    if known(name).is_some() {
        return None;
    }
    if let Some(meant) = name.strip_prefix(ESCAPED_AMPERSAND).and_then(known) {
        return Some(meant);
    }
    let plain = name.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = plain.take(COMPARED_CHARS).collect();
    let stem = STEMS.iter().find(|(stem, _)| plain.starts_with(stem));
    let synonym = || SYNONYMS.iter().find(|(other, _)| plain == *other);
    stem.or_else(synonym).map(|(_, meant)| *meant).or_else(|| {
        KNOWN.into_iter().find(|known| {
            let slips = if known.len() >= LONG_NAME {
                SLIPS.0
            } else {
                SLIPS.1
            };
            plain.len().abs_diff(known.len()) <= slips
                && strsim::damerau_levenshtein(&plain, &known.to_ascii_lowercase()) <= slips
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_values_counts_and_case_does_not() {
        let mut parameters: Parameters = [("Expire", "1"), ("EXPIRE", " 2\n"), ("", "x")]
            .into_iter()
            .collect();
        assert!(parameters.has("expire"));
        assert_eq!(
            parameters.take("expire").as_deref().map(String::as_str),
            Some("2")
        );
        assert!(parameters.take("expire").is_none());
    }

    #[test]
    fn near_misses_name_the_one_meant() {
        let near = [
            ("expires", "expire"),
            ("expiry", "expire"),
            ("expiration", "expire"),
            ("expire_at", "expire"),
            ("exipre", "expire"),
            ("disable_token", "disableToken"),
            ("disabletokens", "disableToken"),
            ("disable", "disableToken"),
            ("dissabletoken", "disableToken"),
            ("clonesetting", "cloneSettings"),
            ("clone-settings", "cloneSettings"),
            ("cloen_settings", "cloneSettings"),
            ("api_key", "apikey"),
            ("lists", "list"),
            ("ouput", "output"),
            ("amp;expire", "expire"),
            ("amp;list", "list"),
            ("ttl", "expire"),
            ("exp", "expire"),
            ("setting", "settings"),
            ("scopes", "settings"),
            ("rate_limit", "settings"),
            ("valid_until", "expire"),
            (&"expire_at_".repeat(100), "expire"),
        ];
        for (name, meant) in near {
            assert_eq!(meant_by(name), Some(meant), "{name}");
        }
    }

    #[test]
    fn other_names_are_nobodys_business() {
        for name in [
            "token",
            "stid",
            "units",
            "format",
            "limit",
            "callback",
            "_",
            "key",
            "",
            &"x".repeat(1000),
        ] {
            assert_eq!(meant_by(name), None, "{name}");
        }
    }
}
