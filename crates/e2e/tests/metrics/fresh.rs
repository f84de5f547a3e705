//! A new Envoy whose first configuration of the filter has errors. No filter runs, so the filter's own
//! counters do not exist; the alerts use Envoy's.

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{route, tidegate, typed, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::Request;
use tidegate_e2e::prometheus::Prometheus;

use super::alerts::{rules, text};

/// Istio names extensions like this.
const EXTENSION: &str = "extensions.istio.io/wasmplugin/istio-system.tidegate";

fn mistaken() -> Value {
    tidegate(&tidegate_e2e::module(), Some(r#"{ "brend": {} }"#))
}

/// Returns a filter whose configuration comes from a file.
fn discovered() -> Value {
    let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
    json!({
        "name": EXTENSION,
        "config_discovery": {
            "config_source": {
                "path_config_source": { "path": "./extension.json" },
                "initial_fetch_timeout": "1s",
            },
            "type_urls": [wasm],
        },
    })
}

/// Returns the file, with the filter in it.
fn extension() -> Value {
    let named = json!({ "name": EXTENSION, "typed_config": mistaken()["typed_config"] });
    let resource = typed("config.core.v3.TypedExtensionConfig", named);
    json!({ "resources": [resource] })
}

#[test]
fn alerts_fire_at_a_new_envoy_whose_first_configuration_is_refused() {
    let listener = Listener::new("listener").filter(mistaken());
    let mut bootstrap = Bootstrap::new(vec![], vec![listener.json()]);
    let discovering = Listener::new("discovering")
        .filter(discovered())
        .routes([route("/", "none")]);
    // Static, since Envoy refuses the listeners that it discovers.
    let more = json!({ "listeners": [discovering.json()] });
    bootstrap.more = json!({ "static_resources": more });
    bootstrap.files = vec![("extension.json".to_owned(), extension())];
    let envoy = Envoy::launch(&bootstrap);

    envoy.wait_for_stat("listener_manager.lds.update_rejected", 1);
    assert_eq!(envoy.admin().listener("listener"), None);
    let client = Client::new(Protocol::H1, envoy.listener("discovering"));
    assert_eq!(client.get(&Request::get("/")).status, 500);
    let line = envoy.wait_for_access("discovering", "/");
    assert_eq!(line["flags"], "NFCF", "{line}");
    assert_eq!(envoy.stat("wasmcustom.tidegate.config_errors"), 0);

    let prometheus = Prometheus::start(envoy.admin().address(), "envoy/alerts.yaml");
    for name in ["TidegateNoListener", "TidegateNoConfiguration"] {
        let alert = rules("alert")
            .into_iter()
            .find(|rule| rule["alert"] == name);
        let alert = alert.expect(name);
        let found = prometheus.wait_for_data(text(&alert, "expr"));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
    }
}
