//! The gateways, and how each is started with its file from `examples/gateways`.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::{ports::free_address, process::Process, support::Folder};

/// What the files say, and the tests replace.
const MONEYER: &str = "127.0.0.1:8080";
const API: &str = "127.0.0.1:9000";
const LISTENING: &str = "127.0.0.1:8000";

/// The rest of nginx's configuration, in place of Debian's `nginx.conf`.
const NGINX_REST: &str = "
    user root;
    pid nginx.pid;
    events {}
    http {
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        include gateway.conf;
    }
";

/// Caddy's own address for its administration is one for all on a machine.
const CADDY_REST: &str = "{\n\tadmin off\n}\n";

/// A kind of gateway.
pub struct Gateway {
    program: &'static str,
    /// Debian's package of it.
    package: &'static str,
    arguments: &'static [&'static str],
    write_files: fn(&Site),
}

/// Where one is put together, and what it is to find around it.
struct Site {
    folder: Folder,
    gateway: SocketAddr,
    moneyer: SocketAddr,
    api: SocketAddr,
}

pub const NGINX: Gateway = Gateway {
    program: "nginx",
    package: "nginx-light",
    arguments: &["-p.", "-cnginx.conf", "-estderr", "-gdaemon off;"],
    write_files: |site| {
        site.folder.write("nginx.conf", NGINX_REST);
        site.folder
            .write("gateway.conf", site.example("nginx.conf"));
    },
};

pub const CADDY: Gateway = Gateway {
    program: "caddy",
    package: "caddy",
    arguments: &["run", "--adapter", "caddyfile", "--config", "Caddyfile"],
    write_files: |site| {
        let all = CADDY_REST.to_owned() + &site.example("Caddyfile");
        site.folder.write("Caddyfile", all);
    },
};

pub const HAPROXY: Gateway = Gateway {
    program: "haproxy",
    package: "haproxy",
    arguments: &["-db", "-f", "haproxy.cfg"],
    write_files: |site| {
        // Such a socket has one name for all on a machine, too.
        let socket = format!("abns@moneyer-{}", site.gateway.port());
        for file in ["haproxy.cfg", "haproxy.lua"] {
            let text = site.example(file).replace("abns@moneyer", &socket);
            let text = text.replace("/etc/haproxy/haproxy.lua", "haproxy.lua");
            site.folder.write(file, text);
        }
    },
};

/// A gateway that listens; ended when dropped.
pub struct Running {
    pub address: SocketAddr,
    process: Process,
    _folder: Folder,
}

impl Gateway {
    /// Starts it before an API, with Moneyer to ask.
    #[track_caller]
    pub fn start(&self, moneyer: SocketAddr, api: SocketAddr) -> Running {
        let site = Site {
            folder: Folder::new(),
            gateway: free_address(),
            moneyer,
            api,
        };
        (self.write_files)(&site);
        let home = site.folder.path("").display().to_string();
        let invocation = site
            .folder
            .program(&self.path(), self.arguments)
            .without_environment()
            .env("HOME", &home);
        let running = Running {
            address: site.gateway,
            process: invocation.spawn(),
            _folder: site.folder,
        };
        running.wait_until_listening();
        running
    }

    /// Where the program is: on `PATH`, or where Debian has what is for administrators.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "what is on PATH is for the test's caller to say"
    )]
    fn path(&self) -> String {
        let folders = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&folders)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join(self.program))
            .find(|path| path.is_file());
        let Some(found) = found else {
            let Self {
                program, package, ..
            } = self;
            panic!("{program} is missing: install Debian's package {package}.");
        };
        found.display().to_string()
    }
}

impl Site {
    /// A file from `examples/gateways` with the addresses that hold here.
    #[track_caller]
    fn example(&self, file: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateways");
        let text = fs::read_to_string(folder.join(file)).unwrap();
        text.replace(MONEYER, &self.moneyer.to_string())
            .replace(API, &self.api.to_string())
            .replace(LISTENING, &self.gateway.to_string())
    }
}

impl Running {
    #[track_caller]
    fn wait_until_listening(&self) {
        for _ in 0..1000 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not listen: {}", self.process.stderr.text());
    }
}

impl Drop for Running {
    /// Asks it to end, since nginx's workers would outlive a killed master.
    fn drop(&mut self) {
        self.process.signal("TERM");
        let until_ended = |_: &str| None::<()>;
        self.process.stderr.wait_for(until_ended);
    }
}
