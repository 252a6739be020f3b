//! What stands in the key file: JSON, with a kind and a version.
//!
//! No message repeats anything of it, since any part may be a secret that was put in the wrong place.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeySet, Secret, SigningKey, State, Unsound};
use crate::domain::Timestamp;

const KIND: &str = "moneyer-signing-keys";
const VERSION: u64 = 1;
/// Some bytes more than one key takes in the file.
const BYTES_PER_KEY: usize = 512;

/// Why a file's content cannot be used: the rest of a sentence that begins with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It ends too early.
    #[error("is cut short; put a good copy in its place")]
    Truncated,
    /// It is a PEM file.
    #[error(
        "is a PEM file, and Moneyer uses only keys that it made; name another file in signing.keys_file"
    )]
    Pem,
    /// It is no JSON.
    #[error("is not JSON from line {0} on; put a good copy in its place")]
    NotJson(usize),
    /// It is JSON that is none of Moneyer's.
    #[error(
        "holds something else than Moneyer's signing keys; name another file in signing.keys_file"
    )]
    OtherKind,
    /// Its version is not known here.
    #[error("is of another version than {VERSION}; use the moneyer that wrote it, or a newer one")]
    OtherVersion,
    /// A member is unknown, missing or of a wrong type.
    #[error("has an unknown, missing or unfit member at line {0}; put a good copy in its place")]
    Members(usize),
    /// What a member of a key says makes no sense.
    #[error("has a key, number {place}, {what}; put a good copy in its place")]
    Key {
        /// Which key, counted from 1.
        place: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    kind: String,
    version: u64,
    keys: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    algorithm: String,
    created_at: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Zeroizing<String>>,
}

/// Reads a file's content.
pub(super) fn parse(content: &[u8]) -> Result<KeySet, Fault> {
    let start = content.trim_ascii_start();
    if start.is_empty() {
        return Err(Fault::Truncated);
    }
    if start.starts_with(b"-----BEGIN") {
        return Err(Fault::Pem);
    }
    let head: Head<'_> = serde_json::from_slice(content).map_err(|cause| {
        if cause.is_eof() {
            Fault::Truncated
        } else if cause.is_data() {
            Fault::OtherKind
        } else {
            Fault::NotJson(cause.line())
        }
    })?;
    match (&*head.kind, head.version) {
        (KIND, VERSION) => {}
        (KIND, _) => return Err(Fault::OtherVersion),
        _ => return Err(Fault::OtherKind),
    }
    let document: Document =
        serde_json::from_slice(content).map_err(|cause| Fault::Members(cause.line()))?;
    let keys = (1..).zip(&document.keys).map(|(place, entry)| {
        let named = |what| Fault::Key { place, what };
        entry.read().map_err(named)
    });
    KeySet::new(keys.collect::<Result<_, _>>()?).map_err(|unsound| {
        let (place, what) = match unsound {
            Unsound::RepeatedId(place) => (place, "with the id of another"),
            Unsound::SecondSigner(place) => {
                (place, "that signs by an algorithm by which another does")
            }
        };
        Fault::Key { place, what }
    })
}

/// What is written into a file.
pub(super) fn render(set: &KeySet) -> Zeroizing<Vec<u8>> {
    let document = Document {
        kind: KIND.into(),
        version: VERSION,
        keys: set.keys().iter().map(Entry::of).collect(),
    };
    // Large enough that it never moves, and leaves no copy behind.
    let room = (document.keys.len() + 1) * BYTES_PER_KEY;
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer_pretty(&mut *content, &document)
        .expect("texts and numbers, written to memory");
    content.push(b'\n');
    content
}

impl Entry {
    fn of(key: &SigningKey) -> Self {
        Self {
            id: key.id.to_string(),
            algorithm: key.algorithm.to_string(),
            created_at: key.created_at.to_string(),
            state: key.state.as_str().into(),
            secret: key.state.secret().map(Secret::encode),
        }
    }

