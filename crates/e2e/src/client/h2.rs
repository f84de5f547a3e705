//! An HTTP/2 client (prior knowledge): one connection, many streams.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::ext::Protocol;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::message::{Headers, Request, Response};

/// A client that reuses its connection.
pub struct Client {
    address: SocketAddr,
    connection: Mutex<Option<SendRequest<Bytes>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP/2 client of {}", self.address)
    }
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: Mutex::new(None),
        }
    }

    pub(super) async fn send(&self, request: &Request) -> Result<Response, String> {
        let mut sender = self.connection().await?;
        let ends = request.body.is_empty();
        let (response, mut body) = sender
            .send_request(encode(request)?, ends)
            .map_err(|error| error.to_string())?;
        if !ends {
            // The response may have arrived already and ended the stream, which is no error.
            let _ = body.send_data(Bytes::from(request.body.clone()), true);
        }
        let response = response.await.map_err(|error| error.to_string())?;
        let (head, mut stream) = response.into_parts();
        let tunnel = request.upgrade.is_some() && head.status == 200;
        let mut answer = Response {
            status: head.status.as_u16(),
            headers: headers(&head.headers),
            body: Vec::new(),
            trailers: Headers::default(),
            broken: None,
            headers_only: stream.is_end_stream(),
        };
        if !tunnel {
            answer.broken = read(&mut stream, &mut answer).await.err();
        }
        Ok(answer)
    }

    async fn connection(&self) -> Result<SendRequest<Bytes>, String> {
        let mut slot = self.connection.lock().await;
        if let Some(sender) = slot.take() {
            if let Ok(ready) = sender.ready().await {
                *slot = Some(ready.clone());
                return Ok(ready);
            }
        }
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(|e| format!("connect: {e}"))?;
        let _ = stream.set_nodelay(true);
        // Large windows, since the tests are not about flow control.
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(8 << 20)
            .initial_connection_window_size(32 << 20)
            .handshake(stream)
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        // An extended CONNECT may be sent only after the server's settings allow it (RFC 8441 §3),
        // and all listeners of the tests do.
        while !sender.is_extended_connect_protocol_enabled() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        *slot = Some(sender.clone());
        Ok(sender)
    }
}

async fn read(stream: &mut h2::RecvStream, answer: &mut Response) -> Result<(), String> {
    while let Some(data) = stream.data().await {
        let data = data.map_err(|error| error.to_string())?;
        let _ = stream.flow_control().release_capacity(data.len());
        answer.body.extend_from_slice(&data);
    }
    let trailers = stream.trailers().await.map_err(|error| error.to_string())?;
    answer.trailers = trailers
        .map(|trailers| headers(&trailers))
        .unwrap_or_default();
    Ok(())
}

fn headers(map: &HeaderMap) -> Headers {
    Headers(
        map.iter()
            .map(|(n, v)| (n.as_str().to_owned(), v.as_bytes().to_vec()))
            .collect(),
    )
}

pub(super) fn encode(request: &Request) -> Result<http::Request<()>, String> {
    let uri = Uri::builder()
        .scheme("http")
        .authority(request.authority.as_str())
        .path_and_query(request.path.as_str())
        .build()
        .map_err(|error| error.to_string())?;
    let method = if request.upgrade.is_some() {
        "CONNECT"
    } else {
        &request.method
    };
    let mut encoded = http::Request::builder()
        .version(Version::HTTP_2)
        .method(method)
        .uri(uri)
        .body(())
        .map_err(|error| error.to_string())?;
    if let Some(protocol) = &request.upgrade {
        encoded
            .extensions_mut()
            .insert(Protocol::from(protocol.as_str()));
    }
    for (name, value) in &request.headers.0 {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| e.to_string())?;
        let value = HeaderValue::from_bytes(value).map_err(|e| e.to_string())?;
        encoded.headers_mut().append(name, value);
    }
    Ok(encoded)
}
