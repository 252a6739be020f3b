//! `moneyer token import`: the lines of an input, their numbers and their length.

use serde_json::json;

use crate::{
    support::{Folder, Key},
    token_importing::{FIRST, SECOND, THIRD, import, importing},
};

/// More than a line may have.
const TOO_LONG: usize = 256 * 1024 + 1;

#[track_caller]
fn refused(folder: &Folder, key: &Key, input: &str, why: &str) {
    import(folder, key, input).refused().says(why);
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 0, "{why}");
}

#[test]
fn a_quote_that_is_never_closed_is_refused_where_its_record_begins() {
    let (folder, key) = Folder::with_key();
    for (csv, why) in [
        (
            format!("token,note\n{FIRST},\n\n{SECOND},\"never\n{THIRD},\n\n"),
            "line 4: it has a quote that is never closed",
        ),
        (
            format!("token,note\n{FIRST},\n{SECOND},\"never"),
            "line 3: it has a quote that is never closed",
        ),
        (
            "\"".into(),
            "Line 1 must name the columns: it has a quote that is never closed",
        ),
        (
            format!(
                "token,note\n\n{SECOND},\"{}",
                "never\n".repeat(TOO_LONG / 6)
            ),
            "line 3 has a quote that is not closed within 262144 bytes",
        ),
    ] {
        refused(&folder, &key, &csv, why);
    }
}

#[test]
fn a_carriage_return_that_ends_no_line_is_refused_by_its_line() {
    let (folder, key) = Folder::with_key();
    for (input, line) in [
        ("token\rshort\rshort2\r".to_owned(), 1),
        (format!("token\r\n{FIRST}\r\n{SECOND}\r{THIRD}\r\n"), 3),
        (format!("token,note\n{FIRST},\"a\rb\"\n"), 2),
        (
            format!("{{\"token\":\"{FIRST}\"}}\r{{\"token\":\"{SECOND}\"}}\r"),
            1,
        ),
    ] {
        let why =
            format!("line {line} holds a carriage return, and lines must end with LF or CRLF");
        refused(&folder, &key, &input, &why);
    }
}

#[test]
fn a_line_that_is_too_long_is_refused_by_its_number() {
    let (folder, key) = Folder::with_key();
    let long = "x".repeat(TOO_LONG);
    for (input, line) in [
        (format!("token,note\n{FIRST},\n{SECOND},{long}\n"), 3),
        (
            format!("{{\"token\":\"{FIRST}\"}}\n{{\"note\":\"{long}\"}}\n"),
            2,
        ),
        (long, 1),
    ] {
        let why = format!("line {line} is longer than 262144 bytes");
        refused(&folder, &key, &input, &why);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_input_without_end_is_refused() {
    let (folder, key) = Folder::with_key();
    for format in ["csv", "jsonl"] {
        let endless = ["/dev/zero", "--input", format];
        let run = importing(&folder, &key, &endless, "").run().refused();
        run.says("line 1 is longer than 262144 bytes");
    }
}

#[test]
fn a_token_with_all_that_it_may_have_fits_into_a_line() {
    let (folder, key) = Folder::with_key();
    let list = |number: u32, of: &dyn Fn(String) -> String| {
        let items = (100..100 + number).map(|n| of(n.to_string()));
        items.collect::<Vec<_>>()
    };
    let fat = "\u{1f511}";
    let line = json!({
        "token": "0123456789".repeat(614) + "abcd",
        "expires_at": "2100-01-02T03:04:05Z",
        "tags": list(64, &|n| n + &fat.repeat(61)),
        "scopes": list(32, &|n| n + &"s".repeat(93)),
        "note": fat.repeat(1024),
        "settings": {
            "origins": list(32, &|n| origin(&n)),
            "ips": list(64, &|n| format!("2001:db8:aaaa:bbbb:cccc:dddd:eeee:{n}/128")),
            "rate_limit": { "requests": 1, "per_seconds": 1 },
        },
    });
    let escaped = escaped(&line.to_string());
    assert!(escaped.len() > 150 * 1024, "{}", escaped.len());
    import(&folder, &key, &escaped).done();
}

/// An origin whose host is as long as one may be.
fn origin(number: &str) -> String {
    let label = "a".repeat(62);
    format!("https://{number}{}.{label}.{label}.{label}", &label[..58])
}

/// A JSON text, each character within its strings written as an escape.
fn escaped(json: &str) -> String {
    let escape = |part: &str| {
        let units = part.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        units.collect::<String>()
    };
    let parts = json.split('"').enumerate().map(|(place, part)| {
        let is_within = place % 2 == 1;
        if is_within {
            escape(part)
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("\"")
}
