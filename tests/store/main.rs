//! What every store promises, whichever kind it is: the suite runs against each kind there is.

mod accounts_and_keys;
mod audit;
mod audit_chain;
mod checkpoints;
mod concurrency;
mod importing;
mod indexing;
mod lifecycle;
mod live_index;
mod live_tokens;
mod management;
mod purging;
mod rotation;
mod settings;
mod signed;
mod support;
mod sweeping;
mod tokens;
mod verification;
