//! A token's own resource: its settings, and its end.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{Data, Path, Payload},
};

use super::{
    Service,
    asking::Asking as _,
    body::read_document,
    credentials::authenticate,
    failure::Failure,
    form::{Form, refuse_body},
    handler::{finish, take_output},
};
use crate::{
    command::{Command, Disable, EditSettings, Parameters, ReadSettings, Reply},
    domain::{Token, TokenDigest, TokenId},
    error::Error,
};

const METHODS: &str = "GET, PATCH, PUT, DELETE";
const IN_PATH: &str = "The path's last part";
/// What means something at `/v2/auth` and would be passed over here.
const ELSEWHERE: [&str; 5] = [
    "cloneSettings",
    "disableToken",
    "expire",
    "list",
    "settings",
];

/// GET reads the settings, PATCH merges into them, PUT replaces them, DELETE disables the token.
pub(super) async fn serve(
    request: HttpRequest,
    token: Path<String>,
    payload: Payload,
    service: Data<Service>,
) -> HttpResponse {
    let form = Form::of_query(&request);
    let outcome = match form.parameters {
        Ok(parameters) => answer(&service, &request, &token, parameters, payload).await,
        Err(failure) => Err(failure),
    };
    finish(&service, &request, outcome, form.rendering)
}

async fn answer(
    service: &Service,
    request: &HttpRequest,
    token: &str,
    mut parameters: Parameters,
    payload: Payload,
) -> Result<Reply, Failure> {
    let known = [Method::GET, Method::PATCH, Method::PUT, Method::DELETE];
    if !known.contains(request.method()) {
        return Err(Failure::MethodNotAllowed(METHODS));
    }
    let caller = authenticate(service, request, &mut parameters).await?;
    take_output(&mut parameters)?;
    if let Some(name) = ELSEWHERE.into_iter().find(|name| parameters.has(name)) {
        return Err(Error::invalid(name, "has no meaning for a token's settings").into());
    }
    parameters.finish()?;
    let token =
        Token::parse(token).map_err(|malformed| Error::invalid(IN_PATH, malformed.to_string()))?;
    let id = TokenId::of(&TokenDigest::of(&token));
    request.note(|fields| fields.token = Some(id));
    if request.method() != Method::GET && !caller.role.may_mint() {
        // Before a long body is read for nothing.
        return Err(Error::Forbidden.into());
    }
    let command = command(service, request, &token, payload).await?;
    let reply = command.execute(&service.app, &caller).await;
    Ok(reply.map_err(|error| match error {
        Error::UnknownToken => Error::unknown_token(IN_PATH, &token),
        error => error,
    })?)
}

/// What the method, and the body where there is one, ask for.
async fn command(
    service: &Service,
    request: &HttpRequest,
    token: &Token,
    payload: Payload,
) -> Result<Command, Failure> {
    Ok(match *request.method() {
        Method::PATCH => {
            let patch = read_document(request, payload, &service.limits).await?;
            Command::EditSettings(EditSettings::merge(token, patch)?)
        }
        Method::PUT => {
            let document = read_document(request, payload, &service.limits).await?;
            Command::EditSettings(EditSettings::replace(token, document)?)
        }
        Method::DELETE => {
            refuse_body(request)?;
            Command::Disable(Disable::of(token.clone(), IN_PATH))
        }
        _ => {
            refuse_body(request)?;
            Command::ReadSettings(ReadSettings::of(token))
        }
    })
}
