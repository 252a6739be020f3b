//! `moneyer sweep`.

use clap::Args;

use super::{open, output::Output};
use crate::{config::Config, error::Error, store::Absent, sweeper};

/// Reclaim now what has ended, as a server does every minute
#[derive(Debug, Args)]
pub(super) struct Sweep {}

impl Sweep {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let app = open(config, Absent::Refuse)?;
        let swept = sweeper::sweep_once(&app, &config.sweeper_plan()).await?;
        output.data(
            format_args!(
                "Ended tokens put away: {}. Long-ended tokens deleted: {}. Retry records deleted: {}.",
                swept.expired, swept.purged, swept.forgotten
            ),
            &serde_json::json!({ "expired": swept.expired, "purged": swept.purged, "forgotten": swept.forgotten }),
        )
    }
}