    fn read(&self) -> Result<SigningKey, &'static str> {
        let secret = match self.secret.as_deref().map(|text| Secret::decode(text)) {
            Some(None) => return Err("whose secret is not 32 bytes in base64url"),
            secret => secret.flatten(),
        };
        let state = match (&*self.state, secret) {
            ("signing", Some(secret)) => State::Signing(secret),
            ("verifying", Some(secret)) => State::Verifying(secret),
            ("retired", None) => State::Retired,
            ("signing" | "verifying", None) => return Err("whose secret is missing"),
            ("retired", Some(_)) => return Err("that is retired and has a secret"),
            _ => return Err("with an unknown state"),
        };
        Ok(SigningKey {
            id: self.id.parse().map_err(|_| "with a malformed id")?,
            algorithm: self
                .algorithm
                .parse()
                .map_err(|_| "with an unknown algorithm")?,
            created_at: Timestamp::parse(&self.created_at)
                .map_err(|_| "whose created_at is no RFC 3339 time")?,
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::domain::Algorithm;

    /// Two keys for EdDSA, the older of which verifies, a retired one, and one for HS256.
    fn some_keys() -> KeySet {
        let (mut keys, mut rng) = (KeySet::default(), StdRng::seed_from_u64(1));
        let now = Timestamp::from_seconds(1_795_581_240);
        let retired = keys.create(Algorithm::EdDsa, now, &mut rng).unwrap();
        keys.rotate(Algorithm::EdDsa, now, &mut rng).unwrap();
        keys.rotate(Algorithm::EdDsa, now, &mut rng).unwrap();
        keys.retire(retired).unwrap();
        keys.create(Algorithm::Hs256, now, &mut rng).unwrap();
        keys
    }

    fn text() -> String {
        String::from_utf8(render(&some_keys()).to_vec()).unwrap()
    }

    #[test]
    fn keys_survive_the_file() {
        assert_eq!(parse(text().as_bytes()), Ok(some_keys()));
        assert_eq!(parse(&render(&KeySet::default())), Ok(KeySet::default()));
        let content = render(&some_keys());
        assert!(content.len() < (some_keys().keys().len() + 1) * BYTES_PER_KEY);
    }

    #[test]
    fn a_retired_key_has_no_secret_in_the_file() {
        let secrets = text().matches("\"secret\"").count();
        assert_eq!((some_keys().keys().len(), secrets), (4, 3));
    }

    #[test]
    fn a_file_that_is_cut_short_anywhere_is_found_so() {
        let text = text();
        for end in 0..text.trim_end().len() {
            assert_eq!(
                parse(&text.as_bytes()[..end]),
                Err(Fault::Truncated),
                "{end}"
            );
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        for (content, fault) in [
            ("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n", Fault::Pem),
            ("SQLite format 3", Fault::NotJson(1)),
            (r#"{"kty":"OKP","d":"x"}"#, Fault::OtherKind),
            ("[]", Fault::OtherKind),
            (
                r#"{"kind":"other","version":1,"keys":[]}"#,
                Fault::OtherKind,
            ),
        ] {
            assert_eq!(parse(content.as_bytes()), Err(fault), "{content}");
        }
        let newer = text().replace("\"version\": 1", "\"version\": 2");
        assert_eq!(parse(newer.as_bytes()), Err(Fault::OtherVersion));
        let trailing = text() + "x";
        assert!(matches!(parse(trailing.as_bytes()), Err(Fault::NotJson(_))));
    }

    /// What is found when the first `from` of a good file is `to`.
    fn fault_with(from: &str, to: &str) -> Fault {
        let text = text();
        assert!(text.contains(from), "{from}");
        parse(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    }

    #[test]
    fn a_member_that_makes_no_sense_is_refused_by_its_place() {
        assert_eq!(fault_with("\"secret\"", "\"secrets\""), Fault::Members(16));
        assert_eq!(
            fault_with("\"keys\"", "\"more\": 1,\"keys\""),
            Fault::Members(4)
        );
        assert_eq!(fault_with("\"state\"", "\"stat\""), Fault::Members(9));
        let (retired, verifying) = (1, 2);
        for (from, to, place, word) in [
            ("\"sig_", "\"key_", retired, "malformed id"),
            ("\"eddsa\"", "\"rs256\"", retired, "algorithm"),
            ("\"2026-", "\"26-", retired, "created_at"),
            ("\"retired\"", "\"asleep\"", retired, "state"),
            ("\"retired\"", "\"verifying\"", retired, "missing"),
            ("\"verifying\"", "\"retired\"", verifying, "retired and has"),
            ("\"verifying\"", "\"signing\"", 3, "another"),
            (
                "\"secret\": \"",
                "\"secret\": \"AAAA",
                verifying,
                "32 bytes",
            ),
            ("\"secret\": \"", "\"secret\": \"!", verifying, "32 bytes"),
        ] {
            let fault = fault_with(from, to);
            let found = matches!(&fault, Fault::Key { place: at, what }
                if *at == place && what.contains(word));
            assert!(found, "{to}: {fault}");
        }
        let repeated = some_keys().keys()[1].id.to_string();
        let fault = fault_with(&some_keys().keys()[0].id.to_string(), &repeated);
        assert!(matches!(fault, Fault::Key { place: 2, what } if what.contains("id")));
    }
}
