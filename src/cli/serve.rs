//! `moneyer serve`: the service itself.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use socket2::{Domain, Socket, Type};
use tokio::signal::unix::{SignalKind, signal};

use super::{dev, log, open_with};
use crate::{
    app::App,
    background,
    config::Config,
    error::{self, Error},
    http,
    signing::Signing,
    store::Absent,
};

/// How long a server may take to stop, whatever it waits for.
const LONGEST_STOP: Duration = Duration::from_millis(9500);
/// How long a stopping server tries to write down how keys and tokens were used.
const LAST_FLUSH: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted, as far as the system lets them: with the standard
/// library's 128, clients wait for a second when some hundreds connect at once.
const BACKLOG: i32 = 4096;

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
        let _logging = log::start(config.log)?;
        let issuer = config.signing.issuer.clone();
        let signing = Signing::load(config.signing_key_file(), issuer)?;
        let app = Arc::new(open_with(signing, config, Absent::Create)?);
        let claim = app.store.claim()?;
        let listener = bind(config.listen)?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::Internal(cause.into()))?;
        actix_web::rt::System::new().block_on(async {
            let stop = stop_signal()?;
            if self.dev {
                dev::greet(&app, address, config).await?;
            }
            warn_of_lost_keys(&app).await?;
            tracing::info!(address = %address, store = %app.store.path().display(), "listening");
            serve(listener, &app, config, stop).await
        })?;
        // The last to let go of the app closes the store; what was acknowledged is on disk in any
        // case.
        drop(app);
        drop(claim);
        tracing::info!("stopped");
        Ok(())
    }
}

/// Says so when there are tokens that were signed with keys that are not in the file: they are refused.
async fn warn_of_lost_keys(app: &App) -> Result<(), Error> {
    let in_use = app.store.signing_keys_in_use().await?;
    for key in app.signing.unheard_of(&in_use) {
        tracing::warn!(%key, "tokens that this signing key signed are refused: it is not in the file of signing keys");
    }
    Ok(())
}

async fn serve(
    listener: TcpListener,
    app: &Arc<App>,
    config: &Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let plan = config.sweeper_plan();
    let beside = Arc::clone(app);
    let flush_interval = config.verify.usage_interval.get();
    let background = actix_web::rt::spawn(async move {
        background::run(&beside, &plan, flush_interval).await;
    });
    let served = http::serve(listener, Arc::clone(app), config, stop).await;
    background.abort();
    // Waits until the task has let go of the app; that it was aborted is no news.
    let _ = background.await;
    let flushed = tokio::time::timeout(LAST_FLUSH, app.flush_uses()).await;
    if let Ok(Err(error)) = flushed {
        tracing::error!(
            cause = error::chain(&error),
            "the last uses of keys and tokens could not be written down"
        );
    }
    served.map_err(|cause| Error::Internal(cause.into()))
}

fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let listening = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // Or a restart would have to wait until the last connections are forgotten.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listening().map_err(|cause: std::io::Error| {
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
        std::thread::spawn(|| {
            std::thread::sleep(LONGEST_STOP);
            log::flush();
            // What was acknowledged is on disk; of what is still waited for nobody was told that it is.
            std::process::exit(0);
        });
        tracing::info!("stopping");
    })
}
