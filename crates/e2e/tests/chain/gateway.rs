use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::tidegate;
use tidegate_e2e::message::Request;

use crate::site::{comparable, Site, PLAIN};

/// A route of its own, with a body or without.
fn route(name: &str, status: u16, body: Option<&str>) -> Value {
    let mut direct = json!({ "status": status });
    if let Some(body) = body {
        direct["body"] = json!({ "inline_string": body });
    }
    json!({ "name": name, "match": { "prefix": format!("/{name}/") }, "direct_response": direct })
}

fn site() -> Site {
    let filter = tidegate(&tidegate_e2e::module(), None);
    Site::with_listeners(vec![("page", vec![filter])], |listener| {
        listener.first_routes([
            route("no-endpoints", 503, None),
            route("invalid", 500, None),
            route("closed", 503, Some("closed on Mondays")),
            route("broken", 500, Some("closed on Tuesdays")),
        ])
    })
}

#[test]
fn routes_of_envoy_gateway_without_a_body_get_a_page_and_their_reason() {
    let site = site();
    let rows = [
        ("no-endpoints", 503, "destination_unavailable", true),
        ("invalid", 500, "proxy_configuration_error", false),
    ];
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("page", protocol);
        for (name, status, reason, is_retryable) in rows {
            let path = format!("/{name}/");
            let page = client.get(&Request::get(&path).header("accept", "text/html"));
            assert_eq!(page.status, status, "{name}");
            assert!(page.text().starts_with("<!doctype html>"), "{name}");
            assert!(page.text().contains(reason), "{name}");
            for request in [
                Request::get(&path).header("accept", "text/html"),
                Request::get(&path),
                Request::new("HEAD", &path),
            ] {
                let answer = client.get(&request);
                assert_eq!(answer.status, status, "{name}");
                assert_eq!(answer.header("x-tidegate-page"), Some(reason), "{name}");
                assert_eq!(answer.headers.has("retry-after"), is_retryable, "{name}");
            }
            let call = client.get(&Request::grpc(&path));
            assert_eq!(call.header("grpc-status"), Some("14"), "{name}");
            assert_eq!(call.header("x-tidegate-page"), Some(reason), "{name}");
        }
    }
    for (name, _, reason, _) in rows {
        let metric = format!("wasmcustom.tidegate.intercepted.reason.{reason}.route.{name}/");
        // Five requests over each protocol.
        assert_eq!(site.envoy.wait_for_stat(&metric, 10), 10, "{name}");
    }
}

#[test]
fn routes_with_a_body_pass_byte_for_byte() {
    let site = site();
    for protocol in [Protocol::H1, Protocol::H2] {
        for name in ["closed", "broken"] {
            let path = format!("/{name}/");
            for request in [
                Request::get(&path).header("accept", "text/html"),
                Request::new("HEAD", &path),
                Request::grpc(&path),
            ] {
                let [without, with] =
                    [PLAIN, "page"].map(|listener| site.client(listener, protocol).get(&request));
                assert_eq!(comparable(&with), comparable(&without), "{request:?}");
            }
        }
    }
}
