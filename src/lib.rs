//! Moneyer mints, lists, verifies and disables access tokens: a backend holds one private key, and
//! with it gives each of its clients a token; gateways ask whether a token is good.
//!
//! # The layers
//!
//! Each uses what stands below it, never what stands above.
//!
//! ```text
//! cli                 the command line: arguments in, text or JSON out
//! http, background    the service: requests in, responses out; and what it does by itself
//! command, operator   what a key's holder may ask for; what an operator may do; sweeper: reclaiming what ended
//! app                 what they may touch: store, keyring, signing, verifier, clock, entropy
//! verification        tokens that were shown: what is known of them in memory, and the rules
//! keyring   store     private keys at work; where things are kept
//! signing             the keys that sign tokens
//! domain              accounts, keys, tokens, settings, times: pure
//! ```
//!
//! [`error`], [`clock`], [`entropy`] and [`buckets`] (rates) serve them all; [`config`] is the only reader of files and
//! environment.
//!
//! # One request, from socket to disk
//!
//! `GET /v2/auth?apikey=K…&expire=203001010000`
//!
//! 1. [`http`] gives the request an id, holds it to its limits, and decodes query and body into
//!    [`command::Parameters`].
//! 2. It takes the private key out and asks [`app::App::authenticate`] whose it is. The [`keyring`]
//!    knows at once, or finds the key in the store by its [`domain::Selector`] and confirms it by
//!    argon2id: a [`keyring::Caller`].
//! 3. [`command::Command::parse`] makes a [`command::Create`] of the parameters, and refuses what
//!    is left over and nearly a known name.
//! 4. [`command::Command::execute`] checks the caller's role, draws a [`domain::Token`], seals it
//!    for later lists, and hands it to [`store::Store::mint`].
//! 5. The store's one writing thread checks that the key is still good, inserts the token together
//!    with whatever else waits, commits, and only then answers: [`store::Minted`].
//! 6. The [`command::Reply`] goes back up, and [`http`] renders it as JSON or XML. A failure is an
//!    [`error::Error`] all the way, and gets its status in one match.
//!
//! # Another, that stays in memory
//!
//! `GET /v2/verify`, with the token in a header that a gateway passes on
//!
//! 1. [`http`] reads it in a conversation of its own, without actix-web, as long as the connection
//!    brings nothing else. It finds out what is shown, from which origin and address, and whether
//!    the gateway may ask: a [`command::Verify`].
//! 2. The [`verification::Verifier`] knows the token by its [`domain::TokenDigest`], or looks it up
//!    in the store, once: a [`verification::Sight`].
//! 3. Each [`verification::Rule`] is checked; the last one counts the request against the token's rate.
//!    The use is noted in memory, and written down some seconds later by [`background`].
//! 4. The [`command::Verdict`] becomes 200 with the token's identity, 401, 403 or 429.
//!
//! What ends or changes a token reaches the verifier before the call that did it returns: the store's
//! writing thread tells its [`store::Watcher`] between the commit and the answer.

pub mod app;
pub mod background;
pub mod buckets;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod error;
pub mod http;
pub mod keyring;
pub mod operator;
pub mod signing;
pub mod store;
pub mod sweeper;
pub mod verification;
