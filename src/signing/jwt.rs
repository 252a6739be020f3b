//! Signed tokens: JSON Web Tokens (RFC 7519).

use hkdf::Hkdf;
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Secret;
use crate::domain::{AccountId, Algorithm, SigningKeyId, Timestamp, to_hex};

/// What a signed token says of itself, beside its account and its issuer.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    /// Drawn at random for this token alone: the `jti`, in hexadecimal.
    pub unique: [u8; 16],
    /// When the token was minted.
    pub issued_at: Timestamp,
    /// When it expires, if it does.
    pub expires_at: Option<Timestamp>,
    /// What it may do.
    pub scopes: &'a [String],
}

/// The claims as they are written (RFC 7519, section 4.1; `scope` by RFC 8693, section 4.2).
#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    sub: AccountId,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Whose token is signed: the account, and the generation of its tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) account: AccountId,
    pub(super) generation: u64,
}

/// Signs with the key `id`, whose secret is `secret`.
pub(super) fn sign(
    algorithm: Algorithm,
    (id, secret): (SigningKeyId, &Secret),
    subject: Subject,
    issuer: &str,
    claims: &Claims<'_>,
) -> Zeroizing<String> {
    let (algorithm, key) = match algorithm {
        Algorithm::EdDsa => (
            jsonwebtoken::Algorithm::EdDSA,
            EncodingKey::from_ed_der(secret.expose()),
        ),
        Algorithm::Hs256 => (
            jsonwebtoken::Algorithm::HS256,
            EncodingKey::from_secret(&*derive(secret, subject)),
        ),
    };
    let mut header = Header::new(algorithm);
    header.kid = Some(id.to_string());
    let payload = Payload {
        iss: issuer,
        sub: subject.account,
        iat: claims.issued_at.seconds(),
        exp: claims.expires_at.map(Timestamp::seconds),
        jti: to_hex(&claims.unique),
        scope: (!claims.scopes.is_empty()).then(|| claims.scopes.join(" ")),
    };
    jsonwebtoken::encode(&header, &payload, &key)
        .map(Zeroizing::new)
        .expect("the provider knows both algorithms, and texts and numbers can be written")
}

/// The key by which a subject's HS256 tokens are signed: HKDF-SHA256 (RFC 5869) of the server's secret.
pub(super) fn derive(secret: &Secret, subject: Subject) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret.expose())
        .expand_multi_info(
            &[
                b"moneyer/1 hs256 key",
                &subject.account.to_i64().to_be_bytes(),
                &subject.generation.to_be_bytes(),
            ],
            &mut *derived,
        )
        .expect("32 bytes are within HKDF's reach");
    derived
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
    use serde_json::{Value, json};

    use super::*;
    use crate::signing::provider;

    const SEED: [u8; 32] = [7; 32];

    fn subject(account: i64, generation: u64) -> Subject {
        let account = AccountId::from_i64(account);
        Subject {
            account,
            generation,
        }
    }

    fn signed(algorithm: Algorithm, subject: Subject, claims: &Claims<'_>) -> Zeroizing<String> {
        provider::install();
        let id = SigningKeyId::from_i64(5);
        sign(
            algorithm,
            (id, &Secret::from_bytes(SEED)),
            subject,
            "moneyer",
            claims,
        )
    }

    const PLAIN: Claims<'_> = Claims {
        unique: [0xab; 16],
        issued_at: Timestamp::from_seconds(1_795_581_240),
        expires_at: None,
        scopes: &[],
    };

    fn public() -> DecodingKey {
        let key = ed25519_dalek::SigningKey::from_bytes(&SEED).verifying_key();
        DecodingKey::from_ed_der(key.as_bytes())
    }

    /// The claims, if `key` finds the signature right; when they end is not looked at.
    fn checked(
        token: &str,
        algorithm: jsonwebtoken::Algorithm,
        key: &DecodingKey,
    ) -> Option<Value> {
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        Some(decode(token, key, &validation).ok()?.claims)
    }

    #[test]
    fn a_token_says_who_when_and_what_for() {
        let scopes = ["tiles".to_owned(), "maps".to_owned()];
        let claims = Claims {
            expires_at: Some(Timestamp::from_seconds(1_798_761_600)),
            scopes: &scopes,
            ..PLAIN
        };
        let token = signed(Algorithm::EdDsa, subject(0xfe, 1), &claims);
        let header = serde_json::to_value(decode_header(&*token).unwrap()).unwrap();
        let expected = json!({"typ": "JWT", "alg": "EdDSA", "kid": "sig_0000000000000005"});
        assert_eq!(header, expected);
        let found = checked(&token, jsonwebtoken::Algorithm::EdDSA, &public()).unwrap();
        let expected = json!({"iss": "moneyer", "sub": "acc_00000000000000fe", "iat": 1_795_581_240,
            "exp": 1_798_761_600, "jti": "ab".repeat(16), "scope": "tiles maps"});
        assert_eq!(found, expected);
        let plain = signed(Algorithm::EdDsa, subject(0xfe, 1), &PLAIN);
        let found = checked(&plain, jsonwebtoken::Algorithm::EdDSA, &public()).unwrap();
        assert!(found.get("exp").is_none() && found.get("scope").is_none());
    }

    /// RFC 8037, appendix A.4.
    #[test]
    fn ed25519_signs_as_the_standard_does() {
        let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        let secret = Secret::decode(seed).unwrap();
        provider::install();
        let key = EncodingKey::from_ed_der(secret.expose());
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature =
            jsonwebtoken::crypto::sign(message, &key, jsonwebtoken::Algorithm::EdDSA).unwrap();
        let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(signature, expected);
    }

    #[test]
    fn a_token_that_was_changed_in_any_place_is_refused() {
        for algorithm in Algorithm::ALL {
            let token = signed(algorithm, subject(1, 1), &PLAIN);
            let (algorithm, key) = match algorithm {
                Algorithm::EdDsa => (jsonwebtoken::Algorithm::EdDSA, public()),
                Algorithm::Hs256 => (jsonwebtoken::Algorithm::HS256, shared(subject(1, 1))),
            };
            assert!(checked(&token, algorithm, &key).is_some());
            // Of the last character, not every bit counts.
            for place in 0..token.len() - 1 {
                let mut changed = token.as_bytes().to_vec();
                changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert!(
                    checked(&changed, algorithm, &key).is_none(),
                    "place {place}"
                );
            }
        }
    }

    fn shared(subject: Subject) -> DecodingKey {
        DecodingKey::from_secret(&*derive(&Secret::from_bytes(SEED), subject))
    }

    #[test]
    fn each_account_and_generation_has_a_shared_key_of_its_own() {
        let token = signed(Algorithm::Hs256, subject(1, 2), &PLAIN);
        let opens = |key| checked(&token, jsonwebtoken::Algorithm::HS256, &key).is_some();
        assert!(opens(shared(subject(1, 2))));
        assert!(!opens(shared(subject(1, 3))) && !opens(shared(subject(2, 2))));
        assert!(!opens(DecodingKey::from_secret(&SEED)));
    }
}
