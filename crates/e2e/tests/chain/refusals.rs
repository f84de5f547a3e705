use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{tidegate, typed};
use tidegate_e2e::message::{Request, Response};

use crate::site::{comparable, Site, PLAIN};

const NAMED: &str = r#"{ "intercept": { "statuses": ["5xx", 401, 403, 429] } }"#;

fn local_ratelimit() -> Value {
    let everything = json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } });
    let limit = json!({
        "stat_prefix": "limit",
        // One request, and none after it.
        "token_bucket": { "max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s" },
        "filter_enabled": everything,
        "filter_enforced": everything,
        "response_headers_to_add": [{ "header": { "key": "retry-after", "value": "7" } }],
    });
    let kind = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
    json!({ "name": "local_ratelimit", "typed_config": typed(kind, limit) })
}

/// Asks a cluster whether a request is allowed.
fn ext_authz(cluster: &str, more: Value) -> Value {
    let service = json!({
        "server_uri": { "uri": "http://authz.example", "cluster": cluster, "timeout": "1s" },
        "authorization_response": {
            "allowed_client_headers": { "patterns": [{ "exact": "www-authenticate" }] },
        },
        "path_prefix": "/authz",
    });
    let config = tidegate_e2e::config::merge(json!({ "http_service": service }), more);
    let kind = "extensions.filters.http.ext_authz.v3.ExtAuthz";
    json!({ "name": "ext_authz", "typed_config": typed(kind, config) })
}

fn rbac() -> Value {
    let nobody = json!({ "rules": { "action": "ALLOW", "policies": {} } });
    let kind = "extensions.filters.http.rbac.v3.RBAC";
    json!({ "name": "rbac", "typed_config": typed(kind, nobody) })
}

