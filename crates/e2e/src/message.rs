//! Requests and responses as bytes, the same for HTTP/1.1 and HTTP/2.
//!
//! The tests compare bytes, so nothing is normalised except the case of header names, and values
//! need not be UTF-8.

use std::fmt;

/// Header fields, in order; names in lower case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

impl Headers {
    /// Appends a field.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.0
            .push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
    }

    /// Returns the only field with this name, as text.
    ///
    /// # Panics
    /// If there are several, or the value is not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.all(name);
        let first = all.next()?;
        assert!(all.next().is_none(), "more than one {name} in {self:?}");
        Some(std::str::from_utf8(first).unwrap_or_else(|_| panic!("{name} in {self:?}")))
    }

    /// Returns every value with this name.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Returns whether there is a field with this name.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Returns the fields except those named, sorted for comparisons.
    pub fn sorted_without(&self, names: &[&str]) -> Headers {
        let mut rest: Vec<_> = self
            .0
            .iter()
            .filter(|(n, _)| !names.contains(&n.as_str()))
            .cloned()
            .collect();
        rest.sort();
        Headers(rest)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(
                self.0
                    .iter()
                    .map(|(n, v)| format!("{n}: {}", v.escape_ascii())),
            )
            .finish()
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `host` or `:authority`.
    pub authority: String,
    /// All other fields.
    pub headers: Headers,
    /// Body. Empty: none is sent.
    pub body: Vec<u8>,
    /// Protocol to upgrade to; over HTTP/2 it becomes an extended CONNECT (RFC 8441).
    pub upgrade: Option<String>,
}

impl Request {
    /// Returns a request for `path` of the site `site.example`.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            authority: "site.example".to_owned(),
            headers: Headers::default(),
            body: Vec::new(),
            upgrade: None,
        }
    }

    /// Returns a GET request for `path`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Returns a unary gRPC call with an empty message.
    pub fn grpc(path: &str) -> Self {
        Self::new("POST", path)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-accept-encoding", "identity,gzip")
            .body([0_u8; 5])
    }

    /// Returns a WebSocket handshake.
    pub fn websocket(path: &str) -> Self {
        let mut request = Self::get(path)
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.upgrade = Some("websocket".to_owned());
        request
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }
}

/// One response, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields.
    pub headers: Headers,
    /// Body, without any transfer coding.
    pub body: Vec<u8>,
    /// Trailer fields.
    pub trailers: Headers,
    /// Why the body ended early, or `None` if it is complete.
    pub broken: Option<String>,
    /// Whether nothing followed the headers: END_STREAM on them in HTTP/2; no body and no trailers
    /// in HTTP/1.1.
    pub headers_only: bool,
}

impl Response {
    /// Returns the only header field with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Returns the body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }
}
