//! The middlewares in `examples/`, each in its small application that asks a real server.

mod application;
mod outages;

use serde_json::json;

use crate::support::{STRANGE_KEY, eventually, now, token_id};
use application::{Application, FORGOTTEN, Moneyer};

#[test]
fn a_good_token_passes_and_its_identity_is_shown() {
    let moneyer = Moneyer::start();
    let token = moneyer.mint(&json!({ "scopes": ["tiles", "maps"] }));
    for application in moneyer.guarding() {
        let bearer = format!("Bearer {token}");
        for shown_in in [("Authorization", &*bearer), ("X-Api-Key", &*token)] {
            let identity = application.get(&[shown_in]).json(200);
            assert_eq!(identity["account"], *moneyer.account);
            assert_eq!(identity["key"], *moneyer.key.id);
            assert_eq!(identity["token"], *token_id(&token));
            let mut scopes: Vec<_> = identity["scopes"].as_str().unwrap().split(' ').collect();
            scopes.sort_unstable();
            assert_eq!(scopes, ["maps", "tiles"]);
        }
    }
}

#[test]
fn what_is_no_good_token_is_refused_in_moneyers_words() {
    let moneyer = Moneyer::start();
    let unknown = "0".repeat(32);
    for application in moneyer.guarding() {
        application.refuses_as(&moneyer, 401, &[]);
        application.refuses_as(&moneyer, 401, &[("Authorization", "Basic YTpi")]);
        application.refuses_as(&moneyer, 401, &[("X-Api-Key", "not a token")]);
        application.refuses_as(&moneyer, 401, &[("X-Api-Key", &unknown)]);
    }
}

#[test]
fn a_disabled_token_is_refused_once_it_is_forgotten() {
    let moneyer = Moneyer::start();
    for application in moneyer.guarding() {
        let token = moneyer.mint(&json!({ "scopes": ["tiles"] }));
        application.get_with(&token).json(200);
        let disable = format!("disableToken={token}");
        moneyer.server.auth(&moneyer.key.secret, &disable).good();
        eventually(FORGOTTEN, "the disabled token is refused", || {
            application.get_with(&token).status == 401
        });
        application.refuses_as(&moneyer, 401, &[("X-Api-Key", &token)]);
    }
}

#[test]
fn a_token_is_never_accepted_past_its_end() {
    let moneyer = Moneyer::start();
    for application in moneyer.guarding() {
        let end = now() + 4;
        let expire = chrono::DateTime::from_timestamp(end, 0)
            .unwrap()
            .to_rfc3339();
        let token = moneyer.mint_until(&json!({ "scopes": ["tiles"] }), Some(&expire));
        let mut last_accepted = None;
        eventually(FORGOTTEN, "the ended token is refused", || {
            let asked_at = now();
            let accepted = application.get_with(&token).status == 200;
            last_accepted = if accepted {
                Some(asked_at)
            } else {
                last_accepted
            };
            !accepted
        });
        let last_accepted = last_accepted.expect("the token was good at first");
        assert!(
            last_accepted < end,
            "{}: {last_accepted} of {end}",
            application.name
        );
    }
}

#[test]
fn a_missing_scope_is_refused() {
    let moneyer = Moneyer::start();
    let token = moneyer.mint(&json!({ "scopes": ["maps"] }));
    for application in moneyer.guarding() {
        application.refuses_as(&moneyer, 403, &[("X-Api-Key", &token)]);
    }
}

#[test]
fn a_rate_holds_since_counted_answers_are_not_remembered() {
    let moneyer = Moneyer::start();
    let rate = json!({ "requests": 2, "per_seconds": 60 });
    for application in moneyer.guarding() {
        let token = moneyer.mint(&json!({ "scopes": ["tiles"], "rate_limit": rate }));
        application.get_with(&token).json(200);
        application.get_with(&token).json(200);
        let third = application.get_with(&token);
        assert_eq!(third.json(429)["error"]["code"], "RATE_LIMITED");
        let seconds = third.header("Retry-After").and_then(|it| it.parse().ok());
        assert!(
            seconds.is_some_and(|it: u64| (1..=60).contains(&it)),
            "{third:?}"
        );
        for name in ["RateLimit", "RateLimit-Policy"] {
            assert!(third.header(name).is_some(), "no {name}: {third:?}");
        }
    }
}

