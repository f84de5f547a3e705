use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{tidegate, typed, Listener};
use tidegate_e2e::message::{Request, Response};

use super::{allows, cors, header, ORIGIN};
use crate::site::Site;

/// Listeners with the other filters on either side of this one. All headers of theirs are kept.
const SIDES: [&str; 2] = ["before", "behind"];
/// A listener with the others alone.
const ALONE: &str = "alone";
const KEEP: &str = r#"{
    "breaker": { "mode": "disabled" },
    "headers": { "keep": ["access-control-*", "x-lua", "x-route"] }
}"#;

/// Failures whose response ends with its headers, and failures with a body to come.
const EMPTY: [&str; 4] = [
    "/503-bare-empty/",
    "/503-h2-empty/",
    "/no-cluster/",
    "/route-503/",
];
const WITH_BODY: [&str; 3] = ["/503-bare/", "/refused/", "/502-h2/"];

fn lua() -> Value {
    let code = "function envoy_on_response(handle) handle:headers():add('x-lua', 'one') end";
    let config = json!({ "default_source_code": { "inline_string": code } });
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": typed("extensions.filters.http.lua.v3.Lua", config),
    })
}

pub(super) fn compressor() -> Value {
    let gzip = typed("extensions.compression.gzip.compressor.v3.Gzip", json!({}));
    let types = ["text/html", "text/plain", "application/problem+json"];
    let config = json!({
        "compressor_library": { "name": "gzip", "typed_config": gzip },
        "response_direction_config": { "common_config": { "content_type": types } },
    });
    json!({
        "name": "envoy.filters.http.compressor",
        "typed_config": typed("extensions.filters.http.compressor.v3.Compressor", config),
    })
}

fn site(change: impl Fn(Listener) -> Listener) -> Site {
    let page = || tidegate(&tidegate_e2e::module(), Some(KEEP));
    let others = || [cors(), lua(), compressor()];
    let listeners = vec![
        (ALONE, others().to_vec()),
        (SIDES[0], others().into_iter().chain([page()]).collect()),
        (SIDES[1], std::iter::once(page()).chain(others()).collect()),
    ];
    Site::with_listeners(listeners, change)
}

/// Returns every value of a header, as text.
fn all(answer: &Response, name: &str) -> Vec<String> {
    let values = answer.headers.all(name);
    values
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect()
}

#[test]
fn what_other_filters_add_is_there_once_on_either_side() {
    let site = site(|listener| listener.virtual_host(allows(ORIGIN)));
    for side in SIDES {
        for protocol in [Protocol::H1, Protocol::H2] {
            let client = site.client(side, protocol);
            for path in EMPTY.into_iter().chain(WITH_BODY) {
                for method in ["GET", "HEAD", "POST"] {
                    let request = Request::new(method, path)
                        .header("origin", ORIGIN)
                        .header("accept", "*/*")
                        .header("accept-encoding", "gzip");
                    let answer = client.get(&request);
                    let context = format!("{side} {protocol:?} {method} {path} {answer:?}");
                    assert_eq!(answer.broken, None, "{context}");
                    assert_eq!(all(&answer, "x-lua"), ["one"], "{context}");
                    // Envoy's CORS filter leaves out routes that answer themselves.
                    let without = site.client(ALONE, protocol).get(&request);
                    let name = "access-control-allow-origin";
                    assert_eq!(all(&answer, name), all(&without, name), "{context}");
                    let allowed: &[&str] = match path {
                        "/route-503/" => &[],
                        _ => &[ORIGIN],
                    };
                    assert_eq!(all(&answer, name), allowed, "{context}");
                    for name in [
                        "retry-after",
                        "x-tidegate-page",
                        "proxy-status",
                        "cache-control",
                    ] {
                        assert_eq!(all(&answer, name).len(), 1, "{name} {context}");
                    }
                    let exposed = answer.header("access-control-expose-headers");
                    assert!(
                        exposed.is_some_and(|names| names.contains("retry-after")),
                        "{context}"
                    );
                    if EMPTY.contains(&path) && method != "HEAD" {
                        assert_eq!(answer.header("content-length"), Some("0"), "{context}");
                        assert_eq!(answer.body, b"", "{context}");
                    }
                    // A page is not compressed by what is behind this filter, whose body it replaces.
                    let is_compressed = answer.headers.has("content-encoding");
                    let can_be = side == "before" && WITH_BODY.contains(&path) && method != "HEAD";
                    assert_eq!(is_compressed, can_be, "{context}");
                    if is_compressed {
                        assert!(answer.body.starts_with(&[0x1f, 0x8b]), "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_a_route_adds_is_there_once() {
    let site = site(|listener| {
        let added = [
            header("access-control-allow-origin", "*"),
            header("x-route", "one"),
        ];
        listener.virtual_host(json!({ "response_headers_to_add": added }))
    });
    for side in SIDES {
        for protocol in [Protocol::H1, Protocol::H2] {
            let client = site.client(side, protocol);
            for path in EMPTY.into_iter().chain(WITH_BODY) {
                for request in [
                    Request::get(path).header("origin", ORIGIN),
                    Request::new("HEAD", path).header("origin", ORIGIN),
                    Request::get(path).header("accept", "application/json"),
                    Request::grpc(path),
                ] {
                    let answer = client.get(&request);
                    let context = format!("{side} {protocol:?} {request:?} {answer:?}");
                    for (name, value) in [("access-control-allow-origin", "*"), ("x-route", "one")]
                    {
                        // A local reply, which the body of the upstream needs for gRPC.
                        let is_local = request.headers.has("te") && WITH_BODY.contains(&path);
                        if !is_local || name != "x-route" {
                            assert_eq!(all(&answer, name), [value], "{name} {context}");
                        }
                    }
                }
                // A navigation gets its page, whatever the response had.
                let visit = Request::get(path)
                    .header("accept", "text/html")
                    .header("sec-fetch-mode", "navigate");
                let answer = client.get(&visit);
                let context = format!("{side} {protocol:?} {path} {answer:?}");
                assert!(answer.text().starts_with("<!doctype html>"), "{context}");
                let allowed = all(&answer, "access-control-allow-origin");
                assert_eq!(allowed, ["*"], "{context}");
            }
        }
    }
}
