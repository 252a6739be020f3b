//! `moneyer serve`: the service itself.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{log, open};
use crate::{
    app::App,
    background,
    config::Config,
    domain::{Label, PrivateKey, Role},
    error::{self, Error},
    http,
    operator::{account, key},
    store::Absent,
};

/// The account that `--dev` makes.
const DEV: &str = "dev";

/// Serve tokens over HTTP
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The address to serve at [default: 127.0.0.1:8080] [env: MONEYER_LISTEN]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// On an empty store, make an account and a private key to try things with
    #[arg(long)]
    dev: bool,
}

impl Serve {
    pub(super) fn run(self, config: &Config) -> Result<(), Error> {
        log::start(config.log);
        let app = Arc::new(open(config, Absent::Create)?);
        let claim = app.store.claim()?;
        let listener = bind(config.listen)?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::Internal(cause.into()))?;
        actix_web::rt::System::new().block_on(async {
            if self.dev {
                greet(&app, address, config).await?;
            }
            tracing::info!(address = %address, store = %app.store.path().display(), "listening");
            serve(listener, &app, config).await
        })?;
        // Whoever still holds the app is a thread that was given up on; what it was acknowledged is on disk.
        if let Some(app) = Arc::into_inner(app) {
            app.store.close();
        }
        drop(claim);
        tracing::info!("stopped");
        Ok(())
    }
}

async fn serve(listener: TcpListener, app: &Arc<App>, config: &Config) -> Result<(), Error> {
    let stop = stop_signal()?;
    let plan = config.sweeper_plan();
    let beside = Arc::clone(app);
    let background = actix_web::rt::spawn(async move { background::run(&beside, &plan).await });
    let served = http::serve(listener, Arc::clone(app), config, stop).await;
    background.abort();
    // Waits until the task has let go of the app; that it was aborted is no news.
    let _ = background.await;
    if let Err(error) = app.flush_uses().await {
        tracing::error!(
            cause = error::chain(&error),
            "the last uses of keys could not be written down"
        );
    }
    served.map_err(|cause| Error::Internal(cause.into()))
}

fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).map_err(|cause| {
        Error::Refused(format!(
            "Cannot listen at {address}: {cause}. Another address can be given with --listen."
        ))
    })
}

/// Completes when the process is asked to stop, by SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let listen = |kind| signal(kind).map_err(|cause| Error::Internal(cause.into()));
    let (mut terminate, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}

/// Tells a newcomer what to do: with a new key on an empty store, else with what is there.
async fn greet(app: &App, address: SocketAddr, config: &Config) -> Result<(), Error> {
    let store = app.store.path();
    if !app.store.list_accounts().await?.is_empty() {
        let program = std::env::args().next().unwrap_or_else(|| "moneyer".into());
        println!(
            "The store {} has accounts already. A private key is shown once, when it is made; this makes another:\n\n\
             {program} --database {} key create {DEV}\n",
            store.display(),
            config.database,
        );
        return Ok(());
    }
    let (account, _) = account::create(app, DEV).await?;
    let wanted = key::Wanted {
        role: Role::Mint,
        label: Label::default(),
        expires_at: None,
    };
    let added = key::create(app, DEV, wanted).await?;
    println!(
        "Made the account \"{DEV}\" ({account}) and its private key, which is shown only now, in {}.",
        store.display()
    );
    println!(
        "Paste this into another terminal:\n\n{}",
        curl_lines(&added.key, reachable(address))
    );
    Ok(())
}

/// Lines for a shell that mint, list and disable a token.
fn curl_lines(key: &PrivateKey, address: SocketAddr) -> String {
    let key = key.expose();
    format!(
        r#"AUTH='http://{address}/v2/auth' KEY='{key}'
curl -w '\n' -H "Authorization: Bearer $KEY" "$AUTH"                       # mint a token
curl -w '\n' -H "Authorization: Bearer $KEY" "$AUTH?expire=$(date -u -d '+1 hour' +%Y%m%d%H%M)"
TOKEN=$(curl -s -H "Authorization: Bearer $KEY" "$AUTH" | cut -d'"' -f4)   # mint one, and keep it
curl -w '\n' -H "Authorization: Bearer $KEY" "$AUTH?list=1"                # list them, newest first
curl -w '\n' -H "Authorization: Bearer $KEY" "$AUTH?disableToken=$TOKEN"   # end that one
"#
    )
}

/// The address at which a server that listens at `address` is reached from the same machine.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V4(_) | SocketAddr::V6(_) => address.ip(),
    };
    SocketAddr::new(ip, address.port())
}
