//! An application with one resource, `/tile`, for holders of a token with the scope `tiles`: a
//! middleware asks Moneyer's `/v2/verify` about each request, and answers 503 when it cannot ask.
//!
//! `MONEYER_URL` says where Moneyer is (`http://127.0.0.1:8080`; `https` needs a TLS feature of
//! `awc`), `LISTEN` where this listens (`127.0.0.1:9000`). Moneyer answers on its own machine
//! without being shown a key; from elsewhere `MONEYER_API_KEY` holds one of role `verify`. For
//! tokens that are bound to addresses, Moneyer's `trusted_proxies` must hold this machine's address.
//!
//! A good answer is remembered for `REMEMBERED`, which spares most questions. What that costs: for
//! so long this application may accept a token that has just been disabled. Zero asks every time.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program of its own"
)]

use std::{
    env, io,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use actix_web::{
    App, Error, HttpMessage as _, HttpResponse, HttpServer, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    rt::time::timeout,
    web::{self, Bytes, Data},
};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const REMEMBERED: Duration = Duration::from_secs(2);
const MOST_REMEMBERED: usize = 10_000;
/// How long Moneyer has for an answer, all in all.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What Moneyer decides by, beside the client's address and the scope.
const ASKED_WITH: [&str; 4] = ["authorization", "x-api-key", "origin", "referer"];
/// What a refused client is told, beside the body.
const PASSED_ON: [&str; 5] = [
    "content-type",
    "www-authenticate",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
];

/// Who is asking, by Moneyer's word. Handlers take it as `web::ReqData<Identity>`.
#[derive(Clone, Deserialize, Serialize)]
struct Identity {
    #[serde(rename(deserialize = "sub"))]
    account: String,
    #[serde(rename(deserialize = "client_id"))]
    key: String,
    #[serde(rename(deserialize = "jti"))]
    token: String,
    /// With a space between each two.
    #[serde(rename(deserialize = "scope"))]
    scopes: String,
}

/// The body of Moneyer's good answer.
#[derive(Deserialize)]
struct Verified {
    active: bool,
    exp: Option<u64>,
    #[serde(flatten)]
    identity: Identity,
}

struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    body: Bytes,
}

type Shown = Vec<(&'static str, header::HeaderValue)>;

/// One for each worker, as `awc`'s clients are; what is remembered is shared.
struct Moneyer {
    client: awc::Client,
    url: String,
    key: Option<String>,
    /// By what was asked: who may pass, and until when.
    remembered: Arc<Cache<[u8; 32], (Identity, Instant)>>,
}

/// The middleware: lets a request with a good token through, and knows from then on whose it is.
async fn guard(
    scope: &'static str,
    moneyer: Data<Moneyer>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let identity = moneyer.verify(&request, scope).await?;
    // What a client says about itself under these names must fool nobody further in.
    let headers = request.headers_mut();
    headers.retain(|name, _| !name.as_str().starts_with("x-moneyer-"));
    request.extensions_mut().insert(identity);
    next.call(request).await
}

impl Moneyer {
    async fn verify(&self, request: &ServiceRequest, scope: &str) -> Result<Identity, Error> {
        let shown = shown(request).ok_or_else(|| unavailable("the client has no address"))?;
        let digest = digest(&shown, scope);
        if let Some((identity, until)) = self.remembered.get(&digest)
            && Instant::now() < until
        {
            return Ok(identity);
        }
        let asked_at = Instant::now();
        let answer = timeout(TIMEOUT, self.ask(&shown, scope)).await;
        let answer = answer.map_err(unavailable)?.map_err(unavailable)?;
        let verified = answer.verified()?;
        // Refusals are not remembered: made-up tokens would push good answers out.
        if let Some(lifetime) = answer.lifetime(verified.exp) {
            let known = (verified.identity.clone(), asked_at + lifetime);
            self.remembered.insert(digest, known);
        }
        Ok(verified.identity)
    }

    async fn ask(&self, shown: &Shown, scope: &str) -> Result<Answer, Box<dyn std::error::Error>> {
        let mut question = self.client.get(&self.url).query(&[("scope", scope)])?;
        for (name, value) in shown {
            question = question.append_header((*name, value));
        }
        if let Some(key) = &self.key {
            question = question.insert_header(("X-Moneyer-Key", key.as_str()));
        }
        let mut answer = question.send().await?;
        Ok(Answer {
            body: answer.body().await?,
            status: answer.status(),
            headers: answer.headers().clone(),
        })
    }
}

/// What Moneyer is shown of a request. Every value counts, so two of a name stay two.
fn shown(request: &ServiceRequest) -> Option<Shown> {
    let values = |name| {
        request
            .headers()
            .get_all(name)
            .map(move |v| (name, v.clone()))
    };
    let mut shown: Shown = ASKED_WITH.into_iter().flat_map(values).collect();
    // The connection's own address. Behind a proxy, take what that says; never a client's word.
    let client = request.peer_addr()?.ip().to_canonical().to_string();
    shown.push(("x-forwarded-for", client.parse().ok()?));
    Some(shown)
}

/// A question's key in the cache, from which no token can be read.
fn digest(shown: &Shown, scope: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, value) in shown {
        hash.update(name);
        hash.update(value.len().to_be_bytes());
        hash.update(value);
    }
    hash.chain_update(scope).finalize().into()
}

