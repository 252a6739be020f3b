//! Defaults, `moneyer.toml`, `MONEYER_*`, flags: which wins, and what is refused.

use crate::{
    process::Invocation,
    server::Server,
    support::{Folder, STORE},
};

/// The loopback address at which a server came to listen, whatever its port.
#[track_caller]
fn host(server: Invocation) -> String {
    Server::of(server.spawn()).address.ip().to_string()
}

#[test]
fn each_source_wins_over_the_one_before() {
    let folder = Folder::new();
    folder.write("moneyer.toml", "listen = '127.0.0.2:0'\n");
    let serve = || folder.moneyer(&["serve"]);
    assert_eq!(host(serve()), "127.0.0.2");
    let variable = || serve().env("MONEYER_LISTEN", "127.0.0.3:0");
    assert_eq!(host(variable()), "127.0.0.3");
    let flag = folder.moneyer(&["serve", "--listen", "127.0.0.4:0"]);
    assert_eq!(host(flag.env("MONEYER_LISTEN", "127.0.0.3:0")), "127.0.0.4");
}

#[test]
fn the_store_is_where_the_strongest_source_says() {
    let folder = Folder::new();
    let create = ["account", "create", "acme"];
    let flag = [&create[..], &["--database", "sqlite:flag.db"]].concat();
    let made = |name: &str| folder.path(name).exists();
    folder.moneyer(&create).run().done();
    assert!(made(STORE));
    folder.write("moneyer.toml", "database = 'sqlite:file.db'\n");
    folder.moneyer(&create).run().done();
    assert!(made("file.db"));
    let with_variable = |arguments: &[&str]| {
        let run = folder.moneyer(arguments);
        run.env("MONEYER_DATABASE_URL", "sqlite:variable.db").run()
    };
    // The account would be known already if it went to one of the stores before.
    with_variable(&create).done();
    assert!(made("variable.db"));
    with_variable(&flag).done();
    assert!(made("flag.db"));
}

#[test]
fn the_file_is_the_one_that_the_strongest_source_names() {
    let folder = Folder::new();
    folder.write("moneyer.toml", "listen = '127.0.0.2:0'\n");
    folder.write("variable.toml", "listen = '127.0.0.3:0'\n");
    folder.write("flag.toml", "listen = '127.0.0.4:0'\n");
    let variable = folder.moneyer(&["serve"]);
    let variable = variable.env("MONEYER_CONFIG", "variable.toml");
    assert_eq!(host(variable), "127.0.0.3");
    let flag = folder.moneyer(&["serve", "--config", "flag.toml"]);
    let flag = flag.env("MONEYER_CONFIG", "variable.toml");
    assert_eq!(host(flag), "127.0.0.4");
}

#[test]
fn a_setting_in_a_table_comes_from_file_and_environment() {
    let (folder, key) = Folder::with_key();
    let target = format!("/v2/auth?list=1&unknown={}", "x".repeat(200));
    let status = |serve: Invocation| {
        let server = Server::of(serve.spawn());
        let request = ureq::http::Request::get(server.url() + &target);
        let request = request.header("Authorization", format!("Bearer {}", key.secret));
        server.send(request).status
    };
    assert_eq!(status(folder.serving(&[])), 200);
    folder.write("moneyer.toml", "[limits]\ntarget = 100\n");
    assert_eq!(status(folder.serving(&[])), 414);
    let serve = folder.serving(&[]).env("MONEYER_LIMITS_TARGET", "1000");
    assert_eq!(status(serve), 200);
}

#[test]
fn the_example_file_can_be_used_as_it_is() {
    let folder = Folder::new();
    folder.write("moneyer.toml", include_str!("../../moneyer.example.toml"));
    folder.account("acme");
    assert!(folder.path(STORE).exists());
    folder.moneyer(&["doctor"]).run().done();
}

#[test]
fn an_unknown_name_in_the_file_is_refused_with_file_and_line() {
    let folder = Folder::new();
    for (content, name, line) in [
        ("workers = 1\nlisen = '127.0.0.1:0'\n", "lisen", "line 2"),
        ("\n[limits]\nbodi = 1\n", "bodi", "line 3"),
        ("[limit]\nbody = 1\n", "limit", "line 1"),
    ] {
        folder.write("my.toml", content);
        let run = folder.moneyer(&["account", "list", "--config", "my.toml"]);
        run.run().refused().says("my.toml").says(name).says(line);
    }
}

#[test]
fn an_unknown_variable_is_refused_by_its_name() {
    let folder = Folder::new();
    for name in [
        "MONEYER_LISEN",
        "MONEYER_LIMITS_BODI",
        "MONEYER_",
        "MONEYER_DATABASE_PATH",
    ] {
        let run = folder
            .moneyer(&["account", "create", "acme"])
            .env(name, "1");
        run.run()
            .refused()
            .in_one_sentence()
            .says(&format!("{name} "));
    }
    assert_eq!(folder.files(), Vec::<String>::new());
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    let folder = Folder::new();
    let create = folder.moneyer(&["account", "create", "acme"]);
    create
        .env("MONEYERS_LISEN", "1")
        .env("LISTEN", "1")
        .run()
        .done();
}

#[test]
fn a_value_that_makes_no_sense_is_refused_with_its_place() {
    let folder = Folder::new();
    for (name, value) in [
        ("MONEYER_LISTEN", "everywhere"),
        ("MONEYER_LISTEN", "127.0.0.1"),
        ("MONEYER_LIMITS_BODY", "much"),
        ("MONEYER_LIMITS_BODY", "-1"),
        ("MONEYER_LIMITS_KEEP_ALIVE", "75"),
        ("MONEYER_TRUSTED_PROXIES", "['10.0.0.0/33']"),
        ("MONEYER_LOG_FORMAT", "xml"),
        ("MONEYER_LOG_LEVEL", "loud"),
    ] {
        let run = folder.moneyer(&["serve"]).env(name, value).run();
        run.refused().in_one_sentence().says(name);
    }
    for (content, place) in [
        ("[sweeper]\ninterval = '2h'\n", "sweeper.interval"),
        ("[sweeper]\nretention = '1h'\n", "sweeper.retention"),
        (
            "[limits]\nshutdown_timeout = '10s'\n",
            "limits.shutdown_timeout",
        ),
        ("[store]\nreaders = 0\n", "store.readers"),
        ("listen = 8080\n", "line 1"),
        ("listen = \n", "line 1"),
    ] {
        folder.write("moneyer.toml", content);
        folder.moneyer(&["serve"]).run().refused().says(place);
    }
    assert_eq!(folder.files(), ["moneyer.toml"]);
}

#[test]
fn an_address_on_the_command_line_that_is_none_is_refused() {
    let folder = Folder::new();
    let run = folder.moneyer(&["serve", "--listen", "everywhere"]).run();
    let run = run.says("listen").keeps_quiet_about("panicked");
    assert!(matches!(run.code, Some(1 | 2)), "{run:?}");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = Folder::new();
    let flag = folder.moneyer(&["account", "list", "--config", "no.toml"]);
    flag.run().refused().in_one_sentence().says("no.toml");
    let variable = folder.moneyer(&["account", "list"]);
    let variable = variable.env("MONEYER_CONFIG", "no.toml").run();
    variable.refused().in_one_sentence().says("no.toml");
}
