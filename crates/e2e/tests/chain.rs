//! Between other filters: what they add to a response is on the page too.

use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{merge, tidegate, typed};
use tidegate_e2e::message::{Request, Response};

use crate::site::Site;

const ORIGIN: &str = "https://app.example";
const HSTS: &str = "strict-transport-security";

/// A header that takes the place of one of that name.
fn header(name: &str, value: &str) -> Value {
    json!({
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        "header": { "key": name, "value": value },
    })
}

#[test]
fn cors_and_hsts_of_other_filters_are_on_the_page() {
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
        // These have a body, so that the page is rewritten rather than a local reply, which passes
        // the other filters by.
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
fn what_routes_add_is_on_the_page_if_it_is_to_be_kept() {
    let keep = r#"{ "headers": { "keep": ["strict-transport-security", "x-site"] } }"#;
    let module = tidegate_e2e::module();
    let filters = [("page", None), ("keep", Some(keep))]
        .map(|(name, text)| (name, vec![tidegate(&module, text)]));
    let site = Site::with_listeners(filters.to_vec(), |listener| {
        let added = [header(HSTS, "max-age=1"), header("x-site", "one")];
        listener.virtual_host(json!({ "response_headers_to_add": added }))
    });
    for protocol in [Protocol::H1, Protocol::H2] {
        for path in ["/503-bare/", "/503-bare-empty/", "/refused/"] {
            let [default, keep] = ["page", "keep"]
                .map(|listener| site.client(listener, protocol).get(&Request::get(path)));
            let one = |answer: &Response, name, value: &str| {
                let found: Vec<_> = answer.headers.all(name).collect();
                let context = format!("{name} {protocol:?} {path} {:?}", answer.headers);
                assert!(
                    found.iter().all(|found| *found == value.as_bytes()),
                    "{context}"
                );
                // To a local reply Envoy adds them by itself; of an upstream's failure nobody can
                // tell who had added them before, so that they are kept, and stand there twice.
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
fn a_route_can_be_without_the_filter() {
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
