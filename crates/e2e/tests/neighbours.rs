//! Other filters of the same proxy: another Tidegate, and filters that limit or deny requests. What they
//! answer reaches the client as they mean it.

use std::path::Path;

use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{merge, tidegate, typed};
use tidegate_e2e::message::{Request, Response};

use crate::site::{comparable, Site};

/// A plugin with a name of its own, as Istio makes one for the mesh and one for a namespace.
fn plugin(module: &Path, name: &str, more: Value) -> Value {
    let configuration = json!({
        "brand": { "name": name },
        "proxy_status": { "name": name },
        "breaker": { "mode": "disabled" },
    });
    let configuration = merge(configuration, more).to_string();
    let own = json!({ "typed_config": { "config": { "name": name } } });
    merge(tidegate(module, Some(&configuration)), own)
}

/// Returns the plugin that is closer to the upstream.
fn inner(module: &Path) -> Value {
    let route = |name: &str, more: Value| {
        let path = format!("/200/{name}");
        merge(
            json!({ "name": name, "match": { "path_prefix": path } }),
            more,
        )
    };
    let routes = [
        route("open", json!({ "breaker": { "mode": "forced_open" } })),
        route(
            "closed",
            json!({ "maintenance": { "message": "Back at noon" } }),
        ),
    ];
    plugin(module, "inner", json!({ "routes": routes }))
}

/// Returns the plugin that is closer to the client, and a place for a configuration of its own.
fn outer(module: &Path, more: Value) -> Value {
    plugin(module, "outer", more)
}

const REPLIES: [(&str, &str); 7] = [
    ("/200/open", "circuit_open"),
    ("/200/closed", "maintenance"),
    ("/refused/", "connection_refused"),
    ("/no-cluster/", "destination_unavailable"),
    ("/502/", "upstream_bad_gateway"),
    ("/502-empty/", "upstream_bad_gateway"),
    ("/502-h2/", "upstream_bad_gateway"),
];

/// Returns a request of each kind of client.
fn clients(path: &str) -> [Request; 5] {
    [
        Request::get(path).header("accept", "text/html"),
        Request::get(path).header("accept", "application/json"),
        Request::get(path),
        Request::new("HEAD", path),
        Request::grpc(path),
    ]
}

#[test]
fn outer_plugin_passes_what_an_inner_one_answers() {
    let module = tidegate_e2e::module();
    let any = json!({ "intercept": { "statuses": ["4xx", "5xx"] } });
    let wary = json!({ "security": { "inner_pages": "ignore" } });
    let site = Site::with_filters(vec![
        ("one", vec![inner(&module)]),
        ("two", vec![outer(&module, any), inner(&module)]),
        ("wary", vec![outer(&module, wary), inner(&module)]),
    ]);
    let mut requests = 0;
    for protocol in [Protocol::H1, Protocol::H2] {
        for (path, reason) in REPLIES {
            for request in clients(path) {
                for listener in ["two", "wary"] {
                    requests += 1;
                    let path = format!("{path}?{listener}-{requests}");
                    let request = Request {
                        path,
                        ..request.clone()
                    };
                    let [alone, behind] = ["one", listener].map(|listener| {
                        let answer = site.client(listener, protocol).get(&request);
                        without_times(&answer)
                    });
                    let context = format!("{listener} {protocol:?} {request:?}");
                    assert_eq!(behind, alone, "{context}");
                    let line = site.envoy.wait_for_access(listener, &request.path);
                    assert_eq!(line["reason"], *reason, "{context}");
                }
            }
        }
    }
    // One reply, one failure: the page of the first plugin that met it.
    let intercepted = "tidegate%5C.(intercepted|replies)";
    let expected = 4 * requests;
    let stats = site.envoy.wait_for_stats(intercepted, expected);
    // Both plugins report at their tick; a later failure of either shows that they have.
    let later = site
        .client("two", Protocol::H1)
        .get(&Request::get("/hang/"));
    assert_eq!(later.status, 504);
    site.envoy
        .wait_for_stats("reason%5C.http_response_timeout", 1);
    let again = site.envoy.wait_for_stats(intercepted, expected + 2);
    let sum = |stats: &[(String, u64)]| stats.iter().map(|(_, n)| n).sum::<u64>();
    assert_eq!((sum(&stats), sum(&again)), (expected, expected + 2));
}

/// Returns what must be equal: all but the times, which differ from request to request.
fn without_times(answer: &Response) -> Response {
    let mut answer = comparable(answer);
    let times = [
        "retry-after",
        "grpc-retry-pushback-ms",
        "grpc-status-details-bin",
    ];
    answer.headers = answer
        .headers
        .sorted_without(&[&times[..], &["content-length"]].concat());
    if let Ok(text) = std::str::from_utf8(&answer.body) {
        let is_ours = ["inner", "maintenance", "circuit_open", "Bad Gateway"].iter();
        let marks: Vec<_> = is_ours.filter(|mark| text.contains(**mark)).collect();
        let first = text.get(..15).unwrap_or_default();
        answer.body = format!("{first} {marks:?} {}", text.contains("outer")).into_bytes();
    }
    answer
}

