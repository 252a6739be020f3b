//! The public keys by which anybody can check signed tokens: a JSON Web Key Set (RFC 7517).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentType, ETag, EntityTag, Header as _, IfNoneMatch},
    web::Data,
};
use sha2::{Digest as _, Sha256};

use super::Service;
use crate::domain::to_hex;

/// Where they are looked for (RFC 8615 reserves what is below `/.well-known`).
pub(super) const PATH: &str = "/.well-known/jwks.json";

/// How long a copy may be used, and so how long a new key may stay unknown to others.
const CACHING: &str = "public, max-age=300";

/// Shows the keys, or says that the asker's copy is still right.
pub(super) async fn show(request: HttpRequest, service: Data<Service>) -> HttpResponse {
    let body = serde_json::to_string(&service.app.signing.public_keys())
        .expect("texts, written to memory");
    let tag = tag_of(&body);
    let (mut response, body) = if is_known(&request, &tag) {
        (HttpResponse::NotModified(), String::new())
    } else {
        (HttpResponse::Ok(), body)
    };
    response
        .insert_header((header::CACHE_CONTROL, CACHING))
        .insert_header(ETag(tag))
        .content_type(ContentType::json())
        .body(body)
}

fn tag_of(body: &str) -> EntityTag {
    EntityTag::new_strong(to_hex(&Sha256::digest(body)[..16]))
}

/// Whether the asker has what `tag` is of (RFC 9110, section 13.1.2).
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
