//! The service over HTTP, driven from outside: whole answers with a clock that stands still and
//! randomness that repeats.

mod answers;
mod bad_documents;
mod bad_input;
mod bad_settings;
mod connections;
mod credentials;
mod errors;
mod every_answer;
mod forwarded;
mod gateways;
mod health;
mod idempotency;
mod limits;
mod load;
mod logging;
mod minting_with_settings;
mod model;
mod overload;
mod parser;
mod races;
mod random_input;
mod rates;
mod real_input;
mod restrictions;
mod retries;
mod settings;
mod sources;
mod support;
mod throttling;
mod tokens;
mod verification;
mod who_may_change;
mod who_may_verify;
