//! What every request passes first and last: its limits, its id, the headers that every answer has,
//! and its one line in the log. What is logged is chosen name by name; a target, a query or a
//! header is never among it.

use std::{sync::Arc, time::Duration};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderValue},
    },
    middleware::Next,
};

use super::{
    Service,
    asking::Asking,
    failure::Failure,
    health, network, oauth, path,
    request_id::{RequestId, X_REQUEST_ID},
    respond::{self, FIXED},
    verify,
    version::{self, Asked},
};

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
    let mut response = match within_limits(&request, &service).and(wanted) {
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
    add_fixed_headers(response.headers_mut(), id);
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

fn within_limits(request: &ServiceRequest, service: &Service) -> Result<(), Failure> {
    let limits = &service.limits;
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > limits.target {
        return Err(Failure::TargetTooLarge(limits.target));
    }
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers > limits.headers {
        return Err(Failure::HeadersTooLarge(limits.headers));
    }
    Ok(())
}

/// Adds the headers that every answer has, but for those that a handler has given.
fn add_fixed_headers(headers: &mut HeaderMap, id: RequestId) {
    for (name, value) in &FIXED {
        if !headers.contains_key(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    let id = HeaderValue::from_bytes(id.as_bytes()).expect("an id is hexadecimal digits");
    headers.append(X_REQUEST_ID.clone(), id);
}

/// Writes the line of a request. What takes long to find out is found out only if it is written.
pub(super) fn write_line(
    service: &Service,
    request: &impl Asking,
    status: StatusCode,
    id: RequestId,
    started: Duration,
) {
    let (route, fields) = (request.route(), request.noted());
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
                route = &*route,
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
        (None, None) if is_routine(&route, status) => line!(debug, "request"),
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
