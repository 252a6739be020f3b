//! `/v2/verify`: whether a gateway should let a request through.

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Data};

use super::{
    Service,
    asking::Asking,
    credentials::{authenticate_verifier, count_failure},
    failure::Failure,
    form::Form,
    log_fields::LogFields,
    presented,
    respond::fill_in,
    verdict::{self, Answer},
    wishes::{self, Wishes},
};
use crate::{
    command::{Parameters, Reach, Verify},
    error::Error,
};

/// Where gateways ask.
pub(super) const PATH: &str = "/v2/verify";
/// Where gateways ask that put the path and query of the request behind a prefix, and ask by its
/// method: Envoy does. The prefix has a part of its own, so that no path behind it can lead to
/// [`PATH`].
pub(super) const ORIGINAL: [&str; 2] = ["/v2/verify/original", "/v2/verify/original/{original:.*}"];

const METHODS: &str = "GET, POST";

/// GET and POST alike; a body is not read, since it is the application's.
pub(super) async fn verify(request: HttpRequest, service: Data<Service>) -> HttpResponse {
    answer(&service, &request).await.into()
}

/// The answer to the request of a gateway.
pub(super) async fn answer(service: &Service, request: &impl Asking) -> Answer {
    let parameters = if [Method::GET, Method::POST].contains(request.method()) {
        wishes::check(request.query()).and_then(|()| Form::of_query(request).parameters)
    } else {
        Err(Failure::MethodNotAllowed(METHODS))
    };
    let answer = match parameters {
        Ok(parameters) => judge(service, request, parameters).await,
        Err(failure) => Err(failure),
    };
    answer.unwrap_or_else(|failure| refuse(service, request, failure))
}

/// The query is the original request's: it can show a token, and ask for nothing.
pub(super) async fn verify_original(request: HttpRequest, service: Data<Service>) -> HttpResponse {
    judge(&service, &request, Parameters::default())
        .await
        .unwrap_or_else(|failure| refuse(&service, &request, failure))
        .into()
}

async fn judge(
    service: &Service,
    request: &impl Asking,
    mut parameters: Parameters,
) -> Result<Answer, Failure> {
    let reach = reach(service, request).await?;
    let wishes = Wishes::take(&mut parameters)?;
    let wanted = wishes.scopes.clone();
    let verify = Verify {
        shown: presented::shown(request.headers(), request.query()),
        circumstances: presented::circumstances(service, request, wishes.scopes),
        reach,
        detail: wishes.detail,
    };
    let verdict = verify.execute(&service.app).await?;
    if verdict.outcome.is_err() || LogFields::are_wanted_of_routine() {
        request.note(|fields| fields.token = verdict.token);
    }
    Ok(verdict::answer(verdict, &wanted, wishes.too_often))
}

/// Whose tokens the caller may ask about: with a private key its account's, from a trusted address
/// everybody's. A key that is shown counts alone.
async fn reach(service: &Service, request: &impl Asking) -> Result<Reach, Failure> {
    if let Some(caller) = authenticate_verifier(service, request).await? {
        if !caller.role.may_verify() {
            return Err(Error::Forbidden.into());
        }
        return Ok(Reach::Account(caller.account));
    }
    let peer = request.peer().map(|peer| peer.to_canonical());
    match peer {
        Some(peer) if service.verifiers.iter().any(|net| net.contains(&peer)) => {
            Ok(Reach::Everyone)
        }
        _ => Err(Failure::MayNotVerify),
    }
}

fn refuse(service: &Service, request: &impl Asking, failure: Failure) -> Answer {
    if matches!(failure, Failure::MayNotVerify) {
        // To its clients such a gateway looks like one that refuses every token.
        let warning = "the peer is not in verify.trusted, and shows no private key";
        request.note(|fields| fields.warning = Some(warning));
    }
    let failure = count_failure(service, request, failure);
    Answer::Refused(refuse_unread(request, &failure))
}

/// The response to a question that was not looked at.
pub(super) fn refuse_unread(request: &impl Asking, failure: &Failure) -> HttpResponse {
    verdict::failed(&mut fill_in(request, failure), failure)
}

/// Whether gateways ask at this path.
pub(super) fn is_asked_at(path: &str) -> bool {
    path == PATH || path.starts_with(ORIGINAL[0])
}
