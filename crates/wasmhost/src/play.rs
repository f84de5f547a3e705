//! Plays a whole exchange as Envoy runs it: a request, its response, and what the client gets.

use crate::host::{Trap, Vm};
use crate::pairs::{first, Headers};
use crate::state::LocalReply;
use crate::stream::StreamId;

/// A request to play.
#[derive(Debug, Clone)]
pub struct Request {
    /// The headers, with pseudo-headers.
    pub headers: Headers,
    /// The chunks of the body; empty if there are headers only.
    pub body: Vec<Vec<u8>>,
    /// Envoy's route name.
    pub route: String,
    /// Envoy's cluster name.
    pub cluster: String,
}

impl Request {
    /// Creates a request without a body, as a browser sends it.
    pub fn new(method: &str, path: &str) -> Request {
        let mut request = Request {
            headers: Vec::new(),
            body: Vec::new(),
            route: "test-route".to_owned(),
            cluster: "test-cluster".to_owned(),
        };
        for (name, value) in [
            (":authority", "shop.example"),
            (":path", path),
            (":method", method),
            (":scheme", "https"),
            ("user-agent", "Mozilla/5.0"),
            (
                "accept",
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            ),
            ("x-forwarded-proto", "https"),
            ("x-request-id", "7d9b1a52-3c5e-4f0a-9c41-0d6a9f1e2b3c"),
        ] {
            request = request.header(name, value);
        }
        request
    }

    /// Adds a header, or replaces its value.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers.retain(|(n, _)| n != name.as_bytes());
        self.headers
            .push((name.as_bytes().to_vec(), value.as_ref().to_vec()));
        self
    }

    fn has(&self, name: &str, start: &[u8]) -> bool {
        first(&self.headers, name.as_bytes()).is_some_and(|value| value.starts_with(start))
    }
}

/// A response as it reaches the filter.
#[derive(Debug, Clone)]
pub struct Response {
    /// The headers, with `:status`.
    pub headers: Headers,
    /// The chunks of the body; empty if there are headers only.
    pub body: Vec<Vec<u8>>,
    /// The trailers; empty if the body ends the stream.
    pub trailers: Headers,
    /// `response.code_details`.
    pub details: String,
    /// `response.flags`.
    pub flags: i64,
    /// Whether an upstream was chosen, and perhaps made the response.
    pub upstream: bool,
}

impl Response {
    /// Creates a response of the upstream.
    pub fn upstream(status: u16) -> Response {
        Response {
            headers: vec![(b":status".to_vec(), status.to_string().into_bytes())],
            body: Vec::new(),
            trailers: Vec::new(),
            details: "via_upstream".to_owned(),
            flags: 0,
            upstream: true,
        }
    }

