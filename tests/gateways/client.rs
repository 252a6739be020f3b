//! Somebody who sends requests to a gateway.

use std::{net::SocketAddr, time::Duration};

use crate::backend::Seen;

/// A request that is being written.
pub struct Request(ureq::http::request::Builder);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Request {
    pub fn new(method: &str, gateway: SocketAddr, target: &str) -> Self {
        let url = format!("http://{gateway}{target}");
        Self(ureq::http::Request::builder().method(method).uri(url))
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    #[track_caller]
    pub fn send(self) -> Answer {
        Answer::of(agent().run(self.0.body(()).unwrap()).unwrap())
    }

    #[track_caller]
    pub fn send_body(self, body: &str) -> Answer {
        Answer::of(agent().run(self.0.body(body).unwrap()).unwrap())
    }

    /// Sends the body in chunks, its length untold.
    #[track_caller]
    pub fn send_chunks(self, body: &'static str) -> Answer {
        let body = ureq::SendBody::from_owned_reader(body.as_bytes());
        Answer::of(agent().run(self.0.body(body).unwrap()).unwrap())
    }
}

impl Answer {
    #[track_caller]
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// It was let through: the request as the API saw it.
    #[track_caller]
    pub fn passed(&self) -> Seen {
        assert_eq!(self.status, 200, "{self:#?}");
        self.seen()
    }

    /// The request as the API saw it, whatever that made of it.
    #[track_caller]
    pub fn seen(&self) -> Seen {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The gateway refused, and the API did not have a part in it.
    #[track_caller]
    pub fn refused(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:#?}");
        assert_eq!(self.header("X-Reached"), "", "{self:#?}");
        self
    }

    /// As `refused`, when nobody can tell whether the token is good.
    #[track_caller]
    pub fn closed(&self) {
        assert!(matches!(self.status, 500 | 503), "{self:#?}");
        assert_eq!(self.header("X-Reached"), "", "{self:#?}");
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)));
    config.build().into()
}
