//! What `moneyer serve --dev` says to a newcomer.

use std::net::SocketAddr;

use super::{health::reachable, output};
use crate::{
    app::App,
    config::Config,
    domain::{Label, PrivateKey, Role, Timestamp},
    error::Error,
    operator::{account, key},
    store::AccountRow,
};

/// The account that is made on an empty store.
const DEV: &str = "dev";
/// How long the token of the second line lives, in seconds.
const LIFETIME: i64 = 3600;

/// Makes an account and a key on an empty store and shows how to use them; else says how another
/// key is made.
pub(super) async fn greet(app: &App, address: SocketAddr, config: &Config) -> Result<(), Error> {
    let accounts = app.store.list_accounts().await?;
    let active = || {
        accounts
            .iter()
            .filter(|account| account.disabled_at.is_none())
    };
    let known = active()
        .find(|account| account.name == DEV)
        .or_else(|| active().next())
        .or_else(|| accounts.first());
    let greeting = match known {
        Some(account) => how_to_make_another(account, config),
        None => begin(app, address, config).await?,
    };
    output::raw(greeting.as_bytes())
}

fn how_to_make_another(account: &AccountRow, config: &Config) -> String {
    let program = std::env::args_os()
        .next()
        .unwrap_or_else(|| "moneyer".into());
    format!(
        "The store {store} has accounts already. A private key is shown once, when it is made; this makes another:\n\n\
         {program} --database '{store}' key create {id}\n\n",
        program = program.display(),
        store = config.database,
        id = account.id,
    )
}

async fn begin(app: &App, address: SocketAddr, config: &Config) -> Result<String, Error> {
    let (account, _) = account::create(app, DEV).await?;
    let wanted = key::Wanted {
        role: Role::Mint,
        label: Label::default(),
        expires_at: None,
    };
    let added = key::create(app, DEV, wanted).await?;
    let expire = Timestamp::from_seconds(app.clock.now().seconds() + LIFETIME);
    Ok(format!(
        "Made the account \"{DEV}\" ({account}) in {}, and its private key, which is shown only now.\n\
         Paste this into another terminal: it mints a token, mints one that ends in an hour, mints a third and\n\
         keeps it, lists all three, newest first, verifies the third, disables it, and asks again.\n\n{}\n",
        config.database,
        curl_lines(&added.key, reachable(address), expire)
    ))
}

fn curl_lines(key: &PrivateKey, address: SocketAddr, expire: Timestamp) -> String {
    let (key, expire) = (key.expose(), expire.to_minute());
    format!(
        r#"AUTH='http://{address}/v2/auth' VERIFY='http://{address}/v2/verify' KEY='{key}'
curl -sw '\n' -H "Authorization: Bearer $KEY" "$AUTH"
curl -sw '\n' -H "Authorization: Bearer $KEY" "$AUTH?expire={expire}"
TOKEN=$(curl -s -H "Authorization: Bearer $KEY" "$AUTH" | cut -d'"' -f4)
curl -sw '\n' -H "Authorization: Bearer $KEY" "$AUTH?list=1"
curl -sw '\n' -H "Authorization: Bearer $TOKEN" "$VERIFY"
curl -sw '\n' -H "Authorization: Bearer $KEY" "$AUTH?disableToken=$TOKEN"
curl -sw '\n' -H "Authorization: Bearer $TOKEN" "$VERIFY"
"#
    )
}
