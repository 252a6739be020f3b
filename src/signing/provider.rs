//! The cryptography beneath `jsonwebtoken`: Ed25519 and HMAC-SHA256. The crate's own choices bring
//! algorithms along that are not used here, RSA among them.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    signature::{Error, Signer, Verifier},
};
use sha2::Sha256;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| signer(*algorithm, key),
    verifier_factory: |algorithm, key| verifier(*algorithm, key),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has `jsonwebtoken` use it, in the whole process.
pub(super) fn install() {
    // It fails when it was done before, which does no harm.
    let _ = PROVIDER.install_default();
}

/// Ed25519 with the seed or the public key as the key's bytes.
struct Ed25519<K>(K);
struct HmacSha256(Hmac<Sha256>);

fn signer(algorithm: Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    match algorithm {
        Algorithm::EdDSA => {
            let seed = key
                .as_bytes()
                .try_into()
                .map_err(|_| ErrorKind::InvalidEddsaKey)?;
            Ok(Box::new(Ed25519(SigningKey::from_bytes(seed))))
        }
        Algorithm::HS256 => Ok(Box::new(HmacSha256::of(key.as_bytes())?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let bytes = key.try_get_as_bytes()?;
    match algorithm {
        Algorithm::EdDSA => {
            let key = VerifyingKey::try_from(bytes).map_err(|_| ErrorKind::InvalidEddsaKey)?;
            Ok(Box::new(Ed25519(key)))
        }
        Algorithm::HS256 => Ok(Box::new(HmacSha256::of(bytes)?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

impl HmacSha256 {
    fn of(key: &[u8]) -> Result<Self> {
        let keyed = Hmac::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Self(keyed))
    }
}

impl Signer<Vec<u8>> for Ed25519<SigningKey> {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Ed25519<VerifyingKey> {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let signature = Signature::from_slice(signature).map_err(|_| Error::new())?;
        let verdict = self.0.verify_strict(message, &signature);
        verdict.map_err(|_| Error::new())
    }
}

impl Signer<Vec<u8>> for HmacSha256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let tag = self.0.clone().chain_update(message).finalize();
        Ok(tag.into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for HmacSha256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let keyed = self.0.clone().chain_update(message);
        keyed.verify_slice(signature).map_err(|_| Error::new())
    }
}

impl JwtSigner for Ed25519<SigningKey> {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl JwtVerifier for Ed25519<VerifyingKey> {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl JwtSigner for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
