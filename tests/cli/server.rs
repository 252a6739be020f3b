//! `moneyer serve` as a process, and the requests that tests send it.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;

use crate::process::{Process, Run};

/// How soon a server must have ended once it was told to.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A server that listens; killed when dropped.
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
    agent: ureq::Agent,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub request_id: String,
    pub version: String,
}

impl Server {
    /// Waits until the log says where the server listens.
    #[track_caller]
    pub fn of(process: Process) -> Self {
        let listening = process.stderr.wait_for(|log| find_line(log, "listening"));
        let Some(line) = listening else {
            panic!("the server does not listen: {}", process.stderr.text());
        };
        Self::at(line["address"].as_str().unwrap().parse().unwrap(), process)
    }

    /// A server that is known to listen there.
    pub fn at(address: SocketAddr, process: Process) -> Self {
        Self {
            address,
            agent: agent(),
            process,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request of any kind.
    #[track_caller]
    pub fn send(&self, request: ureq::http::request::Builder) -> Answer {
        let request = request.body(()).unwrap();
        Answer::of(self.agent.run(request).unwrap())
    }

    /// `GET` with no credentials but those in `target`.
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.send(ureq::http::Request::get(self.url() + target))
    }

    /// `GET /v2/auth?QUERY` with a private key in the header.
    #[track_caller]
    pub fn auth(&self, key: &str, query: &str) -> Answer {
        let url = format!("{}/v2/auth?{query}", self.url());
        let request = ureq::http::Request::get(url);
        self.send(request.header("Authorization", format!("Bearer {key}")))
    }

    #[track_caller]
    pub fn mint(&self, key: &str) -> String {
        self.mint_with(key, "")
    }

    #[track_caller]
    pub fn mint_with(&self, key: &str, query: &str) -> String {
        let body = self.auth(key, query).good();
        body["TOKEN"].as_str().unwrap().to_owned()
    }

    /// Mints with a JSON body.
    #[track_caller]
    pub fn mint_by_json(&self, key: &str, body: &Value) -> String {
        let request = self.agent.post(format!("{}/v2/auth", self.url()));
        let answer = request
            .header("Authorization", format!("Bearer {key}"))
            .content_type("application/json")
            .send(body.to_string());
        let body = Answer::of(answer.unwrap()).good();
        body["TOKEN"].as_str().unwrap().to_owned()
    }

    /// Mints unless the server is gone or refuses.
    pub fn try_mint(&self, key: &str) -> Option<String> {
        let request = self.agent.get(format!("{}/v2/auth", self.url()));
        let mut answer = request
            .header("Authorization", format!("Bearer {key}"))
            .call()
            .ok()?;
        let body: Value = serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()?;
        Some(body["TOKEN"].as_str()?.to_owned())
    }

    #[track_caller]
    pub fn list(&self, key: &str) -> Vec<String> {
        let body = self.auth(key, "list=1").good();
        let tokens = body["TOKENS"].as_array().unwrap();
        tokens
            .iter()
            .map(|token| token.as_str().unwrap().to_owned())
            .collect()
    }

    /// Tells the server to end, and waits until it has, as it should.
    #[track_caller]
    pub fn stop(self) -> Run {
        self.stop_by("TERM")
    }

    #[track_caller]
    pub fn stop_by(self, signal: &str) -> Run {
        self.process.signal(signal);
        self.process.finish_within(STOP_LIMIT).done()
    }
}

impl Answer {
    #[track_caller]
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let header = |name| {
            let value = response.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        Self {
            status: response.status().as_u16(),
            request_id: header("X-Request-Id"),
            version: header("Moneyer-Version"),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    /// The body of an answer that must be a success.
    #[track_caller]
    pub fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    pub fn refused_as(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(body["ERROR"], code, "{self:?}");
    }
}

/// The lines of a log that is written as JSON with this message.
pub fn lines_of(log: &str, message: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == message).collect()
}

pub fn find_line(log: &str, message: &str) -> Option<Value> {
    lines_of(log, message).pop()
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)));
    config.build().into()
}
