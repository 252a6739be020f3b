//! The token that a request shows to a gateway, and under which circumstances.

use actix_web::http::header::{self, HeaderMap, HeaderName};

use super::{Service, asking::Asking, form::decode};
use crate::{
    domain::{Origin, TokenDigest},
    verification::{Circumstances, Shown},
};

static X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Where gateways put the target that they were asked for.
static ORIGINAL_TARGETS: [HeaderName; 2] = [
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-forwarded-uri"),
];
const TOKEN: &str = "token";

/// What is shown as a token by the first of these that shows anything: `Authorization: Bearer`,
/// `X-Api-Key`, `token` in `query`, `token` in the query of the original target. That one counts
/// alone: another does not help out when it is bad.
pub(super) fn shown(headers: &HeaderMap, query: &str) -> Shown {
    in_header(headers, &header::AUTHORIZATION, bearer)
        .or_else(|| in_header(headers, &X_API_KEY, judge))
        .or_else(|| in_query(query))
        .or_else(|| in_original_target(headers))
}

/// The circumstances: the web origin, the client's address, and the scopes that are wanted.
pub(super) fn circumstances(
    service: &Service,
    request: &impl Asking,
    scopes: Vec<String>,
) -> Circumstances {
    Circumstances {
        origin: origin(request.headers()),
        client: service.client(request).and_then(|client| client.certain),
        scopes,
    }
}

/// What a text shows.
fn judge(text: &str) -> Shown {
    match text.trim() {
        "" => Shown::Nothing,
        text => TokenDigest::of_shown(text).map_or(Shown::Malformed, Shown::Token),
    }
}

/// What the header of this name shows. Two are none that could be chosen from, and one that is not
/// text may hold a token that cannot be read.
fn in_header(headers: &HeaderMap, name: &HeaderName, read: fn(&str) -> Shown) -> Shown {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Shown::Nothing,
        (Some(value), None) => match value.to_str() {
            Ok(text) => read(text),
            Err(_) => Shown::Malformed,
        },
        (Some(_), Some(_)) => Shown::Malformed,
    }
}

/// What follows the scheme `Bearer` (RFC 6750, section 2.1); another scheme shows no token.
fn bearer(value: &str) -> Shown {
    match value.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => judge(token),
        _ => Shown::Nothing,
    }
}

fn in_original_target(headers: &HeaderMap) -> Shown {
    let present = ORIGINAL_TARGETS
        .iter()
        .find(|name| headers.contains_key(*name));
    present.map_or(Shown::Nothing, |name| in_header(headers, name, in_target))
}

fn in_target(target: &str) -> Shown {
    let without_fragment = target.split('#').next().unwrap_or_default();
    let query = without_fragment.split_once('?').map(|(_, query)| query);
    query.map_or(Shown::Nothing, in_query)
}

/// What the pairs named `token` of a query show. The others are the application's, broken ones too.
/// Two different tokens are none.
fn in_query(query: &str) -> Shown {
    let mut first = Shown::Nothing;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let named = decode(name.as_bytes()).is_some_and(|name| name.eq_ignore_ascii_case(TOKEN));
        if !named {
            continue;
        }
        let shown = decode(value.as_bytes()).map_or(Shown::Malformed, |text| judge(&text));
        first = match (first, shown) {
            (Shown::Nothing, shown) => shown,
            (first, Shown::Nothing) => first,
            (first, shown) if first == shown => first,
            _ => Shown::Malformed,
        };
    }
    first
}

/// The page that a request comes from. `Origin` counts alone when it is there; two of a kind are
/// none.
fn origin(headers: &HeaderMap) -> Option<Origin> {
    let only = |name| {
        let mut values = headers.get_all(name);
        let value = values.next()?.to_str().ok();
        value.filter(|_| values.next().is_none())
    };
    if headers.contains_key(header::ORIGIN) {
        Origin::parse(only(header::ORIGIN)?)
    } else {
        Origin::of_url(only(header::REFERER)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Token;

    const A: &str = "0123456789abcdef0123456789abcdef";
    const B: &str = "fedcba9876543210fedcba9876543210";

    fn token(text: &str) -> Shown {
        Shown::Token(TokenDigest::of(&Token::parse(text).unwrap()))
    }

    fn show(headers: &[(&str, &str)], query: &str) -> Shown {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).unwrap();
            map.append(name, value.parse().unwrap());
        }
        shown(&map, query)
    }

    #[test]
    fn the_first_source_counts_alone() {
        let (bearer, target) = (format!("Bearer {A}"), format!("/x?token={B}"));
        let all = [
            ("authorization", bearer.as_str()),
            ("x-api-key", B),
            ("x-original-uri", target.as_str()),
        ];
        assert_eq!(show(&all, &format!("token={B}")), token(A));
        assert_eq!(show(&all[1..2], &format!("token={A}")), token(B));
        assert_eq!(show(&all[2..], &format!("token={A}")), token(A));
        assert_eq!(show(&all[2..], ""), token(B));
        assert_eq!(show(&[], ""), Shown::Nothing);
        let bad = [("authorization", "Bearer x"), ("x-api-key", A)];
        assert_eq!(show(&bad, &format!("token={A}")), Shown::Malformed);
    }

    #[test]
    fn what_shows_nothing_is_passed_over() {
        let nothing = [
            ("authorization", "Basic dXNlcjpwYXNz"),
            ("x-api-key", ""),
            ("x-api-key_", A),
        ];
        assert_eq!(show(&nothing, &format!("token={A}")), token(A));
        assert_eq!(show(&[("authorization", "Bearer")], ""), Shown::Nothing);
    }

    #[test]
    fn a_source_that_contradicts_itself_shows_no_token() {
        let twice = [("x-api-key", A), ("x-api-key", A)];
        assert_eq!(show(&twice, ""), Shown::Malformed);
        assert_eq!(in_query(&format!("token={A}&token={B}")), Shown::Malformed);
        assert_eq!(in_query(&format!("token={A}&TOKEN={A}&token=")), token(A));
    }

    #[test]
    fn the_applications_own_query_may_be_anything() {
        let in_target = |target: &str| show(&[("x-forwarded-uri", target)], "");
        assert_eq!(in_target(&format!("/x?a=%zz&b&&token={A}#frag")), token(A));
        assert_eq!(in_target(&format!("/x?token={A}%0A")), token(A));
        assert_eq!(in_target("/x?token=%zz"), Shown::Malformed);
        assert_eq!(in_target(&format!("/x?my_token={A}")), Shown::Nothing);
        assert_eq!(in_target(&format!("/token={A}")), Shown::Nothing);
    }

    #[test]
    fn case_and_length_matter() {
        let upper = A.to_ascii_uppercase();
        for bad in [&A[1..], &format!("{A}0"), &upper, &"a".repeat(1 << 20)] {
            assert_eq!(judge(bad), Shown::Malformed);
        }
    }
}
