//! Clients: two of our own that see every byte and are fast enough for hundreds of requests, and
//! real ones.

pub mod browser;
pub mod curl;
pub mod grpc;
mod h1;
mod h2;
pub mod rpc;
pub mod upload;

use std::net::SocketAddr;
use std::time::Duration;

use crate::message::{Request, Response};

/// Limit for a response; no request should hang longer.
const LIMIT: Duration = Duration::from_secs(20);

/// The protocol between client and Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    H1,
    /// HTTP/2 without TLS, by prior knowledge.
    H2,
}

/// A client of one listener. It reuses its connections.
#[derive(Debug)]
pub enum Client {
    /// HTTP/1.1.
    H1(h1::Client),
    /// HTTP/2.
    H2(h2::Client),
}

impl Client {
    /// Returns a client of an address. It connects when it has to.
    pub fn new(protocol: Protocol, address: SocketAddr) -> Self {
        match protocol {
            Protocol::H1 => Client::H1(h1::Client::new(address)),
            Protocol::H2 => Client::H2(h2::Client::new(address)),
        }
    }

    /// Sends a request and reads the response to its end. Several requests can be in progress.
    ///
    /// # Errors
    /// If no complete header section arrives, the response is not HTTP, or the limit passes. A body
    /// that breaks off is a response with [`Response::broken`].
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

    /// Sends a request and blocks until the response.
    ///
    /// # Panics
    /// On the errors of [`Client::send`].
    pub fn get(&self, request: &Request) -> Response {
        crate::runtime()
            .block_on(self.send(request))
            .unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.path))
    }
}
