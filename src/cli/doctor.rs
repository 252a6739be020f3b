//! `moneyer doctor`: what is well and what is not, and what to do about it.

use std::{path::Path, process::ExitCode};

use clap::Args;
use serde::Serialize;

use super::{
    open,
    output::{Output, count},
};
use crate::{
    app::App,
    config::Config,
    domain::{Algorithm, Timestamp},
    error::{self, Error},
    signing::{KeyFile, State},
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

impl Finding {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            ok: true,
            detail: detail.into(),
        }
    }

    fn bad(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            ok: false,
            detail: detail.into(),
        }
    }

    fn line(&self) -> String {
        format!(
            "{:4} {:13} {}",
            if self.ok { "ok" } else { "BAD" },
            self.check,
            self.detail
        )
    }
}

impl Doctor {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<ExitCode, Error> {
        let file = config.signing_key_file();
        let mut findings = vec![
            Finding::good("configuration", "is sound"),
            signing_keys(&file),
        ];
        match open(config, Absent::Refuse) {
            Err(error) => findings.push(Finding::bad("store", error.to_string())),
            Ok(app) => findings.extend(look_over(&app, &file).await),
        }
        let lines: Vec<String> = findings.iter().map(Finding::line).collect();
        output.data(lines.join("\n"), &findings)?;
        let all_well = findings.iter().all(|finding| finding.ok);
        Ok(if all_well {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn signing_keys(file: &KeyFile) -> Finding {
    let keys = match file.read() {
        Err(error) => return Finding::bad("signing keys", error.to_string()),
        Ok(None) => return Finding::good("signing keys", "there are none, so no token is signed"),
        Ok(Some(keys)) => keys,
    };
    let [mut sign, mut verify, mut retired] = [0; 3];
    for key in keys.keys() {
        match key.state {
            State::Signing(_) => sign += 1,
            State::Verifying(_) => verify += 1,
            State::Retired => retired += 1,
        }
    }
    let path = file.path().display();
    let detail = format!("{path} holds signing: {sign}, verifying: {verify}, retired: {retired}");
    Finding::good("signing keys", detail)
}

async fn look_over(app: &App, signing_keys: &KeyFile) -> Vec<Finding> {
    let path = app.store.path();
    let served = if app.store.is_claimed() {
        "a server uses it"
    } else {
        "no server uses it"
    };
    let store = format!("{} can be read and written; {served}", path.display());
    let mut findings = vec![Finding::good("store", store), permissions(&path)];
    match app.store.examine().await {
        Err(Error::Internal(cause)) => findings.push(damaged(&cause.to_string())),
        Err(error) => findings.push(Finding::bad("integrity", error::chain(&error))),
        Ok(health) => {
            findings.extend([integrity(&health), clock(&health, app.clock.now())]);
            findings.extend(formats(&health, signing_keys));
        }
    }
    findings.extend(lost_keys(app, signing_keys).await);
    findings
}

/// Whether every token that was signed can still be told to be good. A file or a store that cannot be
/// read has its own finding.
async fn lost_keys(app: &App, signing_keys: &KeyFile) -> Option<Finding> {
    let keys = signing_keys.read().ok()?.unwrap_or_default();
    let lost = keys.unheard_of(&app.store.signing_keys_in_use().await.ok()?);
    let key = lost.first()?;
    let detail = format!(
        "tokens are refused that {key} signed, since it is not in {}; put that file back, or `moneyer account regenerate` the accounts to be rid of them",
        signing_keys.path().display()
    );
    Some(Finding::bad("signed tokens", detail))
}

/// Whether there is a key for each algorithm by which tokens are to be signed. A file that cannot be
/// read has its own finding.
fn formats(health: &Health, signing_keys: &KeyFile) -> Option<Finding> {
    let keys = signing_keys.read().ok()?.unwrap_or_default();
    let signs = |algorithm: &Algorithm| keys.signer(*algorithm).is_some();
    let (algorithm, account) = health.signed_by.iter().find(|(by, _)| !signs(by))?;
    let detail = format!(
        "tokens of {account} are to be signed by {algorithm}, and no key signs by that, so that none is minted there; `moneyer signing-key create --algorithm {algorithm}` makes one"
    );
    Some(Finding::bad("formats", detail))
}

fn integrity(health: &Health) -> Finding {
    if !health.faults.is_empty() {
        return damaged(&health.faults.join("; "));
    }
    if let Some((account, why)) = health.damaged_policies.first() {
        let detail = format!(
            "the policy of {account} cannot be read, so that nothing is minted there: {why}; `moneyer account policy {account}` mends that member by --set, or puts an empty policy in its place by --preset synoptic"
        );
        return Finding::bad("integrity", detail);
    }
    if health.damaged_settings > 0 {
        let detail = format!(
            "the settings of {} cannot be read, so that they are refused; `moneyer token list` names them",
            count(health.damaged_settings, "token")
        );
        return Finding::bad("integrity", detail);
    }
    let (accounts, keys, tokens) = (health.accounts, health.keys, health.tokens);
    Finding::good(
        "integrity",
        format!(
            "the file is whole, and holds accounts: {accounts}, keys: {keys}, tokens: {tokens}"
        ),
    )
}

fn damaged(fault: &str) -> Finding {
    Finding::bad(
        "integrity",
        format!("the file is damaged; stop the server and put a backup in its place ({fault})"),
    )
}

fn clock(health: &Health, now: Timestamp) -> Finding {
    if now < LONG_AGO {
        return Finding::bad(
            "clock",
            format!("shows {now}, which is long past; set it right, or tokens live too long"),
        );
    }
    let newest = health
        .newest_at
        .map_or(i64::MIN, |at| at.seconds().saturating_sub(CLOCK_SLACK));
    if now.seconds() >= newest {
        return Finding::good("clock", format!("shows {now}"));
    }
    Finding::bad(
        "clock",
        format!(
            "shows {now}, which is before what is in the store; set it right, or tokens live too long"
        ),
    )
}

#[cfg(unix)]
fn permissions(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    let for_others = mode % 0o100;
    if for_others == 0 {
        return Finding::good("permissions", "the file is readable for its owner alone");
    }
    let cure = format!(
        "the file's mode is {mode:o}; `chmod 600 {}` keeps others out",
        path.display()
    );
    Finding::bad("permissions", cure)
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Finding {
    Finding::good("permissions", "are not checked on this system")
}
