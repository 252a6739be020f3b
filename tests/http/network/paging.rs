//! Parts of lists, and their order.

use serde_json::json;

use super::{KEYS, Scene, TOKENS, id_of, named, text};

/// Tokens `a` to `e`, minted in another order, one of which has no end.
fn with_five() -> (Scene, Vec<String>) {
    let it = Scene::start();
    let ends = [("c", 3), ("a", 5), ("e", 4), ("b", 0), ("d", 2)];
    let tokens = ends.map(|(name, minutes)| {
        let mut body = named(name, &[]);
        if minutes > 0 {
            body["access_token_expiration"] = format!("2026-11-25T04:{}:00Z", 34 + minutes).into();
        }
        text(&it.post(it.key.expose(), TOKENS, &body).json()["data"]["access_token"])
    });
    let ids = tokens.iter().map(|token| id_of(token)).collect();
    (it, ids)
}

#[test]
fn a_list_is_in_the_order_that_is_asked_for() {
    let (it, _) = with_five();
    for (query, expected) in [
        ("", ["c", "a", "e", "b", "d"]),
        ("order=access_token_name:ASC", ["a", "b", "c", "d", "e"]),
        ("order=access_token_name:DESC", ["e", "d", "c", "b", "a"]),
        (
            "order=access_token_expiration%3AASC",
            ["d", "c", "e", "a", "b"],
        ),
        (
            "order=access_token_expiration:DESC",
            ["b", "a", "e", "c", "d"],
        ),
    ] {
        assert_eq!(it.names(query), expected, "{query}");
    }
}

#[test]
fn numbers_choose_a_part() {
    let (it, _) = with_five();
    let by_name = |query: &str| {
        it.names(&format!("order=access_token_name:ASC&{query}"))
            .concat()
    };
    assert_eq!(by_name("take=2"), "ab");
    assert_eq!(by_name("skip=1&take=2"), "bc");
    assert_eq!(by_name("skip=4&take=1000"), "e");
    assert_eq!(by_name("skip=5"), "");
    assert_eq!(by_name("skip=4294967295"), "");
}

#[test]
fn ids_choose_what_comes_after_or_before() {
    let (it, ids) = with_five();
    let (c, b) = (&ids[0], &ids[3]);
    for (query, expected) in [
        (format!("skip={c}"), "aebd"),
        (format!("take={b}"), "cae"),
        (format!("order=access_token_name:ASC&skip={b}"), "cde"),
        (format!("order=access_token_name:ASC&skip={b}&take=1"), "c"),
        (format!("order=access_token_name:DESC&skip={b}"), "a"),
        (format!("order=access_token_name:ASC&take={c}"), "ab"),
        (format!("order=access_token_name:DESC&take={c}"), "ed"),
        (format!("order=access_token_expiration:ASC&skip={c}"), "eab"),
        (
            format!("order=access_token_expiration:DESC&take={c}"),
            "bae",
        ),
    ] {
        assert_eq!(it.names(&query).concat(), expected, "{query}");
    }
}

#[test]
fn names_that_are_alike_are_gone_through_once() {
    let it = Scene::start();
    let ids: Vec<String> = (0..7).map(|_| id_of(&it.token(&[]))).collect();
    let order = "order=access_token_name:ASC";
    let mut seen = it.listed(TOKENS, &format!("{order}&take=3"), "access_token_id");
    loop {
        let query = format!("{order}&take=3&skip={}", seen.last().unwrap());
        let more = it.listed(TOKENS, &query, "access_token_id");
        if more.is_empty() {
            break;
        }
        seen.extend(more);
    }
    assert_eq!(seen, ids);
}

#[test]
fn tokens_of_many_keys_are_gone_through_as_they_were_minted() {
    let it = Scene::start();
    let keys = [0; 3].map(|_| it.server.key("acme", moneyer::domain::Role::Mint));
    let minted = (0..14).map(|n| it.token_by(keys[n * n % 3].expose(), &[]));
    let mut ids: Vec<String> = minted.map(|token| id_of(&token)).collect();
    assert_eq!(
        it.delete(it.key.expose(), TOKENS, &ids.remove(4)).status(),
        204
    );
    let listed = |query: &str| it.listed(TOKENS, query, "access_token_id");
    assert_eq!(listed(""), ids);
    assert_eq!(listed("skip=2&take=5"), ids[2..7]);
    assert_eq!(listed("skip=12&take=5"), ids[12..]);
    assert!(listed("skip=13").is_empty() && listed("skip=4294967295").is_empty());
    for (place, id) in ids.iter().enumerate() {
        assert_eq!(listed(&format!("skip={id}")), ids[place + 1..]);
        assert_eq!(listed(&format!("take={id}")), ids[..place]);
        let next: Vec<&String> = ids[place + 1..].iter().take(2).collect();
        assert_eq!(
            listed(&format!("skip={id}&take=2"))
                .iter()
                .collect::<Vec<_>>(),
            next
        );
    }
}

