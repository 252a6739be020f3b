//! The ceiling: actix-web answering a constant.

use std::{net::SocketAddr, sync::Arc};

use actix_web::{App, HttpResponse, HttpServer, web};
use clap::Args;

use crate::Outcome;

/// What comes before the body. The date is always as long as this one.
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\
                    date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";

/// Serve a constant from a handler that does nothing else
#[derive(Args)]
pub struct Bare {
    /// The address to serve at
    #[arg(long)]
    listen: SocketAddr,
    /// How many threads serve requests
    #[arg(long)]
    workers: usize,
    /// The length of the whole answer, head and body: bytes
    #[arg(long)]
    answer_bytes: usize,
}

impl Bare {
    pub fn run(self) -> Outcome {
        let length = self.answer_bytes.saturating_sub(HEAD.len());
        let body = web::Bytes::from("x".repeat(length));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(Arc::new(body.clone())))
                .default_service(web::to(answer))
        });
        let server = server.workers(self.workers).bind(self.listen)?.run();
        Ok(actix_web::rt::System::new().block_on(server)?)
    }
}

async fn answer(body: web::Data<web::Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(web::Bytes::clone(&body))
}
