//! What every request that actix-web reads passes first and last: its limits, its id, the headers
//! that every answer has; and the one line in the log that there is for each of them, as for each
//! question. What is logged is chosen name by name; a target, a query or a header is never among it.

use std::{sync::Arc, time::Duration};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, ContentType},
    },
    middleware::Next,
};

use super::{
    Service,
    asking::Asking,
    document::Document,
    failure::Failure,
    health, network, oauth, path,
    request_id::RequestId,
    respond, verify,
    version::{self, Asked},
    written::{self, Date},
};
use crate::config::Limits;

/// Sees a request through.
pub(super) async fn observe(
    service: Arc<Service>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = service.app.clock.elapsed();
    let wanted = version::wanted(request.headers());
    let asked = Asked::by(&wanted);
    if let Ok(Some(version)) = wanted {
        version::settle(request.request(), version);
    }
    let mut response = match within_limits(&request, &service.limits).and(wanted) {
        Ok(_) => {
            path::normalize(&mut request);
            next.call(request).await?.map_into_boxed_body()
        }
        Err(failure) => {
            let refusal = refuse_unread(request.request(), &failure);
            request.into_response(refusal)
        }
    };
    let id = service.next_request_id();
    respond::add_fixed_headers(response.headers_mut(), id);
    if asked == Asked::ForOne || !is_asked_often(response.request().path()) {
        version::name(&mut response);
    }
    write_line(&service, response.request(), response.status(), id, started);
    Ok(response)
}

/// Whether gateways and probes ask at this path, which read little of the answers.
fn is_asked_often(path: &str) -> bool {
    verify::is_asked_at(path) || health::is_asked_at(path)
}

/// The response to a request that is let through to no handler, in the form of its path.
fn refuse_unread(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    let path = path::plain(request.path());
    if verify::is_asked_at(&path) {
        verify::refuse_unread(request, failure)
    } else if oauth::PATHS.contains(&&*path) {
        oauth::refuse_unread(request, failure)
    } else if network::is_served_at(&path) {
        network::refused(request, failure)
    } else {
        respond::refuse(request, failure)
    }
}

/// The refusal of what is no request, or not a whole one, as bytes; writes its line.
pub(super) fn refuse_unheard(service: &Service, failure: &Failure) -> Vec<u8> {
    let id = service.next_request_id();
    tracing::info!(
        route = "none",
        status = failure.status().as_u16(),
        request_id = id.as_str(),
        "request refused unread"
    );
    let response = HttpResponse::build(failure.status())
        .insert_header((header::CONNECTION, "close"))
        .content_type(ContentType::json())
        .body(Document::from(failure).to_json());
    let (mut bytes, mut date) = (Vec::new(), Date::default());
    let date = date.at(service.app.clock.now());
    written::write_response(response, id, date, &mut bytes);
    bytes
}

fn within_limits(request: &ServiceRequest, limits: &Limits) -> Result<(), Failure> {
    let target = request.uri().path_and_query();
    let headers = request.headers().iter();
    Failure::if_too_large(
        target.map_or(0, |target| target.as_str().len()),
        headers
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum(),
        limits,
    )
}

/// Writes the line of a request. Most of what it says is found out only if it is written.
pub(super) fn write_line(
    service: &Service,
    request: &impl Asking,
    status: StatusCode,
    id: RequestId,
    started: Duration,
) {
    let fields = request.noted();
    let micros = || {
        service
            .app
            .clock
            .elapsed()
            .saturating_sub(started)
            .as_micros()
    };
    macro_rules! line {
        ($level:ident, $message:literal $(, $cause:ident)?) => {
            tracing::$level!(
                method = known_method(request.method()),
                route = &*request.route(),
                status = status.as_u16(),
                micros = u64::try_from(micros()).unwrap_or(u64::MAX),
                request_id = id.as_str(),
                client = service.client(request).map(|client| tracing::field::display(client.believed)),
                key = fields.key.map(tracing::field::display),
                token = fields.token.map(tracing::field::display),
                $($cause,)?
                $message
            )
        };
    }
    match (&fields.cause, fields.warning) {
        (Some(cause), _) => line!(error, "request failed", cause),
        (None, Some(cause)) => line!(warn, "request refused", cause),
        (None, None) if is_routine(&request.route(), status) => line!(debug, "request"),
        (None, None) => line!(info, "request"),
    }
}

fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// Whether a request is one of the many that say nothing new: who served it logs it too.
fn is_routine(route: &str, status: StatusCode) -> bool {
    health::is_asked_at(route) || (status == StatusCode::OK && verify::is_asked_at(route))
}