#[test]
fn a_forged_identity_is_not_believed() {
    let moneyer = Moneyer::start();
    let token = moneyer.mint(&json!({ "scopes": ["tiles"] }));
    let forged = ["Account", "Key", "Token", "Scopes"].map(|name| format!("X-Moneyer-{name}"));
    let forged: Vec<_> = forged.iter().map(|name| (&**name, "tiles")).collect();
    for application in moneyer.guarding() {
        let with_token = [&forged[..], &[("X-Api-Key", &token)]].concat();
        let shown = application.get(&with_token).json(200);
        assert_eq!(shown["account"], *moneyer.account, "{}", application.name);
        assert_eq!(shown["token"], *token_id(&token));
        let without = application.get(&forged);
        assert_eq!(without.status, 401, "{without:?}");
    }
}

#[test]
fn a_forged_address_is_not_believed() {
    let moneyer = Moneyer::start();
    let far = moneyer.mint(&json!({ "scopes": ["tiles"], "ips": ["10.0.0.0/8"] }));
    let near = moneyer.mint(&json!({ "scopes": ["tiles"], "ips": ["127.0.0.0/8"] }));
    let [forwarded, standard] = [
        ("X-Forwarded-For", "10.0.0.1"),
        ("Forwarded", "for=10.0.0.1"),
    ];
    // It is this header that Moneyer goes by.
    let believed = moneyer.says(&[("X-Api-Key", &far), forwarded]);
    assert_eq!(believed.status, 200, "{believed:?}");
    for application in moneyer.guarding() {
        let headers = [("X-Api-Key", &*far), forwarded, standard];
        let refused = application.get(&headers);
        assert_eq!(refused.json(403)["error"]["code"], "FORBIDDEN");
        application.get_with(&near).json(200);
    }
}

#[test]
fn an_origin_counts_and_a_good_one_opens_nothing_for_others() {
    let moneyer = Moneyer::start();
    let origins = json!({ "scopes": ["tiles"], "origins": ["https://app.example.org"] });
    let token = moneyer.mint(&origins);
    let get = |application: &Application, name, value| {
        application.get(&[("X-Api-Key", &*token), (name, value)])
    };
    for application in moneyer.guarding() {
        get(&application, "Origin", "https://app.example.org").json(200);
        get(&application, "Origin", "https://bad.example.org").json(403);
        get(&application, "Referer", "https://app.example.org/map?x=1").json(200);
        application.get_with(&token).json(403);
    }
}

#[test]
fn an_application_whose_own_key_is_no_good_does_not_blame_its_clients() {
    let moneyer = Moneyer::start();
    let token = moneyer.mint(&json!({ "scopes": ["tiles"] }));
    for key in [STRANGE_KEY, &moneyer.key.secret] {
        for application in moneyer.guarding_with(key) {
            application.get_with(&token).is_unavailable();
        }
    }
}

#[test]
fn the_verifying_key_is_shown_to_moneyer() {
    let moneyer = Moneyer::start();
    moneyer.folder.account("others");
    let role = ["--role", "verify"];
    let (own, foreign) = (
        moneyer.folder.key("acme", &role),
        moneyer.folder.key("others", &role),
    );
    let token = moneyer.mint(&json!({ "scopes": ["tiles"] }));
    for application in moneyer.guarding_with(&own.secret) {
        application.get_with(&token).json(200);
    }
    for application in moneyer.guarding_with(&foreign.secret) {
        let refused = application.get_with(&token);
        assert_eq!(refused.status, 401, "{refused:?}");
    }
}
