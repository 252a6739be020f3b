//! `moneyer token`.

use clap::Subcommand;

use super::{open, output::Output, parse_id};
use crate::{
    config::Config,
    domain::TokenId,
    error::Error,
    operator::token::{self, Ended},
    store::Absent,
};

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// End a token by its public id
    Disable {
        /// The token's public id, `tok_…`: the log names it
        #[arg(value_name = "TOKEN_ID")]
        token: String,
    },
}

impl Token {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let Self::Disable { token } = self;
        let id: TokenId = parse_id("TOKEN_ID", &token);
        let app = open(config, Absent::Refuse)?;
        let when = match token::disable(&app, id).await? {
            Ended::Now => "is disabled",
            Ended::Before => "had ended before",
        };
        output.data(
            format_args!("Token {id} {when}."),
            &serde_json::json!({ "token": id.to_string(), "state": "disabled" }),
        )
    }
}
