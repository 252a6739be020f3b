//! `moneyer signing-key`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    open,
    output::{Output, count, table},
    parse_id, sentence,
};
use crate::{
    clock::Clock,
    config::Config,
    domain::{Algorithm, SigningKeyId},
    entropy::Entropy,
    error::Error,
    signing::{KeyFile, KeySet, Retired, Rotated},
    store::{Absent, Store},
    sweeper::end_signed_by,
};

#[derive(Debug, Subcommand)]
pub(super) enum SigningKey {
    /// Make the first key that signs by an algorithm, and the file if there is none yet
    Create {
        #[command(flatten)]
        chosen: AlgorithmArgs,
    },
    /// List the signing keys; never what they sign with
    List,
    /// Have a new key sign; what the one before it signed stays good
    Rotate {
        #[command(flatten)]
        chosen: AlgorithmArgs,
    },
    /// End every token that a key signed; one that signs must be rotated first
    Retire {
        /// The key's public id, `sig_…`
        #[arg(value_name = "SIGNING_KEY_ID")]
        key: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct AlgorithmArgs {
    /// eddsa, which anybody can check with the public key, or hs256
    #[arg(long, default_value_t = Algorithm::EdDsa)]
    algorithm: Algorithm,
}

impl SigningKey {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let file = config.signing_key_file();
        match self {
            Self::Create { chosen } => create(&file, chosen.algorithm, output),
            Self::List => list(&file.read()?.unwrap_or_default(), output),
            Self::Rotate { chosen } => rotate(&file, chosen.algorithm, output),
            Self::Retire { key } => retire(config, parse_id("SIGNING_KEY_ID", &key), output).await,
        }
    }
}

fn create(file: &KeyFile, algorithm: Algorithm, output: Output) -> Result<(), Error> {
    let now = Clock::system().now();
    let id = file.change(|keys| Entropy::Os.draw(|rng| keys.create(algorithm, now, rng)))?;
    output.words(format_args!(
        "Made a signing key for {algorithm} in {}; keep that file safe. {}",
        file.path().display(),
        taken_up(algorithm)
    ));
    output.data(
        id,
        &json!({ "signing_key": id, "algorithm": algorithm.as_str(), "state": "signing" }),
    )
}

fn rotate(file: &KeyFile, algorithm: Algorithm, output: Output) -> Result<(), Error> {
    let now = Clock::system().now();
    let Rotated { new, old } =
        file.change(|keys| Entropy::Os.draw(|rng| keys.rotate(algorithm, now, rng)))?;
    output.words(format_args!(
        "{new} signs in the place of {old}. What that one signed stays good until `moneyer signing-key retire {old}`. {}",
        taken_up(algorithm)
    ));
    output.data(
        new,
        &json!({ "signing_key": new, "algorithm": algorithm.as_str(), "state": "signing", "verifying": old }),
    )
}

/// What happens next with a new key.
const fn taken_up(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => {
            "A server that runs signs with it within half a second; whoever keeps a copy of /.well-known/jwks.json has it once that is fetched again, after five minutes at most."
        }
        Algorithm::Hs256 => "A server that runs signs with it within half a second.",
    }
}

/// The file comes first: from then on a server refuses what the key signed, whatever becomes of the rest.
async fn retire(config: &Config, id: SigningKeyId, output: Output) -> Result<(), Error> {
    let file = config.signing_key_file();
    let when = match file.change(|keys| keys.retire(id))? {
        Retired::Done => "is retired",
        Retired::Already => "was retired before",
    };
    let ended = end_in_store(config, id).await.map_err(|error| {
        Error::Refused(format!(
            "The key {id} {when}, and servers refuse what it signed; but not all of its tokens were ended in the store: {} Run this again.",
            sentence(&error)
        ))
    })?;
    output.words(format_args!(
        "A server that reads {} refuses what it signed within half a second, and one that is passed a copy as a credential once it is restarted; whoever keeps a copy of /.well-known/jwks.json, once that is fetched again.",
        file.path().display()
    ));
    let fate = match ended {
        Some(ended) => format!("{} ended", count(ended, "token")),
        None => format!(
            "there is no store at {}, so no token was ended; name it by --database and run this again",
            config.database
        ),
    };
    output.data(
        format_args!("Signing key {id} {when}; {fate}."),
        &json!({ "signing_key": id, "state": "retired", "ended": ended }),
    )
}

/// Ends the tokens that the key signed, where there is a store; says how many these were.
async fn end_in_store(config: &Config, id: SigningKeyId) -> Result<Option<u64>, Error> {
    if !Store::exists(&config.store_options(Absent::Refuse))? {
        return Ok(None);
    }
    let app = open(config, Absent::Refuse)?;
    end_signed_by(&app, id, config.sweeper.batch)
        .await
        .map(Some)
}

fn list(keys: &KeySet, output: Output) -> Result<(), Error> {
    let keys = keys.keys();
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                key.id.to_string(),
                key.algorithm.to_string(),
                key.created_at.to_string(),
                key.state.as_str().to_owned(),
            ]
        })
        .collect();
    let json: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "signing_key": key.id,
                "algorithm": key.algorithm.as_str(),
                "created": key.created_at.to_string(),
                "state": key.state.as_str(),
            })
        })
        .collect();
    output.data(
        table(["SIGNING KEY", "ALGORITHM", "CREATED", "STATE"], &rows),
        &json,
    )
}
