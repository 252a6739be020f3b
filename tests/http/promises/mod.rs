//! What the services promise that Moneyer can stand in for: a row for each promise, in their words.

mod syncello;
mod synkrato;
mod synoptic;
mod syntropy;

use std::collections::BTreeMap;

use moneyer::{
    domain::{Algorithm, Preset, PrivateKey},
    operator::{account, key},
};

use crate::support::{Server, block_on};

/// A server with an account that is held to a preset, and a key of it.
struct Scene {
    server: Server,
    key: PrivateKey,
}

impl Scene {
    fn of(preset: Preset) -> Self {
        let server = Server::start();
        let key = server.account("acme");
        let base = Some(preset.policy());
        block_on(account::edit_policy(
            &server.app,
            "acme",
            base,
            BTreeMap::new(),
        ))
        .unwrap();
        server.create_signing_key(Algorithm::Hs256);
        Self { server, key }
    }

    fn mint(&self) -> String {
        self.server.mint(&self.key)
    }

    fn accepts(&self, token: &str) -> bool {
        self.server.verify(token).send().status() == 200
    }

    /// Puts another key in the place of the account's.
    fn rotate(&mut self) {
        let rotated = block_on(key::rotate(&self.server.app, &self.key, None)).unwrap();
        self.key = rotated.new.key;
    }

    fn status(&self, name: &str, value: &str) -> u16 {
        let request = self.server.auth(&self.key).query(name, value);
        request.send().status()
    }
}

type Promise = (&'static str, fn(&mut Scene));

#[track_caller]
fn keeps(preset: Preset, promises: &[Promise]) {
    for (promise, check) in promises {
        let kept = std::panic::catch_unwind(|| check(&mut Scene::of(preset)));
        assert!(kept.is_ok(), "{} does not keep: {promise}", preset.name());
    }
}

#[test]
fn synoptic() {
    keeps(Preset::Synoptic, &synoptic::PROMISES);
}

#[test]
fn synkrato() {
    keeps(Preset::Synkrato, &synkrato::PROMISES);
}

#[test]
fn syntropy() {
    keeps(Preset::Syntropy, &syntropy::PROMISES);
}

#[test]
fn syncello() {
    keeps(Preset::Syncello, &syncello::PROMISES);
}
