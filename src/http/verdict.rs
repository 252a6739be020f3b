//! Verdicts on tokens as answers.

use std::{borrow::Cow, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;

use super::failure::Failure;
use crate::{
    command::Verdict,
    verification::{Finding, Rate, Refusal, Standing, Subject},
};

static X_MONEYER_ACCOUNT: HeaderName = HeaderName::from_static("x-moneyer-account");
static X_MONEYER_KEY: HeaderName = HeaderName::from_static("x-moneyer-key");
static X_MONEYER_TOKEN: HeaderName = HeaderName::from_static("x-moneyer-token");
static X_MONEYER_SCOPES: HeaderName = HeaderName::from_static("x-moneyer-scopes");
static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const JSON: &str = "application/json";

/// The answer to a gateway.
pub(super) enum Answer {
    /// That the token is good, which is the answer that is given most.
    Accepted(Accepted),
    /// Any other.
    Refused(HttpResponse),
}

/// That a token is good.
pub(super) struct Accepted {
    subject: Arc<Subject>,
    rate: Option<Rate>,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Refused<'a> {
    success: bool,
    error: Why<'a>,
}

#[derive(Serialize)]
struct Why<'a> {
    code: &'a str,
    message: String,
}

/// A rule, as it is told.
#[derive(Serialize)]
struct Line<'a> {
    rule: &'static str,
    verdict: &'static str,
    reason: &'a str,
}

/// A JSON object with each rule in it, where that was asked for.
fn with_rules<'a>(object: impl Into<Cow<'a, str>>, findings: &[Finding]) -> Cow<'a, str> {
    let object = object.into();
    if findings.is_empty() {
        return object;
    }
    let lines = findings.iter().map(|finding| Line {
        rule: finding.rule.name(),
        verdict: match finding.standing {
            Standing::Kept => "pass",
            Standing::Broken => "fail",
            Standing::Open => "skipped",
        },
        reason: &finding.reason,
    });
    let lines: Vec<_> = lines.collect();
    let mut object = object.into_owned();
    object.truncate(object.len() - 1);
    object.push_str(",\"rules\":");
    object.push_str(&to_json(&lines));
    object.push('}');
    object.into()
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are always JSON")
}

/// How a gateway wants a token that is used too often to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooOften {
    /// As it is: 429.
    AsItIs,
    /// As 403, since the gateway passes on no other refusals than 401 and 403.
    Forbidden,
}

/// The answer to a gateway that asked about a token; `wanted` are the scopes that it asked for.
pub(super) fn answer(verdict: Verdict, wanted: &[String], too_often: TooOften) -> Answer {
    let refusal = match verdict.outcome {
        Ok(subject) => {
            return Answer::Accepted(Accepted {
                subject,
                rate: verdict.rate,
                findings: verdict.findings,
            });
        }
        Err(refusal) => refusal,
    };
    let status = status(refusal, too_often);
    let mut response = HttpResponse::build(status);
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let challenge = challenge(refusal, wanted);
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    let mut response = refused(&mut response, code(refusal), &refusal, &verdict.findings);
    let headers = response.headers_mut();
    each_rate_header(verdict.rate, |name, value| {
        headers.insert(name.clone(), text(value));
    });
    Answer::Refused(response)
}

impl Accepted {
    /// Gives `add` its headers.
    pub(super) fn each_header(&self, mut add: impl FnMut(&HeaderName, &str)) {
        let identity = &self.subject.identity;
        add(&header::CONTENT_TYPE, JSON);
        add(&X_MONEYER_ACCOUNT, identity.account());
        add(&X_MONEYER_KEY, identity.key());
        add(&X_MONEYER_TOKEN, identity.token());
        add(&X_MONEYER_SCOPES, identity.scopes());
        each_rate_header(self.rate, add);
    }

    /// What is said of the token, as a JSON object.
    pub(super) fn body(&self) -> Cow<'_, str> {
        with_rules(self.subject.identity.introspection(), &self.findings)
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Accepted(accepted) => {
                let mut response = Self::Ok().body(accepted.body().into_owned());
                let headers = response.headers_mut();
                accepted.each_header(|name, value| headers.append(name.clone(), text(value)));
                response
            }
            Answer::Refused(response) => response,
        }
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("ids, scopes and numbers are printable")
}

