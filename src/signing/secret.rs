//! What a key signs with.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// 32 bytes: the seed of an Ed25519 key (RFC 8032, section 5.1.5), or what HS256 keys are derived from.
///
/// `Debug` is silent, the bytes are wiped when dropped and compared in constant time, and
/// [`Secret::expose`] is the one way to them.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// The length of a secret, in bytes.
    pub const BYTES: usize = 32;

    /// Draws a new secret.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        rng.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// The secret of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Reads base64url without padding (RFC 4648, section 5); `None` for anything but 32 bytes of it.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let bytes: &[u8; Self::BYTES] = bytes.as_slice().try_into().ok()?;
        Some(Self::from_bytes(*bytes))
    }

    /// The secret as [`Secret::decode`] reads it.
    pub(super) fn encode(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.expose()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
