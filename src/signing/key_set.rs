//! Signing keys, and what may be done with them.

use rand::CryptoRng;

use super::Secret;
use crate::{
    domain::{Algorithm, SigningKeyId, Timestamp},
    error::Error,
};

/// One of the server's signing keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its public id, the `kid` of what it signs.
    pub id: SigningKeyId,
    /// The one algorithm that it is for.
    pub algorithm: Algorithm,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is good for.
    pub state: State,
}

/// What a signing key is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// New tokens are signed with it.
    Signing(Secret),
    /// Tokens that it signed are good.
    Verifying(Secret),
    /// Nothing: what it signed has ended. Kept so that its id is known.
    Retired,
}

/// The keys of one server, oldest first: no two of one id, and at most one that signs for each
/// algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet(Vec<SigningKey>);

/// Why keys are no set; a place counts from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsound {
    /// The key in this place has the id of one before it.
    RepeatedId(usize),
    /// The key in this place signs, and one before it does so by the same algorithm.
    SecondSigner(usize),
}

/// What became of a key that was to be retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// It is retired now.
    Done,
    /// It was retired before.
    Already,
}

/// The keys that a rotation leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// The key that signs now.
    pub new: SigningKeyId,
    /// The key that signed before, and verifies still.
    pub old: SigningKeyId,
}

impl State {
    /// The state's name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Signing(_) => "signing",
            Self::Verifying(_) => "verifying",
            Self::Retired => "retired",
        }
    }

    /// The secret of a key that is not retired.
    #[must_use]
    pub const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Signing(secret) | Self::Verifying(secret) => Some(secret),
            Self::Retired => None,
        }
    }
}

impl KeySet {
    /// The set of these keys, oldest first.
    ///
    /// # Errors
    /// [`Unsound`] when they cannot be one.
    pub fn new(keys: Vec<SigningKey>) -> Result<Self, Unsound> {
        for (place, key) in keys.iter().enumerate() {
            let before = &keys[..place];
            if before.iter().any(|other| other.id == key.id) {
                return Err(Unsound::RepeatedId(place + 1));
            }
            let signs = |other: &SigningKey| {
                other.algorithm == key.algorithm && matches!(other.state, State::Signing(_))
            };
            if signs(key) && before.iter().any(signs) {
                return Err(Unsound::SecondSigner(place + 1));
            }
        }
        Ok(Self(keys))
    }

    /// The keys, oldest first.
    #[must_use]
    pub fn keys(&self) -> &[SigningKey] {
        &self.0
    }

    /// Whether a key of this id is there and not retired.
    #[must_use]
    pub fn knows(&self, id: SigningKeyId) -> bool {
        let good = |key: &SigningKey| key.id == id && key.state.secret().is_some();
        self.0.iter().any(good)
    }

    /// Those of `keys` that are not in the set, not even as retired.
    #[must_use]
    pub fn unheard_of(&self, keys: &[SigningKeyId]) -> Vec<SigningKeyId> {
        let is_here = |id: &SigningKeyId| self.0.iter().any(|key| key.id == *id);
        keys.iter().copied().filter(|id| !is_here(id)).collect()
    }

    /// The key that signs by `algorithm`, with its secret.
    #[must_use]
    pub fn signer(&self, algorithm: Algorithm) -> Option<(SigningKeyId, &Secret)> {
        self.0.iter().find_map(|key| match &key.state {
            State::Signing(secret) if key.algorithm == algorithm => Some((key.id, secret)),
            _ => None,
        })
    }

    /// Makes a key that signs by `algorithm`.
    ///
    /// # Errors
    /// [`Error::Refused`] when one does already.
    pub fn create(
        &mut self,
        algorithm: Algorithm,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<SigningKeyId, Error> {
        if let Some((id, _)) = self.signer(algorithm) {
            return Err(Error::Refused(format!(
                "The key {id} signs by {algorithm} already; `moneyer signing-key rotate --algorithm {algorithm}` puts a new one in its place."
            )));
        }
        Ok(self.add(algorithm, now, rng))
    }

    /// Makes a key that signs by `algorithm` in the place of the one that does; that one verifies
    /// from now on.
    ///
    /// # Errors
    /// [`Error::Refused`] when none does.
    pub fn rotate(
        &mut self,
        algorithm: Algorithm,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Rotated, Error> {
        let old = self.0.iter_mut().find_map(|key| match &key.state {
            State::Signing(secret) if key.algorithm == algorithm => {
                key.state = State::Verifying(secret.clone());
                Some(key.id)
            }
            _ => None,
        });
        let old = old.ok_or_else(|| {
            Error::Refused(format!(
                "No key signs by {algorithm}; `moneyer signing-key create --algorithm {algorithm}` makes one."
            ))
        })?;
        let new = self.add(algorithm, now, rng);
        Ok(Rotated { new, old })
    }

    /// Retires the key of this id: its secret is thrown away, and what it signed is good no more.
    ///
    /// # Errors
    /// [`Error::Refused`] for a key that signs, and when there is none of this id.
    pub fn retire(&mut self, id: SigningKeyId) -> Result<Retired, Error> {
        let key = self.0.iter_mut().find(|key| key.id == id).ok_or_else(|| {
            Error::Refused(format!(
                "There is no signing key {id}; `moneyer signing-key list` shows them."
            ))
        })?;
        match key.state {
            State::Retired => Ok(Retired::Already),
            State::Verifying(_) => {
                key.state = State::Retired;
                Ok(Retired::Done)
            }
            State::Signing(_) => Err(Error::Refused(format!(
                "The key {id} signs new tokens; `moneyer signing-key rotate --algorithm {}` puts another in its place, and then it can be retired.",
                key.algorithm
            ))),
        }
    }

    fn add(
        &mut self,
        algorithm: Algorithm,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> SigningKeyId {
        let id = SigningKeyId::generate(rng);
        self.0.push(SigningKey {
            id,
            algorithm,
            created_at: now,
            state: State::Signing(Secret::generate(rng)),
        });
        id
    }
}
