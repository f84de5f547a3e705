//! In a filter chain: what other filters and routes add to a response is on the page too, once, and what
//! other filters answer gets a page where the configuration says so.

/// The routes of Envoy Gateway that answer without a body.
mod gateway;
/// Other filters before and behind this one.
mod order;
/// Filters that refuse requests: rate limits, authorization.
mod refusals;
/// Filters that replace the pages.
mod replaced;
/// Filters that make gRPC calls of other requests.
mod transcoded;

use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{merge, tidegate, typed};
use tidegate_e2e::message::{Request, Response};

use crate::site::Site;

const ORIGIN: &str = "https://app.example";
const HSTS: &str = "strict-transport-security";

/// Returns a header that replaces others with the same name.
pub(crate) fn header(name: &str, value: &str) -> Value {
    json!({
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        "header": { "key": name, "value": value },
    })
}

/// Returns Envoy's CORS filter.
pub(crate) fn cors() -> Value {
    json!({
        "name": "envoy.filters.http.cors",
        "typed_config": typed("extensions.filters.http.cors.v3.Cors", json!({})),
    })
}

/// Returns what a virtual host has to allow requests of an origin.
pub(crate) fn allows(origin: &str) -> Value {
    let policy = typed(
        "extensions.filters.http.cors.v3.CorsPolicy",
        json!({ "allow_origin_string_match": [{ "exact": origin }] }),
    );
    json!({ "typed_per_filter_config": { "envoy.filters.http.cors": policy } })
}

#[test]
fn page_keeps_cors_and_hsts_of_other_filters() {
    let module = tidegate_e2e::module();
    let mutations =
        json!({ "mutations": { "response_mutations": [{ "append": header(HSTS, "max-age=1") }] } });
    let mutation = json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config":
            typed("extensions.filters.http.header_mutation.v3.HeaderMutation", mutations),
    });
    let filters = vec![cors(), mutation, tidegate(&module, None)];
    let site = Site::with_listeners(vec![("page", filters)], |listener| {
        listener.virtual_host(allows(ORIGIN))
    });
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("page", protocol);
        for path in [
            "/503-bare/",
            "/refused/",
            "/502-h2/",
            "/503-bare-empty/",
            "/no-cluster/",
        ] {
            let answer = client.get(&Request::get(path).header("origin", ORIGIN));
            let context = format!("{protocol:?} {path} {:?}", answer.headers);
            assert!(answer.headers.has("x-tidegate-page"), "{context}");
            assert_eq!(
                answer.header("access-control-allow-origin"),
                Some(ORIGIN),
                "{context}"
            );
            assert_eq!(answer.header(HSTS), Some("max-age=1"), "{context}");
        }
    }
}

#[test]
fn page_keeps_preserved_headers_of_routes() {
    let keep = r#"{ "headers": { "keep": ["strict-transport-security", "x-site"] } }"#;
    let module = tidegate_e2e::module();
    let filters = [("page", None), ("keep", Some(keep))]
        .map(|(name, text)| (name, vec![tidegate(&module, text)]));
    let site = Site::with_listeners(filters.to_vec(), |listener| {
        let added = [header(HSTS, "max-age=1"), header("x-site", "one")];
        listener.virtual_host(json!({ "response_headers_to_add": added }))
    });
    for protocol in [Protocol::H1, Protocol::H2] {
        for path in [
            "/503-bare/",
            "/503-bare-empty/",
            "/refused/",
            "/no-cluster/",
        ] {
            let [default, keep] = ["page", "keep"]
                .map(|listener| site.client(listener, protocol).get(&Request::get(path)));
            let one = |answer: &Response, name, value: &str| {
                let found: Vec<_> = answer.headers.all(name).collect();
                let context = format!("{name} {protocol:?} {path} {:?}", answer.headers);
                assert_eq!(found, [value.as_bytes()], "{context}");
            };
            one(&default, HSTS, "max-age=1");
            one(&keep, HSTS, "max-age=1");
            one(&keep, "x-site", "one");
        }
    }
}

#[test]
fn route_can_disable_the_filter() {
    let module = tidegate_e2e::module();
    let filters = vec![tidegate(&module, None)];
    let off = json!({ "tidegate": typed(
        "config.route.v3.FilterConfig",
        json!({ "disabled": true }),
    ) });
    let site = Site::with_listeners(vec![("page", filters)], |listener| {
        let route =
            |prefix: &str, more: Value| merge(tidegate_e2e::config::route(prefix, "refused"), more);
        listener.first_routes([route("/bare", json!({ "typed_per_filter_config": off }))])
    });
    let client = site.client("page", Protocol::H1);
    let bare = client.get(&Request::get("/bare"));
    assert_eq!(
        (bare.status, bare.headers.has("x-tidegate-page")),
        (503, false)
    );
    assert_eq!(client.get(&Request::get("/refused/")).status, 502);
}

#[test]
fn failed_tunnel_gets_one_line_of_text() {
    let module = tidegate_e2e::module();
    let site = Site::with_listeners(vec![("page", vec![tidegate(&module, None)])], |listener| {
        listener.first_routes([json!({
            "match": { "connect_matcher": {} },
            "route": { "cluster": "refused" },
        })])
    });
    let mut request = Request::new("CONNECT", "database.example:5432");
    request.authority = "database.example:5432".to_owned();
    let answer = site.client("page", Protocol::H1).get(&request);
    assert_eq!(answer.status, 502);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.text(), "502 Bad Gateway (connection_refused)\n");
}

#[test]
fn responses_of_earlier_filters_pass() {
    // Envoy passes the response of a filter that stops a request to the filters after it, but not
    // to a module that has not seen the request.
    let module = tidegate_e2e::module();
    let abort = json!({ "abort": {
        "http_status": 503, "percentage": { "numerator": 100, "denominator": "HUNDRED" },
    } });
    let fault = json!({
        "name": "envoy.filters.http.fault",
        "typed_config": typed("extensions.filters.http.fault.v3.HTTPFault", abort),
    });
    let before = vec![fault.clone(), tidegate(&module, None)];
    let after = vec![tidegate(&module, None), fault];
    let site = Site::with_filters(vec![("before", before), ("after", after)]);
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("before", protocol);
        let answer = client.get(&Request::get("/").header("accept", "text/html"));
        assert_eq!((answer.status, answer.text()), (503, "fault filter abort"));
        assert_eq!(client.get(&Request::new("HEAD", "/")).status, 503);
        assert_eq!(
            client.get(&Request::grpc("/")).header("grpc-status"),
            Some("14")
        );
        let client = site.client("after", protocol);
        let answer = client.get(&Request::get("/").header("accept", "text/html"));
        assert_eq!(answer.status, 503);
        assert_eq!(
            answer.header("x-tidegate-page"),
            Some("proxy_internal_error")
        );
    }
}
