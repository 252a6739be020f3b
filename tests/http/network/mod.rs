//! `/v1/network/auth`: access tokens and API keys, managed in the manner of Syntropy's API.

mod bad_input;
mod callers;
mod ends;
mod keys;
mod paging;
mod permissions;
mod secrecy;
mod tokens;

use std::collections::BTreeMap;

use moneyer::{
    domain::{Preset, PrivateKey, TokenId},
    operator::account,
};
use serde_json::{Value, json};

use crate::support::{Answer, Request, Server, block_on, digest};

const LOGIN: &str = "/v1/network/auth/access-token/login";
const TOKENS: &str = "/v1/network/auth/access-tokens";
const PERMISSIONS: &str = "/v1/network/auth/access-tokens/permissions";
const KEYS: &str = "/v1/network/auth/api-keys";

const ALL: [&str; 10] = [
    "access-tokens:read",
    "access-tokens:write",
    "agents:read",
    "agents:write",
    "api-keys:read",
    "api-keys:write",
    "connections:read",
    "connections:write",
    "services:read",
    "services:write",
];

/// A server with an account of this manner, and a key of it.
struct Scene {
    server: Server,
    key: PrivateKey,
}

impl Scene {
    fn start() -> Self {
        Self::on(Server::start())
    }

    fn on(server: Server) -> Self {
        let key = Self::account(&server, "acme");
        Self { server, key }
    }

    fn account(server: &Server, name: &str) -> PrivateKey {
        let key = server.account(name);
        let base = Some(Preset::Syntropy.policy());
        block_on(account::edit_policy(
            &server.app,
            name,
            base,
            BTreeMap::new(),
        ))
        .unwrap();
        key
    }

    fn set(&self, policy: Value) {
        let changes = serde_json::from_value(policy).unwrap();
        block_on(account::edit_policy(
            &self.server.app,
            "acme",
            None,
            changes,
        ))
        .unwrap();
    }

    fn get(&self, shown: &str, path: &str) -> Request {
        self.server.get(path).header("api-key", shown)
    }

    fn post(&self, shown: &str, path: &str, body: &Value) -> Answer {
        let request = self.server.post(path).header("api-key", shown);
        let body = body.to_string();
        request.body("application/json", body.as_bytes()).send()
    }

    /// As the SDK does: with an empty object for a body.
    fn delete(&self, shown: &str, path: &str, id: &str) -> Answer {
        let request = self.server.request("DELETE", &format!("{path}/{id}"));
        let request = request.header("api-key", shown);
        request.body("application/json", b"{}").send()
    }

    /// An access token with these permissions, made by `maker`.
    #[track_caller]
    fn token_by(&self, maker: &str, permissions: &[&str]) -> String {
        let answer = self.post(maker, TOKENS, &named("t", permissions));
        assert_eq!(answer.status(), 200, "{}", answer.whole());
        text(&answer.json()["data"]["access_token"])
    }

    #[track_caller]
    fn token(&self, permissions: &[&str]) -> String {
        self.token_by(self.key.expose(), permissions)
    }

    /// Creates an API key; gives its number and the key.
    #[track_caller]
    fn api_key_by(&self, maker: &str, name: &str) -> (String, String) {
        let answer = self.post(maker, KEYS, &json!({ "api_key_name": name }));
        assert_eq!(answer.status(), 200, "{}", answer.whole());
        let data = &answer.json()["data"];
        (
            data["api_key_id"].to_string(),
            text(&data["api_key_secret"]),
        )
    }

    /// The values of `member` in the list at `path`.
    #[track_caller]
    fn listed(&self, path: &str, query: &str, member: &str) -> Vec<String> {
        let request = self.get(self.key.expose(), path).raw_query(query);
        let answer = request.send();
        assert_eq!(answer.status(), 206, "{}", answer.whole());
        let body = answer.json();
        let rows = body["data"].as_array().unwrap().iter();
        rows.map(|row| text(&row[member])).collect()
    }

    fn names(&self, query: &str) -> Vec<String> {
        self.listed(TOKENS, query, "access_token_name")
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn named(name: &str, permissions: &[&str]) -> Value {
    json!({ "access_token_name": name, "permissions": permissions })
}

/// The id by which a token is known here.
fn id_of(token: &str) -> String {
    TokenId::of(&digest(token)).to_string()
}

impl Answer {
    /// Checks that the answer is this error, about this field, in this manner's form.
    #[track_caller]
    fn fails(&self, status: u16, code: &str, field: Option<&str>) -> String {
        assert_eq!(self.status(), status, "{}", self.whole());
        let body = self.json();
        let errors = body["errors"].as_array().expect("a list of errors");
        assert_eq!((body.as_object().unwrap().len(), errors.len()), (1, 1));
        let error = &errors[0];
        let found = (error["code"].as_str(), error["field"].as_str());
        assert_eq!(found, (Some(code), field), "{}", self.whole());
        assert!(error["type"].is_string(), "{error}");
        let message = error["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with('.'), "{message}");
        message
    }
}
