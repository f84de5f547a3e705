//! The time until a worker is ready with the largest possible template.
//!
//! A running Envoy gets listeners with a small and with a large configuration in turn. The test
//! measures Envoy's processor time for each update, which other load on the machine does not
//! increase. It contains at least two starts of the filter: a canary on the main thread, in its own
//! VM, and the worker. (Each further worker adds one, seen with 1 to 16 workers.) Their mean must
//! be within the budget, including everything else that Envoy does.

use std::time::Duration;

use serde_json::{json, Value};
use tidegate_e2e::config::{cluster, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;

/// The budget for one VM.
const BUDGET: Duration = Duration::from_millis(50);
const STARTS: u32 = 2;
const ROUNDS: usize = 5;
const TEMPLATE_BYTES: usize = 256 * 1024;

/// Returns a listener with a configuration that Envoy has not seen before.
fn listener(number: usize, templates: &Value) -> Value {
    let brand = json!({ "name": format!("Shop {number}") });
    let config = json!({ "brand": brand, "templates": templates }).to_string();
    Listener::new("main")
        .filter(tidegate(&tidegate_e2e::module(), Some(&config)))
        .routes([route("/", "nowhere")])
        .json()
}

#[test]
fn largest_template_is_ready_within_the_budget() {
    let paragraph = "<p class='x'>{{title}} &amp; {{message}}</p>\n";
    let head = "<!doctype html><html lang='{{lang}}'><title>{{title}}</title>";
    let html = head.to_owned() + &paragraph.repeat((TEMPLATE_BYTES - head.len()) / paragraph.len());
    let kinds = [json!({}), json!({ "shop": { "html": html } })];
    let clusters = vec![cluster("nowhere", &[])];
    let envoy = Envoy::start(&Bootstrap::new(clusters, vec![listener(0, &kinds[0])]));
    let mut costs = [vec![], vec![]];
    for round in 0..ROUNDS {
        for (kind, templates) in kinds.iter().enumerate() {
            let listener = listener(1 + 2 * round + kind, templates);
            let made = || envoy.stat("wasm.envoy.wasm.runtime.v8.created");
            let (vms, before) = (made(), envoy.processor_time());
            envoy.replace_listeners(&[listener]);
            costs[kind].push(envoy.processor_time() - before);
            assert!(made() > vms, "no canary, or no update");
        }
    }
    assert_eq!(envoy.stat("listener_manager.lds.update_rejected"), 0);
    let [small, large] = costs.map(|mut costs| {
        costs.sort();
        costs[ROUNDS / 2]
    });
    println!("an update: {small:?}, with a template of 256 KiB {large:?} of processor time");
    assert!(large / STARTS <= BUDGET, "{large:?}");
}
