//! Uploads that an open circuit rejects before their bodies are sent.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::tidegate;
use tidegate_e2e::message::Request;

use crate::site::Site;

const FORCED: &str = r#"{ "breaker": { "mode": "forced_open" } }"#;
const SIZE: usize = 20_000_000;
const LIMIT: Duration = Duration::from_secs(20);

/// How a client sends its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Not before the server says `100 Continue`.
    Expected,
    /// All of it, while it reads.
    Whole,
    /// In chunks, while it reads.
    Chunked,
    /// Hardly anything, and it waits for the response.
    Held,
}

/// Sends a request over HTTP/1.1, and returns all that the server sends until it closes the connection.
fn exchange(address: SocketAddr, body: Body) -> String {
    let more = match body {
        Body::Expected => format!("content-length: {SIZE}\r\nexpect: 100-continue\r\n"),
        Body::Whole | Body::Held => format!("content-length: {SIZE}\r\n"),
        Body::Chunked => "transfer-encoding: chunked\r\n".to_owned(),
    };
    let head = format!(
        "POST /200/upload HTTP/1.1\r\nhost: site.example\r\naccept: text/html\r\n{more}\r\n"
    );
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    stream.set_write_timeout(Some(LIMIT)).expect("a limit");
    stream.write_all(head.as_bytes()).expect("send the head");
    let mut to = stream.try_clone().expect("a second handle");
    let sender = std::thread::spawn(move || {
        let piece = vec![b'x'; 65_536];
        let frame = |piece: &[u8]| match body {
            Body::Chunked => [b"10000\r\n", piece, b"\r\n"].concat(),
            _ => piece.to_vec(),
        };
        let piece = frame(&piece);
        let most = match body {
            Body::Expected => 0,
            Body::Held => 1,
            Body::Whole | Body::Chunked => SIZE / 65_536,
        };
        // The server may close before it has read all.
        let _ = (0..most).try_for_each(|_| to.write_all(&piece));
    });
    let mut answer = Vec::new();
    let mut buffer = [0; 65_536];
    // A reset after the response is the end, too.
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
    drop(stream);
    sender.join().expect("the sender");
    String::from_utf8(answer).expect("text")
}

#[test]
fn a_rejected_upload_gets_the_whole_page_and_no_100_continue() {
    // Otherwise Envoy sends `100 Continue` before any filter sees the request.
    let proxied = json!({ "proxy_100_continue": true });
    let filter = tidegate(&tidegate_e2e::module(), Some(FORCED));
    let site = Site::with_listeners(vec![("page", vec![filter])], |listener| {
        listener.manager(proxied.clone())
    });
    let address = site.envoy.listener("page");
    for body in [Body::Expected, Body::Whole, Body::Chunked, Body::Held] {
        let answer = exchange(address, body);
        let start = answer.get(..60).unwrap_or_default();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{body:?}: {start}");
        assert!(!answer.contains(" 100 Continue"), "{body:?}");
        let (head, page) = answer.split_once("\r\n\r\n").expect("a head");
        // The rest of the request is not read, so nothing else can follow on this connection.
        let head = head.to_ascii_lowercase();
        assert!(head.contains("\r\nconnection: close"), "{body:?} {head}");
        let length = format!("\r\ncontent-length: {}", page.len());
        assert!(head.contains(&length), "{body:?} {head}");
        assert!(
            page.contains("What you sent has not been processed."),
            "{body:?}"
        );
        assert!(page.trim_end().ends_with("</html>"), "{body:?}");
    }
    let line = "wasmcustom.tidegate.intercepted.reason.circuit_open.route.200/h1";
    assert_eq!(site.envoy.wait_for_stat(line, 4), 4);
}

#[test]
fn the_next_request_of_a_connection_is_not_broken_by_a_rejected_upload() {
    let site = Site::start(&[("page", Some(FORCED))]);
    let client = site.client("page", Protocol::H2);
    for _ in 0..3 {
        let upload = Request::new("POST", "/200/upload")
            .header("accept", "text/html")
            .body(vec![b'x'; SIZE]);
        let answer = client.get(&upload);
        assert_eq!(answer.status, 503);
        assert!(answer
            .text()
            .contains("What you sent has not been processed."));
        let next = client.get(&Request::get("/200/").header("accept", "application/json"));
        assert_eq!(next.status, 503);
        assert!(next.text().contains("circuit_open"), "{next:?}");
        assert_eq!(next.broken, None);
    }
}
