//! One request to the shop, as a visitor sends it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use socket2::{Domain, Socket, Type};

/// Limit for an answer; well over the timeout of the route.
const LIMIT: Duration = Duration::from_secs(10);
/// An answer from this time on is called slow.
const SLOW: Duration = Duration::from_secs(1);

/// What the shop answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether the filter made it.
    pub(super) is_page: bool,
    /// The retry hint in seconds.
    pub(super) hint_s: Option<u64>,
    /// The pass of a visitor who is let in: a cookie.
    pub(super) pass: Option<String>,
    reason: Option<String>,
    took: Duration,
}

impl Answer {
    /// Returns what a visitor has who gets no answer: a failure without a hint.
    pub(super) fn none() -> Self {
        Self {
            status: 599,
            ..Self::default()
        }
    }

    /// Returns whether the visitor has the shop.
    pub(super) fn is_served(&self) -> bool {
        self.status < 500 && !self.is_page
    }

    /// Returns what the visitor gets, as a part of a sentence.
    pub(super) fn words(&self) -> String {
        let mut words = match (self.is_served(), self.is_page) {
            (true, _) => "the shop".to_owned(),
            (false, true) => format!("Tidegate's page: {}", self.status),
            (false, false) => format!("the application's own response: {}", self.status),
        };
        if let Some(reason) = &self.reason {
            words += &format!(", {reason}");
        }
        if self.took >= SLOW {
            words += &format!(", after {} s", self.took.as_secs());
        }
        words
    }
}

/// Sends a request from an address of the loopback network, and reads the answer.
///
/// # Errors
/// There is no answer.
pub(super) fn ask(
    shop: SocketAddr,
    from: Ipv4Addr,
    method: &str,
    headers: &[(&str, &str)],
) -> io::Result<Answer> {
    let began = Instant::now();
    let mut stream = connect(shop, from)?;
    let mut request = format!("{method} / HTTP/1.1\r\nhost: {shop}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all((request + "\r\n").as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let mut answer = read(&bytes)?;
    answer.took = began.elapsed();
    Ok(answer)
}

fn connect(shop: SocketAddr, from: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Only Linux has all of 127.0.0.0/8. Elsewhere all visitors have the same address.
    let _ = socket.bind(&SocketAddr::from((from, 0)).into());
    socket.connect_timeout(&shop.into(), LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    Ok(socket.into())
}

fn read(bytes: &[u8]) -> io::Result<Answer> {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(bytes).map_err(io::Error::other)?;
    let httparse::Status::Complete(head) = parsed else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let header = |name: &str| {
        let mut fields = response.headers.iter();
        let field = fields.find(|field| field.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(field.value).ok()
    };
    let pass = header("set-cookie").and_then(|cookie| cookie.split(';').next());
    Ok(Answer {
        status: response.code.unwrap_or_default(),
        is_page: header("x-tidegate-page").is_some(),
        hint_s: header("retry-after").and_then(|seconds| seconds.parse().ok()),
        pass: pass.map(str::to_owned),
        reason: bytes.get(head..).and_then(reason),
        took: Duration::ZERO,
    })
}

/// Returns the member `reason` of a problem document.
fn reason(body: &[u8]) -> Option<String> {
    const MEMBER: &[u8] = b"\"reason\":\"";
    let start = memmem::find(body, MEMBER)? + MEMBER.len();
    let rest = body.get(start..)?;
    let end = memchr::memchr(b'"', rest)?;
    String::from_utf8(rest.get(..end)?.to_vec()).ok()
}

#[cfg(test)]
mod tests;