    /// Creates a local reply of Envoy, with one chunk of text.
    pub fn envoy(status: u16, details: &str, flags: i64, text: &str) -> Response {
        let mut response = Response::upstream(status).header("content-type", "text/plain");
        response = response.header("content-length", text.len().to_string());
        Response {
            details: details.to_owned(),
            flags,
            upstream: false,
            ..response
        }
        .chunk(text)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Response {
        self.headers
            .push((name.as_bytes().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Adds a chunk of body.
    pub fn chunk(mut self, chunk: impl AsRef<[u8]>) -> Response {
        self.body.push(chunk.as_ref().to_vec());
        self
    }

    /// Adds a trailer.
    pub fn trailer(mut self, name: &str, value: &str) -> Response {
        self.trailers
            .push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        self
    }
}

/// What the client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The headers, with `:status`.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
    /// The local reply of the module, if it sent one.
    pub reply: Option<LocalReply>,
    /// Whether the request reached the upstream.
    pub sent_upstream: bool,
}

impl Seen {
    /// Returns the status; 0 if there is none.
    pub fn status(&self) -> u16 {
        self.header(":status")
            .and_then(|v| v.parse().ok())
            .unwrap_or(0)
    }

    /// Returns the first value of a header if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name.as_bytes()).and_then(|v| std::str::from_utf8(v).ok())
    }
}

impl Vm {
    /// Plays a whole exchange as Envoy runs it. Returns what the client gets.
    pub fn exchange(&mut self, request: &Request, response: &Response) -> Result<Seen, Trap> {
        let id = self.open()?;
        let seen = self.exchange_on(id, request, response)?;
        self.finish(id)?;
        Ok(seen)
    }

    /// Plays a whole exchange on an open stream, which stays open.
    pub fn exchange_on(
        &mut self,
        id: StreamId,
        request: &Request,
        response: &Response,
    ) -> Result<Seen, Trap> {
        let stream = self.stream(id);
        stream.route = request.route.clone().into_bytes();
        stream.cluster = request.cluster.clone().into_bytes();
        let result = self.request_headers(id, request.headers.clone(), request.body.is_empty())?;
        if let Some(reply) = result.reply {
            // It passes the encoder filters, and so this filter too.
            let mut response = as_response(request, &reply);
            response.upstream = false;
            let mut seen = self.play_response(id, request, &response)?;
            seen.reply.get_or_insert(reply);
            return Ok(seen);
        }
        for (i, chunk) in request.body.iter().enumerate() {
            self.request_body(id, chunk, i + 1 == request.body.len())?;
        }
        let mut seen = self.play_response(id, request, response)?;
        seen.sent_upstream = true;
        Ok(seen)
    }

    fn play_response(
        &mut self,
        id: StreamId,
        request: &Request,
        response: &Response,
    ) -> Result<Seen, Trap> {
        let stream = self.stream(id);
        stream.details = response.details.clone().into_bytes();
        stream.flags = response.flags;
        stream.upstream = response.upstream;
        let bare = response.body.is_empty() && response.trailers.is_empty();
        let result = self.response_headers(id, response.headers.clone(), bare)?;
        if let Some(reply) = result.reply {
            // It goes to the client directly, without passing the encoder filters.
            let made = as_response(request, &reply);
            let stream = self.stream(id);
            stream.details = made.details.clone().into_bytes();
            stream.response_headers = made.headers.clone();
            return Ok(Seen {
                headers: made.headers,
                body: made.body.concat(),
                trailers: made.trailers,
                reply: Some(reply),
                sent_upstream: false,
            });
        }
        let mut body = Vec::new();
        let mut chunks: Vec<(&[u8], bool)> =
            response.body.iter().map(|c| (&c[..], false)).collect();
        match chunks.last_mut() {
            // The last chunk of an upstream does not end the stream; an empty chunk or trailers do.
            Some(_) if response.upstream && response.trailers.is_empty() => {
                chunks.push((&[], true))
            }
            Some((_, eos)) if response.trailers.is_empty() => *eos = true,
            _ => {}
        }
        for (chunk, eos) in chunks {
            body.extend(self.response_body(id, chunk, eos)?);
        }
        let mut trailers = Vec::new();
        if !response.trailers.is_empty() {
            trailers = self.response_trailers(id, response.trailers.clone())?;
        }
        let headers = result.headers;
        let length = first(&headers, b"content-length").map(<[u8]>::to_vec);
        if let (Some(length), false) = (length, bare) {
            if length != body.len().to_string().into_bytes() {
                let length = String::from_utf8_lossy(&length).into_owned();
                let state = self.store.data_mut();
                state.misused(format!(
                    "content-length {length} with {} bytes of body",
                    body.len()
                ));
            }
        }
        Ok(Seen {
            headers,
            body,
            trailers,
            reply: None,
            sent_upstream: false,
        })
    }
}

/// Completes a local reply as Envoy does (`Utility::prepareLocalReply`).
fn as_response(request: &Request, reply: &LocalReply) -> Response {
    let details = String::from_utf8_lossy(&reply.details).replace(char::is_whitespace, "_");
    let grpc = request.has("content-type", b"application/grpc");
    let mut response = Response::upstream(if grpc { 200 } else { reply.status as u16 });
    response.details = details;
    response.upstream = false;
    if grpc {
        let status = if reply.grpc_status >= 0 {
            reply.grpc_status
        } else {
            14
        };
        response = response.header("content-type", "application/grpc");
        response = response.header("grpc-status", status.to_string());
        if !reply.body.is_empty() {
            response = response.header("grpc-message", &reply.body);
        }
    }
    response.headers.extend(reply.headers.clone());
    if grpc || reply.body.is_empty() {
        return response;
    }
    if first(&response.headers, b"content-type").is_none() {
        response = response.header("content-type", "text/plain");
    }
    response
        .headers
        .retain(|(name, _)| name != b"content-length");
    response = response.header("content-length", reply.body.len().to_string());
    if request.has(":method", b"HEAD") {
        return response;
    }
    response.chunk(&reply.body)
}
