use std::time::Duration;

use serde_json::json;
use tidegate_e2e::client::Protocol;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Behaviour};

use super::plane::{request, Plane, Settings, Site, PAGE, PLANES};
use crate::site::{comparable, PLAIN};

/// More than each buffer and each window.
const SIZE: usize = 3 << 20;
/// A part of a body that no page has.
const MARK: &str = "body of the upstream";

fn large() -> Vec<u8> {
    MARK.bytes().cycle().take(SIZE).collect()
}

/// Returns a body as it comes from a compressor: it has bytes of all kinds. What it says is never read.
fn compressed() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..SIZE).map(|_| next()).collect()
}

/// Returns what the upstream can be asked to do: for each kind of body, a success and a failure.
pub(super) fn behaviours() -> Vec<(String, Behaviour)> {
    let piece = MARK.as_bytes().repeat(400);
    let pieces = [&*piece; 12];
    let pause = Duration::from_millis(20);
    let kinds = |status: u16| {
        let answer = || Answer::status(status);
        [
            ("large", answer().body("text/html", large()).into()),
            (
                "gzip",
                answer()
                    .body("text/html", compressed())
                    .header("content-encoding", "gzip")
                    .into(),
            ),
            (
                "trickling",
                answer().trickle("text/html", &pieces, pause).into(),
            ),
            ("empty", answer().header("content-type", "text/html").into()),
            ("early", Behaviour::Early(answer().body("text/html", MARK))),
        ]
        .map(|(name, behaviour): (&str, Behaviour)| (format!("{status}-{name}"), behaviour))
    };
    let mut all: Vec<_> = [200, 502].into_iter().flat_map(kinds).collect();
    all.push(("reset".to_owned(), Behaviour::Reset));
    all.push((
        "slow".to_owned(),
        Answer::status(200)
            .body("text/plain", "at last")
            .after(Duration::from_secs(1))
            .into(),
    ));
    all
}

fn site(plane: Plane) -> Site {
    // Only with the configured hints: pacing depends on earlier requests.
    let configuration = json!({ "breaker": { "mode": "disabled" } });
    Site::start(plane, &Settings::new(plane, configuration))
}

/// Returns requests for a kind of body: with and without a body of their own.
fn requests(service: &str, behaviour: &str) -> [Request; 4] {
    let request = |method: &str| request(method, service, behaviour);
    [
        request("GET"),
        request("HEAD"),
        request("POST").body("a=b"),
        request("POST").body(large()),
    ]
}

#[test]
fn successes_pass_unchanged_whatever_their_bodies() {
    for plane in PLANES {
        let site = site(plane);
        for protocol in [Protocol::H1, Protocol::H2] {
            for service in ["catalog", "stream"] {
                for behaviour in ["200-large", "200-gzip", "200-trickling", "200-empty"] {
                    for request in requests(service, behaviour) {
                        let [without, with] = [PLAIN, PAGE].map(|listener| {
                            let answer = site.client(listener, protocol).get(&request);
                            assert_eq!(answer.status, 200, "{plane:?} {behaviour}");
                            comparable(&answer)
                        });
                        let context = format!(
                            "{plane:?} {protocol:?} {service} {behaviour} {}: {:?} {:?}",
                            request.method, with.headers, without.headers
                        );
                        assert!(with == without, "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn failures_get_a_whole_page_whatever_their_bodies() {
    for plane in PLANES {
        let site = site(plane);
        let upstream = [
            "502-large",
            "502-gzip",
            "502-trickling",
            "502-empty",
            "502-early",
        ];
        let upstream = upstream.map(|behaviour| (behaviour, "upstream_bad_gateway"));
        let reset = [("reset", "connection_terminated")];
        let failures = ["catalog", "stream"]
            .into_iter()
            .flat_map(|service| {
                let failures = upstream.iter().chain(&reset);
                failures.map(move |(behaviour, reason)| (service, *behaviour, *reason))
            })
            .chain([("gone", "nobody", "connection_refused")]);
        for (service, behaviour, reason) in failures {
            for protocol in [Protocol::H1, Protocol::H2] {
                for request in requests(service, behaviour) {
                    let answer = site.client(PAGE, protocol).get(&request);
                    let context = format!(
                        "{plane:?} {protocol:?} {service} {behaviour} {} of {} bytes: {:?}",
                        request.method,
                        request.body.len(),
                        answer.headers
                    );
                    is_page(&request, &answer, reason, &context);
                }
                let call = Request::grpc(&format!("/{service}/item"));
                let call = call.header("x-behaviour", behaviour);
                let answer = site.client(PAGE, protocol).get(&call);
                assert_eq!(answer.header("grpc-status"), Some("14"), "{answer:?}");
                assert_eq!(answer.header("x-tidegate-page"), Some(reason));
            }
        }
    }
}

fn is_page(request: &Request, answer: &Response, reason: &str, context: &str) {
    assert_eq!(answer.status, 502, "{context}");
    assert_eq!(answer.broken, None, "{context}");
    assert_eq!(answer.header("x-tidegate-page"), Some(reason), "{context}");
    assert!(!answer.headers.has("content-encoding"), "{context}");
    if request.method == "HEAD" {
        assert!(answer.body.is_empty(), "{context}");
        return;
    }
    let page = answer.text();
    assert!(page.starts_with("<!doctype html>"), "{context}");
    assert!(page.trim_end().ends_with("</html>"), "{context}");
    assert!(!page.contains(MARK), "{context}");
    let length = page.len().to_string();
    let announced = answer.header("content-length");
    assert!(
        announced.is_none_or(|announced| announced == length),
        "{context}"
    );
}
