//! The service over HTTP: bytes to credentials and parameters, and replies back to bytes.
//!
//! A connection begins as a [`conversation`]: as long as nothing but a plain [`question`] about a
//! token comes, [`verify`] answers, and the answer is [`written`] at once.
//!
//! Any other request comes and goes over a [`wire`], which holds an answer back when [`throttle`] has
//! it so. It passes [`log`] (its [`request_id`], its limits, its one line in the log), which asks
//! [`version`] in which one it is answered, and [`path`], then its route below, then its handler,
//! which reads it ([`form`], [`body`]), finds out who is asking ([`credentials`]) and has the command
//! executed; [`respond`] renders what came of it, [`failure`] decides the status of what went wrong.
//!
//! The handlers: [`handler`] mints, lists and disables; [`token_settings`] is a token's own resource;
//! [`verify`] judges tokens for gateways, with [`presented`] reading what was shown, [`wishes`] what is
//! asked, and [`verdict`] rendering the answer; [`oauth`] introspects and revokes; [`jwks`] shows the keys
//! that signed tokens are checked with; [`network`] manages access tokens and API keys.

mod asking;
mod body;
mod client_address;
mod conversation;
mod credentials;
mod document;
mod failure;
mod form;
mod handler;
mod health;
mod json;
mod jwks;
mod log;
mod log_fields;
mod network;
mod oauth;
mod path;
mod presented;
mod question;
mod request_id;
mod respond;
mod throttle;
mod token_settings;
mod verdict;
mod verify;
mod version;
mod wire;
mod wishes;
mod written;

use std::{
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
};

use actix_http::{HttpService, Protocol};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    App as Actix,
    dev::AppConfig,
    middleware::from_fn,
    web::{self, Data},
};
use ipnet::IpNet;
use tokio::net::TcpStream;

use self::{
    asking::Asking,
    client_address::{Client, client_of},
    conversation::Conversations,
    request_id::Counter,
    throttle::Throttle,
    wire::Wire,
};
use crate::{
    app::App,
    config::{Config, Limits},
};

/// What handlers share: the app, and what is particular to HTTP.
pub struct Service {
    app: Arc<App>,
    limits: Limits,
    trusted_proxies: Vec<IpNet>,
    /// Who may verify tokens without a private key.
    verifiers: Vec<IpNet>,
    throttle: Throttle,
    run_id: u32,
    requests: Counter,
}

impl Service {
    /// The service over `app`, with the limits of `config`.
    #[must_use]
    pub fn new(app: Arc<App>, config: &Config) -> Self {
        Self {
            run_id: app.entropy.draw(|rng| rng.next_u32()),
            // Held answers leave half of the connections to others.
            throttle: Throttle::new(
                &config.throttle,
                config.limits.connections / 2,
                app.clock.clone(),
            ),
            limits: config.limits.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            verifiers: config.verify.trusted.clone(),
            requests: Counter::default(),
            app,
        }
    }

    /// Where a request comes from.
    fn client(&self, request: &impl Asking) -> Option<Client> {
        let peer = request.peer()?;
        Some(client_of(peer, request.headers(), &self.trusted_proxies))
    }
}

/// Serves on `listener` until `shutdown` completes; then stops accepting, and returns once what is
/// in flight is done or `limits.shutdown_timeout` is over.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    config: &Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = Arc::new(Service::new(app, config));
    let address = listener.local_addr()?;
    let (limits, workers) = (&config.limits, config.http_workers());
    let server = Server::build();
    let stopping = server.graceful_shutdown_signal();
    server
        .workers(workers)
        .max_concurrent_connections(limits.connections.div_ceil(workers))
        .shutdown_timeout(limits.shutdown_timeout.get().as_secs())
        .disable_signals()
        .shutdown_signal(shutdown)
        .listen("http", listener, move || {
            connections(&service, address, stopping.clone())
        })?
        .run()
        .await
}

/// What is done with each connection: a conversation is held on it, and what comes of it beyond that
/// goes over a [`Wire`] to the parser, and its requests to the app.
fn connections(
    service: &Arc<Service>,
    address: SocketAddr,
    stopping: GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = (), InitError = ()> + use<>
{
    let observing = Arc::clone(service);
    let app = Actix::new()
        .app_data(Data::from(Arc::clone(service)))
        .configure(routes)
        .wrap(from_fn(move |request, next| {
            log::observe(Arc::clone(&observing), request, next)
        }));
    let conversations = Rc::new(Conversations::new(Arc::clone(service), stopping.clone()));
    let requests = HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .client_request_timeout(service.limits.head_timeout.get())
        .keep_alive(service.limits.keep_alive.get())
        .local_addr(address)
        .on_connect_ext(|wire: &Wire, data| {
            data.insert(wire.brake());
        })
        .finish(map_config(app, |()| AppConfig::default()));
    fn_service(move |stream: TcpStream| {
        let conversations = Rc::clone(&conversations);
        async move {
            let peer = stream.peer_addr().map_err(drop)?;
            let rest = conversations.hold(stream, peer.ip()).await;
            // An error ends the connection, and is looked at by nobody.
            let wire = rest.map_err(drop)?.ok_or(())?;
            Ok((wire, Protocol::Http1, Some(peer)))
        }
    })
    .and_then(requests.map_err(drop))
}

/// The paths without parameters come first, each by itself: they are compared as they are, while
/// those with parameters, or several at once, are matched by regular expressions.
fn routes(routes: &mut web::ServiceConfig) {
    let auth = |path: &str| {
        web::resource(path)
            .get(handler::auth)
            .post(handler::auth)
            .default_service(web::to(handler::only_get_and_post))
    };
    routes
        .service(auth("/v2/auth"))
        .service(auth("/auth/v2"))
        .service(web::resource(oauth::INTROSPECT).default_service(web::to(oauth::introspect)))
        .service(web::resource(oauth::REVOKE).default_service(web::to(oauth::revoke)))
        .service(
            handler::readable(jwks::PATH)
                .get(jwks::show)
                .head(jwks::show),
        )
        .service(
            handler::readable(health::LIVENESS)
                .get(health::liveness)
                .head(health::liveness),
        )
        .service(
            handler::readable(health::READINESS)
                .get(health::readiness)
                .head(health::readiness),
        )
        .configure(network::routes)
        .service(
            web::resource(["/v2/auth/token/{token}", "/auth/v2/token/{token}"])
                .default_service(web::to(token_settings::serve)),
        )
        .service(web::resource(verify::PATH).default_service(web::to(verify::verify)))
        .service(web::resource(verify::ORIGINAL).default_service(web::to(verify::verify_original)))
        .default_service(web::to(handler::not_found));
}
