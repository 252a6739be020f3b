//! The API with access tokens, dated versions and pages of lists.

use serde_json::{Value, json};

use super::{Promise, Scene};
use crate::support::Answer;

const TOKENS: &str = "/v1/network/auth/access-tokens";

impl Scene {
    fn manage(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = self.server.request(method, path);
        let bearer = format!("Bearer {}", self.key.expose());
        let request = request.header("Authorization", &bearer);
        request
            .body("application/json", body.to_string().as_bytes())
            .send()
    }

    /// An access token of this name with one permission; gives its text.
    fn access_token(&self, name: &str, permission: &str) -> String {
        let body = json!({ "access_token_name": name, "permissions": [permission] });
        let created = self.manage("POST", TOKENS, &body).json();
        created["data"]["access_token"].as_str().unwrap().to_owned()
    }

    /// The list of access tokens by this query; their ids and their names.
    fn page(&self, query: &str) -> Vec<(String, String)> {
        let request = self.server.get(TOKENS).raw_query(query);
        let answer = request.header("api-key", self.key.expose()).send();
        assert_eq!(answer.status(), 206, "{}", answer.whole());
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = answer.json()["data"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| (text(row, "access_token_id"), text(row, "access_token_name")))
            .collect()
    }

    fn names(&self, query: &str) -> String {
        let names = self.page(query).into_iter().map(|(_, name)| name);
        names.collect::<Vec<_>>().join(" ")
    }
}

pub const PROMISES: [Promise; 9] = [
    ("authentication is performed via Bearer", |it| {
        let token = it.access_token("a", "agents:read");
        let request = it.server.get("/v2/verify");
        let request = request.header("Authorization", &format!("Bearer {token}"));
        assert_eq!(request.send().status(), 200);
    }),
    (
        "without an access token, or with an incorrect or outdated one: an error",
        |it| {
            for shown in ["", &"0".repeat(32)] {
                let request = it.server.get(TOKENS).header("api-key", shown);
                let answer = request.send();
                assert_eq!(answer.status(), 401);
                assert!(answer.json()["errors"][0]["code"].is_string());
            }
        },
    ),
    (
        "every account may have multiple access tokens with different permissions",
        |it| {
            let read = it.access_token("a", "agents:read");
            let write = it.access_token("b", "agents:write");
            let may = |token: &str, scope: &str| {
                it.server
                    .verify(token)
                    .query("scope", scope)
                    .send()
                    .status()
            };
            assert_eq!(may(&read, "agents:read"), 200);
            assert_eq!(may(&read, "agents:write"), 403);
            assert_eq!(may(&write, "agents:write"), 200);
        },
    ),
    ("you can set its validity period: the expiry date", |it| {
        let body = json!({
            "access_token_name": "a", "permissions": [], "access_token_expiration": "2026-11-25T04:35:00Z",
        });
        let created = it.manage("POST", TOKENS, &body).json();
        let token = created["data"]["access_token"].as_str().unwrap();
        it.server.advance(59);
        assert!(it.accepts(token));
        it.server.advance(1);
        assert!(!it.accepts(token));
    }),
    ("you can also set permissions", |it| {
        let undeclared = json!({ "access_token_name": "a", "permissions": ["nothing:read"] });
        assert_eq!(it.manage("POST", TOKENS, &undeclared).status(), 400);
        let listed = it.server.get(&format!("{TOKENS}/permissions"));
        let listed = listed.header("api-key", it.key.expose()).send().json();
        assert!(listed.to_string().contains("agents:read"));
    }),
    (
        "deleted immediately: any calls using that token will be blocked; the new one can be used",
        |it| {
            let token = it.access_token("a", "agents:read");
            assert!(it.accepts(&token));
            let (id, _) = it.page("").remove(0);
            let path = format!("{TOKENS}/{id}");
            assert_eq!(it.manage("DELETE", &path, &json!({})).status(), 204);
            assert!(!it.accepts(&token));
            assert!(it.accepts(&it.access_token("b", "agents:read")));
        },
    ),
    (
        "a dated version is released; we don't change yours until you upgrade",
        |it| {
            let answer = it.server.auth(&it.key).query("list", "1").send();
            let version = answer.header("moneyer-version").unwrap().to_owned();
            let ask = |version: &str| {
                let request = it.server.auth(&it.key).query("list", "1");
                request.header("Moneyer-Version", version).send().status()
            };
            assert_eq!((ask(&version), ask("1999-12-31")), (200, 400));
        },
    ),
    ("list methods take skip, take and order", |it| {
        for name in ["b", "c", "a"] {
            it.access_token(name, "agents:read");
        }
        assert_eq!(it.names("order=access_token_name:ASC"), "a b c");
        assert_eq!(it.names("order=access_token_name:DESC&skip=1&take=1"), "b");
    }),
    (
        "take returns objects listed before the named one, skip those after it; exclusive",
        |it| {
            for name in ["a", "b", "c"] {
                it.access_token(name, "agents:read");
            }
            let order = "order=access_token_name:ASC";
            let middle = it.page(order).remove(1).0;
            assert_eq!(it.names(&format!("{order}&take={middle}")), "a");
            assert_eq!(it.names(&format!("{order}&skip={middle}")), "c");
            let both = it.server.get(TOKENS).header("api-key", it.key.expose());
            let both = both.raw_query(&format!("skip={middle}&take={middle}"));
            assert_eq!(both.send().status(), 400);
        },
    ),
];
