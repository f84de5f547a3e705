//! Every kind of failure with every method and kind of client, over both protocols.
//!
//! Expectations follow from the row of the kind in `site/kinds.rs` and from the format that method
//! and client ask for.

mod expect;

use std::fmt;
use std::sync::Arc;

use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::{Request, Response};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::site::kinds::{Kind, FAILURES, FAILURES_OF_5XX, REFUSALS};
use crate::site::{comparable, Site, PLAIN};

/// The kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Head,
    Post,
    Grpc,
    Upgrade,
    /// Calls of scripts, which are all made by `fetch()`.
    GrpcWeb,
    Connect,
    ConnectStream,
}

const METHODS: [Method; 8] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Grpc,
    Method::Upgrade,
    Method::GrpcWeb,
    Method::Connect,
    Method::ConnectStream,
];

impl Method {
    /// Returns whether only scripts make such requests.
    fn is_of_scripts(self) -> bool {
        matches!(
            self,
            Method::GrpcWeb | Method::Connect | Method::ConnectStream
        )
    }
}

/// The kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    /// A browser that navigates.
    Browser,
    /// A script in a browser.
    Fetch,
    /// curl at a terminal.
    Curl,
    /// A program that accepts JSON.
    Json,
    /// A browser that loads a picture.
    Image,
    /// A feed reader.
    Feed,
    /// An agent.
    Agent,
}

const ASKERS: [Asker; 7] = [
    Asker::Browser,
    Asker::Fetch,
    Asker::Curl,
    Asker::Json,
    Asker::Image,
    Asker::Feed,
    Asker::Agent,
];

impl Asker {
    /// Returns the headers that such clients send.
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101";
        match self {
            Asker::Browser => &[
                ("user-agent", BROWSER),
                ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
                ("accept-language", "en-GB,en;q=0.5"),
                ("accept-encoding", "gzip, deflate, br, zstd"),
                ("sec-fetch-dest", "document"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-site", "none"),
                ("upgrade-insecure-requests", "1"),
            ],
            Asker::Fetch => &[
                ("user-agent", BROWSER),
                ("accept", "*/*"),
                ("accept-encoding", "gzip, deflate, br, zstd"),
                ("origin", "https://app.example"),
                ("sec-fetch-dest", "empty"),
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-site", "cross-site"),
            ],
            Asker::Curl => &[("user-agent", "curl/8.14.1"), ("accept", "*/*")],
            Asker::Json => &[
                ("user-agent", "axios/1.7.9"),
                ("accept", "application/json, text/plain, */*"),
                ("accept-encoding", "gzip, compress, deflate, br"),
            ],
            Asker::Image => &[
                ("user-agent", BROWSER),
                ("accept", "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"),
                ("sec-fetch-dest", "image"),
                ("sec-fetch-mode", "no-cors"),
            ],
            Asker::Feed => &[
                ("user-agent", "feedparser/6.0.11"),
                ("accept", "application/atom+xml,application/rdf+xml,application/rss+xml,application/x-netcdf,application/xml;q=0.9,text/xml;q=0.2,*/*;q=0.1"),
            ],
            Asker::Agent => &[
                ("user-agent", "Claude-User (claude-code/2.1)"),
                ("accept", "text/markdown, text/html, */*"),
            ],
        }
    }
}

/// One cell of the matrix.
#[derive(Clone, Copy)]
struct Cell {
    kind: &'static Kind,
    method: Method,
    asker: Asker,
    protocol: Protocol,
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell {
            kind,
            method,
            asker,
            protocol,
        } = self;
        write!(f, "{} {method:?} {asker:?} {protocol:?}", kind.name)
    }
}

impl Cell {
    fn request(&self, listener: &str) -> Request {
        let Cell {
            kind,
            method,
            asker,
            protocol,
        } = self;
        let path = format!(
            "/{}/{method:?}-{asker:?}-{protocol:?}-{listener}?q=1",
            kind.name
        );
        let mut request = match method {
            Method::Get => Request::get(&path),
            Method::Head => Request::new("HEAD", &path),
            Method::Post => Request::new("POST", &path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body("name=value"),
            Method::Grpc => Request::grpc(&path),
            Method::Upgrade => Request::websocket(&path),
            Method::GrpcWeb => Request::new("POST", &path)
                .header("content-type", "application/grpc-web+proto")
                .header("x-grpc-web", "1")
                .body([0_u8; 5]),
            Method::Connect => Request::new("POST", &path)
                .header("content-type", "application/proto")
                .header("connect-protocol-version", "1")
                .body([0_u8; 5]),
            Method::ConnectStream => Request::new("POST", &path)
                .header("content-type", "application/connect+json")
                .header("connect-protocol-version", "1")
                .body(b"\0\0\0\0\x02{}"),
        };
        if kind.name == "no-name" {
            request.authority = "nowhere.invalid".to_owned();
        }
        if kind.name == "502-cut" && *protocol == Protocol::H1 {
            // Envoy closes the connection after such a response, too late for the client to know.
            request = request.header("connection", "close");
        }
        asker
            .headers()
            .iter()
            .fold(request, |request, (name, value)| {
                request.header(name, value)
            })
    }
}

/// Returns all cells of these kinds.
fn cells(kinds: &'static [Kind]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for kind in kinds {
        for method in METHODS {
            // A client of an upgrade never ends its request, so Envoy counts the timeout as the
            // client's and answers 408, which is not a failure of the upstream.
            if kind.name == "hang-too-long" && method == Method::Upgrade {
                continue;
            }
            for asker in ASKERS {
                if method.is_of_scripts() && asker != Asker::Fetch {
                    continue;
                }
                for protocol in [Protocol::H1, Protocol::H2] {
                    cells.push(Cell {
                        kind,
                        method,
                        asker,
                        protocol,
                    });
                }
            }
        }
    }
    cells
}

