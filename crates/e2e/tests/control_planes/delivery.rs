use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::merge;
use tidegate_e2e::message::Request;

use super::plane::{request, Plane, Settings, Site, NOT_COVERED, PAGE, PLANES};
use crate::breaker::bench::{settings, trip, wait_until};
use crate::site::{comparable, PLAIN};

/// Returns a configuration with a brand, whose circuits stay open.
fn configuration(brand: &str) -> Value {
    let open = json!({ "open": { "base": "60s", "max": "60s" } });
    json!({ "brand": { "name": brand }, "breaker": merge(settings(), open) })
}

/// Returns whether a brand is on the page for a service that fails.
fn has_brand(site: &Site, brand: &str) -> bool {
    site.ask(&request("GET", "gone", "nobody"))
        .text()
        .contains(brand)
}

#[test]
fn a_configuration_that_envoy_discovers_keeps_open_circuits() {
    let named = |brand: &str| Settings::new(Plane::Istio, configuration(brand));
    let site = Site::start(Plane::Istio, &named("Harbour"));
    trip(&site.client(PAGE, Protocol::H1), "/gone/item");
    assert!(has_brand(&site, "Harbour"));

    for (name, content) in site.extensions(&named("Lighthouse")) {
        site.envoy.replace_file(&name, &content);
    }
    wait_until("the new configuration", || {
        has_brand(&site, "Lighthouse").then_some(())
    });
    let answer = site.ask(&request("GET", "gone", "nobody"));
    assert_eq!(answer.header("x-tidegate-page"), Some("circuit_open"));

    // Of a configuration with a mistake, nothing takes effect.
    let mistaken = Settings::new(Plane::Istio, json!({ "brend": {} }));
    let rejected = "extension_config_discovery.http_filter.extensions.istio.io/wasmplugin/shop.tidegate.config_fail";
    for (name, content) in site.extensions(&mistaken) {
        site.envoy.replace_file(&name, &content);
    }
    site.envoy.wait_for_stat(rejected, 1);
    assert!(has_brand(&site, "Lighthouse"));
}

#[test]
fn a_route_that_no_policy_applies_to_passes_unchanged() {
    let plane = Plane::EnvoyGateway;
    let site = Site::start(plane, &Settings::new(plane, json!({})));
    for protocol in [Protocol::H1, Protocol::H2] {
        for request in [
            request("GET", NOT_COVERED, "nobody"),
            request("HEAD", NOT_COVERED, "nobody"),
            Request::grpc(&format!("/{NOT_COVERED}/item")),
        ] {
            let [without, with] = [PLAIN, PAGE]
                .map(|listener| comparable(&site.client(listener, protocol).get(&request)));
            assert_eq!(with, without, "{protocol:?} {request:?}");
            assert!(with.status == 503 || with.header("grpc-status") == Some("14"));
        }
    }
}

#[test]
fn a_request_that_no_route_matches_passes_unchanged() {
    for plane in PLANES {
        let site = Site::start(plane, &Settings::new(plane, json!({})));
        for protocol in [Protocol::H1, Protocol::H2] {
            let request = Request::get("/nowhere").header("accept", "text/html");
            let [without, with] = [PLAIN, PAGE]
                .map(|listener| comparable(&site.client(listener, protocol).get(&request)));
            assert_eq!(with, without, "{plane:?} {protocol:?}");
            assert_eq!(with.status, 404);
        }
    }
}
