//! What is asked about a token, and what is answered.

use moneyer::domain::{PrivateKey, Token, TokenDigest};
use serde_json::{Value, json};

use super::{Answer, Request, Server};

impl Server {
    /// Mints by a JSON body.
    pub fn mint_json(&self, key: &PrivateKey, body: &Value) -> Request {
        self.post("/v2/auth")
            .key(key)
            .body("application/json", body.to_string().as_bytes())
    }

    /// A token with these settings.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "settings are written where they are given"
    )]
    pub fn mint_with(&self, key: &PrivateKey, settings: Value) -> String {
        let body = json!({ "settings": settings });
        self.mint_json(key, &body).send().token()
    }

    /// A token that is good for so many minutes from the time at which tests begin.
    pub fn mint_for_minutes(&self, key: &PrivateKey, minutes: u32) -> String {
        let expire = format!("2026112504{}", 34 + minutes);
        self.auth(key).query("expire", &expire).send().token()
    }

    pub fn disable(&self, key: &PrivateKey, token: &str) -> Answer {
        self.auth(key).query("disableToken", token).send()
    }

    /// The token's own resource.
    pub fn resource(&self, method: &str, key: &PrivateKey, token: &str) -> Request {
        self.request(method, &format!("/v2/auth/token/{token}"))
            .key(key)
    }

    /// The token's settings as they are shown.
    #[track_caller]
    pub fn settings(&self, key: &PrivateKey, token: &str) -> Value {
        let answer = self.resource("GET", key, token).send();
        assert_eq!(answer.status(), 200, "{}", answer.whole());
        answer.json()
    }

    pub fn patch(&self, key: &PrivateKey, token: &str, patch: &Value) -> Answer {
        let body = patch.to_string();
        self.resource("PATCH", key, token)
            .body("application/merge-patch+json", body.as_bytes())
            .send()
    }

    pub fn put(&self, key: &PrivateKey, token: &str, document: &Value) -> Answer {
        let body = document.to_string();
        self.resource("PUT", key, token)
            .body("application/json", body.as_bytes())
            .send()
    }

    /// What a gateway asks about a token that was shown as `Authorization: Bearer`.
    pub fn verify(&self, token: &str) -> Request {
        self.get("/v2/verify")
            .header("Authorization", &format!("Bearer {token}"))
    }

    pub fn introspect(&self, key: &PrivateKey, token: &str) -> Answer {
        let form = format!("token={token}");
        self.post("/v2/introspect").key(key).form(&form).send()
    }

    pub fn revoke(&self, key: &PrivateKey, token: &str) -> Answer {
        let form = format!("token={token}");
        self.post("/v2/revoke").key(key).form(&form).send()
    }

    /// How often the file says that the token was verified.
    pub fn written_uses(&self, token: &str) -> i64 {
        self.file()
            .query_row(
                "SELECT coalesce(sum(verifications), 0) FROM tokens JOIN uses ON token_id = id
                 WHERE digest = ?1",
                [digest(token).as_bytes()],
                |row| row.get(0),
            )
            .unwrap()
    }

    /// Takes a token out of the file behind the store's back.
    pub fn delete_row(&self, token: &str) {
        let digest = digest(token);
        let file = self.file();
        let deleted = file.execute("DELETE FROM tokens WHERE digest = ?1", [digest.as_bytes()]);
        assert_eq!(deleted.unwrap(), 1);
    }
}

pub fn digest(token: &str) -> TokenDigest {
    TokenDigest::of(&Token::parse(token).unwrap())
}

impl Request {
    /// Sends the request, and checks that the token is accepted.
    #[track_caller]
    pub fn accepts(&self) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status(), 200, "{}", answer.whole());
        assert_eq!(answer.json()["active"], true, "{}", answer.whole());
        for name in ["Account", "Key", "Token", "Scopes"] {
            let header = answer.header(&format!("X-Moneyer-{name}"));
            assert!(header.is_some(), "{}", answer.whole());
        }
        answer
    }

    /// Sends the request, and checks that the token is refused: by this status, with the body and
    /// the challenge that belong to it, and without a word about the token.
    #[track_caller]
    pub fn refuses_token(&self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status(), status, "{}", answer.whole());
        let json = answer.json();
        let fits = match json["error"]["code"].as_str() {
            Some("UNAUTHORIZED") => status == 401,
            Some("FORBIDDEN") => status == 403,
            // A gateway may have asked for 403.
            Some("RATE_LIMITED") => status == 429 || status == 403,
            _ => false,
        };
        assert!(fits && json["success"] == false, "{}", answer.whole());
        let message = json["error"]["message"].as_str();
        assert!(
            message.is_some_and(|text| text.ends_with('.')),
            "{}",
            answer.whole()
        );
        let challenge = answer.header("WWW-Authenticate");
        assert_eq!(
            challenge.is_some_and(|text| text.starts_with("Bearer error=\"")),
            status != 429,
            "{}",
            answer.whole()
        );
        let whole = answer.whole().to_ascii_lowercase();
        assert!(!whole.contains("x-moneyer-"), "{whole}");
        answer
    }
}
