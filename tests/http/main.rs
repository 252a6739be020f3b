//! The service over HTTP, driven from outside: whole answers with a clock that stands still and
//! randomness that repeats.

mod answers;
mod bad_input;
mod credentials;
mod errors;
mod health;
mod idempotency;
mod load;
mod logging;
mod model;
mod parser;
mod real_input;
mod support;
mod throttling;
mod tokens;