/// Returns filters that answer requests themselves, each for a reason that is no failure of the proxy or
/// of an upstream.
fn limiters() -> Vec<(&'static str, Value)> {
    let filter = |name: &str, kind: &str, config: Value| json!({ "name": name, "typed_config": typed(kind, config) });
    let limit = json!({
        "stat_prefix": "limit",
        "token_bucket": { "max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s" },
        "filter_enabled": { "default_value": { "numerator": 100 } },
        "filter_enforced": { "default_value": { "numerator": 100 } },
    });
    let limit_kind = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
    let exhausted = merge(
        limit.clone(),
        json!({ "rate_limited_as_resource_exhausted": true }),
    );
    let authorize = |prefix: &str| {
        let server = json!({ "uri": "http://site.example", "cluster": "h1", "timeout": "2s" });
        let service = json!({ "server_uri": server, "path_prefix": prefix });
        let config = json!({ "http_service": service });
        filter(
            "authorize",
            "extensions.filters.http.ext_authz.v3.ExtAuthz",
            config,
        )
    };
    let abort = |abort: Value| {
        let all = json!({ "percentage": { "numerator": 100 } });
        let config = json!({ "abort": merge(all, abort) });
        filter(
            "fault",
            "extensions.filters.http.fault.v3.HTTPFault",
            config,
        )
    };
    let deny = json!({ "rules": { "action": "ALLOW", "policies": {} } });
    let buffer = json!({ "max_request_bytes": 1 });
    vec![
        ("limited", filter("limit", limit_kind, limit)),
        ("exhausted", filter("limit", limit_kind, exhausted)),
        ("authorize-401", authorize("/401")),
        ("authorize-404", authorize("/404")),
        ("authorize-429", authorize("/429")),
        (
            "denied",
            filter("rbac", "extensions.filters.http.rbac.v3.RBAC", deny),
        ),
        (
            "too-large",
            filter("buffer", "extensions.filters.http.buffer.v3.Buffer", buffer),
        ),
        ("abort-429", abort(json!({ "http_status": 429 }))),
        // A filter that answers calls with a status of its own, and not because of an HTTP status.
        ("abort-unavailable", abort(json!({ "grpc_status": 14 }))),
    ]
}

#[test]
fn limits_and_denials_of_other_filters_pass_for_every_client() {
    let module = tidegate_e2e::module();
    let names: Vec<_> = limiters()
        .into_iter()
        .map(|(name, filter)| (name, format!("{name}-alone"), filter))
        .collect();
    let all = r#"{ "intercept": { "statuses": ["5xx"] } }"#;
    let listeners = names.iter().flat_map(|(name, alone, filter)| {
        let tidegate = tidegate(&module, Some(all));
        [
            (*name, vec![tidegate, filter.clone()]),
            (alone.as_str(), vec![filter.clone()]),
        ]
    });
    let site = Site::with_filters(listeners.collect());
    for (name, alone, _) in &names {
        for protocol in [Protocol::H1, Protocol::H2] {
            let ask = |listener: &str, request: &Request| {
                comparable(&site.client(listener, protocol).get(request))
            };
            let path = "/200-empty/";
            // The first request takes the only token of a limit.
            let _ = [*name, alone].map(|listener| ask(listener, &Request::get(path)));
            let large = Request::new("POST", path).body("a=b");
            for request in [Request::get(path), large, Request::grpc(path)] {
                let [with, without] = [*name, alone].map(|listener| ask(listener, &request));
                assert_eq!(with, without, "{name} {protocol:?} {request:?}");
            }
        }
    }
}

#[test]
fn failures_of_the_proxy_are_replaced_for_calls_as_for_requests() {
    let module = tidegate_e2e::module();
    let answer = |status: u16| {
        json!({ "name": status.to_string(), "match": { "prefix": format!("/{status}") },
            "direct_response": { "status": status } })
    };
    let filters = vec![("page", vec![tidegate(&module, None)])];
    let site = Site::with_listeners(filters, |listener| {
        listener.first_routes([429, 500, 502, 503, 504].map(answer))
    });
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("page", protocol);
        for (path, is_replaced) in [
            ("/429", false),
            // An empty answer of a route is how Envoy Gateway reports an invalid configuration.
            ("/500", true),
            ("/502", true),
            ("/503", true),
            ("/504", true),
            ("/refused/", true),
            ("/hang/", true),
            ("/garbage/", true),
            ("/no-cluster/", true),
        ] {
            for request in [Request::get(path), Request::grpc(path)] {
                let answer = client.get(&request);
                let context = format!("{protocol:?} {request:?} {:?}", answer.headers);
                let is_page = answer.headers.has("x-tidegate-page");
                assert_eq!(is_page, is_replaced, "{context}");
            }
        }
    }
}
