//! In a filter chain: headers that other filters add to a response are on the page too.

use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{merge, tidegate, typed};
use tidegate_e2e::message::{Request, Response};

use crate::site::Site;

const ORIGIN: &str = "https://app.example";
const HSTS: &str = "strict-transport-security";

/// Returns a header that replaces others with the same name.
fn header(name: &str, value: &str) -> Value {
    json!({
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        "header": { "key": name, "value": value },
    })
}

#[test]
fn page_keeps_cors_and_hsts_of_other_filters() {
    let module = tidegate_e2e::module();
    let cors = json!({
        "name": "envoy.filters.http.cors",
        "typed_config": typed("extensions.filters.http.cors.v3.Cors", json!({})),
    });
    let mutations =
        json!({ "mutations": { "response_mutations": [{ "append": header(HSTS, "max-age=1") }] } });
    let mutation = json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config":
            typed("extensions.filters.http.header_mutation.v3.HeaderMutation", mutations),
    });
    let filters = vec![cors, mutation, tidegate(&module, None)];
    let site = Site::with_listeners(vec![("page", filters)], |listener| {
        let policy = typed(
            "extensions.filters.http.cors.v3.CorsPolicy",
            json!({ "allow_origin_string_match": [{ "exact": ORIGIN }] }),
        );
        let policy = json!({ "envoy.filters.http.cors": policy });
        listener.virtual_host(json!({ "typed_per_filter_config": policy }))
    });
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("page", protocol);
        // These have a body, so the response is rewritten. A local reply would bypass the other
        // filters.
        for path in ["/503-bare/", "/refused/", "/502-h2/"] {
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
                assert!(
                    found.iter().all(|found| *found == value.as_bytes()),
                    "{context}"
                );
                // Envoy adds these to a local reply by itself. On an upstream's failure the filter
                // cannot tell who added them, so it keeps them, and they appear twice.
                let most = if path == "/503-bare-empty/" { 2 } else { 1 };
                assert!((1..=most).contains(&found.len()), "{context}");
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
