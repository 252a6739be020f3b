//! The applications with the middlewares, Moneyer before which they stand, and what both answer.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request};

use crate::{
    process::{Invocation, Process},
    server::Server,
    support::{Folder, Key},
};

/// By when what was remembered is forgotten, on a slow machine too; the applications promise two
/// seconds.
pub const FORGOTTEN: Duration = Duration::from_secs(20);

/// Moneyer with an account and a key that mints.
pub struct Moneyer {
    pub server: Server,
    pub account: String,
    pub key: Key,
    pub folder: Folder,
}

/// An application that lets holders of a token with the scope `tiles` see who they are.
pub struct Application {
    pub name: &'static str,
    url: String,
    agent: ureq::Agent,
    pub process: Process,
}

#[derive(Debug)]
pub struct Answer {
    #[expect(dead_code, reason = "says in a failed test who answered")]
    from: &'static str,
    pub status: u16,
    headers: HeaderMap,
    body: String,
}

pub type Headers<'a> = &'a [(&'a str, &'a str)];

impl Moneyer {
    pub fn start() -> Self {
        let folder = Folder::new();
        let account = folder.account("acme");
        let key = folder.key("acme", &[]);
        let process = folder
            .serving(&[])
            .env("MONEYER_TRUSTED_PROXIES", "['127.0.0.1/32']");
        Self {
            server: Server::of(process.spawn()),
            account,
            key,
            folder,
        }
    }

    #[track_caller]
    pub fn mint(&self, settings: &Value) -> String {
        self.mint_until(settings, None)
    }

    #[track_caller]
    pub fn mint_until(&self, settings: &Value, expire: Option<&str>) -> String {
        let mut body = json!({ "settings": settings });
        if let Some(expire) = expire {
            body["expire"] = expire.into();
        }
        let post = Request::post(self.server.url() + "/v2/auth")
            .header("Authorization", format!("Bearer {}", self.key.secret))
            .header("Content-Type", "application/json");
        let sent = agent().run(post.body(body.to_string()).unwrap());
        let minted = Answer::of("moneyer", sent.unwrap()).json(200);
        minted["TOKEN"].as_str().unwrap().to_owned()
    }

    /// What Moneyer itself says to a question with these headers.
    pub fn says(&self, headers: Headers) -> Answer {
        let url = self.server.url() + "/v2/verify?scope=tiles";
        Answer::to("moneyer", &agent(), &url, headers)
    }

    /// Both applications.
    pub fn guarding(&self) -> [Application; 2] {
        self.guarding_with("")
    }

    pub fn guarding_with(&self, key: &str) -> [Application; 2] {
        Application::both(&self.folder, &self.server.url(), key)
    }
}

impl Application {
    pub fn both(folder: &Folder, moneyer: &str, key: &str) -> [Self; 2] {
        let actix = built_example("actix_middleware");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python_middleware.py");
        let actix = folder.program(actix.to_str().unwrap(), &[]);
        let python = folder.program("python3", &[script.to_str().unwrap()]);
        let surroundings = [
            ("LISTEN", "127.0.0.1:0"),
            ("MONEYER_URL", moneyer),
            ("MONEYER_API_KEY", key),
            // What is sent to Moneyer is for no proxy to see.
            ("http_proxy", "http://127.0.0.1:1"),
        ];
        let [actix, python] = [actix, python].map(|program| {
            let with = |program: Invocation, &(name, value): &_| program.env(name, value);
            surroundings.iter().fold(program, with).spawn()
        });
        [Self::of("actix", actix), Self::of("python", python)]
    }

    #[track_caller]
    fn of(name: &'static str, process: Process) -> Self {
        let line = |text: &str| Some(text.strip_prefix("listening at ")?.trim_end().to_owned());
        let Some(url) = process.stdout.wait_for(line) else {
            panic!("{name} does not listen: {}", process.stderr.text());
        };
        Self {
            name,
            url: url + "/tile",
            agent: agent(),
            process,
        }
    }

    pub fn get(&self, headers: Headers) -> Answer {
        Answer::to(self.name, &self.agent, &self.url, headers)
    }

    pub fn get_with(&self, token: &str) -> Answer {
        self.get(&[("X-Api-Key", token)])
    }

    /// It refuses as Moneyer does, in Moneyer's words.
    #[track_caller]
    pub fn refuses_as(&self, moneyer: &Moneyer, status: u16, headers: Headers) {
        let (here, there) = (self.get(headers), moneyer.says(headers));
        assert_eq!((here.status, there.status), (status, status), "{here:?}");
        assert_eq!(here.body, there.body);
        assert_eq!(here.json(status)["success"], false);
        let challenge = here.header("WWW-Authenticate");
        assert!(
            challenge.is_some_and(|it| it.starts_with("Bearer")),
            "{here:?}"
        );
        assert_eq!(challenge, there.header("WWW-Authenticate"));
        assert_eq!(here.header("Content-Type"), there.header("Content-Type"));
    }
}

impl Answer {
    #[track_caller]
    fn to(from: &'static str, agent: &ureq::Agent, url: &str, headers: Headers) -> Self {
        let request = Request::get(url);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let answer = agent.run(request.body(()).unwrap());
        Self::of(
            from,
            answer.unwrap_or_else(|error| panic!("{from}: {error}")),
        )
    }

    fn of(from: &'static str, mut response: ureq::http::Response<ureq::Body>) -> Self {
        Self {
            from,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Moneyer could not be asked, so the application admits nobody.
    #[track_caller]
    pub fn is_unavailable(&self) {
        assert_eq!(self.json(503)["error"]["code"], "UNAVAILABLE", "{self:?}");
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)));
    config.build().into()
}

/// A compiled example, which lies beside the folder that the tests themselves are in.
#[track_caller]
fn built_example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let built = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(name);
    let built = built.with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        built.exists(),
        "{}: build it with cargo build --examples",
        built.display()
    );
    built
}
