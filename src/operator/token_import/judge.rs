//! From what is said of a token to the token as it is kept, or what speaks against it.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::entry::{Entry, Field};
use crate::{
    domain::{Policy, Settings, Timestamp, Token, TokenDigest},
    keyring::SealingKey,
    store::ImportedToken,
};

/// How many digits seconds since 1970 have. Fewer are those of a date, such as `20300101`; more
/// too, or of smaller parts than seconds.
const DIGITS_OF_SECONDS: RangeInclusive<usize> = 9..=11;

/// What a token is held to.
pub(super) struct Judge<'a> {
    pub(super) policy: &'a Policy,
    /// Seals tokens, so that they are listed.
    pub(super) sealing: Option<&'a SealingKey>,
    pub(super) now: Timestamp,
}

impl Judge<'_> {
    /// The token, or the rest of a sentence about its line.
    pub(super) fn judge(&self, mut entry: Entry) -> Result<ImportedToken, String> {
        let token = token_of(&mut entry)?;
        let digest = match &token {
            Shown::Token(token) => TokenDigest::of(token),
            Shown::Digest(digest) => *digest,
        };
        let expires_at = moment_of(&mut entry, Field::ExpiresAt)?;
        if expires_at.is_some_and(|at| at <= self.now) {
            return Err("expires_at lies in the past".into());
        }
        let created_at = moment_of(&mut entry, Field::CreatedAt)?.unwrap_or(self.now);
        if created_at > self.now {
            return Err("created_at lies in the future".into());
        }
        let settings = self.settings_of(&mut entry)?;
        let sealed = match (&token, self.sealing) {
            (Shown::Token(token), Some(sealing)) => Some(sealing.seal(token, &digest)),
            _ => None,
        };
        Ok(ImportedToken {
            digest,
            sealed,
            settings: (!settings.is_empty()).then(|| settings.into()),
            created_at,
            expires_at,
        })
    }

    /// What is given, merged into what new tokens of the account start with.
    fn settings_of(&self, entry: &mut Entry) -> Result<Settings, String> {
        let mut given = match entry.take(Field::Settings) {
            None => Map::new(),
            Some(Value::Object(members)) => members,
            Some(_) => return Err("settings must be a JSON object".into()),
        };
        for field in [Field::Tags, Field::Scopes, Field::Note] {
            if let Some(value) = entry.take(field)
                && given.insert(field.name().into(), value).is_some()
            {
                return Err(format!(
                    "{0} and settings.{0} cannot both be given",
                    field.name()
                ));
            }
        }
        let base = self.policy.token_settings();
        if given.is_empty() {
            return Ok(base.clone());
        }
        let merged = base.merged(given.into());
        let settings = merged.map_err(|invalid| invalid.to_string())?;
        let checked = self.policy.check_scopes(&settings);
        checked.map_err(|outside| outside.to_string())?;
        Ok(settings)
    }
}

/// What a token is given by.
enum Shown {
    Token(Token),
    Digest(TokenDigest),
}

fn token_of(entry: &mut Entry) -> Result<Shown, String> {
    let mut text = |field: Field| match entry.take(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(Zeroizing::new(text))),
        Some(_) => Err(format!("{} must be a text", field.name())),
    };
    match (text(Field::Token)?, text(Field::Sha256)?) {
        (Some(_), Some(_)) => Err("token and sha256 cannot both be given".into()),
        (None, None) => Err("it has neither token nor sha256".into()),
        (Some(token), None) => match Token::import(token.trim()) {
            Ok(token) => Ok(Shown::Token(token)),
            Err(unimportable) => Err(format!("the token {unimportable}")),
        },
        (None, Some(digest)) => match TokenDigest::parse(digest.trim()) {
            Ok(digest) => Ok(Shown::Digest(digest)),
            Err(malformed) => Err(format!("sha256 {malformed}")),
        },
    }
}

fn moment_of(entry: &mut Entry, field: Field) -> Result<Option<Timestamp>, String> {
    let text = match entry.take(field) {
        None => return Ok(None),
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(format!("{} must be a time", field.name())),
    };
    let text = text.trim();
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if digits && DIGITS_OF_SECONDS.contains(&text.len()) {
        let seconds = text.parse().expect("digits, few enough for i64");
        return Ok(Some(Timestamp::from_seconds(seconds)));
    }
    let moment = Timestamp::parse(text);
    moment.map(Some).map_err(|unreadable| {
        let (fewest, most) = (DIGITS_OF_SECONDS.start(), DIGITS_OF_SECONDS.end());
        let or = format!("or seconds since 1970, of {fewest} to {most} digits");
        format!("{} {unreadable}, {or}", field.name())
    })
}
