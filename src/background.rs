//! What a server does beside answering: sweeping, indexing, following other processes, and writing
//! down uses.

use std::time::Duration;

use crate::{
    app::App,
    error,
    sweeper::{self, Plan},
};

/// How soon a change that another process makes to the store or to the signing keys is followed.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);
/// How often it is looked whether new tokens are many enough to be indexed.
const INDEX_INTERVAL: Duration = Duration::from_millis(100);
/// Indexing that failed may wait: what is not indexed is found all the same.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How long nothing is learnt of keys after they were: where there are millions, it takes a while.
const LEARNING_REST: Duration = Duration::from_secs(1);
/// A flush that is not to wait still rests so long after the one before.
const SHORTEST_REST: Duration = Duration::from_millis(100);

/// Does all of it for ever.
/// `flush_interval` is how often it is written down how keys and tokens were used.
pub async fn run(app: &App, plan: &Plan, flush_interval: Duration) {
    tokio::join!(
        sweeper::run(app, plan),
        follow(app),
        follow_signing(app),
        index(app),
        learn_selectors(app),
        flush(app, flush_interval)
    );
}

/// Drops from memory what another process may have changed.
async fn follow(app: &App) {
    let mut seen = app.store.foreign_changes();
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        let latest = app.store.foreign_changes();
        if latest == seen {
            continue;
        }
        match app.follow().await {
            Ok(()) => seen = latest,
            Err(error) => tracing::error!(
                cause = error::chain(&error),
                "another process's changes could not be followed"
            ),
        }
    }
}

/// Takes up the signing keys that another process has made or retired.
async fn follow_signing(app: &App) {
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        app.follow_signing();
    }
}

/// Has new tokens indexed once they are many.
async fn index(app: &App) {
    loop {
        let rest = match app.store.index_newest().await {
            Ok(()) => INDEX_INTERVAL,
            Err(error) => {
                tracing::error!(
                    cause = error::chain(&error),
                    "new tokens could not be put into the index; they are found without it"
                );
                REST_AFTER_FAILURE
            }
        };
        tokio::time::sleep(rest).await;
    }
}

/// Learns which keys there are, once wrong ones come in numbers.
async fn learn_selectors(app: &App) {
    loop {
        app.keyring.selectors.missed().await;
        if let Err(error) = app.learn_selectors().await {
            tracing::error!(
                cause = error::chain(&error),
                "the keys' selectors could not be read: the store is asked for each wrong key"
            );
        }
        tokio::time::sleep(LEARNING_REST).await;
    }
}

async fn flush(app: &App, interval: Duration) {
    loop {
        tokio::time::sleep(SHORTEST_REST).await;
        // Sooner when much waits, so that memory stays bounded.
        let _ = tokio::time::timeout(interval, app.verifier.many_uses()).await;
        if let Err(error) = app.flush_uses().await {
            tracing::error!(
                cause = error::chain(&error),
                "the last uses of keys and tokens could not be written down"
            );
        }
    }
}
