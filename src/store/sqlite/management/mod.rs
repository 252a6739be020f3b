//! Managing an account's access tokens and API keys on behalf of a caller: [`tokens`] and [`keys`],
//! with [`authority`] finding out what the caller may do, and [`walk`] and [`minted`] going through
//! lists.

mod authority;
mod keys;
mod minted;
mod tokens;
mod walk;
