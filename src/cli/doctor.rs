//! `moneyer doctor`: what is well and what is not, and what to do about it.

use std::{path::Path, process::ExitCode};

use clap::Args;
use serde::Serialize;

use super::{open, output::Output};
use crate::{
    config::Config,
    domain::Timestamp,
    error::{self, Error},
    store::{Absent, Health},
};

/// How far the clock may be behind what is in the store, in seconds.
const CLOCK_SLACK: i64 = 60;
/// 2025-01-01T00:00:00Z: no machine's clock is right that is before it.
const LONG_AGO: Timestamp = Timestamp::from_seconds(1_735_689_600);

/// Check the configuration, the store, its integrity and the clock, and say what to do
#[derive(Debug, Args)]
pub(super) struct Doctor {}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

impl Doctor {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<ExitCode, Error> {
        let mut findings = vec![Finding {
            check: "configuration",
            ok: true,
            detail: "is sound".into(),
        }];
        match open(config, Absent::Refuse) {
            Err(error) => findings.push(Finding {
                check: "store",
                ok: false,
                detail: error.to_string(),
            }),
            Ok(app) => {
                let served = if app.store.claim().is_err() {
                    "a server uses it"
                } else {
                    "no server uses it"
                };
                let detail = format!(
                    "{} can be read and written; {served}",
                    app.store.path().display()
                );
                findings.push(Finding {
                    check: "store",
                    ok: true,
                    detail,
                });
                findings.push(permissions(&app.store.path()));
                match app.store.examine().await {
                    Err(error) => findings.push(damaged(&error::chain(&error))),
                    Ok(health) => {
                        findings.push(integrity(&health));
                        findings.push(clock(&health, app.clock.now()));
                    }
                }
            }
        }
        let text: Vec<String> = findings
            .iter()
            .map(|finding| {
                format!(
                    "{:4} {:13} {}",
                    if finding.ok { "ok" } else { "BAD" },
                    finding.check,
                    finding.detail
                )
            })
            .collect();
        output.data(text.join("\n"), &findings)?;
        Ok(if findings.iter().all(|finding| finding.ok) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn integrity(health: &Health) -> Finding {
    if !health.faults.is_empty() {
        return damaged(&health.faults.join("; "));
    }
    let detail = format!(
        "the file is whole, and holds accounts: {}, keys: {}, tokens: {}",
        health.accounts, health.keys, health.tokens
    );
    Finding {
        check: "integrity",
        ok: true,
        detail,
    }
}

fn damaged(fault: &str) -> Finding {
    let detail =
        format!("the file is damaged; stop the server and put a backup in its place ({fault})");
    Finding {
        check: "integrity",
        ok: false,
        detail,
    }
}

fn clock(health: &Health, now: Timestamp) -> Finding {
    let newest = health
        .newest_at
        .map_or(i64::MIN, |at| at.seconds().saturating_sub(CLOCK_SLACK));
    let ok = now >= LONG_AGO && now.seconds() >= newest;
    let detail = if ok {
        format!("shows {now}")
    } else {
        format!(
            "shows {now}, which is before what is in the store; set it right, or tokens live too long"
        )
    };
    Finding {
        check: "clock",
        ok,
        detail,
    }
}

#[cfg(unix)]
fn permissions(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    let others = mode % 0o100;
    let ok = others == 0;
    let detail = if ok {
        "the file is readable for its owner alone".to_owned()
    } else {
        format!(
            "the file's mode is {mode:o}; `chmod 600 {}` keeps others out",
            path.display()
        )
    };
    Finding {
        check: "permissions",
        ok,
        detail,
    }
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Finding {
    Finding {
        check: "permissions",
        ok: true,
        detail: "are not checked on this system".into(),
    }
}
