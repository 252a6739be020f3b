//! Token introspection (RFC 7662) and revocation (RFC 7009).

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, ContentType},
    },
    web::{Data, Payload},
};
use serde::Serialize;

use super::{
    Service,
    asking::Asking as _,
    credentials::{authenticate_client, client_challenge, count_failure},
    failure::Failure,
    form::Form,
    respond::fill_in,
};
use crate::{
    command::{Introspect, Parameters, Revoke},
    error::Error,
    verification::Subject,
};

/// Where tokens are introspected and revoked.
pub(super) const PATHS: [&str; 2] = [INTROSPECT, REVOKE];
pub(super) const INTROSPECT: &str = "/v2/introspect";
pub(super) const REVOKE: &str = "/v2/revoke";
const METHODS: &str = "POST";
const NEEDS_KEY: &str = "A private key is needed: as the password of Authorization: Basic, as Authorization: Bearer KEY, or as the parameter apikey.";

/// Whether a token of the caller's account is active.
pub(super) async fn introspect(
    request: HttpRequest,
    payload: Payload,
    service: Data<Service>,
) -> HttpResponse {
    let answer = async {
        let mut parameters = read(&service, &request, payload).await?;
        let caller = authenticate_client(&service, &request, &mut parameters).await?;
        let introspect = Introspect::parse(&mut parameters)?;
        Ok(introspect.execute(&service.app, &caller).await?)
    };
    match answer.await {
        Ok(Some(subject)) => {
            let subject: &Subject = &subject;
            request.note(|fields| fields.token = Some(subject.id()));
            json(subject.identity.introspection().to_owned())
        }
        Ok(None) => json(r#"{"active":false}"#.to_owned()),
        Err(failure) => refuse(&service, &request, failure),
    }
}

/// Ends a token of the caller's own; says the same of any other.
pub(super) async fn revoke(
    request: HttpRequest,
    payload: Payload,
    service: Data<Service>,
) -> HttpResponse {
    let answer = async {
        let mut parameters = read(&service, &request, payload).await?;
        let caller = authenticate_client(&service, &request, &mut parameters).await?;
        let revoke = Revoke::parse(&mut parameters)?;
        Ok(revoke.execute(&service.app, &caller).await?)
    };
    match answer.await {
        Ok(token) => {
            request.note(|fields| fields.token = token);
            HttpResponse::Ok().finish()
        }
        Err(failure) => refuse(&service, &request, failure),
    }
}

async fn read(
    service: &Service,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Parameters, Failure> {
    if request.method() != Method::POST {
        return Err(Failure::MethodNotAllowed(METHODS));
    }
    let in_address = Form::of_query(request).parameters?.has("token");
    if in_address {
        let reason = "must be given in the body; addresses end up in logs";
        return Err(Error::invalid("token", reason).into());
    }
    let form = Form::read(request, payload, &service.limits).await;
    if form.unread.is_some() {
        let reason = "must be application/x-www-form-urlencoded";
        return Err(Error::invalid("The request's body", reason).into());
    }
    form.parameters
}

fn json(body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(body)
}

fn refuse(service: &Service, request: &HttpRequest, failure: Failure) -> HttpResponse {
    let failure = count_failure(service, request, failure);
    refuse_unread(request, &failure)
}

/// A failure as OAuth 2.0 has it (RFC 6749, section 5.2).
pub(super) fn refuse_unread(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    #[derive(Serialize)]
    struct Refused {
        error: &'static str,
        error_description: String,
    }
    let error = match failure.status() {
        StatusCode::UNAUTHORIZED => "invalid_client",
        StatusCode::FORBIDDEN => "unauthorized_client",
        StatusCode::TOO_MANY_REQUESTS => "slow_down",
        StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        StatusCode::INTERNAL_SERVER_ERROR => "server_error",
        _ => "invalid_request",
    };
    let error_description = match failure {
        Failure::Domain(Error::MissingKey) => NEEDS_KEY.to_owned(),
        failure => failure.to_string(),
    };
    let refused = Refused {
        error,
        error_description,
    };
    let body = serde_json::to_vec(&refused).expect("texts are always JSON");
    let mut response = fill_in(request, failure);
    if failure.status() == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, client_challenge(request)));
    }
    response.content_type(ContentType::json()).body(body)
}