#[test]
fn twenty_are_listed_where_no_number_is_given() {
    let it = Scene::start();
    let ids: Vec<String> = (0..23).map(|_| id_of(&it.token(&[]))).collect();
    let listed = |query: &str| it.listed(TOKENS, query, "access_token_id");
    assert_eq!(listed(""), ids[..20]);
    assert_eq!(listed("skip=20"), ids[20..]);
    // The twenty that stand next before it.
    assert_eq!(listed(&format!("take={}", ids[22])), ids[2..22]);
}

#[test]
fn a_cursor_that_has_ended_still_has_its_place() {
    let (it, ids) = with_five();
    assert_eq!(it.delete(it.key.expose(), TOKENS, &ids[0]).status(), 204);
    let query = format!("order=access_token_name:ASC&skip={}", ids[0]);
    assert_eq!(it.names(&query).concat(), "de");
}

#[test]
fn a_cursor_of_another_account_is_as_good_as_unknown() {
    let it = Scene::start();
    let other = Scene::account(&it.server, "other");
    let foreign = id_of(&it.token_by(other.expose(), &[]));
    for id in [&*foreign, "tok_0123456789abcdef"] {
        for name in ["skip", "take"] {
            let request = it.get(it.key.expose(), TOKENS).query(name, id);
            request
                .send()
                .fails(404, "unknown_token", Some("access_token_id"));
        }
    }
    let (id, _) = it.api_key_by(other.expose(), "k");
    let request = it.get(it.key.expose(), KEYS).query("skip", &id);
    request.send().fails(404, "unknown_key", Some("api_key_id"));
}

#[test]
fn keys_are_listed_by_their_age() {
    let it = Scene::start();
    let ids: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|name| {
            it.server.advance(1);
            it.api_key_by(it.key.expose(), name).0
        })
        .collect();
    let names = |query: &str| it.listed(KEYS, query, "api_key_name").concat();
    assert_eq!(names(""), "abc");
    assert_eq!(names("order=DESC&take=2"), "cb");
    assert_eq!(names("order=ASC&skip=2"), "bc");
    assert_eq!(names(&format!("skip={}", ids[0])), "bc");
    assert_eq!(names(&format!("order=DESC&take={}", ids[0])), "cb");
    assert_eq!(names(&format!("filter={},{}", ids[2], ids[0])), "ac");
    assert_eq!(names(&format!("filter=[{}]&order=DESC", ids[1])), "b");
}

#[test]
fn what_is_no_part_is_refused() {
    let it = Scene::start();
    let key = it.key.expose();
    let id = id_of(&it.token(&[]));
    let both = format!("skip={id}&take={id}");
    for (query, field) in [
        ("skip=-1", Some("skip")),
        ("skip=4294967296", Some("skip")),
        ("skip=99999999999999999999999", Some("skip")),
        ("skip=1.5", Some("skip")),
        ("skip=", Some("skip")),
        ("skip=key_0123456789abcdef", Some("skip")),
        ("take=0", Some("take")),
        ("take=1001", Some("take")),
        ("take=-5", Some("take")),
        ("take=4294967296", Some("take")),
        ("take=x", Some("take")),
        ("take=+5", Some("take")),
        (&both, Some("take")),
        ("order=access_token_id:ASC", Some("order")),
        ("order=access_token_name", Some("order")),
        ("order=access_token_name:asc", Some("order")),
        ("order=ASC", Some("order")),
        ("limit=5", None),
        ("Skip=1", None),
        ("skip=1&skip=2", None),
        ("skip=%zz", None),
        ("filter=1", None),
    ] {
        let request = it.get(key, TOKENS).raw_query(query);
        let message = request.send().fails(400, "invalid_parameter", field);
        assert!(!message.is_empty(), "{query}");
    }
    for (query, field) in [
        ("order=name:ASC", Some("order")),
        ("skip=-1", Some("skip")),
        ("skip=99999999999999999999999", Some("skip")),
        ("take=1001", Some("take")),
        ("filter=", Some("filter")),
        ("filter=a", Some("filter")),
        ("filter=1,-2", Some("filter")),
        ("filter=[1", Some("filter")),
    ] {
        let request = it.get(key, KEYS).raw_query(query);
        request.send().fails(400, "invalid_parameter", field);
    }
    let many = json!(vec![1; 101]).to_string();
    let request = it.get(key, KEYS).query("filter", &many);
    request
        .send()
        .fails(400, "invalid_parameter", Some("filter"));
}
