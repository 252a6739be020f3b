//! What a server does beside answering: sweeping, following other processes, and writing down uses.

use std::time::Duration;

use crate::{
    app::App,
    error,
    sweeper::{self, Plan},
};

/// How soon a change that another process makes to the store is followed.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);
/// How often it is written down when keys were last used.
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);

/// Does all of it for ever.
pub async fn run(app: &App, plan: &Plan) {
    tokio::join!(sweeper::run(app, plan), follow(app), flush(app));
}

/// Drops keys from memory once another process has disabled or rotated them.
async fn follow(app: &App) {
    let mut seen = app.store.foreign_changes();
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        let latest = app.store.foreign_changes();
        if latest == seen {
            continue;
        }
        match app.forget_dead_keys().await {
            Ok(()) => seen = latest,
            Err(error) => tracing::error!(
                cause = error::chain(&error),
                "another process's changes could not be followed"
            ),
        }
    }
}

async fn flush(app: &App) {
    loop {
        tokio::time::sleep(FLUSH_INTERVAL).await;
        if let Err(error) = app.flush_uses().await {
            tracing::error!(
                cause = error::chain(&error),
                "the last uses of keys could not be written down"
            );
        }
    }
}
