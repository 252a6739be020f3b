//! The path of a request, as it is routed.

use std::{borrow::Cow, str::FromStr as _};

use actix_web::{dev::ServiceRequest, http::Uri};

/// Has slashes that are repeated, or at the end, make no difference. Most paths have none, and are
/// left as they are without a look at each character's neighbours.
pub(super) fn normalize(request: &mut ServiceRequest) {
    if let Some(uri) = normalized(request.uri()) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// The address with its path made plain, where it is not.
fn normalized(uri: &Uri) -> Option<Uri> {
    let Cow::Owned(mut normal) = plain(uri.path()) else {
        return None;
    };
    if let Some(query) = uri.query() {
        normal.push('?');
        normal.push_str(query);
    }
    // What is left of a proper path is one too.
    Uri::from_str(&normal).ok()
}

/// A path without repeated slashes, or one at the end.
pub(super) fn plain(path: &str) -> Cow<'_, str> {
    // By pairs of bytes: to search for a text is made for longer ones.
    let mut pairs = path.as_bytes().windows(2);
    if path.len() < 2 || !(path.ends_with('/') || pairs.any(|pair| pair == b"//")) {
        return path.into();
    }
    let mut normal = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        normal.push('/');
        normal.push_str(segment);
    }
    if normal.is_empty() {
        normal.push('/');
    }
    normal.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_slashes_and_those_at_the_end_are_taken_out() {
        let to =
            |from: &'static str| normalized(&Uri::from_static(from)).map(|uri| uri.to_string());
        for plain in [
            "/",
            "/v2/auth",
            "/v2/auth?x=//",
            "/v2/%2F/a",
            "http://h/v2/auth",
        ] {
            assert_eq!(to(plain), None, "{plain}");
        }
        for (from, normal) in [
            ("/v2/auth/", "/v2/auth"),
            ("//v2///auth//?x=//&y", "/v2/auth?x=//&y"),
            ("///", "/"),
            ("http://h//v2/auth", "/v2/auth"),
            ("/a//?", "/a?"),
        ] {
            assert_eq!(to(from).as_deref(), Some(normal), "{from}");
        }
    }
}
