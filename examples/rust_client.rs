//! Mints, lists and disables tokens with `ureq` (whose feature `rustls` adds `https`).
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program of its own"
)]

use std::hash::{BuildHasher, RandomState};
use std::{env, fmt, process::ExitCode, thread::sleep, time::Duration};

use chrono::{TimeDelta, Utc};
use serde_json::Value;

enum Error {
    /// The status, the body with its `ERROR` and `MESSAGE`, and the seconds of `Retry-After`.
    Refused(u16, Value, Option<u64>),
    NoAnswer(ureq::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Refused(status, body, _) => {
                let (code, message) = (body["ERROR"].as_str(), body["MESSAGE"].as_str());
                let code = code.unwrap_or("unexpected_answer"); // a proxy's page, say
                write!(f, "{code} ({status}): {}", message.unwrap_or_default())
            }
            Self::NoAnswer(error) => write!(f, "no answer: {error}"),
        }
    }
}

struct Moneyer {
    agent: ureq::Agent,
    url: String,
    key: String,
}

impl Moneyer {
    fn mint(&self, parameters: &[(&str, &str)]) -> Result<String, Error> {
        let body = self.call(parameters)?;
        Ok(body["TOKEN"].as_str().unwrap_or_default().to_owned())
    }

    fn list(&self) -> Result<Vec<Value>, Error> {
        let body = self.call(&[("list", "1")])?;
        Ok(body["TOKENS"].as_array().cloned().unwrap_or_default())
    }

    fn disable(&self, token: &str) -> Result<(), Error> {
        self.call(&[("disableToken", token)]).map(drop)
    }

    /// Every call may be repeated, so a lost answer is asked for again, and `Retry-After` is heeded.
    fn call(&self, parameters: &[(&str, &str)]) -> Result<Value, Error> {
        // Makes a repeated mint answer with the token already minted; other calls have no use for it.
        let random = RandomState::new();
        let once = format!("{:016x}{:016x}", random.hash_one(1), random.hash_one(2));
        for _ in 0..2 {
            match self.send(parameters, &once) {
                Err(Error::Refused(.., Some(seconds))) => sleep(Duration::from_secs(seconds)),
                Err(Error::NoAnswer(_)) => sleep(Duration::from_secs(1)),
                done => return done,
            }
        }
        self.send(parameters, &once)
    }

    fn send(&self, parameters: &[(&str, &str)], once: &str) -> Result<Value, Error> {
        let post = self.agent.post(&self.url); // POST, since a query shows in access logs
        let mut answer = post
            .header("Authorization", format!("Bearer {}", self.key))
            .header("Idempotency-Key", once)
            .send_form(parameters.iter().copied())
            .map_err(Error::NoAnswer)?;
        let text = answer.body_mut().read_to_string();
        let body = serde_json::from_str(&text.map_err(Error::NoAnswer)?).unwrap_or_default();
        if answer.status() == 200 {
            return Ok(body);
        }
        let retry_after = answer.headers().get("Retry-After");
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Err(Error::Refused(answer.status().as_u16(), body, seconds))
    }
}

fn run(moneyer: &Moneyer) -> Result<(), Error> {
    let token = moneyer.mint(&[])?;
    println!("minted {token}");
    let expire = (Utc::now() + TimeDelta::hours(1)).format("%Y%m%d%H%M");
    let second = moneyer.mint(&[("expire", &expire.to_string())])?;
    println!("minted {second} until {expire}");
    println!("listed {}", moneyer.list()?.len());
    moneyer.disable(&token)?;
    println!("disabled {token}");
    println!("listed {}", moneyer.list()?.len());
    match moneyer.disable(&"0".repeat(32)) {
        Err(error @ Error::Refused(404, ..)) => println!("refused {error}"),
        other => return other,
    }
    println!("ok");
    Ok(())
}

fn main() -> ExitCode {
    let url = env::var("MONEYER_URL").unwrap_or_else(|_| "http://127.0.0.1:8080".into());
    let key = env::var("MONEYER_API_KEY").unwrap_or_default();
    if key.is_empty() {
        eprintln!("rust_client: set MONEYER_API_KEY to a private key");
        return ExitCode::from(2);
    }
    let config = ureq::config::Config::builder()
        .http_status_as_error(false) // the body of a refusal says why
        .timeout_global(Some(Duration::from_secs(10)));
    let moneyer = Moneyer {
        agent: config.build().into(),
        url: url + "/v2/auth",
        key,
    };
    let Err(error) = run(&moneyer) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("rust_client: {error}");
    ExitCode::FAILURE
}
