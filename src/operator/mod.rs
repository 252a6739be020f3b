//! What an operator does from outside the service: accounts, private keys, and the ending of tokens
//! by their ids.
//!
//! The command line is its one caller at present; there is nothing of a terminal in here.

pub mod account;
pub mod key;
pub mod token;
