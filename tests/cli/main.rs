//! The command line as people have it: the real program, run in a temporary folder.

mod accounts;
mod audit_verifying;
mod auditing;
mod backup;
mod bad_stores;
mod bulk_ending;
mod configuration;
mod dev;
mod doctor;
mod examples;
mod importing;
mod key_disabling;
mod keys;
mod logging;
mod middlewares;
mod policies;
mod process;
mod rotation;
mod server;
mod serving;
mod stopping;
mod support;
mod sweeping;
mod token_list;
mod tokens;
mod usage;
