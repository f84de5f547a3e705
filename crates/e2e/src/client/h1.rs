//! An HTTP/1.1 client of our own. It is strict about framing, which the tests are about, and passes
//! bytes that libraries refuse.

use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::message::{Headers, Request, Response};

/// A client that reuses its connections.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::new(Vec::new()),
        }
    }

    pub(super) async fn send(&self, request: &Request) -> Result<Response, String> {
        let idle = self.idle.lock().expect("idle connections").pop();
        let mut connection = match idle {
            Some(connection) if connection.is_open()? => connection,
            _ => Connection::open(self.address).await?,
        };
        let response = connection.exchange(request).await?;
        if connection.reusable {
            self.idle.lock().expect("idle connections").push(connection);
        }
        Ok(response)
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    reusable: bool,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|e| format!("connect: {e}"))?;
        let _ = stream.set_nodelay(true);
        Ok(Self {
            stream,
            buffer: Vec::new(),
            reusable: true,
        })
    }

    /// Returns whether the connection can be reused. Unexpected bytes mean that the last response
    /// was longer than announced: a body after HEAD, or a wrong length.
    fn is_open(&self) -> Result<bool, String> {
        let mut more = [0_u8; 64];
        match self.stream.try_read(&mut more) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(true),
            Ok(0) | Err(_) => Ok(false),
            Ok(n) => Err(format!(
                "after the end of a response: {}",
                more[..n].escape_ascii()
            )),
        }
    }

    async fn exchange(&mut self, request: &Request) -> Result<Response, String> {
        self.reusable = false;
        // Envoy may close the connection after a response for which it did not read the request
        // body.
        let sent = self.stream.write_all(&encode(request)).await;
        let mut head = loop {
            let head = self
                .head()
                .await
                .map_err(|error| format!("{error}; sending: {sent:?}"))?;
            if head.status >= 200 || head.status == 101 {
                break head;
            }
        };
        let bodiless = request.method == "HEAD" || matches!(head.status, 101 | 204 | 304);
        let tunnel = head.status == 101 || (request.method == "CONNECT" && head.status == 200);
        let mut response = Response {
            status: head.status,
            headers: std::mem::take(&mut head.headers),
            body: Vec::new(),
            trailers: Headers::default(),
            broken: None,
            headers_only: true,
        };
        let mut until_close = false;
        if !bodiless && !tunnel {
            let lengths: Vec<_> = response.headers.all("content-length").collect();
            let coding = response.headers.get("transfer-encoding");
            match (lengths.as_slice(), coding) {
                ([], Some("chunked")) => {
                    let result = self
                        .chunks(&mut response.body, &mut response.trailers)
                        .await;
                    response.broken = result.err();
                }
                ([], None) => {
                    until_close = true;
                    response.broken = self.rest(&mut response.body).await.err();
                }
                ([length], None) => {
                    let length = std::str::from_utf8(length)
                        .ok()
                        .and_then(|l| l.parse().ok());
                    let length: usize = length.ok_or("a content-length that is no number")?;
                    let result = self.fill(length).await;
                    let have = length.min(self.buffer.len());
                    response.body = self.buffer.drain(..have).collect();
                    response.broken = result.err();
                }
                _ => return Err(format!("framing that is not clear: {:?}", response.headers)),
            }
            response.headers_only = response.body.is_empty() && response.trailers.0.is_empty();
        }
        let closes = response
            .headers
            .all("connection")
            .any(|value| value == b"close");
        self.reusable = response.broken.is_none() && !closes && !until_close && !tunnel;
        if self.reusable && !self.buffer.is_empty() {
            return Err(format!("after the end: {}", self.buffer.escape_ascii()));
        }
        Ok(response)
    }

    async fn head(&mut self) -> Result<Response, String> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill(self.buffer.len() + 1).await?;
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let mut lines = head
            .split(|&byte| byte == b'\n')
            .map(|line| line.trim_ascii_end());
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let status = first
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        let status = status.and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("not a status line: {first}"))?;
        let mut headers = Headers::default();
        for line in lines.filter(|line| !line.is_empty()) {
            add_field(&mut headers, line)?;
        }
        Ok(Response {
            status,
            headers,
            body: Vec::new(),
            trailers: Headers::default(),
            broken: None,
            headers_only: false,
        })
    }

    async fn chunks(&mut self, body: &mut Vec<u8>, trailers: &mut Headers) -> Result<(), String> {
        loop {
            let line = self.line().await?;
            let text = String::from_utf8_lossy(&line).into_owned();
            let size = usize::from_str_radix(&text, 16).map_err(|e| format!("{text:?}: {e}"))?;
            if size == 0 {
                break;
            }
            let filled = self.fill(size + 2).await;
            let have = size.min(self.buffer.len());
            body.extend(self.buffer.drain(..have));
            filled?;
            self.buffer.drain(..2);
        }
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(());
            }
            add_field(trailers, &line)?;
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, String> {
        let end = loop {
            if let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                break at;
            }
            self.fill(self.buffer.len() + 1).await?;
        };
        let line = self.buffer.drain(..end + 2).take(end).collect();
        Ok(line)
    }

    async fn fill(&mut self, length: usize) -> Result<(), String> {
        while self.buffer.len() < length {
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) => return Err("the connection was closed".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    async fn rest(&mut self, body: &mut Vec<u8>) -> Result<(), String> {
        let result = self.stream.read_to_end(&mut self.buffer).await;
        body.append(&mut self.buffer);
        result.map(drop).map_err(|error| error.to_string())
    }
}

fn add_field(headers: &mut Headers, line: &[u8]) -> Result<(), String> {
    let colon = line.iter().position(|&byte| byte == b':');
    let (name, value) = line.split_at(colon.ok_or("a header line without a colon")?);
    let name = std::str::from_utf8(name).map_err(|error| error.to_string())?;
    headers.add(name, value[1..].trim_ascii());
    Ok(())
}

fn encode(request: &Request) -> Vec<u8> {
    let body = &request.body;
    let mut framed = request.clone();
    if !body.is_empty() || request.method == "POST" {
        framed.headers.add("content-length", body.len().to_string());
    }
    [&encode_head(&framed), body.as_slice()].concat()
}

/// Returns the request line and the header fields, without any that announce a body.
pub(super) fn encode_head(request: &Request) -> Vec<u8> {
    let Request {
        method,
        path,
        authority,
        headers,
        body: _,
        upgrade,
    } = request;
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\n").into_bytes();
    if let Some(protocol) = upgrade {
        bytes.extend(format!("connection: upgrade\r\nupgrade: {protocol}\r\n").into_bytes());
    }
    for (name, value) in &headers.0 {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes
}