/// Starts listeners with the filters behind this one, where it sees their answers: `name` with the statuses
/// named, `name-default` without.
fn site(rows: Vec<(&'static str, Vec<Value>)>) -> Site {
    let module = tidegate_e2e::module();
    let mut listeners = Vec::new();
    for (name, filters) in rows {
        for (suffix, configuration) in [("", Some(NAMED)), ("-default", None)] {
            let page = tidegate(&module, configuration);
            let chain = std::iter::once(page).chain(filters.clone()).collect();
            listeners.push((format!("{name}{suffix}"), chain));
        }
    }
    let listeners = listeners
        .iter()
        .map(|(name, chain): &(String, Vec<Value>)| (name.as_str(), chain.clone()));
    let site = Site::with_filters(listeners.collect());
    for (path, answer) in [("authz", 403), ("authz-401", 401)] {
        let answer = tidegate_e2e::upstream::Answer::status(answer)
            .header("www-authenticate", "Bearer")
            .body("text/plain", "denied");
        site.upstream.set(path, answer);
    }
    site
}

fn visit(site: &Site, listener: &str, protocol: Protocol) -> Response {
    let request = Request::get("/200/").header("accept", "text/html");
    site.client(listener, protocol).get(&request)
}

#[test]
fn a_rate_limit_behind_the_filter_gets_a_page_with_its_retry_after() {
    let site = site(vec![("limit", vec![local_ratelimit()])]);
    for protocol in [Protocol::H1, Protocol::H2] {
        for _ in 0..20 {
            visit(&site, "limit", protocol);
        }
        let page = visit(&site, "limit", protocol);
        assert_eq!(page.status, 429);
        assert_eq!(page.header("x-tidegate-page"), Some("rate_limited"));
        assert_eq!(page.header("retry-after"), Some("7"), "of the limiter");
        assert!(page.text().contains("data-retry-after-ms=\"7000\""));
        assert!(page.text().contains("<script>"), "the page retries");
        let call = site.client("limit", protocol).get(&Request::grpc("/200/"));
        assert_eq!(call.header("grpc-status"), Some("8"));
        assert_eq!(call.header("grpc-retry-pushback-ms"), Some("7000"));
        // By default it passes, to gRPC clients too.
        visit(&site, "limit-default", protocol);
        let passed = visit(&site, "limit-default", protocol);
        assert_eq!((passed.status, passed.text()), (429, "local_rate_limited"));
        let call = site
            .client("limit-default", protocol)
            .get(&Request::grpc("/200/"));
        assert_eq!(call.header("grpc-message"), Some("local_rate_limited"));
        assert!(!call.headers.has("x-tidegate-page"));
    }
    // Never the upstream's fault.
    let ignored = "wasmcustom.tidegate.breaker.ignored.why.rate_limited.route.200/h1";
    assert!(site.envoy.wait_for_stat(ignored, 40) >= 40);
    assert_eq!(
        site.envoy
            .stat("wasmcustom.tidegate.breaker.trips.route.200/h1"),
        0
    );
}

#[test]
fn refusals_of_authorization_get_pages_that_do_not_retry() {
    let denied = |path: &str| {
        let service = json!({ "http_service": { "path_prefix": format!("/{path}") } });
        vec![ext_authz("h1", service)]
    };
    let site = site(vec![
        ("forbidden", denied("authz")),
        ("unauthorized", denied("authz-401")),
        ("rbac", vec![rbac()]),
    ]);
    for protocol in [Protocol::H1, Protocol::H2] {
        for (listener, status, reason, code) in [
            ("forbidden", 403, "forbidden", "7"),
            ("unauthorized", 401, "unauthorized", "16"),
            ("rbac", 403, "forbidden", "7"),
        ] {
            let page = visit(&site, listener, protocol);
            let context = format!("{listener} {protocol:?} {page:?}");
            assert_eq!(page.status, status, "{context}");
            assert_eq!(page.header("x-tidegate-page"), Some(reason), "{context}");
            assert!(!page.headers.has("retry-after"), "{context}");
            assert!(page.text().starts_with("<!doctype html>"), "{context}");
            assert!(!page.text().contains("<script>"), "{context}");
            let challenge = (listener != "rbac").then_some("Bearer");
            assert_eq!(page.header("www-authenticate"), challenge, "{context}");
            let call = site.client(listener, protocol).get(&Request::grpc("/200/"));
            assert_eq!(call.header("grpc-status"), Some(code), "{listener}");
            assert_eq!(
                call.header("grpc-retry-pushback-ms"),
                Some("-1"),
                "{listener}"
            );

            let passed = visit(&site, &format!("{listener}-default"), protocol);
            assert_eq!(passed.status, status, "{context}");
            assert!(!passed.headers.has("x-tidegate-page"), "{context}");
        }
    }
}

#[test]
fn an_authorization_service_that_fails_has_its_own_reason() {
    let on_error = json!({ "status_on_error": { "code": "ServiceUnavailable" } });
    let site = site(vec![
        ("silent", vec![ext_authz("refused", json!({}))]),
        ("honest", vec![ext_authz("refused", on_error)]),
    ]);
    for protocol in [Protocol::H1, Protocol::H2] {
        for (listener, status) in [("silent", 503), ("honest", 503), ("honest-default", 503)] {
            let page = visit(&site, listener, protocol);
            assert_eq!(page.status, status, "{listener}");
            let reason = page.header("x-tidegate-page");
            assert_eq!(reason, Some("authorization_unavailable"), "{listener}");
            assert!(page.headers.has("retry-after"), "{listener}");
        }
        // By default Envoy says 403, which passes.
        let passed = visit(&site, "silent-default", protocol);
        assert_eq!(passed.status, 403);
        assert!(!passed.headers.has("x-tidegate-page"));
    }
}

/// Before this filter, another one's answer never reaches it.
#[test]
fn filters_before_this_one_answer_as_without_it() {
    let page = || tidegate(&tidegate_e2e::module(), Some(NAMED));
    let site = Site::with_filters(vec![
        ("page", vec![rbac(), page()]),
        ("alone", vec![rbac()]),
        ("limited", vec![local_ratelimit(), page()]),
    ]);
    for protocol in [Protocol::H1, Protocol::H2] {
        let [with, without] = ["page", "alone"].map(|listener| visit(&site, listener, protocol));
        assert_eq!(comparable(&with), comparable(&without));
        visit(&site, "limited", protocol);
        let limited = visit(&site, "limited", protocol);
        assert_eq!(
            (limited.status, limited.text()),
            (429, "local_rate_limited")
        );
    }
    assert_eq!(visit(&site, PLAIN, Protocol::H1).status, 200);
}
