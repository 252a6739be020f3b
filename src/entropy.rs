//! Where chance comes from. The only code that asks the operating system for it.

use std::{fmt, sync::Mutex};

use rand::{CryptoRng, SeedableRng, rand_core::UnwrapErr, rngs::ChaCha20Rng};

#[expect(
    clippy::disallowed_types,
    reason = "this is the one place that asks the system for randomness"
)]
use rand::rngs::SysRng;

/// A source of random bytes.
pub enum Entropy {
    /// The operating system's generator, asked anew each time.
    Os,
    /// A generator whose whole course follows from a seed, for tests.
    Seeded(Box<Mutex<ChaCha20Rng>>),
}

impl Entropy {
    /// A generator that gives the same course for the same `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Box::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))))
    }

    /// Lets `make` draw what it needs.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe could be done then.
    pub fn draw<T>(&self, make: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        match self {
            Self::Os => make(&mut UnwrapErr(SysRng)),
            Self::Seeded(rng) => make(&mut *rng.lock().expect("no draw panics half-way")),
        }
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Os => "Os",
            Self::Seeded(_) => "Seeded",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Token;

    #[test]
    fn a_seed_fixes_the_course_and_the_system_does_not_repeat_itself() {
        let first = |entropy: &Entropy| entropy.draw(Token::generate).expose().to_owned();
        assert_eq!(first(&Entropy::seeded(7)), first(&Entropy::seeded(7)));
        assert_ne!(first(&Entropy::seeded(7)), first(&Entropy::seeded(8)));
        assert_ne!(first(&Entropy::Os), first(&Entropy::Os));
    }
}
