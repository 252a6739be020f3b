//! `/v1/network/auth`: access tokens and API keys, managed in the manner of Syntropy's API.
//!
//! [`caller`] finds out who asks, [`input`] reads the query and the body, [`answer`] renders what
//! came of it and what went wrong, with the objects in [`shapes`].

mod answer;
mod caller;
mod input;
mod shapes;

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Data, Path, Payload},
};
use zeroize::Zeroizing;

pub(super) use self::answer::refused;
use self::{
    answer::Answer,
    caller::{authenticate, judge},
    input::{read_members, read_nothing, read_query},
    shapes::{CreatedApiKey, CreatedToken, Login},
};
use super::{
    Service, asking::Asking as _, credentials::count_failure, failure::Failure, form::refuse_body,
};
use crate::{
    command::management::{
        CreateKey, CreateToken, DeleteKey, DeleteToken, ListKeys, ListPermissions, ListTokens,
        Party,
    },
    domain::{Token, TokenDigest, TokenId},
    error::Error,
};

const PREFIX: &str = "/v1/network/";
const LOGIN: &str = "/v1/network/auth/access-token/login";
const TOKENS: &str = "/v1/network/auth/access-tokens";
const PERMISSIONS: &str = "/v1/network/auth/access-tokens/permissions";
const TOKEN: &str = "/v1/network/auth/access-tokens/{access_token_id}";
const KEYS: &str = "/v1/network/auth/api-keys";
const KEY: &str = "/v1/network/auth/api-keys/{api_key_id}";
const OTHERS: &str = "/v1/network/{path:.*}";

/// What is served here; paths without parameters come first.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .service(web::resource(LOGIN).default_service(web::to(login)))
        .service(web::resource(TOKENS).default_service(web::to(tokens)))
        .service(web::resource(PERMISSIONS).default_service(web::to(permissions)))
        .service(web::resource(KEYS).default_service(web::to(keys)))
        .service(web::resource(TOKEN).default_service(web::to(token)))
        .service(web::resource(KEY).default_service(web::to(key)))
        .service(web::resource(OTHERS).default_service(web::to(others)));
}

/// Whether requests for this path are answered in this manner.
pub(super) fn is_served_at(path: &str) -> bool {
    path.starts_with(PREFIX)
}

async fn login(request: HttpRequest, payload: Payload, service: Data<Service>) -> HttpResponse {
    let outcome = match *request.method() {
        Method::POST => log_in(&service, &request, payload).await,
        _ => Err(Failure::MethodNotAllowed("POST")),
    };
    finish(&service, &request, outcome)
}

async fn tokens(request: HttpRequest, payload: Payload, service: Data<Service>) -> HttpResponse {
    let outcome = match *request.method() {
        Method::GET => list_tokens(&service, &request).await,
        Method::POST => create_token(&service, &request, payload).await,
        _ => Err(Failure::MethodNotAllowed("GET, POST")),
    };
    finish(&service, &request, outcome)
}

async fn permissions(request: HttpRequest, service: Data<Service>) -> HttpResponse {
    let outcome = match *request.method() {
        Method::GET => list_permissions(&service, &request).await,
        _ => Err(Failure::MethodNotAllowed("GET")),
    };
    finish(&service, &request, outcome)
}

async fn token(
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
    service: Data<Service>,
) -> HttpResponse {
    let outcome = match *request.method() {
        Method::DELETE => delete_token(&service, &request, &id, payload).await,
        _ => Err(Failure::MethodNotAllowed("DELETE")),
    };
    finish(&service, &request, outcome)
}

async fn keys(request: HttpRequest, payload: Payload, service: Data<Service>) -> HttpResponse {
    let outcome = match *request.method() {
        Method::GET => list_keys(&service, &request).await,
        Method::POST => create_key(&service, &request, payload).await,
        _ => Err(Failure::MethodNotAllowed("GET, POST")),
    };
    finish(&service, &request, outcome)
}

async fn key(
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
    service: Data<Service>,
) -> HttpResponse {
    let outcome = match *request.method() {
        Method::DELETE => delete_key(&service, &request, &id, payload).await,
        _ => Err(Failure::MethodNotAllowed("DELETE")),
    };
    finish(&service, &request, outcome)
}

