//! Clients: two of our own that see every byte and are fast enough for hundreds of requests, and the
//! real ones that people use.

pub mod browser;
pub mod curl;
pub mod grpc;
mod h1;
mod h2;

use std::net::SocketAddr;
use std::time::Duration;

use crate::message::{Request, Response};

/// A request that has no answer by then hangs, which no request ever should.
const LIMIT: Duration = Duration::from_secs(20);

/// The protocol between client and Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    H1,
    /// HTTP/2 without TLS, by prior knowledge.
    H2,
}

/// A client of one listener. Connections are kept and used again.
#[derive(Debug)]
pub enum Client {
    /// HTTP/1.1.
    H1(h1::Client),
    /// HTTP/2.
    H2(h2::Client),
}

impl Client {
    /// A client of that address; connects when it has to.
    pub fn new(protocol: Protocol, address: SocketAddr) -> Self {
        match protocol {
            Protocol::H1 => Client::H1(h1::Client::new(address)),
            Protocol::H2 => Client::H2(h2::Client::new(address)),
        }
    }

    /// Sends a request and reads the response to its end; many may be under way at once.
    ///
    /// # Errors
    /// If no whole header section came, if what came is not HTTP, or if it takes too long. A body
    /// that breaks off is a response, with [`Response::broken`].
    pub async fn send(&self, request: &Request) -> Result<Response, String> {
        let response = async {
            match self {
                Client::H1(client) => client.send(request).await,
                Client::H2(client) => client.send(request).await,
            }
        };
        match tokio::time::timeout(LIMIT, response).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no end of the response in {LIMIT:?}")),
        }
    }

    /// The same, from a plain function.
    ///
    /// # Panics
    /// On what [`Client::send`] calls an error.
    pub fn get(&self, request: &Request) -> Response {
        crate::runtime()
            .block_on(self.send(request))
            .unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.path))
    }
}
