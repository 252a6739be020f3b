//! Managing an account's access tokens and API keys on behalf of a caller: [`tokens`] and [`keys`],
//! with [`authority`] finding out what the caller may do and [`walk`] going through lists.

mod authority;
mod keys;
mod tokens;
mod walk;
