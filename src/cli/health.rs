//! `moneyer health`: asks a server on this machine whether it is ready, for containers' health
//! checks.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use clap::Args;

use crate::{config::Config, error::Error};

const PATIENCE: Duration = Duration::from_secs(3);
const REQUEST: &[u8] =
    b"GET /health/readiness HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const READY: &[u8] = b"HTTP/1.1 200 ";

/// Ask the server at the configured address whether it is ready: exit code 0 when it is
#[derive(Debug, Args)]
pub(super) struct Health {}

impl Health {
    pub(super) fn run(config: &Config) -> Result<(), Error> {
        let address = reachable(config.listen);
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(REQUEST)?;
            let mut answer = [0; READY.len()];
            stream.read_exact(&mut answer)?;
            Ok(answer == READY)
        };
        match ask() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Refused(format!(
                "The server at {address} is not ready."
            ))),
            Err(cause) => Err(Error::Refused(format!(
                "No server answers at {address}: {cause}."
            ))),
        }
    }
}

/// The address at which a server that listens at `address` is reached from the same machine.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V4(_) | SocketAddr::V6(_) => address.ip(),
    };
    SocketAddr::new(ip, address.port())
}
