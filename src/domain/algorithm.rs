//! How tokens are signed.

use std::{fmt, str::FromStr};

/// An algorithm of JSON Web Signatures (RFC 7515).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037): whoever has the public key can check a signature.
    EdDsa,
    /// HMAC with SHA-256 (RFC 7518, section 3.2): only who can sign can check.
    Hs256,
}

/// An algorithm that is neither of the two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an algorithm is one of eddsa and hs256")]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::EdDsa, Self::Hs256];

    /// The algorithm's name on the command line and in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "eddsa",
            Self::Hs256 => "hs256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let named = |algorithm: &Self| algorithm.as_str() == text;
        Self::ALL.into_iter().find(named).ok_or(UnknownAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_survives_text() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        assert_eq!("none".parse::<Algorithm>(), Err(UnknownAlgorithm));
    }
}
