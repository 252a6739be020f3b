//! Reading what a request says: its query, and the form or the JSON object in its body.

use std::borrow::Cow;

use actix_web::{HttpMessage as _, HttpRequest, http::Method, web::Payload};
use percent_encoding::percent_decode;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{asking::Asking, body, document::Rendering, failure::Failure, json};
use crate::{command::Parameters, config::Limits, error::Error};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What a request says. The rendering is known even where the rest is not, so that a failure is
/// answered in it.
pub(super) struct Form {
    /// The form that answers are wanted in, as far as that can be told.
    pub(super) rendering: Rendering,
    /// The parameters, those of the body after those of the query.
    pub(super) parameters: Result<Parameters, Failure>,
    /// A JSON object, which may be long, and is to be read once it is known who asks.
    pub(super) unread: Option<Payload>,
}

impl Form {
    /// Reads query and body; a JSON object is left unread.
    pub(super) async fn read(request: &HttpRequest, payload: Payload, limits: &Limits) -> Self {
        let mut form = Self::of_query(request);
        if let Err(error) = body::check_headers(request) {
            form.parameters = Err(error.into());
            return form;
        }
        if request.method() == Method::POST && has_type(request, JSON) {
            form.unread = Some(payload);
            return form;
        }
        match read_form(request, payload, limits).await {
            Ok(body) => form.add(&body),
            Err(failure) => form.parameters = Err(failure),
        }
        form
    }

    /// Reads the query alone.
    pub(super) fn of_query(request: &impl Asking) -> Self {
        let mut form = Self {
            rendering: Rendering::default(),
            parameters: Ok(Parameters::default()),
            unread: None,
        };
        form.add(request.query().as_bytes());
        form
    }

    /// Adds the pairs of `encoded`. One that is broken spoils the parameters, but not the
    /// rendering.
    fn add(&mut self, encoded: &[u8]) {
        for pair in encoded
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (
                halves.next().unwrap_or_default(),
                halves.next().unwrap_or_default(),
            );
            let decoded = decode(name).and_then(|name| Some((name, decode(value)?)));
            match (decoded, &mut self.parameters) {
                (Some((name, value)), parameters) => {
                    if name.eq_ignore_ascii_case("output") {
                        self.rendering = Rendering::parse(value.trim()).unwrap_or_default();
                    }
                    if let Ok(parameters) = parameters {
                        parameters.insert(&name, &value);
                    }
                }
                (None, Ok(_)) => {
                    let reason = "are not properly percent-encoded UTF-8";
                    self.parameters =
                        Err(Error::invalid("The request's parameters", reason).into());
                }
                (None, Err(_)) => {}
            }
        }
    }
}

/// The members that a JSON object may have, the settings aside.
const TEXTS: [&str; 2] = ["expire", "cloneSettings"];
const SETTINGS: &str = "settings";

/// Reads a JSON object into `parameters`. A member that is not known is refused: passing it over
/// could mint a token that was not to be minted like that.
pub(super) async fn read_object(
    parameters: &mut Parameters,
    payload: Payload,
    limits: &Limits,
) -> Result<(), Failure> {
    let body = body::read(payload, limits.settings_body, limits).await?;
    Ok(add_members(parameters, &body)?)
}

fn add_members(parameters: &mut Parameters, body: &[u8]) -> Result<(), Error> {
    let Value::Object(members) = json::parse(body)? else {
        let reason = "must be a JSON object";
        return Err(Error::invalid("The request's body", reason));
    };
    for (name, value) in members {
        let text = TEXTS.into_iter().find(|text| *text == name);
        match (text, value) {
            (Some(_), Value::String(text)) => parameters.insert(&name, &text),
            (Some(name), _) => return Err(Error::invalid(name, "must be a text")),
            (None, settings) if name == SETTINGS => parameters.insert_settings(settings),
            (None, _) => {
                let reason = "may have the members expire, cloneSettings and settings alone";
                return Err(Error::invalid("The request's body", reason));
            }
        }
    }
    Ok(())
}

/// Decodes `+` and `%XX`; `None` when an escape is broken or the outcome is not UTF-8.
pub(super) fn decode(encoded: &[u8]) -> Option<Zeroizing<String>> {
    let escapes_are_whole = encoded
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .all(|(place, _)| {
            encoded
                .get(place + 1..place + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        });
    if !escapes_are_whole {
        return None;
    }
    let bytes = encoded
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte });
    let spaced = Zeroizing::new(bytes.collect::<Vec<u8>>());
    let decoded = Cow::from(percent_decode(&spaced)).into_owned();
    String::from_utf8(decoded).ok().map(Zeroizing::new)
}

fn has_type(request: &HttpRequest, wanted: &str) -> bool {
    request.content_type().trim().eq_ignore_ascii_case(wanted)
}

async fn read_form(
    request: &HttpRequest,
    payload: Payload,
    limits: &Limits,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if request.method() != Method::POST {
        return refuse_body(request).map(|()| Zeroizing::default());
    }
    let body = body::read(payload, limits.body, limits).await?;
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'{' | b'[')) {
        // Taken for a form it would be a name without meaning, and passed over with all it asks for.
        let reason = "looks like JSON; send it with Content-Type: application/json";
        return Err(Error::invalid("The request's body", reason).into());
    }
    if body.is_empty() || has_type(request, "") || has_type(request, FORM) {
        return Ok(body);
    }
    let reason = "must be application/x-www-form-urlencoded or application/json";
    Err(Error::invalid("The request's body", reason).into())
}

/// A body where none is looked for: passing it over could mint a token that was to expire.
pub(super) fn refuse_body(request: &HttpRequest) -> Result<(), Failure> {
    let headers = request.headers();
    let has_body = headers.contains_key("transfer-encoding")
        || headers
            .get("content-length")
            .is_some_and(|length| length.as_bytes() != b"0");
    if has_body {
        return Err(Error::invalid(
            "The request's body",
            "is not read with this method; give parameters in the query",
        )
        .into());
    }
    Ok(())
}