/// The response to a gateway whose question could not be answered.
pub(super) fn failed(response: &mut HttpResponseBuilder, failure: &Failure) -> HttpResponse {
    let (code, error) = match failure.status() {
        StatusCode::UNAUTHORIZED => ("UNAUTHORIZED", Some("invalid_client")),
        StatusCode::FORBIDDEN => ("FORBIDDEN", Some("unauthorized_client")),
        StatusCode::METHOD_NOT_ALLOWED => ("METHOD_NOT_ALLOWED", None),
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("TOO_LARGE", None)
        }
        StatusCode::TOO_MANY_REQUESTS => ("RATE_LIMITED", None),
        StatusCode::SERVICE_UNAVAILABLE => ("UNAVAILABLE", None),
        StatusCode::INTERNAL_SERVER_ERROR => ("INTERNAL", None),
        _ => ("BAD_REQUEST", None),
    };
    if let Some(error) = error {
        // The realm comes first: so who serves the token's holder tells this from a refused token.
        let challenge = format!(r#"Bearer realm="moneyer", error="{error}""#);
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    refused(response, code, failure, &[])
}

/// The status of a refusal: the one place where it is decided.
const fn status(refusal: Refusal, too_often: TooOften) -> StatusCode {
    match refusal {
        Refusal::Missing | Refusal::NotGood => StatusCode::UNAUTHORIZED,
        Refusal::Origin | Refusal::Address | Refusal::Scope => StatusCode::FORBIDDEN,
        Refusal::Rate => match too_often {
            TooOften::AsItIs => StatusCode::TOO_MANY_REQUESTS,
            TooOften::Forbidden => StatusCode::FORBIDDEN,
        },
    }
}

const fn code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Missing | Refusal::NotGood => "UNAUTHORIZED",
        Refusal::Origin | Refusal::Address | Refusal::Scope => "FORBIDDEN",
        Refusal::Rate => "RATE_LIMITED",
    }
}

/// The value of `WWW-Authenticate` (RFC 6750, section 3). Its codes are that section's where one
/// fits.
fn challenge(refusal: Refusal, wanted: &[String]) -> String {
    let error = match refusal {
        Refusal::Missing => "invalid_request",
        Refusal::NotGood => "invalid_token",
        Refusal::Origin | Refusal::Address => "access_denied",
        Refusal::Scope => "insufficient_scope",
        Refusal::Rate => "slow_down",
    };
    let challenge = format!(r#"Bearer error="{error}", realm="moneyer""#);
    if refusal == Refusal::Scope {
        let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        let scopes = wanted.iter().filter(|scope| scope.bytes().all(fits));
        let scopes: Vec<&str> = scopes.map(String::as_str).collect();
        return format!(r#"{challenge}, scope="{}""#, scopes.join(" "));
    }
    challenge
}

/// Gives `add` the headers `RateLimit` and `RateLimit-Policy`
/// (draft-ietf-httpapi-ratelimit-headers-10), and `Retry-After` where none is left.
fn each_rate_header(rate: Option<Rate>, mut add: impl FnMut(&HeaderName, &str)) {
    let Some(rate) = rate else { return };
    let (requests, seconds) = (rate.limit.requests.get(), rate.limit.per_seconds.get());
    let used = u64::from(requests.saturating_sub(rate.remaining));
    let until_full = (used * u64::from(seconds)).div_ceil(u64::from(requests));
    let reset = rate.wait.map_or(until_full, whole_seconds);
    add(
        &RATE_LIMIT_POLICY,
        &format!(r#""token";q={requests};w={seconds}"#),
    );
    let remaining = rate.remaining;
    add(&RATE_LIMIT, &format!(r#""token";r={remaining};t={reset}"#));
    if rate.wait.is_some() {
        add(&header::RETRY_AFTER, &reset.max(1).to_string());
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn refused(
    response: &mut HttpResponseBuilder,
    code: &str,
    message: &impl ToString,
    findings: &[Finding],
) -> HttpResponse {
    let error = Why {
        code,
        message: message.to_string(),
    };
    let refused = Refused {
        success: false,
        error,
    };
    json(response, to_json(&refused), findings)
}

fn json(response: &mut HttpResponseBuilder, object: String, findings: &[Finding]) -> HttpResponse {
    response
        .insert_header((header::CONTENT_TYPE, JSON))
        .body(with_rules(object, findings).into_owned())
}