/// The clients of one listener. They must live until the access log is read: a page can reach the
/// client before Envoy has the whole response that it replaces, and a connection closed in between
/// is logged as a disconnect.
struct Clients {
    h1: Arc<Client>,
    h2: Arc<Client>,
}

impl Clients {
    fn of(site: &Site, listener: &str) -> Self {
        Self {
            h1: Arc::new(site.client(listener, Protocol::H1)),
            h2: Arc::new(site.client(listener, Protocol::H2)),
        }
    }

    /// Sends the requests of all cells concurrently, so that slow kinds wait together.
    fn ask(&self, listener: &str, cells: &[Cell]) -> Vec<(Cell, Result<Response, String>)> {
        let places = Arc::new(Semaphore::new(32));
        tidegate_e2e::runtime().block_on(async {
            let mut tasks = JoinSet::new();
            for cell in cells.iter().copied() {
                let client = match cell.protocol {
                    Protocol::H1 => self.h1.clone(),
                    Protocol::H2 => self.h2.clone(),
                };
                let (places, request) = (places.clone(), cell.request(listener));
                tasks.spawn(async move {
                    let _place = places.acquire_owned().await;
                    (cell, client.send(&request).await)
                });
            }
            tasks.join_all().await
        })
    }
}

/// Fails with all findings, the first of them in full.
fn report(cells: usize, findings: Vec<String>) {
    let shown = findings
        .iter()
        .take(60)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        findings.is_empty(),
        "{} of {cells} cells:\n{shown}",
        findings.len()
    );
}

#[test]
fn every_failure_gets_a_page_in_the_clients_format() {
    // Only with the configured hints: pacing depends on earlier requests.
    let site = Site::start(&[
        (
            "page",
            Some(r#"{ "breaker": { "mode": "disabled" }, "retry": { "check_ins": 1000000 } }"#),
        ),
        (
            "every",
            Some(
                r#"{ "breaker": { "mode": "disabled" }, "retry": { "check_ins": 1000000 }, "intercept": { "statuses": ["5xx"] } }"#,
            ),
        ),
        (
            "refusals",
            Some(
                r#"{ "breaker": { "mode": "disabled" }, "retry": { "check_ins": 1000000 }, "intercept": { "statuses": ["4xx"] } }"#,
            ),
        ),
    ]);
    let (failures, of_5xx) = (cells(FAILURES), cells(FAILURES_OF_5XX));
    let refusals = cells(REFUSALS);
    let mut findings = Vec::new();
    let all = [
        ("page", &failures),
        ("every", &of_5xx),
        ("refusals", &refusals),
    ]
    .map(|(listener, cells)| (listener, cells, Clients::of(&site, listener)));
    for (listener, cells, clients) in &all {
        for (cell, answer) in clients.ask(listener, cells) {
            let finding = answer.and_then(|answer| expect::page(&cell, &answer));
            findings.extend(
                finding
                    .err()
                    .map(|error| format!("{listener} {cell:?}: {error}")),
            );
        }
    }
    let asked = failures.len() + of_5xx.len() + refusals.len();
    report(asked, std::mem::take(&mut findings));
    for (listener, cells, _clients) in &all {
        findings.extend(expect::access_log(&site, listener, cells));
    }
    // By default a 500 belongs to the application, and so does a refusal.
    let passing = [of_5xx.clone(), refusals.clone()].concat();
    let mut without = Clients::of(&site, PLAIN).ask(PLAIN, &passing);
    let mut with = Clients::of(&site, "page").ask("page", &passing);
    let key = |(cell, _): &(Cell, _)| format!("{cell:?}");
    without.sort_by_key(key);
    with.sort_by_key(key);
    for ((cell, without), (_, with)) in without.iter().zip(&with) {
        let [without, with] = [without, with].map(|answer| answer.as_ref().map(comparable));
        if with != without {
            findings.push(format!(
                "{cell:?} differs:\n  with {with:?}\n  without {without:?}"
            ));
        }
    }
    report(asked, findings);
}

#[test]
fn failure_without_data_is_a_complete_response() {
    let site = Site::start(&[("page", None)]);
    // Trailers follow the headers at once, so Envoy never asks for the body.
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("page", protocol);
        for (path, is_whole) in [
            ("/502-h2-only-trailers/", true),
            ("/502-only-trailers/", false),
        ] {
            let answer = client.get(&Request::get(path));
            let context = format!("{protocol:?} {path}");
            assert_eq!(answer.broken, None, "{context}");
            assert_eq!(answer.status, 502, "{context}");
            let caching = answer.header("cache-control");
            assert_eq!(caching, Some("no-store"), "{context}");
            let has_reason = answer.text().contains("upstream_bad_gateway");
            assert!(has_reason || !is_whole, "{context} {answer:?}");
        }
    }
}
