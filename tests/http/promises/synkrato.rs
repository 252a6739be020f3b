//! The data API.

use super::Promise;

pub const PROMISES: [Promise; 5] = [
    ("tokens expire after 180 days", |it| {
        let token = it.mint();
        it.server.advance(180 * 24 * 3600 - 1);
        assert!(it.accepts(&token));
        it.server.advance(1);
        assert!(!it.accepts(&token));
        assert_eq!(it.status("expire", "299901010000"), 400);
    }),
    (
        "the API enforces a rate limit of 3 requests per second",
        |it| {
            let token = it.mint();
            for _ in 0..5 {
                assert!((0..3).all(|_| it.accepts(&token)));
                it.server.verify(&token).refuses_token(429);
                it.server.advance(1);
            }
        },
    ),
    (
        "all tokens are invalid when the private key is changed",
        |it| {
            let token = it.mint();
            it.rotate();
            assert!(!it.accepts(&token));
            assert!(it.accepts(&it.mint()));
        },
    ),
    ("tokens are encrypted", |it| {
        let token = it.mint();
        let file = std::fs::read(it.server.app.store.path()).unwrap();
        let log = it.server.app.store.path().with_extension("db-wal");
        let all = [file, std::fs::read(log).unwrap_or_default()].concat();
        let bytes = token.as_bytes();
        assert!(!all.windows(bytes.len()).any(|window| window == bytes));
    }),
    ("GET …/health/readiness with a Bearer token", |it| {
        let token = it.mint();
        let ready = it.server.get("/health/readiness");
        let ready = ready.header("Authorization", &format!("Bearer {token}"));
        assert_eq!(ready.send().status(), 200);
    }),
];
