//! `/v2/auth`, and what is answered where nothing is served, or not by that method.

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    web::{self, Data, Payload},
};

use super::{
    Service,
    asking::Asking as _,
    credentials::{authenticate, count_failure},
    document::Rendering,
    failure::Failure,
    form::{Form, read_object},
    respond::{self, refuse},
};
use crate::{
    command::{Command, Parameters, Reply, RequestName},
    error::Error,
};

/// The methods of `/v2/auth`.
const METHODS: &str = "GET, POST";
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Mints, lists or disables tokens.
pub(super) async fn auth(
    request: HttpRequest,
    payload: Payload,
    service: Data<Service>,
) -> HttpResponse {
    let form = Form::read(&request, payload, &service.limits).await;
    let outcome = match form.parameters {
        Ok(parameters) => answer(&service, &request, parameters, form.unread).await,
        Err(failure) => Err(failure),
    };
    finish(&service, &request, outcome, form.rendering)
}

/// Renders what came of a request; a failed authentication counts against its address.
pub(super) fn finish(
    service: &Service,
    request: &HttpRequest,
    outcome: Result<Reply, Failure>,
    rendering: Rendering,
) -> HttpResponse {
    match outcome {
        Ok(reply) => respond::success(&reply, rendering),
        Err(failure) => {
            let failure = count_failure(service, request, failure);
            respond::failure(request, &failure, rendering)
        }
    }
}

async fn answer(
    service: &Service,
    request: &HttpRequest,
    mut parameters: Parameters,
    object: Option<Payload>,
) -> Result<Reply, Failure> {
    let caller = authenticate(service, request, &mut parameters).await?;
    take_output(&mut parameters)?;
    if let Some(payload) = object {
        read_object(&mut parameters, payload, &service.limits).await?;
    }
    let command = match Command::parse(parameters)? {
        Command::Create(create) => Command::Create(match request_name(request)? {
            Some(name) => create.named(name),
            None => create,
        }),
        command => command,
    };
    let reply = command.execute(&service.app, &caller).await?;
    request.note(|fields| fields.token = reply.token_id());
    Ok(reply)
}

/// Takes `output` out; the rendering has been read from it already, as far as it can be.
pub(super) fn take_output(parameters: &mut Parameters) -> Result<(), Error> {
    match parameters.take("output") {
        Some(output) if Rendering::parse(&output).is_none() => {
            Err(Error::invalid("output", "must be json or xml"))
        }
        _ => Ok(()),
    }
}

fn request_name(request: &HttpRequest) -> Result<Option<RequestName>, Error> {
    let mut headers = request.headers().get_all(IDEMPOTENCY_KEY);
    match (headers.next(), headers.next()) {
        (None, _) => Ok(None),
        (Some(header), None) => RequestName::parse(header.as_bytes()).map(Some),
        (Some(_), Some(_)) => Err(Error::invalid("Idempotency-Key", "is given more than once")),
    }
}

/// A method that `/v2/auth` does not take.
pub(super) async fn only_get_and_post(request: HttpRequest) -> HttpResponse {
    refuse(&request, &Failure::MethodNotAllowed(METHODS))
}

/// A resource that takes GET and HEAD, and no other method.
pub(super) fn readable(path: &str) -> Resource {
    web::resource(path).default_service(web::to(only_get_and_head))
}

async fn only_get_and_head(request: HttpRequest) -> HttpResponse {
    refuse(&request, &Failure::MethodNotAllowed("GET, HEAD"))
}

/// A path at which nothing is served.
pub(super) async fn not_found(request: HttpRequest) -> HttpResponse {
    refuse(&request, &Failure::NotFound)
}
