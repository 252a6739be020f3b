//! Moneyer, a gateway and an API, put together.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::Request,
    gateway::{Gateway, Running},
    ports::free_address,
    server::Server,
    support::{Folder, Key},
};

/// A gateway before an API.
pub struct Front {
    pub gateway: Running,
    pub api: Backend,
}

/// All three, and a private key to mint tokens with.
pub struct World {
    pub front: Front,
    pub account: String,
    pub key: Key,
    moneyer_address: SocketAddr,
    moneyer: Option<Server>,
    folder: Folder,
}

impl Front {
    /// With what listens at `moneyer` in Moneyer's place.
    #[track_caller]
    pub fn asking(moneyer: SocketAddr, gateway: &Gateway) -> Self {
        let api = Backend::api();
        Self {
            gateway: gateway.start(moneyer, api.address),
            api,
        }
    }

    pub fn request(&self, method: &str, target: &str) -> Request {
        Request::new(method, self.gateway.address, target)
    }

    pub fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }
}

impl World {
    #[track_caller]
    pub fn behind(gateway: &Gateway) -> Self {
        let folder = Folder::new();
        let account = folder.account("acme");
        let key = folder.key("acme", &[]);
        let moneyer_address = free_address();
        let moneyer = Some(serve(&folder, moneyer_address));
        Self {
            front: Front::asking(moneyer_address, gateway),
            account,
            key,
            moneyer_address,
            moneyer,
            folder,
        }
    }

    /// A `GET` through the gateway.
    pub fn get(&self, target: &str) -> Request {
        self.front.get(target)
    }

    pub fn request(&self, method: &str, target: &str) -> Request {
        self.front.request(method, target)
    }

    /// A token that may do everything.
    #[track_caller]
    pub fn mint(&self) -> String {
        self.mint_from(&json!({}))
    }

    /// A token with these settings.
    #[track_caller]
    pub fn mint_with(&self, settings: &Value) -> String {
        self.mint_from(&json!({ "settings": settings }))
    }

    #[track_caller]
    pub fn mint_from(&self, body: &Value) -> String {
        let request = Request::new("POST", self.moneyer_address, "/v2/auth")
            .token(&self.key.secret)
            .header("Content-Type", "application/json");
        let answer = request.send_body(&body.to_string());
        assert_eq!(answer.status, 200, "{answer:#?}");
        let minted: Value = serde_json::from_str(&answer.body).unwrap();
        minted["TOKEN"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn disable(&self, token: &str) {
        let query = format!("disableToken={token}");
        let moneyer = self.moneyer.as_ref().unwrap();
        moneyer.auth(&self.key.secret, &query).good();
    }

    #[track_caller]
    pub fn stop_moneyer(&mut self) {
        self.moneyer.take().unwrap().stop();
    }

    #[track_caller]
    pub fn start_moneyer(&mut self) {
        self.moneyer = Some(serve(&self.folder, self.moneyer_address));
    }
}

#[track_caller]
fn serve(folder: &Folder, address: SocketAddr) -> Server {
    let serving = folder.moneyer(&["serve", "--listen", &address.to_string()]);
    let trusting = serving.env("MONEYER_TRUSTED_PROXIES", "['127.0.0.1/32']");
    Server::of(trusting.spawn())
}
