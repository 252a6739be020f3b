//! What is read of a request to find out who asks, and about what: of one that actix-web has read,
//! and of a [`Question`](super::question::Question) alike.

use std::{borrow::Cow, net::IpAddr};

use actix_web::{
    HttpMessage as _, HttpRequest,
    http::{Method, header::HeaderMap},
};

use super::{log_fields::LogFields, throttle::Brake};

/// A request, but for its body.
pub(super) trait Asking {
    fn method(&self) -> &Method;
    /// What stands behind the path; empty if there is nothing.
    fn query(&self) -> &str;
    fn headers(&self) -> &HeaderMap;
    /// Who is at the other end of the connection.
    fn peer(&self) -> Option<IpAddr>;
    /// The pattern of the path that answers.
    fn route(&self) -> Cow<'static, str>;
    /// What has the answer be held back.
    fn brake(&self) -> Option<Brake>;
    /// Notes something for the request's line in the log.
    fn note(&self, note: impl FnOnce(&mut LogFields));
    /// What was noted.
    fn noted(&self) -> LogFields;
}

impl Asking for HttpRequest {
    fn method(&self) -> &Method {
        self.method()
    }

    fn query(&self) -> &str {
        self.query_string()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer_addr().map(|peer| peer.ip())
    }

    fn route(&self) -> Cow<'static, str> {
        self.match_pattern().map_or("none".into(), Cow::from)
    }

    fn brake(&self) -> Option<Brake> {
        self.conn_data::<Brake>().cloned()
    }

    fn note(&self, note: impl FnOnce(&mut LogFields)) {
        note(self.extensions_mut().get_or_insert_with(LogFields::default));
    }

    fn noted(&self) -> LogFields {
        let noted = self.extensions().get::<LogFields>().cloned();
        noted.unwrap_or_default()
    }
}
