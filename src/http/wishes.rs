//! What a gateway wishes to know of a token: the query of `/v2/verify`.
//!
//! A wish that is passed over would let a token through that lacks a scope. So what is nearly a wish,
//! or is there twice, is refused.

use super::{failure::Failure, form::decode, verdict::TooOften};
use crate::{
    command::{Detail, Parameters},
    error::Error,
};

const SCOPE: &str = "scope";
/// What must not be there twice.
const WISHES: [&str; 3] = [SCOPE, "status", "explain"];
/// What is left in front of a name when a link was copied out of HTML.
const ESCAPED_AMPERSAND: &str = "amp;";
/// How much of a name is compared.
const COMPARED_CHARS: usize = 32;

/// How a gateway asks.
pub(super) struct Wishes {
    /// The scopes that the token must have.
    pub(super) scopes: Vec<String>,
    /// How much is to be told.
    pub(super) detail: Detail,
    /// How a token that is used too often is to be refused.
    pub(super) too_often: TooOften,
}

impl Wishes {
    /// Takes them out of `parameters`, which [`check`] has found unambiguous.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a value without meaning.
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, Error> {
        let detail = match parameters.take("explain").as_deref().map(String::as_str) {
            None | Some("" | "0" | "false") => Detail::Verdict,
            Some("1" | "true") => Detail::Rules,
            Some(_) => return Err(Error::invalid("explain", "must be 1 or 0")),
        };
        let too_often = match parameters.take("status").as_deref().map(String::as_str) {
            None => TooOften::AsItIs,
            Some("gateway") => TooOften::Forbidden,
            Some(_) => {
                return Err(Error::invalid("status", "must be gateway, or left out"));
            }
        };
        let scopes = parameters
            .take(SCOPE)
            .map(|text| scopes_in(&text))
            .transpose()?;
        Ok(Self {
            scopes: scopes.unwrap_or_default(),
            detail,
            too_often,
        })
    }
}

fn scopes_in(text: &str) -> Result<Vec<String>, Error> {
    let scopes = text.split([' ', ',']).filter(|scope| !scope.is_empty());
    let scopes: Vec<String> = scopes.map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(Error::invalid(SCOPE, "must name a scope, or be left out"));
    }
    Ok(scopes)
}

/// Looks over the names in `query`.
///
/// # Errors
/// A failure names what is there twice, or is nearly a wish.
pub(super) fn check(query: &str) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        // One that cannot be decoded is refused with the rest of the query.
        let Some(name) = decode(name.as_bytes()) else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        match WISHES.into_iter().find(|wish| **wish == *name) {
            Some(wish) if seen.contains(&wish) => {
                return Err(Error::invalid(wish, "is given more than once").into());
            }
            Some(wish) => seen.push(wish),
            None => refuse_near_miss(&name)?,
        }
    }
    Ok(())
}

fn refuse_near_miss(name: &str) -> Result<(), Error> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let short: String = plain.chars().take(COMPARED_CHARS).collect();
    let meant = match name.strip_prefix(ESCAPED_AMPERSAND) {
        Some(escaped) => WISHES.into_iter().find(|wish| *wish == escaped),
        None => WISHES.into_iter().find(|wish| {
            strsim::damerau_levenshtein(&short, wish) <= 1
                || (*wish == SCOPE && (plain.contains("scop") || plain.contains("permission")))
        }),
    };
    match meant {
        None => Ok(()),
        Some(meant) => Err(Error::unknown_parameter(name, meant)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_a_wish_is_refused_and_names_it() {
        for (query, meant) in [
            ("scopes=a", "scope"),
            ("scop=a", "scope"),
            ("scope[]=a", "scope"),
            ("scope%20=a", "scope"),
            ("required_scope=a", "scope"),
            ("permissions=a", "scope"),
            ("status=gateway&amp;scope=a", "scope"),
            ("explains=1", "explain"),
            ("states=gateway", "status"),
        ] {
            let refusal = check(query).unwrap_err().to_string();
            assert!(
                refusal.contains(&format!("mean {meant}?")),
                "{query}: {refusal}"
            );
        }
    }

    #[test]
    fn a_wish_is_there_once_and_wishes_for_something() {
        for query in ["scope=a&scope=b", "scope=a&SCOPE=", "explain=1&explain=1"] {
            let refusal = check(query).unwrap_err().to_string();
            assert!(refusal.contains("more than once"), "{query}: {refusal}");
        }
        assert!(scopes_in(" ,, ").is_err());
        assert_eq!(scopes_in("a b,,c").unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn other_names_are_nobodys_business() {
        for query in [
            "",
            "token=x&scope=a&status=gateway&explain=1",
            "x=1&units=metric&=&a&tokens=b",
        ] {
            assert!(check(query).is_ok(), "{query}");
        }
    }
}