impl Answer {
    /// What a good answer says; else the refusal that the client gets.
    fn verified(&self) -> Result<Verified, Error> {
        match self.status.as_u16() {
            200 => match serde_json::from_slice::<Verified>(&self.body) {
                Ok(verified) if verified.active => Ok(verified),
                _ => Err(unavailable("its answer makes no sense")),
            },
            401 | 403 | 429 if self.is_about_the_token() => Err(self.refusal()),
            status => Err(unavailable(format!("it answers with {status}"))),
        }
    }

    /// What is wrong with this application's own key is no fault of its clients.
    fn is_about_the_token(&self) -> bool {
        let challenge = self.headers.get("www-authenticate");
        challenge.is_some_and(|it| it.as_bytes().starts_with(b"Bearer error="))
            || self.headers.contains_key("ratelimit")
    }

    fn refusal(&self) -> Error {
        let mut refusal = HttpResponse::build(self.status);
        let told = |name: &header::HeaderName| PASSED_ON.contains(&name.as_str());
        for header in self.headers.iter().filter(|(name, _)| told(name)) {
            refusal.append_header(header);
        }
        InternalError::from_response("refused", refusal.body(self.body.clone())).into()
    }

    /// How long this may be remembered: not past the token's end, and not at all where Moneyer
    /// counts the requests, since those that it does not see would be free.
    fn lifetime(&self, exp: Option<u64>) -> Option<Duration> {
        if self.headers.contains_key("ratelimit") {
            return None;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let left = Duration::from_secs(exp.unwrap_or(u64::MAX)).checked_sub(now)?;
        Some(left.min(REMEMBERED))
    }
}

/// Nobody passes while Moneyer cannot say who may.
fn unavailable(reason: impl std::fmt::Display) -> Error {
    tracing::warn!("Moneyer cannot be asked: {reason}");
    let message = "Tokens cannot be verified at the moment.";
    let body = json!({ "success": false, "error": { "code": "UNAVAILABLE", "message": message } });
    InternalError::from_response("not asked", HttpResponse::ServiceUnavailable().json(body)).into()
}

async fn tile(identity: web::ReqData<Identity>) -> impl Responder {
    web::Json(identity.into_inner())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let url = env::var("MONEYER_URL").unwrap_or_else(|_| "http://127.0.0.1:8080".into());
    let key = env::var("MONEYER_API_KEY").ok();
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:9000".into());
    let remembered = Arc::new(Cache::new(MOST_REMEMBERED));
    let app = move || {
        let moneyer = Moneyer {
            client: awc::Client::builder().disable_redirects().finish(),
            url: url.clone() + "/v2/verify",
            key: key.clone().filter(|key| !key.is_empty()),
            remembered: Arc::clone(&remembered),
        };
        let guarded = from_fn(|moneyer, request, next| guard("tiles", moneyer, request, next));
        let tile = web::resource("/tile").get(tile).wrap(guarded);
        App::new().app_data(Data::new(moneyer)).service(tile)
    };
    let server = HttpServer::new(app).workers(2).bind(listen)?;
    for address in server.addrs() {
        println!("listening at http://{address}");
    }
    server.run().await
}
