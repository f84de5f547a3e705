use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{merge, tidegate, typed};
use tidegate_e2e::message::{Request, Response};

use crate::site::Site;

/// Replaces responses with a status of 5xx by a text, unless they have a header, if one is given.
fn custom_response(unless: Option<&str>) -> Value {
    let input = |name: &str, kind: &str, config: Value| json!({ "name": name, "typed_config": typed(kind, config) });
    let status = json!({ "single_predicate": {
        "input": input(
            "status",
            "type.matcher.v3.HttpResponseStatusCodeClassMatchInput",
            json!({}),
        ),
        "value_match": { "exact": "5xx" },
    } });
    let predicate = match unless {
        None => status,
        Some(header) => {
            let has = json!({ "single_predicate": {
                "input": input(
                    "header",
                    "type.matcher.v3.HttpResponseHeaderMatchInput",
                    json!({ "header_name": header }),
                ),
                "value_match": { "safe_regex": { "google_re2": {}, "regex": ".+" } },
            } });
            json!({ "and_matcher": { "predicate": [status, { "not_matcher": has }] } })
        }
    };
    let policy = typed(
        "extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy",
        json!({ "body": { "inline_string": "custom" } }),
    );
    let matcher = json!({ "custom_response_matcher": { "matcher_list": { "matchers": [{
        "predicate": predicate,
        "on_match": { "action": { "name": "custom", "typed_config": policy } },
    }] } } });
    json!({
        "name": "custom_response",
        "typed_config": typed(
            "extensions.filters.http.custom_response.v3.CustomResponse",
            matcher,
        ),
    })
}

fn visit(site: &Site, listener: &str, path: &str) -> Response {
    let request = Request::get(path).header("accept", "text/html");
    site.client(listener, Protocol::H1).get(&request)
}

/// Returns whether the page for a navigation is a local reply of the response phase, which no filter before
/// this one sees.
fn is_page_for_no_body(path: &str) -> bool {
    path == "/503-bare-empty/"
}

fn is_page(answer: &Response) -> bool {
    answer.text().starts_with("<!doctype html>")
}

/// It answers by a local reply, which no other filter sees. Before this one, a matcher that leaves marked
/// pages alone gives both.
#[test]
fn custom_response_replaces_pages_unless_it_leaves_the_marked_alone() {
    let page = || tidegate(&tidegate_e2e::module(), None);
    let site = Site::with_filters(vec![
        ("before", vec![custom_response(None), page()]),
        (
            "both",
            vec![custom_response(Some("x-tidegate-page")), page()],
        ),
        ("behind", vec![page(), custom_response(None)]),
    ]);
    for path in ["/502/", "/refused/"] {
        assert_eq!(visit(&site, "before", path).text(), "custom", "{path}");
        assert!(is_page(&visit(&site, "both", path)), "{path}");
        assert_eq!(visit(&site, "behind", path).text(), "custom", "{path}");
    }
    // Whatever it replaces, none of the page is left on its answer.
    let forced = r#"{ "breaker": { "mode": "forced_open" } }"#;
    let rejecting = tidegate(&tidegate_e2e::module(), Some(forced));
    let rejects = Site::with_filters(vec![("before", vec![custom_response(None), rejecting])]);
    for (site, path) in [
        (&site, "/502/"),
        (&site, "/503-bare-empty/"),
        (&site, "/refused/"),
        (&rejects, "/200/"),
    ] {
        for method in ["GET", "HEAD"] {
            let request = Request::new(method, path).header("accept", "text/html");
            let answer = site.client("before", Protocol::H1).get(&request);
            let context = format!("{method} {path} {answer:?}");
            let is_page = is_page_for_no_body(path);
            if method == "GET" && !is_page {
                assert_eq!(answer.text(), "custom", "{context}");
            }
            if !is_page {
                for name in [
                    "content-security-policy",
                    "content-language",
                    "x-tidegate-page",
                ] {
                    assert!(!answer.headers.has(name), "{name} {context}");
                }
            }
            // A call has the status 200, which the matcher of 5xx does not match.
            let call = site
                .client("before", Protocol::H1)
                .get(&Request::grpc(path));
            assert_eq!(call.header("grpc-status"), Some("14"), "{call:?}");
            assert!(call.headers.has("x-tidegate-page"), "{call:?}");
        }
    }
    // Tidegate leaves a 500 alone by default, and the other filter does not.
    assert_eq!(visit(&site, "both", "/500/").text(), "custom");
}

/// `local_reply_config` rewrites every local reply, those of the filter included: rejections, and pages for
/// responses without a body. Its filter can leave them alone.
#[test]
fn local_reply_config_with_a_body_replaces_local_replies_unless_it_leaves_them_alone() {
    let forced = r#"{ "breaker": { "mode": "forced_open" } }"#;
    let module = tidegate_e2e::module();
    let filters = [
        ("bare", None),
        ("both", None),
        ("forced", Some(forced)),
        ("forced-both", Some(forced)),
    ];
    let filters = filters.map(|(name, text)| (name, vec![tidegate(&module, text)]));
    let site = Site::with_listeners(filters.to_vec(), |listener| {
        let status = json!({ "status_code_filter": { "comparison": {
            "op": "GE", "value": { "default_value": 500, "runtime_key": "none" },
        } } });
        let is_not_ours = json!({ "extension_filter": {
            "name": "cel",
            "typed_config": typed(
                "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                json!({ "expression": "!response.code_details.startsWith('tidegate_')" }),
            ),
        } });
        let filter = match listener.name().ends_with("both") {
            true => json!({ "and_filter": { "filters": [status, is_not_ours] } }),
            false => status,
        };
        let mapper = merge(
            json!({ "filter": filter }),
            json!({ "body": { "inline_string": "mapped" } }),
        );
        listener.manager(json!({ "local_reply_config": { "mappers": [mapper] } }))
    });
    // A rewritten response is none, and Envoy's own body is replaced by the page.
    assert!(is_page(&visit(&site, "bare", "/502/")));
    assert!(is_page(&visit(&site, "bare", "/refused/")));
    // These are local replies of the filter. The body has the length and type that Envoy gives it, and the
    // headers of the page are still there.
    for (listener, path) in [("bare", "/503-bare-empty/"), ("forced", "/502/")] {
        let answer = visit(&site, listener, path);
        assert_eq!(answer.text(), "mapped", "{path}");
        assert_eq!(answer.header("content-length"), Some("6"), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain"), "{path}");
        assert!(answer.headers.has("content-security-policy"), "{path}");
        assert!(answer.headers.has("retry-after"), "{path}");
    }
    let head = Request::new("HEAD", "/502/").header("accept", "text/html");
    let head = site.client("bare", Protocol::H1).get(&head);
    assert_eq!(
        head.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for path in ["/503-bare-empty/", "/no-cluster/"] {
        assert!(is_page(&visit(&site, "both", path)), "{path}");
    }
    assert!(is_page(&visit(&site, "forced-both", "/502/")));
}
