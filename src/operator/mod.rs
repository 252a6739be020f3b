//! What an operator does from outside the service: accounts, private keys, the ending of tokens by
//! their ids, taking tokens from elsewhere, and reading the audit.
//!
//! The command line is its one caller at present; there is nothing of a terminal in here.

pub mod account;
pub mod audit;
pub mod key;
pub mod token;
pub mod token_import;
