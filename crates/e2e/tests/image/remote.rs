//! The module that Envoy itself fetches over HTTP, as Envoy Gateway configures it.

use std::fs;

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, remote_code, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::Request;
use tidegate_e2e::module;
use tidegate_e2e::upstream::{Answer, Upstream};

use super::agent::hex;
use super::has_the_filter;

/// A server that has the module, and an upstream that fails.
struct Site {
    server: Upstream,
    refused: Refused,
    sha256: String,
}

impl Site {
    fn new() -> Self {
        let module = fs::read(module()).expect("read the module");
        let answer = Answer::status(200).body("application/wasm", &module);
        Self {
            server: Upstream::start([("tidegate.wasm", answer)]),
            refused: Refused::default(),
            sha256: hex(&module),
        }
    }

    /// Returns a listener whose filter Envoy fetches. After a failure Envoy tries again, at most `retries` times.
    fn listener(&self, sha256: &str, retries: u32, failure_policy: &str) -> Value {
        let mut filter = tidegate(&module(), Some("{}"));
        let config = &mut filter["typed_config"]["config"];
        config["failure_policy"] = json!(failure_policy);
        config["vm_config"]["code"] = remote_code(self.server.address(), sha256, retries);
        // The harness takes the details of FAIL_CLOSED in an access log for a module that died.
        let listener = Listener::new("main").manager(json!({ "access_log": [] }));
        let listener = listener.filter(filter);
        listener.routes([route("/", "refused")]).json()
    }

    /// Starts an Envoy and waits until it listens. It does so when it has the module, or has given up.
    fn start(&self, listeners: Vec<Value>) -> Envoy {
        let clusters = vec![
            cluster("server", &[self.server.address()]),
            cluster("refused", &[self.refused.address()]),
        ];
        Envoy::start(&Bootstrap::new(clusters, listeners))
    }
}

#[test]
fn envoy_fetches_a_module_with_the_right_sum() {
    let site = Site::new();
    let envoy = site.start(vec![site.listener(&site.sha256, 0, "FAIL_CLOSED")]);
    assert!(has_the_filter(&envoy));
    assert_eq!(site.server.requests("tidegate.wasm"), 1);
}

#[test]
fn envoy_retries_while_the_server_is_down() {
    let site = Site::new();
    site.server.close_port();
    let envoy = site.start(vec![]);
    // Envoy Gateway asks for ten retries. More give a busy machine the time to open the port.
    envoy.offer_listeners(&[site.listener(&site.sha256, 100, "FAIL_CLOSED")]);
    envoy.wait_for_stat("cluster.server.upstream_cx_connect_fail", 2);
    assert_eq!(envoy.stat("listener_manager.total_listeners_warming"), 1);
    site.server.open_port();
    envoy.wait_for_stat("listener_manager.total_listeners_active", 1);
    assert!(has_the_filter(&envoy));
}

/// Without the module every request fails, or every request passes without the filter, as the policy
/// says.
#[test]
fn envoy_does_not_load_a_module_with_another_sum() {
    let site = Site::new();
    let wrong = hex(b"another module");
    let passed = "upstream connect error or disconnect/reset before headers";
    for (policy, status, body) in [("FAIL_CLOSED", 503, ""), ("FAIL_OPEN", 503, passed)] {
        let envoy = site.start(vec![site.listener(&wrong, 1, policy)]);
        let client = Client::new(Protocol::H1, envoy.listener("main"));
        let response = client.get(&Request::get("/").header("accept", "text/html"));
        assert_eq!(response.status, status, "{policy}");
        assert!(
            response.text().starts_with(body),
            "{policy}: {}",
            response.text()
        );
        assert_eq!(response.text().is_empty(), body.is_empty(), "{policy}");
    }
}
