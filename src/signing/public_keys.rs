//! What anybody may know: the keys with which signatures are checked.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{KeySet, SigningKey};
use crate::domain::{Algorithm, SigningKeyId};

/// A JSON Web Key Set (RFC 7517, section 5): the Ed25519 keys that are not retired, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKeys {
    keys: Vec<PublicKey>,
}

/// A public Ed25519 key (RFC 8037, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    r#use: &'static str,
    kid: SigningKeyId,
    x: String,
}

impl PublicKeys {
    pub(super) fn of(set: &KeySet) -> Self {
        Self {
            keys: set.keys().iter().filter_map(PublicKey::of).collect(),
        }
    }
}

impl PublicKey {
    fn of(key: &SigningKey) -> Option<Self> {
        let secret = match key.algorithm {
            Algorithm::EdDsa => key.state.secret()?,
            // Whoever knew it could sign.
            Algorithm::Hs256 => return None,
        };
        let public = ed25519_dalek::SigningKey::from_bytes(secret.expose()).verifying_key();
        Some(Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            r#use: "sig",
            kid: key.id,
            x: URL_SAFE_NO_PAD.encode(public.as_bytes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{domain::Timestamp, signing::Secret};

    #[test]
    fn the_public_keys_are_those_that_sign_or_verify_and_never_a_shared_secret() {
        let (mut set, mut rng) = (KeySet::default(), StdRng::seed_from_u64(1));
        let now = Timestamp::from_seconds(0);
        let first = set.create(Algorithm::EdDsa, now, &mut rng).unwrap();
        set.create(Algorithm::Hs256, now, &mut rng).unwrap();
        let mut rotate = || set.rotate(Algorithm::EdDsa, now, &mut rng).unwrap().new;
        let (second, third) = (rotate(), rotate());
        set.retire(second).unwrap();
        let shown = PublicKeys::of(&set);
        let ids: Vec<_> = shown.keys.iter().map(|key| key.kid).collect();
        assert_eq!(ids, [first, third]);
    }

    /// RFC 8037, appendix A.2.
    #[test]
    fn a_public_key_is_the_one_of_the_standard() {
        let secret = Secret::decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = SigningKey {
            id: SigningKeyId::from_i64(1),
            algorithm: Algorithm::EdDsa,
            created_at: Timestamp::from_seconds(0),
            state: crate::signing::State::Verifying(secret),
        };
        let shown = PublicKey::of(&key).unwrap();
        assert_eq!(shown.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }
}
