use serde_json::{json, Value};
use tidegate_e2e::client::rpc::calls;
use tidegate_e2e::config::{tidegate, typed};

use crate::site::Site;

const WITHOUT_BREAKER: &str = r#"{ "breaker": { "mode": "disabled" } }"#;
const FORCED: &str =
    r#"{ "breaker": { "mode": "forced_open", "open": { "base": "9s", "max": "9s" } } }"#;

/// Failures with a body to come, and failures that end with their headers.
const FAILURES: [&str; 6] = [
    "/refused",
    "/502",
    "/502-h2",
    "/502-empty",
    "/no-cluster",
    "/route-503",
];
const CONNECT: [&str; 4] = [
    "connect-node",
    "connect-node-h2",
    "connect-node-get",
    "connect-web",
];
const GRPC_WEB: [&str; 4] = [
    "connect-node-grpc-web",
    "connect-web-grpc-web",
    "grpc-web",
    "grpc-web-text",
];

fn grpc_web() -> Value {
    json!({
        "name": "envoy.filters.http.grpc_web",
        "typed_config": typed("extensions.filters.http.grpc_web.v3.GrpcWeb", json!({})),
    })
}

fn site() -> Site {
    let module = tidegate_e2e::module();
    let page = |text| tidegate(&module, Some(text));
    Site::with_filters(vec![
        ("page", vec![page(WITHOUT_BREAKER)]),
        ("behind-grpc-web", vec![grpc_web(), page(WITHOUT_BREAKER)]),
        ("before-grpc-web", vec![page(WITHOUT_BREAKER), grpc_web()]),
        ("grpc-web-alone", vec![grpc_web()]),
        ("forced", vec![page(FORCED)]),
        ("forced-behind-grpc-web", vec![grpc_web(), page(FORCED)]),
    ])
}

/// Returns all combinations of clients and paths, unary and streaming.
fn all<'a>(clients: &[&'a str], paths: &[&'a str]) -> Vec<(&'a str, &'a str, bool)> {
    let mut all = Vec::new();
    for client in clients {
        for path in paths {
            all.extend([false, true].map(|stream| (*client, *path, stream)));
        }
    }
    all
}

fn is_unavailable(call: &Value) -> bool {
    let code = call["code"].as_str().unwrap_or_default();
    code.eq_ignore_ascii_case("unavailable")
}

/// The message of the reply, and when to call again.
fn has_hint(call: &Value) -> bool {
    let pushback = call["pushback"].as_str().and_then(|ms| ms.parse().ok());
    let ms: Option<f64> = pushback.or(call["retryDelayMs"].as_f64());
    ms.is_some_and(|ms| (1_000.0..=20_000.0).contains(&ms))
}

#[test]
fn connect_clients_get_an_error_of_their_protocol() {
    let site = site();
    let paths = all(&CONNECT, &FAILURES);
    for call in calls(site.envoy.listener("page"), &paths) {
        assert!(is_unavailable(&call), "{call}");
        // Where no body can be had, the library has the status and the headers.
        let url = call["url"].as_str().unwrap_or_default();
        let is_empty = ["/502-empty", "/no-cluster", "/route-503"];
        if is_empty.iter().any(|path| url.ends_with(path)) {
            assert!(call["retryAfter"].is_string(), "{call}");
            continue;
        }
        assert!(has_hint(&call), "{call}");
        let message = call["message"].as_str().unwrap_or_default();
        assert!(message.ends_with('.') && message.len() > 20, "{call}");
    }
    for call in calls(site.envoy.listener("forced"), &all(&CONNECT, &["/200"])) {
        assert!(is_unavailable(&call) && has_hint(&call), "{call}");
    }
}

#[test]
fn grpc_web_clients_get_the_status_on_either_side_of_the_grpc_web_filter() {
    let site = site();
    for (listener, paths) in [
        ("page", &FAILURES[..]),
        ("behind-grpc-web", &FAILURES),
        ("before-grpc-web", &FAILURES),
        ("forced", &["/200"]),
        ("forced-behind-grpc-web", &["/200"]),
    ] {
        let list = all(&GRPC_WEB, paths);
        let alone = calls(site.envoy.listener("grpc-web-alone"), &list);
        let with = calls(site.envoy.listener(listener), &list);
        for (call, alone) in with.iter().zip(&alone) {
            // A failure with a body passes for a client that takes base64: `grpc_web` would wait for a
            // message after the status of another filter.
            let is_text = call["client"] == "grpc-web-text";
            if listener == "behind-grpc-web" && is_text && !has_hint(call) {
                assert_eq!(call["code"], alone["code"], "{call}");
                continue;
            }
            // The filter sees what `grpc_web` has made of the failure.
            if listener == "before-grpc-web" {
                let is_as_alone = call["code"] == alone["code"];
                assert!(is_as_alone || is_unavailable(call), "{call} {alone}");
                continue;
            }
            assert!(is_unavailable(call), "{listener} {call}");
            assert!(has_hint(call), "{listener} {call}");
            let message = call["message"].as_str().unwrap_or_default();
            assert!(message.len() > 20, "{listener} {call}");
            // Google's library reports what it finds twice, twice.
            if let Some(answers) = call["answers"].as_u64() {
                assert_eq!(answers, 1, "{listener} {call}");
            }
        }
    }
}