async fn others(request: HttpRequest, service: Data<Service>) -> HttpResponse {
    finish(&service, &request, Err(Failure::NotFound))
}

/// A failed authentication counts against its address.
fn finish(
    service: &Service,
    request: &HttpRequest,
    outcome: Result<Answer, Failure>,
) -> HttpResponse {
    match outcome {
        Ok(answer) => answer.into(),
        Err(failure) => refused(request, &count_failure(service, request, failure)),
    }
}

/// The token is its own bearer's credential: it is judged as when it is used, and handed back.
async fn log_in(
    service: &Service,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Answer, Failure> {
    const SHOWN: &str = "access_token";
    read_query(request)?.finish()?;
    let mut members = read_members(request, payload, &service.limits).await?;
    let text = members.text(SHOWN)?.map(Zeroizing::new);
    members.finish()?;
    let text = text.ok_or_else(|| Error::invalid(SHOWN, "must be given"))?;
    let token = Token::parse(text.trim()).map_err(|_| Failure::BadCredentials)?;
    let subject = judge(service, request, &token).await?;
    let login = Login::of(&token, subject.record.expires_at, service.app.clock.now());
    Ok(Answer::done(&login))
}

async fn list_tokens(service: &Service, request: &HttpRequest) -> Result<Answer, Failure> {
    let party = authenticate(service, request).await?;
    refuse_body(request)?;
    let list = ListTokens::parse(read_query(request)?)?;
    let rows = list.execute(&service.app, &party).await?;
    Ok(Answer::part(&shapes::tokens(&rows)))
}

async fn create_token(
    service: &Service,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Answer, Failure> {
    let party = authenticate(service, request).await?;
    read_query(request)?.finish()?;
    let members = read_members(request, payload, &service.limits).await?;
    let token = CreateToken::parse(members)?
        .execute(&service.app, &party)
        .await?;
    if let Party::Key(_) = party {
        let id = TokenId::of(&TokenDigest::of(&token));
        request.note(|fields| fields.token = Some(id));
    }
    Ok(Answer::done(&CreatedToken::from(&token)))
}

async fn delete_token(
    service: &Service,
    request: &HttpRequest,
    id: &str,
    payload: Payload,
) -> Result<Answer, Failure> {
    let party = authenticate(service, request).await?;
    read_nothing(request, payload, &service.limits).await?;
    let delete = DeleteToken::parse(id)?;
    delete.execute(&service.app, &party).await?;
    Ok(Answer::Nothing)
}

async fn list_permissions(service: &Service, request: &HttpRequest) -> Result<Answer, Failure> {
    let party = authenticate(service, request).await?;
    refuse_body(request)?;
    read_query(request)?.finish()?;
    let permissions = ListPermissions.execute(&service.app, &party).await?;
    Ok(Answer::part(&shapes::permissions(&permissions)))
}

async fn list_keys(service: &Service, request: &HttpRequest) -> Result<Answer, Failure> {
    let party = authenticate(service, request).await?;
    refuse_body(request)?;
    let list = ListKeys::parse(read_query(request)?)?;
    let rows = list.execute(&service.app, &party).await?;
    Ok(Answer::part(&shapes::keys(&rows, service.app.clock.now())))
}

async fn create_key(
    service: &Service,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Answer, Failure> {
    let party = authenticate(service, request).await?;
    read_query(request)?.finish()?;
    let members = read_members(request, payload, &service.limits).await?;
    let created = CreateKey::parse(members)?
        .execute(&service.app, &party)
        .await?;
    Ok(Answer::done(&CreatedApiKey::from(&created)))
}

async fn delete_key(
    service: &Service,
    request: &HttpRequest,
    id: &str,
    payload: Payload,
) -> Result<Answer, Failure> {
    let party = authenticate(service, request).await?;
    read_nothing(request, payload, &service.limits).await?;
    let delete = DeleteKey::parse(id)?;
    delete.execute(&service.app, &party).await?;
    Ok(Answer::Nothing)
}
