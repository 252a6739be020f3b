//! Whether the process runs, and whether its store answers. No credentials, no detail.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web};

use super::{Service, asking::Asking as _};
use crate::error;

/// Where it is asked whether the process runs.
pub(super) const LIVENESS: &str = "/health/liveness";
/// Where it is asked whether the store answers.
pub(super) const READINESS: &str = "/health/readiness";
/// How long the store may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether health is asked for at this path.
pub(super) fn is_asked_at(path: &str) -> bool {
    [LIVENESS, READINESS].contains(&path)
}

/// 200 while the process runs.
pub(super) async fn liveness() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(r#"{"status":"up"}"#)
}

/// 200 when the store answers, else 503; the log says why.
pub(super) async fn readiness(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let cause = match tokio::time::timeout(PATIENCE, service.app.store.ping()).await {
        Ok(Ok(())) => {
            return HttpResponse::Ok()
                .content_type(ContentType::json())
                .body(r#"{"status":"ready"}"#);
        }
        Ok(Err(error)) => error::chain(&error),
        Err(_) => "the store does not answer in time".to_owned(),
    };
    request.note(|fields| fields.cause = Some(cause));
    HttpResponse::ServiceUnavailable()
        .content_type(ContentType::json())
        .body(r#"{"status":"unavailable"}"#)
}
