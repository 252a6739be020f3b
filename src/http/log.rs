//! What every request passes first and last: its limits, its id, the headers that every answer has,
//! and its one line in the log. What is logged is chosen name by name; a target, a query or a
//! header is never among it.

use std::{borrow::Cow, rc::Rc, sync::Arc, time::Duration};

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};

use super::{
    Service,
    failure::Failure,
    health,
    log_fields::LogFields,
    network, oauth, path,
    request_id::RequestId,
    respond, verify,
    version::{self, Asked},
};

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
static NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
static NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Sees a request through.
#[expect(
    clippy::redundant_allocation,
    reason = "the outer count is this thread's own: to write to a shared one takes longer"
)]
pub(super) async fn observe(
    service: Rc<Arc<Service>>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = service.app.clock.elapsed();
    let wanted = version::wanted(request.headers());
    let asked = Asked::by(&wanted);
    if let Ok(Some(version)) = wanted {
        version::settle(request.request(), version);
    }
    let mut response = match within_limits(&request, &service).and(wanted) {
        Ok(_) => answer(&service, request, &next).await?,
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
    write_line(&service, &response, id, started);
    Ok(response)
}

/// Has the request answered. What gateways ask most goes straight to its handler: to route it, and
/// to hand it from one boxed service to the next, takes a fifth of the time that it is worked at.
async fn answer(
    service: &Service,
    mut request: ServiceRequest,
    next: &Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    path::normalize(&mut request);
    if request.match_info().as_str() == verify::PATH {
        // The body is the application's: it is not read.
        let (request, _unread) = request.into_parts();
        let response = verify::verify(service, &request).await;
        return Ok(ServiceResponse::new(request, response));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
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

/// Adds the headers that every answer has. No handler gives them, but for the one that is looked
/// for: so they are appended, which takes half as long as to replace others.
fn add_fixed_headers(headers: &mut HeaderMap, id: RequestId) {
    // Only what is public says otherwise.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.append(header::CACHE_CONTROL, NO_STORE.clone());
    }
    headers.append(header::REFERRER_POLICY, NO_REFERRER.clone());
    headers.append(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone());
    let id = HeaderValue::from_bytes(id.as_bytes()).expect("an id is hexadecimal digits");
    headers.append(X_REQUEST_ID.clone(), id);
}

/// Writes the line of a request. What it says is found out only if it is written.
fn write_line(
    service: &Service,
    response: &ServiceResponse<BoxBody>,
    id: RequestId,
    started: Duration,
) {
    let (request, status) = (response.request(), response.status());
    let (extensions, none) = (request.extensions(), LogFields::default());
    let fields = extensions.get::<LogFields>().unwrap_or(&none);
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
                route = &*route_of(request),
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
        (None, None) if is_routine(request, status) => line!(debug, "request"),
        (None, None) => line!(info, "request"),
    }
}

/// The pattern of the path that answered.
fn route_of(request: &HttpRequest) -> Cow<'static, str> {
    match request.match_info().as_str() {
        verify::PATH => verify::PATH.into(),
        _ => request.match_pattern().map_or("none".into(), Cow::from),
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
fn is_routine(request: &HttpRequest, status: StatusCode) -> bool {
    // As it was routed: to name the route takes longer.
    let path = request.match_info().as_str();
    health::is_asked_at(path) || (status == StatusCode::OK && verify::is_asked_at(path))
}
