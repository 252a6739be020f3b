//! `/v2/verify`: whether a gateway should let a request through.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{Data, Payload},
};

use super::{
    Service,
    credentials::{authenticate_verifier, count_failure},
    failure::Failure,
    form::Form,
    log_fields::LogFields,
    presented,
    respond::fill_in,
    verdict::{self, TooOften},
};
use crate::{
    command::{Detail, Parameters, Reach, Verify},
    error::Error,
};

/// Where gateways ask.
pub(super) const PATH: &str = "/v2/verify";
/// Where gateways ask that put the path and query of the request behind a prefix, and ask by its
/// method: Envoy does.
pub(super) const ORIGINAL: &str = "/v2/verify/{original:.*}";

const METHODS: &str = "GET, POST";

/// How a gateway asks.
struct Options {
    detail: Detail,
    too_often: TooOften,
}

/// GET and POST alike; a body is not read, since it is the application's.
pub(super) async fn verify(
    request: HttpRequest,
    _: Payload,
    service: Data<Service>,
) -> HttpResponse {
    let parameters = if [Method::GET, Method::POST].contains(request.method()) {
        Form::of_query(&request).parameters
    } else {
        Err(Failure::MethodNotAllowed(METHODS))
    };
    let answer = match parameters {
        Ok(parameters) => judge(&service, &request, parameters, None).await,
        Err(failure) => Err(failure),
    };
    answer.unwrap_or_else(|failure| refuse(&service, &request, failure))
}

/// The query is the original request's: it can show a token, and ask for nothing.
pub(super) async fn verify_original(request: HttpRequest, service: Data<Service>) -> HttpResponse {
    let query = request.query_string();
    judge(&service, &request, Parameters::default(), Some(query))
        .await
        .unwrap_or_else(|failure| refuse(&service, &request, failure))
}

async fn judge(
    service: &Service,
    request: &HttpRequest,
    mut parameters: Parameters,
    original: Option<&str>,
) -> Result<HttpResponse, Failure> {
    let reach = reach(service, request).await?;
    let options = Options::take(&mut parameters)?;
    // An original request asks for nothing.
    let wanted = original.map_or_else(
        || presented::wanted_scopes(request.query_string()),
        |_| Vec::new(),
    );
    let verify = Verify {
        shown: presented::shown(request.headers(), &mut parameters, original),
        circumstances: presented::circumstances(service, request, wanted.clone()),
        reach,
        detail: options.detail,
    };
    let verdict = verify.execute(&service.app).await?;
    LogFields::note(request, |fields| fields.token = verdict.token);
    Ok(verdict::respond(&verdict, &wanted, options.too_often))
}

/// Whose tokens the caller may ask about: with a private key its account's, from a trusted address
/// everybody's. A key that is shown counts alone.
async fn reach(service: &Service, request: &HttpRequest) -> Result<Reach, Failure> {
    if let Some(caller) = authenticate_verifier(service, request).await? {
        if !caller.role.may_verify() {
            return Err(Error::Forbidden.into());
        }
        return Ok(Reach::Account(caller.account));
    }
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    match peer {
        Some(peer) if service.verifiers.iter().any(|net| net.contains(&peer)) => {
            Ok(Reach::Everyone)
        }
        _ => Err(Failure::MayNotVerify),
    }
}

impl Options {
    fn take(parameters: &mut Parameters) -> Result<Self, Error> {
        let detail = match parameters.take("explain").as_deref().map(String::as_str) {
            None | Some("" | "0" | "false") => Detail::Verdict,
            Some("1" | "true") => Detail::Rules,
            Some(_) => return Err(Error::invalid("explain", "must be 1 or 0")),
        };
        let too_often = match parameters.take("status").as_deref().map(String::as_str) {
            None => TooOften::AsItIs,
            Some("gateway") => TooOften::Forbidden,
            Some(_) => {
                return Err(Error::invalid(
                    "status",
                    "must be gateway where it is given",
                ));
            }
        };
        Ok(Self { detail, too_often })
    }
}

fn refuse(service: &Service, request: &HttpRequest, failure: Failure) -> HttpResponse {
    let failure = count_failure(service, request, failure);
    verdict::failed(&mut fill_in(request, &failure), &failure)
}
