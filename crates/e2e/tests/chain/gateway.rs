use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{tidegate, typed};
use tidegate_e2e::message::Request;

use super::order::compressor;
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

/// Returns the filters that Envoy Gateway puts behind `wasm`, in its default order (`httpfilters.go`).
fn behind() -> [Value; 4] {
    let denied = json!({ "rules": { "action": "DENY", "policies": { "admin": {
        "permissions": [{ "url_path": { "path": { "prefix": "/admin" } } }],
        "principals": [{ "any": true }],
    } } } });
    let everything = json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } });
    let limit = json!({
        "stat_prefix": "limit",
        "token_bucket": { "max_tokens": 4, "tokens_per_fill": 4, "fill_interval": "3600s" },
        "filter_enabled": everything,
        "filter_enforced": everything,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "response_headers_to_add": [{ "header": { "key": "retry-after", "value": "7" } }],
    });
    let filter = |name: &str, kind: &str, config: Value| {
        let kind = format!("extensions.filters.http.{kind}");
        json!({ "name": name, "typed_config": typed(&kind, config) })
    };
    [
        filter("rbac", "rbac.v3.RBAC", denied),
        filter(
            "local_ratelimit",
            "local_ratelimit.v3.LocalRateLimit",
            limit,
        ),
        filter("grpc_web", "grpc_web.v3.GrpcWeb", json!({})),
        compressor(),
    ]
}

#[test]
fn in_the_order_of_envoy_gateway_refusals_and_failures_are_what_they_are() {
    const NAMED: &str = r#"{ "intercept": { "statuses": ["4xx", "5xx"] } }"#;
    let chain = |text| {
        let page = tidegate(&tidegate_e2e::module(), text);
        std::iter::once(page).chain(behind()).collect::<Vec<_>>()
    };
    let site = Site::with_filters(vec![
        ("alone", behind().to_vec()),
        ("default", chain(None)),
        ("named", chain(Some(NAMED))),
    ]);
    let visit = |listener: &str, path: &str| {
        let request = Request::get(path).header("accept", "text/html");
        site.client(listener, Protocol::H1).get(&request)
    };
    // RBAC comes before the limit, so this takes nothing of it.
    let denied = visit("named", "/admin");
    let context = format!("{denied:?}");
    assert_eq!(denied.status, 403, "{context}");
    assert_eq!(
        denied.header("x-tidegate-page"),
        Some("forbidden"),
        "{context}"
    );
    assert!(!denied.headers.has("retry-after"), "{context}");
    assert!(
        denied.text().contains("You can’t open this page"),
        "{context}"
    );
    for text in ["Gateway error", "our side", "<script>"] {
        assert!(!denied.text().contains(text), "{text} {context}");
    }
    let [without, with] = ["alone", "default"].map(|listener| visit(listener, "/admin"));
    assert_eq!(comparable(&with), comparable(&without));

    for listener in ["default", "named"] {
        // The compressor never sees the page, whose body is what it says.
        let request = Request::get("/502-chunked/")
            .header("accept", "text/html")
            .header("accept-encoding", "gzip");
        let page = site.client(listener, Protocol::H1).get(&request);
        assert_eq!(page.status, 502, "{page:?}");
        assert!(!page.headers.has("content-encoding"), "{page:?}");
        assert!(page.text().starts_with("<!doctype html>"), "{page:?}");
        let call = Request::new("POST", "/refused/Call")
            .header("content-type", "application/grpc-web+proto")
            .header("x-grpc-web", "1")
            .body([0_u8; 5]);
        let reply = site.client(listener, Protocol::H1).get(&call);
        let status = reply.header("grpc-status").map(str::to_owned);
        // In the headers, or in the frame of the trailers.
        let body = String::from_utf8_lossy(&reply.body);
        let is_there = status.as_deref() == Some("14") || body.contains("grpc-status:14");
        assert!(is_there, "{listener} {reply:?}");
    }
    for listener in ["default", "named"] {
        let answers: Vec<_> = (0..5).map(|_| visit(listener, "/200/")).collect();
        let limited = answers.last().expect("five answers");
        let context = format!("{listener} {limited:?}");
        assert_eq!(limited.status, 429, "{context}");
        let limit = limited.header("x-ratelimit-limit");
        assert!(
            limit.is_some_and(|limit| limit.starts_with('4')),
            "{context}"
        );
        assert_eq!(
            limited.header("x-ratelimit-remaining"),
            Some("0"),
            "{context}"
        );
        assert_eq!(limited.header("retry-after"), Some("7"), "{context}");
        let reason = (listener == "named").then_some("rate_limited");
        assert_eq!(limited.header("x-tidegate-page"), reason, "{context}");
    }
}
