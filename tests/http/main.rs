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
mod real_input;
mod retries;
mod settings;
mod sources;
mod support;
mod throttling;
mod tokens;
mod who_may_change;
