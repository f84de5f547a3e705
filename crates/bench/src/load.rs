//! The load generator h2load, over both protocols.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    H1,
    H2,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::H1 => "HTTP/1.1",
            Protocol::H2 => "HTTP/2",
        }
    }
}

/// Headers of a navigation in a browser.
const HEADERS: [&str; 10] = [
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language: en-US,en;q=0.5",
    "cookie: session=0123456789abcdef0123456789abcdef; theme=dark",
    "referer: http://shop.example/list?page=2",
    "upgrade-insecure-requests: 1",
    "sec-fetch-dest: document",
    "sec-fetch-mode: navigate",
    "sec-fetch-site: same-origin",
    "priority: u=0, i",
];

/// A number of requests over a protocol.
#[derive(Debug)]
pub(crate) struct Load {
    protocol: Protocol,
    requests: u32,
}

impl Load {
    pub(crate) fn new(protocol: Protocol, requests: u32) -> Self {
        Self { protocol, requests }
    }

    pub(crate) fn requests(&self) -> u32 {
        self.requests
    }

    /// Sends the requests and returns when all have responses.
    ///
    /// # Panics
    /// If not every request was answered with a status of that class (2 for 2xx).
    pub(crate) fn run(&self, address: SocketAddr, class: u32) {
        let mut command = Command::new("h2load");
        let (clients, streams) = match self.protocol {
            Protocol::H1 => ("16", "1"),
            Protocol::H2 => ("4", "8"),
        };
        if self.protocol == Protocol::H1 {
            command.arg("--h1");
        }
        command
            .args(["-t", "1", "-c", clients, "-m", streams])
            .args(["-n", &self.requests.to_string()])
            .args(HEADERS.iter().flat_map(|header| ["-H", header]))
            .arg(format!("http://{address}/item/42?from=list"))
            .stdin(Stdio::null());
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("h2load: {error} (Debian: nghttp2-client)"));
        let text = String::from_utf8_lossy(&output.stdout);
        // "status codes: 20000 2xx, 0 3xx, 0 4xx, 0 5xx"
        let codes = text
            .lines()
            .find_map(|line| line.strip_prefix("status codes: "));
        let wanted = format!("{} {class}xx", self.requests);
        let is_right = codes.is_some_and(|codes| codes.split(", ").any(|code| code == wanted));
        assert!(
            is_right,
            "wanted {wanted}:\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
